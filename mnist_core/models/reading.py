"""A drawing in, both networks' answers out: what a page, the HTTP route and a room all ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.errors import BlankDrawing
from mnist_core.ink.preprocessing import Steps, preprocess
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke, ink_mask
from mnist_core.models import serving
from mnist_core.models.classifier import Answer, Classifier

OVERSAMPLING = 2
BRUSH_WIDTH_PX = 18.0  # of the Draw page's brush, on its canvas


@dataclass(frozen=True)
class Reading:
    """What became of a drawing, and what each network says of it."""

    steps: Steps
    answers: dict[str, Answer]  # by slot: "dense", "cnn"; a network that cannot answer is left out
    problems: dict[str, str]  # by slot: why it does not answer, in a sentence

    @property
    def image(self) -> np.ndarray:
        """The (28, 28) float32 image in [0, 1], white ink on black, that the networks read."""
        return self.steps.image


def read_strokes(
    strokes: Sequence[Stroke], width_px: float = BRUSH_WIDTH_PX, size_px: float = CANVAS_SIZE_PX
) -> Reading:
    """Return what the active networks say of pen strokes.

    strokes: each (n, 2) float, (x, y) with y down, in pixels of a canvas `size_px` wide and high,
    drawn with a round brush `width_px` wide.

    Raises BlankDrawing where no ink is on the canvas.
    """
    return read_ink(draw_ink(strokes, width_px, size_px))


def draw_ink(
    strokes: Sequence[Stroke], width_px: float = BRUSH_WIDTH_PX, size_px: float = CANVAS_SIZE_PX
) -> np.ndarray:
    """Return the strokes as the app's canvas shows them: (336, 336) uint8, 0 = paper.

    A canvas of another size is drawn at the app's, so that an answer does not depend on it.
    """
    if not any(len(stroke) for stroke in strokes):
        raise BlankDrawing("There is no ink to read: no stroke has a point; draw a digit.")
    factor = CANVAS_SIZE_PX / size_px * OVERSAMPLING
    points = [np.asarray(stroke)[:, :2] * factor for stroke in strokes if len(stroke)]
    mask = ink_mask(points, CANVAS_SIZE_PX * OVERSAMPLING, width_px * factor)
    return np.asarray(mask.reduce(OVERSAMPLING))


def read_ink(ink: np.ndarray) -> Reading:
    """Return what the active networks say of a drawing, in any form that `preprocess` takes.

    Raises BlankDrawing.
    """
    steps = preprocess(ink)
    answers: dict[str, Answer] = {}
    problems: dict[str, str] = {}
    for slot, network in serving.networks().items():
        if isinstance(network, Classifier):
            answers[slot] = network.answer(steps.image)
        else:
            problems[slot] = str(network)
    return Reading(steps, answers, problems)
