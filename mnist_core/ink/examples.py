"""Example drawings: strokes written down for this project, ready to land on a canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.ink.brush import path_of
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.strokes import CANVAS_SIZE_PX, STROKE_WIDTH_PX, Stroke, bounds, place


@dataclass(frozen=True)
class Example:
    """A drawing to start from."""

    name: str
    label: int | None  # None: not a digit
    variant: int = 0  # which of the label's prototypes

    @property
    def strokes(self) -> list[Stroke]:
        """The drawing in the middle of a canvas, in its pixels; drawn when it is asked for."""
        if self.label is None:
            return _centred([_heart()])
        drawn = [strokes for digit, strokes in digit_prototypes() if digit == self.label]
        return _centred(drawn[self.variant])


# Of the prototypes, those that networks trained on MNIST alone trip over.
EXAMPLES = (
    Example("slashed zero", 0, 1),
    Example("one with flag and base", 1, 6),
    Example("two with a loop", 2, 1),
    Example("flat-topped three", 3, 1),
    Example("open four", 4, 1),
    Example("five in two strokes", 5, 1),
    Example("slim six", 6, 1),
    Example("barred seven", 7, 1),
    Example("eight of two rings", 8, 1),
    Example("straight nine", 9, 0),
    Example("a heart", None),
)


def canvas_json(strokes: list[Stroke], stroke_width_px: float = STROKE_WIDTH_PX) -> dict:
    """Return the strokes as the canvas records them: one Fabric path a stroke, white."""
    return {"objects": [_path(stroke, stroke_width_px) for stroke in strokes]}


def _heart() -> Stroke:
    angle = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(angle) ** 3
    y = 13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle)
    return np.stack([x, -y], axis=1)


def _centred(strokes: list[Stroke]) -> list[Stroke]:
    placed = place(strokes, 0, 0, 0.66 * CANVAS_SIZE_PX)
    left, top, right, bottom = bounds(placed)
    offset = (CANVAS_SIZE_PX - np.array([left + right, top + bottom])) / 2
    return [stroke + offset for stroke in placed]


def _path(stroke: Stroke, width_px: float) -> dict:
    return {
        "type": "Path",
        "path": path_of(stroke),
        "stroke": "#FFFFFF",
        "strokeWidth": width_px,
        "fill": None,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
    }
