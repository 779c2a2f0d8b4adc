"""What a figure was made with: this machine and the versions of what decides about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def versions() -> dict[str, str]:
    """Return the versions of what decides about a training's outcome."""
    packages = ("tensorflow", "keras", "numpy", "scipy", "pillow")
    found = {name: importlib.metadata.version(name) for name in packages}
    return {"python": platform.python_version(), **found}


def hardware() -> str:
    """Return the processor's name and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = named[0] if named else name
    return f"{name}, {cores()} cores"


def cores() -> int:
    """Return how many cores this process may use."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
