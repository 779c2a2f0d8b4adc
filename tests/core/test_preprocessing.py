"""A drawing becomes the image that MNIST would have made of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.paste_back import paste
from mnist_core.errors import BlankDrawing
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import image_without, mnist_image, preprocess
from mnist_core.ink.strokes import draw_strokes, place

DRAWINGS = [example.strokes for example in EXAMPLES]


@pytest.mark.parametrize("shape", [(10,), (10, 10, 2), (2, 10, 10, 4), (0, 10)])
def test_a_wrong_shape_is_a_value_error_that_names_it(shape):
    with pytest.raises(ValueError, match=r"shape|pixel"):
        mnist_image(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_a_wrong_dtype_is_a_value_error_that_names_it(dtype):
    with pytest.raises(ValueError, match=np.dtype(dtype).name):
        mnist_image(np.zeros((28, 28), dtype))


@pytest.mark.parametrize("value", [0, 7, 128, 255])
@pytest.mark.parametrize("shape", [(336, 336), (336, 336, 3), (336, 336, 4)])
def test_a_canvas_of_one_colour_is_blank(shape, value):
    with pytest.raises(BlankDrawing):
        mnist_image(np.full(shape, value, np.uint8))


def test_a_dot_is_no_error_and_stays_in_the_field():
    canvas = np.zeros((336, 336, 4), np.uint8)
    canvas[100, 100] = 255
    image = mnist_image(canvas)
    assert image.shape == (28, 28)
    assert image.max() == 1


def test_the_box_is_20_pixels_and_the_mass_is_in_the_middle():
    steps = preprocess(draw_strokes(DRAWINGS[7]))
    assert max(steps.scaled.shape) == 20
    rows, columns = np.indices((28, 28))
    mass = steps.image.sum()
    assert (rows * steps.image).sum() / mass == pytest.approx(14, abs=0.5)
    assert (columns * steps.image).sum() / mass == pytest.approx(14, abs=0.5)


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_colour_polarity_and_alpha_do_not_matter(drawing):
    rgba = draw_strokes(drawing)
    white_on_black = mnist_image(rgba)
    ink = rgba[..., :1].astype(np.float32) / 255
    red_on_green = np.uint8(np.round(ink * [200, 30, 30] + (1 - ink) * [30, 200, 30]))
    see_through = np.dstack([np.zeros((*rgba.shape[:2], 3), np.uint8), rgba[..., 0]])
    for other in (255 - rgba[..., 0], rgba[..., 0], red_on_green, see_through):
        assert np.abs(mnist_image(other) - white_on_black).max() < 0.03


@settings(max_examples=40)
@given(
    number=st.integers(0, len(DRAWINGS) - 1),
    left=st.integers(0, 100),
    top=st.integers(0, 100),
)
def test_moving_a_drawing_changes_nothing(number, left, top):
    here = draw_strokes(place(DRAWINGS[number], 20, 20, 180))
    there = np.roll(here, (top, left), axis=(0, 1))
    np.testing.assert_array_equal(mnist_image(here), mnist_image(there))


@settings(max_examples=25)
@given(
    canvas=st.integers(28, 400),
    digits=st.lists(st.integers(0, 255), min_size=3, max_size=30),
    seed=st.integers(0, 99),
)
def test_any_picture_gives_an_image_or_says_that_it_is_blank(canvas, digits, seed):
    random = np.random.default_rng(seed)
    picture = random.choice(np.array(digits, np.uint8), (canvas, canvas // 2 + 1))
    try:
        image = mnist_image(picture)
    except BlankDrawing:
        return
    assert image.dtype == np.float32
    assert 0 <= image.min() < image.max() <= 1


def test_a_pasted_mnist_digit_comes_back(mnist, random):
    differences = []
    for digit in mnist.x_test[random.choice(10_000, 200, replace=False)]:
        size = int(random.integers(100, 300))
        row, column = random.integers(0, 337 - size, 2)
        image = mnist_image(paste(digit, size, row, column, 336))
        differences.append(np.abs(image - digit / 255).mean())
    assert np.mean(differences) < 0.01


def test_steps_can_be_left_out():
    aside = place(DRAWINGS[7], 20, 30, 90)  # small, in the upper left corner
    steps = preprocess(draw_strokes(aside))
    np.testing.assert_array_equal(image_without(steps), steps.image)
    rows, columns = (np.flatnonzero(steps.ink.any(axis=axis)) for axis in (1, 0))
    as_it_is = image_without(steps, crop=False, scale=False, centre=False)
    unscaled = image_without(steps, scale=False)
    uncentred = image_without(steps, centre=False)
    for found in (as_it_is, uncentred):
        middle = np.flatnonzero(found.any(axis=1)).mean() * 12 + 6
        assert middle == pytest.approx((rows[0] + rows[-1]) / 2, abs=24)
    np.testing.assert_allclose(
        [np.ptp(np.flatnonzero(as_it_is.any(axis=axis))) * 12 for axis in (1, 0)],
        [np.ptp(rows), np.ptp(columns)],
        atol=24,
    )
    assert np.ptp(np.flatnonzero(unscaled.any(axis=1))) <= 10
    assert np.ptp(np.flatnonzero(steps.image.any(axis=1))) == 19


@given(
    st.integers(-200, 300), st.integers(-200, 300), st.integers(8, 600), st.booleans(),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_whatever_is_left_out_the_field_is_28_by_28(x, y, size, crop, scale, centre):
    canvas = draw_strokes(place(DRAWINGS[4], x, y, size))
    if canvas[..., :3].max() > 60:  # some ink is left on the canvas
        image = image_without(preprocess(canvas), crop=crop, scale=scale, centre=centre)
        assert image.shape == (28, 28)
        assert image.dtype == np.float32
        assert 0 <= image.min() <= image.max() <= 1
