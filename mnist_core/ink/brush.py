"""The canvas's brush: from the places where a pen was seen to the ink that it leaves.

The canvas (Fabric.js's PencilBrush) leaves out points that hardly moved, and joins the others by
quadratic curves whose control points they are and whose ends are the middles between them. Here
the same is done to points that come without a canvas, and undone to what a canvas recorded, so
that both ways end in the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke

BRUSH_WIDTH_PX = 18.0  # of the Draw page's brush, until a visitor chooses another
LEAST_STEP_PX = 0.4  # what has moved less is left out: PencilBrush.decimate
# Where both ways of one point may differ by a rounding error, both are put on this grid; screens
# report halves, thirds and quarters of a pixel, which lie well away from its borders.
_GRID_PX = 1 / 64
_VERTEX_EVERY_PX = 3.0
_VERTICES_A_POINT = 8
_OVERSAMPLING = 2


def path_of(points: Stroke) -> list[list[Any]]:
    """Return the Fabric path (M, Q and L commands) that the canvas makes of a stroke.

    points: (n, 2) float, at least one.
    """
    kept = _on_grid(_decimated(points))
    middles = (kept[:-1] + kept[1:]) / 2
    curves = [["Q", *p, *m] for p, m in zip(kept[:-1].tolist(), middles.tolist(), strict=True)]
    return [["M", *kept[0].tolist()], *curves, ["L", *kept[-1].tolist()]]


def curve_of(points: Stroke) -> Stroke:
    """Return the line that the brush follows: (m, 2) float, a vertex about every 3 pixels.

    points: (n, 2) float, at least one, where the pen was seen, in pixels of the app's canvas.
    """
    return _along(_on_grid(_decimated(points)))


def curve_of_path(path: Sequence[Sequence[Any]]) -> Stroke:
    """Return the line along a Fabric path, as `curve_of` would for the points it was made of.

    Paths of straight lines alone are followed as they are. Raises ValueError or TypeError for
    what is no path of M, Q and L commands.
    """
    points, is_straight = _pen_points(path)
    return _on_grid(points) if is_straight else _along(_on_grid(points))


def pen_points(path: Sequence[Sequence[Any]]) -> Stroke:
    """Return the points of the pen that a Fabric path was made of: (n, 2) float.

    Raises ValueError or TypeError for what is no path.
    """
    return _pen_points(path)[0]


def seen_points(path: Sequence[Sequence[Any]]) -> Stroke:
    """Return points of a pen that the brush would make this path of: (n, 2) float.

    They are the path's own, the last but one twice, since the brush leaves one of them out.
    Raises ValueError or TypeError for what is no path.
    """
    points = pen_points(path)
    return points if len(points) < 3 else np.insert(points, -1, points[-2], axis=0)


def _pen_points(path: Sequence[Sequence[Any]]) -> tuple[Stroke, bool]:
    """Return the points, and whether straight lines alone join them."""
    points: list[tuple[float, float]] = []
    end: tuple[float, float] | None = None  # of the pen, as the last curve foretells it
    is_straight = True
    for command, *numbers in path:
        values = [float(number) for number in numbers[:4]]
        if command == "Q":
            x, y, middle_x, middle_y = values
            if is_straight:
                points.clear()  # a path begins, and ends, a hair beside the pen's own point
            points.append((x, y))
            end, is_straight = (2 * middle_x - x, 2 * middle_y - y), False
        elif command in ("M", "L"):
            x, y = values[:2]
            points.append(end or (x, y))
            end = None
    stroke = np.array(points or [(0.0, 0.0)])
    if not np.isfinite(stroke).all():
        raise ValueError("a point of the path is nowhere")
    if is_straight and len(stroke) == 2 and np.abs(stroke[1] - stroke[0]).max() < LEAST_STEP_PX:
        stroke = stroke.mean(axis=0, keepdims=True)  # a dot: the canvas gives it some length
    return stroke, is_straight


def ink_of(curves: Sequence[Stroke], widths_px: Sequence[float]) -> np.ndarray:
    """Return the canvas with these lines drawn on it: (336, 336) uint8, 0 = paper, 255 = ink.

    curves: (n, 2) float, in pixels of the app's canvas; a round brush follows each.
    """
    size_px = CANVAS_SIZE_PX * _OVERSAMPLING
    picture = Image.new("L", (size_px, size_px), 0)
    pen = ImageDraw.Draw(picture)
    for curve, width_px in zip(curves, widths_px, strict=True):
        width = max(1.0, width_px * _OVERSAMPLING)
        vertices = curve * _OVERSAMPLING
        if len(vertices) > 1:
            pen.line(vertices.ravel().tolist(), fill=255, width=round(width))
        # A round joint at every vertex: Pillow's own are drawn by six times as slow a loop.
        radius = width / 2
        for box in np.hstack([vertices - radius, vertices + radius]).tolist():
            pen.ellipse(box, fill=255)
    return np.asarray(picture.reduce(_OVERSAMPLING))


def _decimated(points: Stroke) -> Stroke:
    """Return the points that the canvas keeps once the pen is lifted.

    The last but one goes too, as it does there.
    """
    if len(points) <= 2:
        return points
    first, *middle, _, last = points.tolist()
    kept = [first]
    for x, y in middle:
        if (x - kept[-1][0]) ** 2 + (y - kept[-1][1]) ** 2 >= LEAST_STEP_PX**2:
            kept.append([x, y])
    return np.array([*kept, last])


def _near(points: Stroke) -> Stroke:
    return np.clip(points, -CANVAS_SIZE_PX, 2 * CANVAS_SIZE_PX)


def _on_grid(points: Stroke) -> Stroke:
    """Return the points on the grid, without those at the place of the one before."""
    placed = np.floor(_near(points) / _GRID_PX + 0.5) * _GRID_PX
    return placed[np.concatenate([[True], np.any(np.diff(placed, axis=0), axis=1)])]


def _along(points: Stroke) -> Stroke:
    """Return vertices along the quadratic curves that the points control."""
    if len(points) < 2:
        return points
    middles = (points[:-1] + points[1:]) / 2
    starts, controls = np.vstack([points[:1], middles[:-1]]), points[:-1]
    t = np.array([0.25, 0.5, 0.75, 1.0])[:, np.newaxis]
    pieces = (
        (1 - t) ** 2 * starts[:, np.newaxis]
        + 2 * t * (1 - t) * controls[:, np.newaxis]
        + t**2 * middles[:, np.newaxis]
    )
    fine = np.vstack([points[:1], pieces.reshape(-1, 2), points[-1:]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(fine, axis=0).T))])
    count = min(int(length[-1] / _VERTEX_EVERY_PX) + 2, _VERTICES_A_POINT * len(points))
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, fine[:, 0]), np.interp(at, length, fine[:, 1])], axis=1)
