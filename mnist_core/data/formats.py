"""Digits in the forms in which they come: NumPy's .npz, LeCun's IDX files, Kaggle's CSV.

Everything here raises DatasetError, in a sentence, for a file that is damaged or hostile.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO, cast

import numpy as np

from mnist_core.errors import DatasetError
from mnist_core.files import array_names, brief, opened_zip, read_array

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
MOST_IMAGES = 500_000
MOST_BYTES = MOST_IMAGES * (28 * 28 + 8)
LONGEST_LINE = 1 << 16  # of a CSV; Kaggle's have at most 8,000 characters
MOST_COLUMNS = 1000


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return x_train, y_train, x_test, y_test of an .npz; pickled objects are never loaded."""
    try:
        with opened_zip(path) as archive:
            missing = [name for name in IDX_FILES if name not in array_names(archive)]
            if missing:
                raise DatasetError(
                    f"{path.name} has no array {missing[0]!r}; it must hold {', '.join(IDX_FILES)}."
                )
            sizes = [archive.getinfo(f"{name}.npy").file_size for name in IDX_FILES]
            if sum(sizes) > MOST_BYTES:
                raise DatasetError(
                    f"{path.name} is larger than {MOST_IMAGES:,} images; use a smaller set."
                )
            return {name: read_array(archive, name, MOST_BYTES) for name in IDX_FILES}
    except (FileNotFoundError, ValueError) as error:
        raise DatasetError(
            f"{path.name} is no .npz of plain arrays, or a damaged one ({brief(error)}); "
            "save it with numpy.savez."
        ) from None


def read_idx_folder(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the four IDX files of a folder, gzipped or not."""
    arrays = {}
    for name, stem in IDX_FILES.items():
        found = [folder / stem, folder / f"{stem}.gz", folder / stem.replace("-idx", ".idx")]
        path = next((candidate for candidate in found if candidate.is_file()), None)
        if path is None:
            raise DatasetError(f"{folder} has no file {stem} or {stem}.gz; put it there.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        arrays[name] = read_idx(content, path.name)
    return arrays


def read_idx(content: bytes, name: str) -> np.ndarray:
    """Return the uint8 array of an IDX file's content, gzipped or not (LeCun's format).

    Raises DatasetError where the header or the length is not what the format says; a gzip file
    is unpacked no further than its own header promises.
    """
    if content[:2] != b"\x1f\x8b":
        return _read_idx(io.BytesIO(content), name)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return _read_idx(cast(IO[bytes], file), name)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{name} is a damaged gzip file ({brief(error)}); get it again."
        ) from None


def _read_idx(file: IO[bytes], name: str) -> np.ndarray:
    start = file.read(4)
    if start not in (b"\0\0\x08\x01", b"\0\0\x08\x03"):
        raise DatasetError(f"{name} is no IDX file of uint8 images or labels; get it again.")
    sizes = file.read(4 * start[3])
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    promised = math.prod(shape)
    if promised > MOST_BYTES:
        raise DatasetError(
            f"{name}: its header promises {promised:,} bytes, which is larger than "
            f"{MOST_IMAGES:,} images; use a smaller set."
        )
    pixels = file.read(promised + 1)
    if len(shape) != start[3] or len(pixels) != promised:
        held = "more" if len(pixels) > promised else f"{len(pixels):,}"
        raise DatasetError(
            f"{name} holds {held} bytes but its header promises {promised:,}; get it again."
        )
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def read_kaggle_train(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) uint8 and labels (n,) uint8 of Kaggle's train.csv."""
    values, header = _read_csv(path)
    if "label" not in header:
        raise DatasetError(f"{path.name} has no column 'label'; Kaggle's train.csv has one.")
    labels = values[:, header.index("label")]
    if len(labels) and labels.max() > 9:
        raise DatasetError(f"{path.name} has the label {labels.max()}; labels are 0 to 9.")
    return _pixels(values, header, path), labels.astype(np.uint8)


def read_kaggle_test(path: Path) -> np.ndarray:
    """Return the images (n, 28, 28) uint8 of Kaggle's test.csv, in its order."""
    values, header = _read_csv(path)
    return _pixels(values, header, path)


def _read_csv(path: Path) -> tuple[np.ndarray, list[str]]:
    try:
        # NumPy can die of characters far beyond ASCII (https://github.com/numpy/numpy/pull/31586).
        with path.open(encoding="ascii", newline="") as file:
            lines = _short_lines(file)
            header = next(csv.reader([next(lines, "")]), [])
            if len(header) > MOST_COLUMNS:
                raise DatasetError(
                    f"{path.name} has {len(header):,} columns; Kaggle's files have 785 or 784."
                )
            first_row = next(lines, "")
            if not first_row.strip():
                raise DatasetError(f"{path.name} has no rows under its header; use Kaggle's file.")
            rows = itertools.chain([first_row], lines)
            values = np.loadtxt(rows, delimiter=",", dtype=np.int16, ndmin=2, comments=None)
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}; name Kaggle's CSV.") from None
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise DatasetError(
            f"{path.name} is no table of whole numbers ({brief(error)}); use Kaggle's file."
        ) from None
    header = [column.strip().strip('"') for column in header]
    if not values.size:
        raise DatasetError(f"{path.name} has no rows under its header; use Kaggle's file.")
    if values.shape[1] != len(header):
        raise DatasetError(
            f"{path.name} has {len(header)} column names but {values.shape[1]} values a row; "
            "use Kaggle's file."
        )
    if values.min() < 0 or values.max() > 255:
        raise DatasetError(
            f"{path.name} has the value {values.min() if values.min() < 0 else values.max()}; "
            "pixels are 0 to 255."
        )
    return values, header


def _short_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; a longer line or more lines than can be are a ValueError."""
    for number in itertools.count():
        line = file.readline(LONGEST_LINE)
        if not line:
            return
        if number > MOST_IMAGES:
            raise ValueError(f"it has more than {MOST_IMAGES:,} rows")
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            raise ValueError(f"a line has more than {LONGEST_LINE:,} characters")
        yield line


def _pixels(values: np.ndarray, header: list[str], path: Path) -> np.ndarray:
    position = {column: index for index, column in enumerate(header)}
    names = [f"pixel{i}" for i in range(784)]
    missing = [name for name in names if name not in position]
    if missing:
        raise DatasetError(
            f"{path.name} has no column {missing[0]!r}; Kaggle's files have pixel0 to pixel783."
        )
    columns = [position[name] for name in names]
    return values[:, columns].astype(np.uint8).reshape(-1, 28, 28)
