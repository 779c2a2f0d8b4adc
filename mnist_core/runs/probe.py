"""What a machine would train with: asked of a worker before anything is sent to it.

The function travels to the worker as it is, so it imports nothing of this package.
"""

from __future__ import annotations

PACKAGES = ("tensorflow", "keras", "numpy", "scipy")
CODE = "mnist_core"


def probe(packages: tuple[str, ...] = PACKAGES, code: str = CODE) -> dict[str, str | None]:
    """Return the versions of Python and of packages, and a digest of this project's code.

    None stands for what is not installed there.
    """
    import hashlib
    import importlib.metadata
    import importlib.util
    import platform
    from pathlib import Path

    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    spec = importlib.util.find_spec(code)
    found[code] = None
    if spec is not None and spec.origin is not None:
        digest = hashlib.sha256()
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
        found[code] = digest.hexdigest()[:12]
    return found


def mismatch(here: dict[str, str | None], there: dict[str, str | None]) -> str:
    """Return what keeps a worker from training for this app, in a few words; "" for nothing."""
    lacking = [name for name in here if there.get(name) is None]
    if lacking:
        return f"it has no {' and no '.join(lacking)}"
    other = [
        f"{name} {there[name]} instead of {version}"
        for name, version in here.items()
        if there[name] != version
    ]
    return f"it has {', '.join(other)}" if other else ""
