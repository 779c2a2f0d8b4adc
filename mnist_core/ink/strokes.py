"""Pen strokes: what a canvas records, and how it looks once drawn.

A stroke is an (n, 2) float array of points (x, y), y down as on a canvas, joined by straight
lines; a drawing is a list of strokes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Stroke = np.ndarray
CANVAS_SIZE_PX = 336
STROKE_WIDTH_PX = 16.0


def bounds(strokes: Sequence[Stroke]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of all the points of a drawing, in its own units."""
    points = np.concatenate(list(strokes))
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def place(strokes: Sequence[Stroke], left: float, top: float, size: float) -> list[Stroke]:
    """Return the drawing scaled, aspect kept, so that its longer side is `size`, with the upper
    left corner of its bounding box at (left, top)."""
    x0, y0, x1, y1 = bounds(strokes)
    factor = size / max(x1 - x0, y1 - y0, 1e-9)
    return [(stroke - (x0, y0)) * factor + (left, top) for stroke in strokes]


def draw_strokes(
    strokes: Sequence[Stroke],
    size_px: int = CANVAS_SIZE_PX,
    stroke_width_px: float = STROKE_WIDTH_PX,
) -> np.ndarray:
    """Return the canvas with the strokes drawn on it: (size_px, size_px, 4) uint8 RGBA.

    White ink with round ends and joints on opaque black, anti-aliased, as a browser draws it.
    Points are in canvas pixels.
    """
    oversampling = 2
    large = ink_mask(
        [stroke * oversampling for stroke in strokes],
        size_px * oversampling,
        stroke_width_px * oversampling,
    )
    grey = large.reduce(oversampling)
    return np.asarray(Image.merge("RGBA", (grey, grey, grey, Image.new("L", grey.size, 255))))


def ink_mask(strokes: Sequence[Stroke], size_px: int, stroke_width_px: float) -> Image.Image:
    """Return the strokes as a grey picture, 255 where there is ink, without anti-aliasing."""
    picture = Image.new("L", (size_px, size_px), 0)
    pen = ImageDraw.Draw(picture)
    radius = stroke_width_px / 2
    for stroke in strokes:
        points = [(float(x), float(y)) for x, y in stroke]
        if len(points) > 1:
            pen.line(points, fill=255, width=max(1, round(stroke_width_px)), joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return picture
