"""Example drawings: strokes written down for this project, ready to land on a canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.glyphs import digit_prototypes
from mnist_core.strokes import CANVAS_SIZE_PX, STROKE_WIDTH_PX, Stroke, bounds, place


@dataclass(frozen=True)
class Example:
    """A drawing to start from."""

    name: str
    label: int | None  # None: not a digit
    strokes: list[Stroke]  # canvas pixels


# Which of the prototypes show something that networks trained on MNIST alone trip over.
_CHOSEN = (
    ("slashed zero", 0, 1),
    ("one with flag and base", 1, 6),
    ("two with a loop", 2, 1),
    ("flat-topped three", 3, 1),
    ("open four", 4, 1),
    ("five in two strokes", 5, 1),
    ("slim six", 6, 1),
    ("barred seven", 7, 1),
    ("eight of two rings", 8, 1),
    ("straight nine", 9, 0),
)


def examples(size_px: int = CANVAS_SIZE_PX) -> list[Example]:
    """Return the row of examples: a digit of each kind, then a heart that is none."""
    by_digit: dict[int, list[list[Stroke]]] = {}
    for label, strokes in digit_prototypes():
        by_digit.setdefault(label, []).append(strokes)
    row = [
        Example(name, label, _centred(by_digit[label][variant], size_px))
        for name, label, variant in _CHOSEN
    ]
    return [*row, Example("a heart", None, _centred([_heart()], size_px))]


def canvas_json(strokes: list[Stroke], stroke_width_px: float = STROKE_WIDTH_PX) -> dict:
    """Return the strokes as the canvas records them: one Fabric path a stroke, white."""
    return {"objects": [_path(stroke, stroke_width_px) for stroke in strokes]}


def _heart() -> Stroke:
    angle = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(angle) ** 3
    y = 13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle)
    return np.stack([x, -y], axis=1)


def _centred(strokes: list[Stroke], size_px: int) -> list[Stroke]:
    placed = place(strokes, 0, 0, 0.66 * size_px)
    left, top, right, bottom = bounds(placed)
    offset = np.array([size_px - left - right, size_px - top - bottom]) / 2
    return [stroke + offset for stroke in placed]


def _path(stroke: Stroke, width_px: float) -> dict:
    points = np.round(stroke, 1).tolist()
    commands = [["M", *points[0]], *(["L", *point] for point in points[1:])]
    return {
        "type": "Path",
        "path": commands,
        "stroke": "#FFFFFF",
        "strokeWidth": width_px,
        "fill": None,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
    }
