"""Choosing among the digits of a data set, laying them out as one image, and counting them.

Every digit of both splits has one number, its *place*: training digits first, then test digits.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mnist_core.data.mnist import Dataset
from mnist_core.errors import DatasetError
from mnist_core.models.registry import Evaluation

PAGE_SIZE = 100
COLUMNS = 10
SPLITS = ("training", "test")
ANSWERS = ("right", "unsure", "wrong")
UNSURE_BELOW = 0.9
_ROW = np.arange(28, dtype=np.float64)


@dataclass(frozen=True)
class Filter:
    """Which digits to show; an empty tuple or None means: all of them."""

    splits: tuple[str, ...] = SPLITS
    digits: tuple[int, ...] = ()
    answer: str | None = None  # one of ANSWERS; only test digits have answers
    seed: int | None = None  # None: in the data set's order


def select(dataset: Dataset, chosen: Filter, evaluation: Evaluation | None = None) -> np.ndarray:
    """Return the places (n,) int64 of the digits that the filter lets through, in its order.

    Raises DatasetError where it asks for a network's answers and they are not for these digits.
    """
    train = len(dataset.y_train)
    places = np.arange(train + len(dataset.y_test))
    keep = np.zeros(len(places), dtype=bool)
    for split in chosen.splits or SPLITS:
        keep[slice(train) if split == "training" else slice(train, None)] = True
    if chosen.digits:
        keep &= np.isin(labels_of(dataset, places), chosen.digits)
    if chosen.answer is not None:
        answered = np.zeros(len(places), dtype=bool)
        answered[train:] = _answered(dataset, chosen.answer, evaluation)
        keep &= answered
    places = places[keep]
    if chosen.seed is not None:
        places = np.random.default_rng(chosen.seed).permutation(places)
    return places


def in_words(chosen: Filter, digits: int, network: str = "") -> str:
    """Return what a filter shows: "Test images of 4 that the CNN reads wrong: 2".

    digits: how many; network: what the network is called whose answers the filter asks for.
    """
    splits = set(chosen.splits or SPLITS)
    told = "All images" if len(splits) > 1 else f"{chosen.splits[0].capitalize()} images"
    if chosen.answer is not None and "test" in splits:
        told = "Test images"
    if chosen.digits:
        *others, last = [str(digit) for digit in sorted(chosen.digits)]
        told += f" of {', '.join(others)}{' and ' if others else ''}{last}"
    if chosen.answer is not None:
        reads = "is not sure of" if chosen.answer == "unsure" else f"reads {chosen.answer}"
        told += f" that {network} {reads}"
    return f"{told}{', shuffled' if chosen.seed is not None else ''}: {digits:,}"


def fits(dataset: Dataset, evaluation: Evaluation) -> bool:
    """Return whether stored answers are about this data set's test digits."""
    return evaluation.data_digest == dataset.digest and len(evaluation.y_true) == len(
        dataset.y_test
    )


def _answered(dataset: Dataset, answer: str, evaluation: Evaluation | None) -> np.ndarray:
    """Return (m,) bool over the test digits. "unsure" is below 90 %, whether right or not."""
    if evaluation is None or not fits(dataset, evaluation):
        raise DatasetError(
            "No network's stored answers are about these test digits; choose another network, "
            "or drop the filter by answer."
        )
    if answer == "unsure":
        return evaluation.probabilities.max(axis=1) < UNSURE_BELOW
    right = evaluation.probabilities.argmax(axis=1) == dataset.y_test
    return right if answer == "right" else ~right


def images_of(dataset: Dataset, places: np.ndarray) -> np.ndarray:
    """Return the images (n, 28, 28) uint8 at these places, white ink on black."""
    return _both(dataset.x_train, dataset.x_test, np.asarray(places, dtype=np.int64))


def training_pictures(
    dataset: Dataset, indices: Sequence[int], labels: Sequence[int]
) -> np.ndarray | None:
    """Return the training images (n, 28, 28) uint8 that a run's events name.

    None where the data at hand are not those that the run learnt from: an index that is not
    there, or a digit with another label.
    """
    at = np.asarray(indices, dtype=np.int64)
    if len(at) and not 0 <= at.min() <= at.max() < len(dataset.y_train):
        return None
    if not np.array_equal(dataset.y_train[at], labels):
        return None
    return dataset.x_train[at]


def labels_of(dataset: Dataset, places: np.ndarray) -> np.ndarray:
    """Return the labels (n,) uint8 at these places."""
    return _both(dataset.y_train, dataset.y_test, np.asarray(places, dtype=np.int64))


def _both(train: np.ndarray, test: np.ndarray, places: np.ndarray) -> np.ndarray:
    in_train = places < len(train)
    found = np.empty((len(places), *train.shape[1:]), np.uint8)
    found[in_train] = train[places[in_train]]
    found[~in_train] = test[places[~in_train] - len(train)]
    return found


def split_and_index(dataset: Dataset, place: int) -> tuple[str, int]:
    """Return ("training" or "test", the index within it) of a place."""
    train = len(dataset.y_train)
    return ("training", place) if place < train else ("test", place - train)


def place_of(dataset: Dataset, split: str, index: int) -> int:
    """Return the place of a split's digit. Raises DatasetError where the split has none there."""
    digits = len(dataset.y_train) if split == "training" else len(dataset.y_test)
    if not 0 <= index < digits:
        span = f"0 to {digits - 1:,}" if digits else "none at all"
        raise DatasetError(f"There is no {split} digit {index:,}; this split has {span}.")
    return index if split == "training" else len(dataset.y_train) + index


def title_of(dataset: Dataset, place: int) -> str:
    """Return e.g. "training digit 500, labelled 3"."""
    split, index = split_and_index(dataset, place)
    return f"{split} digit {index}, labelled {labels_of(dataset, np.array([place]))[0]}"


def captions_of(
    dataset: Dataset, places: np.ndarray, evaluation: Evaluation | None = None
) -> list[str]:
    """Return each label, as "2→7" where the answers given read another digit."""
    captions = [str(label) for label in labels_of(dataset, places)]
    if evaluation is not None and fits(dataset, evaluation):
        for i in np.flatnonzero(places >= len(dataset.y_train)):
            answer = evaluation.probabilities[places[i] - len(dataset.y_train)].argmax()
            if str(answer) != captions[i]:
                captions[i] += f"→{answer}"
    return captions


def sprite(images: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Return images (n, h, w) uint8 row by row in one (h * rows, w * columns) uint8 image."""
    rows, (height, width) = max(1, -(-len(images) // columns)), images.shape[1:]
    tiles = np.zeros((rows * columns, height, width), np.uint8)
    tiles[: len(images)] = images
    laid_out = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    return laid_out.reshape(rows * height, columns * width)


def png(image: np.ndarray) -> bytes:
    """Return a uint8 image, (h, w) grey or (h, w, 3) in colour, as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def sheet_png(dataset: Dataset, places: np.ndarray) -> bytes:
    """Return all these digits on one nearly square PNG sheet."""
    columns = max(COLUMNS, int(np.ceil(np.sqrt(len(places)))))
    return png(sprite(images_of(dataset, places), columns))


def as_npz(dataset: Dataset, places: np.ndarray) -> bytes:
    """Return an .npz with x_, y_ and index_ of both splits; it can be read back as a data set."""
    in_train = places < len(dataset.y_train)
    arrays = {}
    for split, some in (("train", places[in_train]), ("test", places[~in_train])):
        arrays[f"x_{split}"] = images_of(dataset, some)
        arrays[f"y_{split}"] = labels_of(dataset, some)
        arrays[f"index_{split}"] = some - (0 if split == "train" else len(dataset.y_train))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def as_csv(dataset: Dataset, places: np.ndarray) -> bytes:
    """Return label and 784 pixels a row, in the form of Kaggle's train.csv."""
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    rows = [header]
    text = [str(value) for value in range(256)]
    for start in range(0, len(places), 1000):
        some = places[start : start + 1000]
        pixels = images_of(dataset, some).reshape(-1, 784)
        table = np.column_stack([labels_of(dataset, some), pixels]).tolist()
        rows += [",".join([text[value] for value in row]) for row in table]
    return ("\n".join(rows) + "\n").encode("ascii")


@dataclass(frozen=True)
class Statistics:
    """What the images of a data set have in common."""

    counts: np.ndarray  # (2, 10) int64: digits of each class, training and test
    means: np.ndarray  # (10, 28, 28) float64, 0 to 255: the mean training digit of each class
    spreads: np.ndarray  # (10, 28, 28) float64, 0 to 255: its standard deviation
    pixel_counts: np.ndarray  # (256,) int64: training pixels of each value
    centres: np.ndarray  # (n, 2) float64: row and column of each training digit's centre of mass

    @property
    def centres_of_ink(self) -> np.ndarray:
        """The centres (n, 2) of the digits that have ink."""
        return self.centres[np.isfinite(self.centres).all(axis=1)]

    def centres_in_words(self) -> str:
        """Return where centres of mass lie on average, and how far off they can be."""
        centres = self.centres_of_ink
        if not len(centres):
            return "There is no ink in these images."
        row, column = centres.mean(axis=0)
        farthest = np.abs(centres - (row, column)).max()
        return (
            f"On average at row {row:.3f}, column {column:.3f}; "
            f"in neither is any digit more than {farthest:.2f} pixels off."
        )


def statistics(dataset: Dataset) -> Statistics:
    """Return counts, mean and spread of each class, pixel values and centres of mass."""
    images, labels = dataset.x_train, dataset.y_train
    counts = [np.bincount(y, minlength=10) for y in (labels, dataset.y_test)]
    means, spreads = np.zeros((10, 28, 28)), np.zeros((10, 28, 28))
    for digit in np.unique(labels):
        of_digit = images[labels == digit]
        means[digit] = of_digit.mean(axis=0)
        spreads[digit] = of_digit.std(axis=0, dtype=np.float32)
    pixel_counts = np.zeros(256, np.int64)
    for start in range(0, len(images), 10_000):
        pixel_counts += np.bincount(images[start : start + 10_000].ravel(), minlength=256)
    return Statistics(np.array(counts), means, spreads, pixel_counts, centres_of_mass(images))


def centres_of_mass(images: np.ndarray) -> np.ndarray:
    """Return (n, 2) float64: row and column of each centre of mass; nan where there is no ink.

    images: (n, 28, 28) uint8. MNIST's digits were shifted by whole pixels so that it comes
    nearest to index 14, the middle of the 28 x 28 field (LeCun et al. 1998).
    """
    by_row = images.sum(axis=2, dtype=np.float64)
    by_column = images.sum(axis=1, dtype=np.float64)
    ink = by_row.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.column_stack([by_row @ _ROW / ink, by_column @ _ROW / ink])


def sprite_of_floats(images: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Return images (n, 28, 28), 0 to 255, as one uint8 image, stretched to full contrast."""
    return sprite((images * (255 / max(images.max(), 1e-9))).astype(np.uint8), columns)


def enlarged(image: np.ndarray, times: int = 4) -> np.ndarray:
    """Return a (h, w) image, every pixel a square of `times` x `times`."""
    return image.repeat(times, axis=0).repeat(times, axis=1)
