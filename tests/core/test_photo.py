"""Photos and scans: real ones are read, bad ones get a sentence."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_core.errors import BlankDrawing, UnreadableImage
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.photo import MOST_BYTES, on_canvas, read_photo
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes

INK = draw_strokes(EXAMPLES[3].strokes)[..., 0]
EXPECTED = mnist_image(INK)


def likeness(image: np.ndarray) -> float:
    """Return the correlation with the expected image; a centre of mass may fall a pixel off."""
    shifts = [np.roll(image, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    return max(np.corrcoef(shifted.ravel(), EXPECTED.ravel())[0, 1] for shifted in shifts)


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def uneven_paper(dark_ink: bool) -> Image.Image:
    """Paper lit from one corner, with grain, and the ink on it."""
    rows, columns = np.indices(INK.shape) / INK.shape[0]
    light = 120 + 110 * (1 - (rows + columns) / 2)
    paper = light if dark_ink else 255 - light
    grain = np.random.default_rng(1).normal(0, 3, INK.shape)
    ink = 40 if dark_ink else 235
    share = INK / 255
    return Image.fromarray(np.clip(paper * (1 - share) + ink * share + grain, 0, 255).astype("u1"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("dark_ink", [True, False])
def test_uneven_light_and_either_polarity_give_the_same_digit(kind, dark_ink):
    image = mnist_image(read_photo(encode(uneven_paper(dark_ink), kind)))
    assert likeness(image) > 0.9


def test_a_transparent_background_leaves_the_ink():
    rgba = np.dstack([np.zeros((*INK.shape, 3), np.uint8), INK])
    image = mnist_image(read_photo(encode(Image.fromarray(rgba))))
    assert np.abs(image - EXPECTED).mean() < 0.02


def test_the_phone_s_rotation_is_undone():
    upright = Image.fromarray(255 - INK)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    turned = encode(upright.rotate(90, expand=True), "JPEG", exif=exif)
    image = mnist_image(read_photo(turned))
    assert likeness(image) > 0.9


def test_what_lands_on_the_canvas_reads_as_the_same_image():
    canvas = np.asarray(on_canvas(INK, 336))
    assert np.abs(mnist_image(canvas) - EXPECTED).mean() < 0.03


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no PNG, JPEG or WebP"),
        (b"just text, named digit.png", "no PNG, JPEG or WebP"),
        (b"\0" * (MOST_BYTES + 1), "20 MB"),
        (encode(Image.fromarray(INK))[:400], "damaged|no PNG"),
        (encode(Image.fromarray(INK), "JPEG")[:900], "damaged"),
        (encode(Image.new("1", (10_000, 5_000))), "50 million pixels"),
        (encode(Image.new("1", (20_000, 20_000))), "pixels|too large"),
        (encode(Image.new("L", (30, 30)), "GIF"), "no PNG, JPEG or WebP"),
    ],
)
def test_a_bad_file_gets_one_sentence(content, words):
    with pytest.raises(UnreadableImage, match=words):
        read_photo(content)


def test_blank_paper_is_said_to_be_blank():
    with pytest.raises(BlankDrawing):
        read_photo(encode(Image.new("L", (200, 200), 230)))


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, 5_000), value=st.integers(0, 255), cut=st.integers(0, 300))
def test_a_damaged_file_never_crashes(position, value, cut):
    content = bytearray(encode(Image.fromarray(255 - INK).resize((90, 90)), "JPEG"))
    content[position % len(content)] = value
    try:
        ink = read_photo(bytes(content[: len(content) - cut]))
    except (UnreadableImage, BlankDrawing):
        return
    assert ink.dtype == np.uint8
