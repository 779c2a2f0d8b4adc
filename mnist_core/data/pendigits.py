"""Real pen strokes: UCI "Pen-Based Recognition of Handwritten Digits".

E. Alpaydin and F. Alimoglu, 1998, CC BY 4.0: 44 writers on a tablet; 30 of them for training,
14 who are in no training set.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from mnist_core.errors import DatasetError
from mnist_core.files import brief, opened_zip, read_array, read_member, replacing
from mnist_core.ink.strokes import Stroke

SOURCE_URL = (
    "https://archive.ics.uci.edu/static/public/81/pen+based+recognition+of+handwritten+digits.zip"
)
CONTENT_SHA256 = "69a2a39d655115a1d0461c90056eda0bda08cf4a54e2b6b419e7f608c71d682f"
MOST_DOWNLOAD_BYTES = 60_000_000
FARTHEST = 32_767  # tablet units; they are kept as int16
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
        with opened_zip(path) as archive:
            arrays = {name: read_array(archive, name, MOST_DOWNLOAD_BYTES) for name in _ARRAYS}
    except FileNotFoundError:
        raise DatasetError(
            f"There are no pen strokes at {path}; "
            "get them with: python -m mnist_core fetch pendigits"
        ) from None
    except ValueError as error:
        raise DatasetError(
            f"{path} is no file of pen strokes, or a damaged one ({brief(error)}); "
            "get them again with: python -m mnist_core fetch pendigits"
        ) from None
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
        if not len(starts) or starts[0] != 0 or starts[-1] != last or (np.diff(starts) < 1).any():
            refuse(f"{name} does not run from 0 to {last} in rising order")
    for name, least, most in (("labels", 0, 9), ("points", -FARTHEST, FARTHEST)):
        values = arrays[name]
        if values.size and not least <= int(values.min()) <= int(values.max()) <= most:
            refuse(f"{name} are not all from {least} to {most}")


def fetch(url: str = SOURCE_URL, path: Path | None = None) -> Path:
    """Download the strokes from UCI's public archive, check and keep them; return where.

    Raises DatasetError where the archive cannot be reached, or its strokes are not the ones
    that the shipped models were trained on (SHA-256 of the parsed arrays).
    """
    path = path or default_path()
    try:
        # The address is a constant of this module or the caller's own.
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            content = answer.read(MOST_DOWNLOAD_BYTES + 1)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"The strokes could not be fetched from {url} ({error}); "
            "check the network connection and try again."
        ) from None
    arrays = read_archive(content)
    if content_digest(arrays) != CONTENT_SHA256:
        raise DatasetError(f"What {url} holds are not the strokes expected; nothing was kept.")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **cast(dict[str, Any], arrays))
    return path


def read_archive(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of UCI's zip, which holds pendigits-orig.tra.Z and pendigits-orig.tes.Z.

    Raises DatasetError for anything else.
    """
    if len(content) > MOST_DOWNLOAD_BYTES:
        raise DatasetError("The archive is larger than UCI's; nothing was kept.")
    parts = []
    try:
        with opened_zip(content) as archive:
            for ending in ("tra", "tes"):
                named = [n for n in archive.namelist() if f"pendigits-orig.{ending}" in n]
                if not named:
                    raise ValueError(f"pendigits-orig.{ending} is not in it")
                packed = read_member(archive, named[0], MOST_DOWNLOAD_BYTES)
                parts.append(_parse_unipen(_uncompressed(packed)))
    except ValueError as error:
        raise DatasetError(
            f"The archive is not UCI's, or is cut off ({brief(error)}); fetch it again."
        ) from None
    (train, train_labels), (test, test_labels) = parts
    drawings = train + test
    strokes = [stroke for drawing in drawings for stroke in drawing]
    return {
        "points": np.concatenate(strokes).astype(np.int16),
        "stroke_start": _starts([len(stroke) for stroke in strokes]),
        "drawing_start": _starts([len(drawing) for drawing in drawings]),
        "labels": np.array(train_labels + test_labels, np.uint8),
        "is_test": np.arange(len(drawings)) >= len(train),
    }


def _starts(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _uncompressed(content: bytes) -> str:
    """Return the text of a member; Unix compress (.Z) goes through gzip, which reads it.

    Raises ValueError where it is damaged or swells to more than UCI's could.
    """
    if content[:2] == b"\x1f\x9d":
        gzip = shutil.which("gzip")
        if gzip is None:
            raise DatasetError("UCI's archive needs the program gzip to be read; install it.")
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            # gzip's own full path, fixed arguments.
            with subprocess.Popen(  # noqa: S603
                [gzip, "-dc"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as unpacking:
                content = cast(IO[bytes], unpacking.stdout).read(MOST_DOWNLOAD_BYTES + 1)
                if len(content) > MOST_DOWNLOAD_BYTES:
                    unpacking.kill()
                    raise ValueError("it swells to more than UCI's")
        if unpacking.returncode:
            raise ValueError("a packed member is damaged")
    return content.decode("ascii", errors="replace")


def _parse_unipen(text: str) -> tuple[list[list[np.ndarray]], list[int]]:
    """Return drawings (strokes of (n, 2) integer points, y down) and labels of a UNIPEN file."""
    drawings: list[list[np.ndarray]] = []
    labels: list[int] = []
    points: list[list[int]] | None = None
    for line in text.splitlines():
        if line.startswith(".SEGMENT DIGIT"):
            labels.append(_whole_number(line.split('"')[1:2], 0, 9))
            drawings.append([])
        elif line.startswith(".PEN_DOWN"):
            points = []
        elif line.startswith(".PEN_UP"):
            if points and drawings:
                drawings[-1].append(np.array(points))
            points = None
        elif points is not None and line.strip() and not line.startswith("."):
            x, y = (_whole_number([word], -FARTHEST, FARTHEST) for word in line.split()[:2])
            points.append([x, -y])
    if not drawings or not all(drawings):
        raise ValueError("a drawing has no strokes")
    return drawings, labels


def _whole_number(words: list[str], least: int, most: int) -> int:
    if len(words) != 1 or not least <= int(words[0][:20]) <= most:
        raise ValueError(f"it holds something else than numbers from {least} to {most}")
    return int(words[0])
