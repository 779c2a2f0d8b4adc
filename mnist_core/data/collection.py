"""People's labelled drawings as a collection: images, labels, writers; files to take along."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core import words
from mnist_core.data import people
from mnist_core.data.drawing import Drawing, check_label, checked_strokes
from mnist_core.data.mnist import Dataset
from mnist_core.errors import BlankDrawing, DatasetError, LearningError, WrongDrawing
from mnist_core.files import brief, finite, opened_zip, parse_json, read_array
from mnist_core.ink.non_digits import NOT_A_DIGIT

MOST_DRAWINGS = 100_000  # of a file
_MOST_BYTES = 400_000_000
LEAST_DRAWINGS = 20  # to learn from
_FORMAT = "people's drawings 1"


@dataclass(frozen=True)
class Collection:
    """Drawings that somebody has labelled, oldest first."""

    drawings: list[Drawing]
    images: np.ndarray  # (n, 28, 28) uint8, white ink on black: what the networks read
    labels: np.ndarray  # (n,) uint8, 0 to 9, 10 = not a digit
    writers: np.ndarray  # (n,) int64, who drew each

    def __len__(self) -> int:
        return len(self.drawings)

    def where(self, chosen: np.ndarray) -> Collection:
        """Return the drawings for which (n,) bool is True, or at these indices."""
        indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Collection(
            [self.drawings[i] for i in indices],
            self.images[indices],
            self.labels[indices],
            self.writers[indices],
        )

    @property
    def inputs(self) -> np.ndarray:
        """Return the images as networks take them: (n, 28, 28) float32 in [0, 1]."""
        return self.images.astype(np.float32) / 255

    @property
    def ids(self) -> np.ndarray:
        """Return (n,) int64, the drawings' numbers in the database."""
        return np.array([drawing.id for drawing in self.drawings], np.int64)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of images and labels."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()


def labelled() -> Collection:
    """Return all labelled drawings that nobody has hidden; those without ink are left out.

    Raises DatabaseError.
    """
    return collect(people.listed(labelled=True))


def collect(drawings: Sequence[Drawing]) -> Collection:
    """Return labelled drawings as a collection, without those that have no ink."""
    kept, images = [], []
    for drawing in drawings:
        try:
            images.append(np.round(drawing.image() * 255).astype(np.uint8))
        except BlankDrawing:
            continue
        kept.append(drawing)
    return Collection(
        kept,
        np.array(images, np.uint8).reshape(-1, 28, 28),
        np.array([drawing.label for drawing in kept], np.uint8),
        np.array([drawing.writer_id for drawing in kept], np.int64),
    )


def check_lesson(collection: Collection, dataset: Dataset) -> None:
    """Raise LearningError, in a sentence, where these drawings are nothing to learn from."""
    count, writers = len(collection), len(np.unique(collection.writers))
    if count < LEAST_DRAWINGS:
        has = words.count(count, "labelled drawing")
        raise LearningError(
            f"There is too little to learn from: {has}, and it takes {LEAST_DRAWINGS}. "
            "Draw more, and say what it is."
        )
    if writers < 2:
        raise LearningError(
            "All drawings are by one person, so nobody is left to judge by whether others gain. "
            "Let somebody else draw, too."
        )
    kinds = np.unique(collection.labels)
    if len(kinds) < 2:
        only = "not digits" if kinds[0] == NOT_A_DIGIT else f"labelled {kinds[0]}"
        raise LearningError(
            f"All drawings are {only}; a network that learns from these would see that "
            "everywhere. Let people draw other digits, too."
        )
    if dataset.is_sample or not len(dataset.x_test):
        raise LearningError(
            "Learning needs MNIST itself, to make sure that nothing is forgotten, and this machine "
            f"has {dataset.source}. Set MNIST_PATH, or let the app download it."
        )


def in_words(label: int) -> str:
    """Return a label as people say it: "7", "not a digit"."""
    return "not a digit" if label == NOT_A_DIGIT else str(label)


def as_npz(drawings: Sequence[Drawing]) -> bytes:
    """Return drawings as an .npz that `from_npz` reads: one JSON text each, and the images.

    Writers are there as the hash of their secret alone, so that the same person stays one; of who
    is no longer in the database nothing is.
    """
    hashes = people.writer_hashes()
    drawings = [drawing for drawing in drawings if drawing.writer_id in hashes]
    told = [json.dumps(_told(drawing, hashes[drawing.writer_id])) for drawing in drawings]
    collection = collect([drawing for drawing in drawings if drawing.label is not None])
    content = "\n".join(told).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        format=np.array(_FORMAT),
        drawings=np.frombuffer(content, np.uint8),
        images=collection.images,
        labels=collection.labels,
        writers=collection.writers,
    )
    return buffer.getvalue()


def _told(drawing: Drawing, writer: str) -> dict[str, Any]:
    return {
        "key": drawing.client_key,
        "writer": writer,
        "strokes": drawing.strokes,
        "width_px": drawing.width_px,
        "size_px": drawing.size_px,
        "label": drawing.label,
        "answers": drawing.answers,
        "created_at": drawing.created_at,
    }


def from_npz(content: bytes) -> list[tuple[Drawing, str]]:
    """Return the drawings of an exported file, each with its writer's hash.

    Labels come as "imported". Raises DatasetError for any other file.
    """
    try:
        with opened_zip(content) as archive:
            if str(read_array(archive, "format", 1000)) != _FORMAT:
                raise ValueError("it is of another kind")
            lines = read_array(archive, "drawings", _MOST_BYTES).tobytes().decode().split("\n")
        if len(lines) > MOST_DRAWINGS:
            raise ValueError(f"it holds more than {MOST_DRAWINGS:,} drawings")
        return [_drawing(parse_json(line)) for line in lines if line]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, WrongDrawing) as error:
        why = str(error) if isinstance(error, WrongDrawing) else brief(error)
        raise DatasetError(
            f"This is no file of people's drawings, or a damaged one ({why.rstrip('.')}); export "
            "it again with: python -m mnist_core export people"
        ) from None


def _drawing(told: dict[str, Any]) -> tuple[Drawing, str]:
    writer, label = str(told["writer"]), told["label"]
    if len(writer) != 64 or not isinstance(told["answers"], dict):
        raise ValueError("a drawing has no writer")
    created_at = finite(told["created_at"])
    if created_at is None:
        raise ValueError("a drawing has no time")
    json.dumps(told["answers"], allow_nan=False)  # no database keeps what is no number
    check_label(label, None if label is None else "imported")
    drawing = Drawing(
        str(told["key"])[:80], checked_strokes(told["strokes"]), float(told["width_px"]),
        float(told["size_px"]), label, None if label is None else "imported", told["answers"],
        created_at=created_at,
    )  # fmt: skip
    return drawing, writer


def as_csv(drawings: Sequence[Drawing]) -> bytes:
    """Return the strokes as CSV: a row a point; x and y in canvas pixels, time in ms or empty."""
    rows = ["drawing,writer,label,canvas_px,brush_px,stroke,point,x,y,ms"]
    for one in drawings:
        label = "" if one.label is None else in_words(one.label)
        head = f"{one.id},{one.writer_id},{label},{one.size_px:g},{one.width_px:g}"
        rows += [
            f"{head},{stroke},{number},{point[0]:g},{point[1]:g},"
            + (f"{point[2]:g}" if len(point) > 2 else "")
            for stroke, points in enumerate(one.strokes)
            for number, point in enumerate(points)
        ]
    return ("\n".join(rows) + "\n").encode()
