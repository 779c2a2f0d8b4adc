"""Real pen strokes: UCI "Pen-Based Recognition of Handwritten Digits".

E. Alpaydin and F. Alimoglu, 1998, CC BY 4.0: 44 writers on a tablet; 30 of them for training,
14 who are in no training set.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.errors import DatasetError
from mnist_core.strokes import Stroke

_ARRAYS = {"points": 2, "stroke_start": 1, "drawing_start": 1, "labels": 1, "is_test": 1}


@dataclass(frozen=True)
class Pendigits:
    """Drawings of digits with a pen."""

    drawings: list[list[Stroke]]  # strokes of (n, 2) float32 points (x, y), y down, tablet units
    labels: np.ndarray  # (n,) uint8, 0 to 9
    is_test: np.ndarray  # (n,) bool, True: by a writer who is in no training set
    digest: str  # SHA-256 of points, starts, labels and is_test


def default_path() -> Path:
    """Return where the strokes are looked for: $PENDIGITS_PATH, or the user's cache folder."""
    named = os.environ.get("PENDIGITS_PATH")
    return Path(named) if named else Path.home() / ".cache" / "mnist-draw" / "pendigits.npz"


def load_pendigits(path: Path | None = None) -> Pendigits:
    """Return all drawings of the file (see `default_path`).

    Raises DatasetError where the file is missing, truncated or something else.
    """
    path = path or default_path()
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
    except FileNotFoundError:
        raise DatasetError(
            f"There are no pen strokes at {path}; "
            "get them with: python -m mnist_core fetch pendigits"
        ) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is no file of pen strokes, or a damaged one: {error}") from None
    _check(arrays, path)
    starts, ends = arrays["stroke_start"][:-1], arrays["stroke_start"][1:]
    points = arrays["points"].astype(np.float32)
    strokes = [points[start:end] for start, end in zip(starts, ends, strict=True)]
    first = arrays["drawing_start"]
    return Pendigits(
        drawings=[strokes[a:b] for a, b in zip(first[:-1], first[1:], strict=True)],
        labels=arrays["labels"].astype(np.uint8),
        is_test=arrays["is_test"].astype(bool),
        digest=content_digest(arrays),
    )


def content_digest(arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 over the arrays' values, whatever container they came in."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(arrays[name], dtype="<i4").tobytes())
    return digest.hexdigest()


def _check(arrays: dict[str, np.ndarray], path: Path) -> None:
    def refuse(why: str) -> None:
        raise DatasetError(f"{path} is no file of pen strokes: {why}.")

    for name, dimensions in _ARRAYS.items():
        if arrays[name].ndim != dimensions or arrays[name].dtype.kind not in "iub":
            refuse(f"{name} has the shape {arrays[name].shape}, dtype {arrays[name].dtype}")
    count = len(arrays["labels"])
    if len(arrays["drawing_start"]) != count + 1 or len(arrays["is_test"]) != count:
        refuse("its arrays do not have as many drawings as labels")
    for name, last in (
        ("drawing_start", len(arrays["stroke_start"]) - 1),
        ("stroke_start", len(arrays["points"])),
    ):
        starts = arrays[name].astype(np.int64)
        if starts[0] != 0 or starts[-1] != last or (np.diff(starts) < 1).any():
            refuse(f"{name} does not run from 0 to {last} in rising order")
    if count and arrays["labels"].max() > 9:
        refuse(f"a label is {arrays['labels'].max()}, not 0 to 9")
