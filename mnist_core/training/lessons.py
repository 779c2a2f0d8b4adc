"""People's drawings drawn anew, in other sizes and brushes, by a hand a little different."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnist_core.data.drawing import Drawing
from mnist_core.ink.pen import another_hand, photograph
from mnist_core.ink.strokes import Stroke
from mnist_core.training.workers import workers

MOST_IMAGES = 4000  # drawn for one training
STRENGTH = 0.5  # of the change of hand; 1 is another writer (see `another_hand`)

_drawings: list[list[Stroke]] = []


def times_each(drawings: int) -> int:
    """Return how many images to draw from each drawing: fewer of more drawings."""
    return int(np.clip(MOST_IMAGES // max(drawings, 1), 2, 12))


def drawn_anew(drawings: Sequence[Drawing], images: np.ndarray, seed: int) -> np.ndarray:
    """Return (n, times, 28, 28) uint8: each drawing as it is, and drawn anew.

    images: (n, 28, 28) uint8, the drawings as they are.
    """
    global _drawings
    _drawings = [drawing.ink for drawing in drawings]
    times = times_each(len(drawings))
    tasks = [(seed, index, times - 1) for index in range(len(drawings))]
    with workers() as pool:
        again = pool.map(_draw, tasks, chunksize=20)
    return np.concatenate([images[:, np.newaxis], np.stack(again)], axis=1)


def _draw(task: tuple[int, int, int]) -> np.ndarray:
    seed, index, times = task
    random = np.random.default_rng((seed, index))
    drawn = [photograph(another_hand(_drawings[index], random, STRENGTH), random)
             for _ in range(times)]  # fmt: skip
    return np.round(np.stack(drawn) * 255).astype(np.uint8)
