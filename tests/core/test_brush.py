"""The brush: what a pen leaves is the same, whether its points or the canvas's path tell it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_core.ink import brush
from mnist_core.ink.strokes import draw_strokes, place

# Mouse and touch report whole, half, third and quarter pixels.
SCREEN_PX = st.integers(0, 336 * 12).map(lambda twelfths: twelfths / 12)
HANDS = st.lists(st.tuples(SCREEN_PX, SCREEN_PX), min_size=1, max_size=60)


def recorded(points: np.ndarray, width_px: float = 18.0) -> list[list[Any]]:
    """Return what Fabric.js records of a stroke, told from its source: decimated, corrected."""
    kept = list(points)
    if len(points) > 2:
        kept = [points[0]]
        for point in points[1:-2]:
            if ((point - kept[-1]) ** 2).sum() >= 0.4**2:
                kept.append(point)
        kept.append(points[-1])
    hair = width_px / 1000
    if len(kept) == 1:
        x, y = kept[0]
        return [["M", x - hair, y], ["L", x + hair, y]]
    many = len(kept) > 2
    first = np.sign(kept[2] - kept[1]) if many else np.array([1, 0])
    path: list[list[Any]] = [["M", *(kept[0] - first * hair)]]
    for start, end in zip(kept[:-1], kept[1:], strict=True):
        if not np.array_equal(start, end):
            path.append(["Q", *start, *(start + (end - start) / 2)])
    last = np.sign(kept[-1] - kept[-2]) if many else np.array([1, 0])
    return [*path, ["L", *(kept[-1] + last * hair)]]


@given(HANDS)
@example([(0.0, 1 / 6), (0.0, 0.5)])  # hardly moved, and yet no dot
def test_points_and_the_path_recorded_of_them_leave_the_same_ink(hand):
    points = np.array(hand, float)
    told = brush.ink_of([brush.curve_of(points)], [18])
    seen = brush.ink_of([brush.curve_of_path(recorded(points))], [18])
    np.testing.assert_array_equal(told, seen)


def test_a_stroke_looks_as_it_was_drawn(random):
    for _ in range(5):
        stroke = np.cumsum(random.normal(0, 9, (40, 2)), axis=0)
        stroke = place([stroke], 60, 60, 200)[0]
        points = np.repeat(stroke, 4, axis=0) + random.normal(0, 0.5, (160, 2))
        drawn = brush.ink_of([brush.curve_of(points)], [18]).astype(float)
        reference = draw_strokes([points], 336, 18)[..., 0]
        assert np.abs(drawn - reference).mean() < 4  # of 255


def test_what_is_loaded_is_recorded_as_the_canvas_would():
    stroke = np.array([[10.003, 10.14], [40.777, 12], [80, 50], [81, 90], [60, 120]])
    told = brush.ink_of([brush.curve_of(stroke)], [16])
    loaded = brush.ink_of([brush.curve_of_path(brush.path_of(stroke))], [16])
    np.testing.assert_array_equal(told, loaded)


def test_a_dot_is_round():
    ink = brush.ink_of([brush.curve_of(np.array([[100.0, 200.0]]))], [20])
    rows, columns = np.nonzero(ink > 127)
    assert (rows.mean(), columns.mean()) == pytest.approx((200, 100), abs=0.6)
    assert (ink > 127).sum() == pytest.approx(np.pi * 10**2, rel=0.08)


@pytest.mark.parametrize(
    "path", [[["M", "a", 1]], [["Q", 1, 2]], [[]], [7], ["MQ"], [["M", float("nan"), 0]]]
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises((ValueError, TypeError)):
        brush.curve_of_path(path)
