"""Example drawings: strokes written down for this project, ready to land on a canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.ink.brush import path_of
from mnist_core.ink.glyphs import digit_styles
from mnist_core.ink.strokes import CANVAS_SIZE_PX, STROKE_WIDTH_PX, Stroke, bounds, place


@dataclass(frozen=True)
class Example:
    """A drawing to start from."""

    name: str
    label: int | None  # None: not a digit
    style: str = ""  # as `glyphs` names it
    variant: int = 0  # which of the style's prototypes

    @property
    def strokes(self) -> list[Stroke]:
        """The drawing in the middle of a canvas, in its pixels; drawn when it is asked for."""
        if self.label is None:
            return _centred([_heart()])
        key = (self.label, self.style)
        style = next(style for style in digit_styles() if (style.digit, style.name) == key)
        return _centred(list(style.prototypes[self.variant]))


# Of the prototypes, those that networks trained on MNIST alone trip over.
EXAMPLES = (
    Example("slashed zero", 0, "slashed", 1),
    Example("one with flag and base", 1, "flag and foot"),
    Example("two with a loop", 2, "looped"),
    Example("flat-topped three", 3, "flat top"),
    Example("open four", 4, "open", 1),
    Example("five with its hat apart", 5, "hat apart"),
    Example("slim six", 6, "plain", 1),
    Example("barred seven", 7, "barred"),
    Example("eight of two rings", 8, "two rings"),
    Example("straight nine", 9, "straight"),
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
