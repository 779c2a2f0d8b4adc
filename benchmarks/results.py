"""Dated result files: what was measured, when, with what, on which machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.files import write_json
from mnist_core.training.machine import hardware, versions

FOLDER = Path(__file__).resolve().parent / "results"


def keep(name: str, figures: dict[str, object], notes: str = "") -> Path:
    """Write figures to `benchmarks/results/DATE-NAME.json` and return the path.

    The file says the command, the machine and the versions beside the figures; a second run on
    the same day replaces the first.
    """
    now = datetime.now(UTC)
    path = FOLDER / f"{now:%Y-%m-%d}-{name}.json"
    path.parent.mkdir(exist_ok=True)
    program = Path(sys.argv[0])
    module = program.parent.name if program.stem == "__main__" else program.stem
    command = " ".join([f"python -m benchmarks.{module}", *sys.argv[1:]])
    about = {"measured_at": now.isoformat(timespec="seconds"), "command": command}
    about |= {"hardware": hardware(), "versions": versions()} | ({"notes": notes} if notes else {})
    write_json(path, {**about, "figures": figures})
    return path
