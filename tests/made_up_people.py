"""People's drawings as they lie in the database: this project's prototypes, by made-up hands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.serving import own_artifacts
from mnist_core.data import people
from mnist_core.data.drawing import Drawing
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand
from mnist_core.ink.strokes import CANVAS_SIZE_PX, place
from tests.made_up_models import make_data


def live_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live in a folder with the models that ship, no people yet, and a data set of noise."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(own_artifacts(folder)))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    make_data(folder / "data.npz")
    monkeypatch.setenv("MNIST_PATH", str(folder / "data.npz"))


def drawing(digit: int, writer: int, number: int, label: int | None) -> Drawing:
    """Return one drawing of a digit, labelled as whatever."""
    prototypes = [strokes for of, strokes in digit_prototypes() if of == digit]
    random = np.random.default_rng((digit, writer, number))
    strokes = another_hand(prototypes[number % len(prototypes)], random, 0.6)
    placed = [stroke.round(1).tolist() for stroke in place(strokes, 70, 60, 190)]
    source = None if label is None else "said"
    return Drawing(f"{digit}-{writer}-{number}", placed, 18, CANVAS_SIZE_PX, label, source)


def fill(
    writers: int = 3, each: int = 10, digits: Sequence[int] = range(10), wrong: int = 0
) -> list[int]:
    """Add drawings to the database, the first `wrong` of them labelled as the next digit.

    Return their ids; writer w holds the token "writer w".
    """
    ids = []
    for writer in range(writers):
        for number in range(each):
            digit = digits[number % len(digits)]
            label = (digit + 1) % 10 if len(ids) < wrong else digit
            ids.append(people.add(drawing(digit, writer, number, label), f"writer {writer}"))
    return ids
