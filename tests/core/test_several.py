"""Several digits side by side: each alone, and one digit of several strokes still one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.numbers import compose, composed
from mnist_core.errors import BlankDrawing
from mnist_core.ink.brush import ink_of
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.several import MOST_MARKS, group, parts_of_picture, parts_of_strokes
from mnist_core.ink.strokes import place

PROTOTYPES = digit_prototypes()


def in_a_row(text: str, seed: int = 0):
    """The number as its prototypes of most strokes, each chosen of them at random."""
    random = np.random.default_rng(seed)
    chosen = []
    for digit in text:
        ways = [strokes for label, strokes in PROTOTYPES if label == int(digit)]
        chosen.append(ways[int(random.integers(len(ways)))])
    return compose(chosen, [int(digit) for digit in text], random)


@pytest.mark.parametrize("number", range(len(PROTOTYPES)))
def test_no_prototype_is_cut_apart(number):
    """Bars and flags apart, fours of two strokes, zeros with a slash."""
    strokes = PROTOTYPES[number][1]
    assert group(strokes) == [list(range(len(strokes)))]


@pytest.mark.parametrize("text", ["42", "11", "2026", "57", "44455"])
def test_digits_in_a_row_are_told_apart_from_left_to_right(text):
    number = in_a_row(text)
    found = group(number.strokes)
    assert [{number.digit_of[i] for i in members} for members in found] == [
        {i} for i in range(len(text))
    ]
    backwards = group(number.strokes[::-1])  # whichever was drawn first
    last = len(number.strokes) - 1
    assert [sorted(last - i for i in members) for members in backwards] == found


def test_of_real_hands_few_numbers_are_parted_wrongly(pendigits):
    training = np.flatnonzero(~pendigits.is_test)
    drawings = [pendigits.drawings[i] for i in training]
    assert np.mean([len(group(strokes)) > 1 for strokes in drawings[::10]]) < 0.01
    random = np.random.default_rng(9)
    numbers = [composed(drawings, pendigits.labels[training], random) for _ in range(100)]
    assert np.mean([len(group(one.strokes)) == len(one.text) for one in numbers]) > 0.95


def test_each_part_is_drawn_alone_as_large_as_a_single_digit():
    number = in_a_row("42")
    parts = parts_of_strokes(number.strokes, [number.brush_px] * len(number.strokes))
    assert len(parts) == 2
    (left, top, right, bottom), (next_left, *_) = parts[0].box, parts[1].box
    assert 0 <= left < right <= next_left + number.brush_px
    assert 0 <= top < bottom <= 336
    for part in parts:
        rows = np.flatnonzero(part.ink.any(axis=1))
        assert 190 <= max(np.ptp(rows), np.ptp(np.flatnonzero(part.ink.any(axis=0)))) <= 215
    four = [s for s, digit in zip(number.strokes, number.digit_of, strict=True) if digit == 0]
    alone = mnist_image(ink_of(place(four, 68, 68, 200), [8.0] * len(four)))
    np.testing.assert_allclose(mnist_image(parts[0].ink), alone, atol=0.02)


def test_a_picture_of_a_number_is_parted_as_its_strokes_are():
    number = in_a_row("2026")
    ink = ink_of(number.strokes, [8.0] * len(number.strokes))
    parts = parts_of_picture(ink)
    assert len(parts) == 4
    total = np.max([part.ink for part in parts], axis=0)
    np.testing.assert_array_equal(total, ink)  # nothing is lost, nothing added
    by_stroke = parts_of_strokes(number.strokes, [8.0] * len(number.strokes))
    for part, other in zip(parts, by_stroke, strict=True):
        np.testing.assert_allclose(part.box, other.box, atol=4)
    assert parts_of_picture(np.zeros((336, 336), np.uint8)) == []


def test_dots_scribbles_and_what_left_the_canvas_are_no_further_digits():
    one, two = np.array([[50.0, 50], [50, 250]]), np.array([[200.0, 50], [200, 250]])
    dot = np.array([[125.0, 150]])
    assert group([one, two]) == [[0], [1]]
    assert group([one, dot]) == [[0, 1]]
    assert group([one, dot, two]) == [[0], [2]]
    hatching = [one + np.array([4.0 * i, 0]) for i in range(MOST_MARKS + 1)]
    assert len(group(hatching)) == 1
    assert group([]) == [[]]
    away = two + np.array([400.0, 0])
    assert parts_of_strokes([one, away], [18, 18]) == []
    with pytest.raises(BlankDrawing):
        mnist_image(ink_of([away], [18]))
