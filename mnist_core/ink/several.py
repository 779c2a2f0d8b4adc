"""Several digits side by side: which strokes, or which marks of a picture, make up each of them.

Two marks belong to one digit or to two, and how they lie to each other tells: how far they overlap
from left to right and from top to bottom, how wide the narrower is, how far apart their tops and
bottoms lie, and how near they come to each other. A weighed sum of these decides, as a logistic
regression found it on digits of pendigits' training writers, alone and set side by side
(`python -m benchmarks.numbers --fit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist

from mnist_core.ink.brush import ink_of
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke, bounds, place

MOST_DIGITS = 20
MOST_MARKS = 60  # more of them are a scribble, which nobody reads digit by digit
# Of the columns of `relations`.
WEIGHTS = np.array([21.3, -16.6, 1.6, -27.4, -5.6])
CONSTANT = 10.0
FAR = 0.3  # in heights: what lies farther apart is no less one digit for it
# A row of so many digits is as wide as twelve are high: flat strokes alone make no height.
WIDEST_ROW = 12.0
LEAST_SIZE = 0.15  # in heights: what is smaller all around is a dot, a comma or a slip of the pen
# One of several is small for its brush, and so blurred. Its strokes are drawn anew, so large, with
# a line no broader than this: what both networks together read best of the drawings of the
# training writers that validate (6 to 26 pixels were tried).
ALONE_PX = 200.0
ALONE_BRUSH_PX = 8.0
_POINTS = 48  # by which a mark is measured
_INKED = 64


@dataclass(frozen=True)
class Part:
    """One digit of several."""

    box: tuple[float, float, float, float]  # left, top, right, bottom of its ink, canvas pixels
    ink: np.ndarray  # (336, 336) uint8, 0 = paper: the digit alone, for `preprocess`


def parts_of_strokes(curves: Sequence[Stroke], widths_px: Sequence[float]) -> list[Part]:
    """Return each digit of a number, left to right; none where the strokes are one digit.

    curves: each (n, 2) float, the lines that the brush follows, in canvas pixels; widths_px: of
    the brush, one for each.
    """
    seen = [
        (np.clip(curve, 0, CANVAS_SIZE_PX), width)
        for curve, width in zip(curves, widths_px, strict=True)
        if _is_on_canvas(curve)
    ]
    digits = group([curve for curve, _ in seen]) if seen else []
    if len(digits) < 2:
        return []
    return [_drawn_alone([seen[i] for i in members]) for members in digits]


def parts_of_picture(ink: np.ndarray) -> list[Part]:
    """Return each digit of a number, left to right; none where the picture is of one digit.

    ink: (336, 336) uint8, 0 = paper. Digits that touch are one.
    """
    marks = _marks(ink)
    digits = group([middle for _, middle in marks])
    if len(digits) < 2:
        return []
    return [_cut_out(ink, [marks[i][0] for i in members]) for members in digits]


def group(marks: Sequence[Stroke]) -> list[list[int]]:
    """Return which marks make up each digit, as their numbers, the digits from left to right.

    marks: each (n, 2) float, points (x, y) along the middle of its line, n at least 1. Dots beside
    several digits are in no group. What is a scribble (more than 60 marks, or more than 20 digits)
    is one group, with everything in it.
    """
    everything = [list(range(len(marks)))]
    if not 1 < len(marks) <= MOST_MARKS:
        return everything
    first, second = np.triu_indices(len(marks), 1)
    belong = relations(marks) @ WEIGHTS + CONSTANT > 0
    digit = np.arange(len(marks))
    for one, other in zip(first[belong], second[belong], strict=True):
        digit[digit == digit[other]] = digit[one]
    found = [np.flatnonzero(digit == number).tolist() for number in np.unique(digit)]
    least = LEAST_SIZE * _height(marks)
    digits = [members for members in found if _size([marks[i] for i in members]) >= least]
    if not 1 < len(digits) <= MOST_DIGITS:
        return everything
    return sorted(digits, key=lambda members: _middle([marks[i] for i in members]))


def relations(marks: Sequence[Stroke]) -> np.ndarray:
    """Return how every two marks lie to each other: (n (n - 1) / 2, 5) float.

    Rows follow `np.triu_indices(n, 1)`. Columns, in heights of all that is written: overlap from
    left to right (a gap is less than 0), width of the narrower, tops and bottoms apart, distance
    (up to `FAR`), overlap from top to bottom.
    """
    unit = _height(marks)
    lines = [_evenly(mark) / unit for mark in marks]
    least = np.array([line.min(axis=0) for line in lines])
    most = np.array([line.max(axis=0) for line in lines])
    i, j = np.triu_indices(len(lines), 1)
    overlap = np.minimum(most[i], most[j]) - np.maximum(least[i], least[j])
    wide = most[:, 0] - least[:, 0]
    narrower = np.minimum(wide[i], wide[j])
    uneven = np.abs(least[i, 1] - least[j, 1]) + np.abs(most[i, 1] - most[j, 1])
    distance = [cdist(lines[a], lines[b]).min() for a, b in zip(i, j, strict=True)]
    near = np.minimum(distance, FAR)
    return np.column_stack([overlap[:, 0], narrower, uneven, near, overlap[:, 1]])


def _is_on_canvas(curve: Stroke) -> bool:
    return bool(((curve >= 0) & (curve <= CANVAS_SIZE_PX)).all(axis=1).any())


def _drawn_alone(strokes: Sequence[tuple[Stroke, float]]) -> Part:
    curves, widths_px = [curve for curve, _ in strokes], np.array([width for _, width in strokes])
    left, top, right, bottom = bounds(curves)
    factor = ALONE_PX / max(_size(curves), 1.0)
    margin_px = (CANVAS_SIZE_PX - ALONE_PX) / 2
    brush_px = np.minimum(widths_px * factor, ALONE_BRUSH_PX).tolist()
    half_px = float(widths_px.max()) / 2
    return Part(
        (left - half_px, top - half_px, right + half_px, bottom + half_px),
        ink_of(place(curves, margin_px, margin_px, ALONE_PX), brush_px),
    )


def _marks(ink: np.ndarray) -> list[tuple[np.ndarray, Stroke]]:
    """Return what hangs together in a picture, the largest 60 of it: a mask (h, w) bool, and
    points (n, 2) float along the middle of its line."""
    labels, count = ndimage.label(ink > _INKED, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    places = ndimage.find_objects(labels)
    marks = []
    for number in np.argsort(-sizes, kind="stable")[:MOST_MARKS]:
        rows, columns = places[number]
        mask = labels[rows, columns] == number + 1
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        y, x = np.nonzero(depth >= 0.6 * np.percentile(depth[mask], 90))
        middle = np.column_stack([x + columns.start, y + rows.start]).astype(float)
        marks.append((labels == number + 1, middle))
    return marks


def _cut_out(ink: np.ndarray, masks: Sequence[np.ndarray]) -> Part:
    """Return the marks with the soft edges around them."""
    mask = np.logical_or.reduce(masks)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return Part(
        (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        np.where(ndimage.binary_dilation(mask, iterations=2), ink, 0).astype(np.uint8),
    )


def _evenly(mark: Stroke) -> Stroke:
    """Return points of a mark that leave nothing out: every so many of them, and its extremes."""
    every = -(-len(mark) // _POINTS)
    ends = [*mark.argmin(axis=0), *mark.argmax(axis=0)]
    return np.concatenate([mark[::every], mark[ends]])


def _middle(marks: Sequence[Stroke]) -> float:
    left, _, right, _ = bounds(marks)
    return (left + right) / 2


def _size(marks: Sequence[Stroke]) -> float:
    left, top, right, bottom = bounds(marks)
    return max(right - left, bottom - top)


def _height(marks: Sequence[Stroke]) -> float:
    left, top, right, bottom = bounds(marks)
    return max(bottom - top, (right - left) / WIDEST_ROW, 1e-6)
