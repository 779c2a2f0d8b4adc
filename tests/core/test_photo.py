"""Photos and scans: real ones are read, bad ones get a sentence."""

import io

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

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


# How a picture is stored that a phone's EXIF note turns back, by the note's number.
STORED = {
    1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270",
}  # fmt: skip


@pytest.mark.parametrize(("note", "stored"), STORED.items())
def test_every_rotation_of_a_phone_is_undone(note, stored):
    picture = Image.fromarray(255 - INK)
    if stored is not None:
        picture = picture.transpose(Image.Transpose[stored])
    exif = Image.Exif()
    exif[0x0112] = note
    assert likeness(mnist_image(read_photo(encode(picture, "JPEG", exif=exif)))) > 0.9


def in_mode(mode: str) -> Image.Image:
    """The digit, dark on light, in one of Pillow's modes."""
    grey = 255 - INK
    if mode.startswith("I"):
        return Image.fromarray(grey.astype(np.uint16) * 200)
    if mode == "LA":
        return Image.merge("LA", (Image.fromarray(grey), Image.new("L", grey.shape[::-1], 255)))
    return Image.fromarray(grey).convert("RGB").convert(mode)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "P"), ("PNG", "LA"), ("PNG", "I;16"), ("PNG", "1"), ("JPEG", "CMYK"),
        ("TIFF", "CMYK"), ("TIFF", "I;16"), ("TIFF", "L"), ("GIF", "P"), ("BMP", "RGB"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_is_read(kind, mode):
    assert likeness(mnist_image(read_photo(encode(in_mode(mode), kind)))) > 0.9


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_a_moving_picture_the_first_frame_counts(kind):
    first, later = Image.fromarray(255 - INK), Image.fromarray(255 - INK.T)
    moving = encode(first, kind, save_all=True, append_images=[later])
    assert likeness(mnist_image(read_photo(moving))) > 0.9


def test_a_phone_s_heic_is_read():
    pillow_heif.register_heif_opener()
    photo = encode(Image.fromarray(255 - INK).convert("RGB"), "HEIF")
    assert likeness(mnist_image(read_photo(photo))) > 0.9


def test_a_hundred_megabytes_of_text_in_a_png_are_refused():
    notes = PngInfo()
    notes.add_text("comment", "a" * 100_000_000, zip=True)
    with pytest.raises(UnreadableImage, match="damaged"):
        read_photo(encode(Image.fromarray(255 - INK), pnginfo=notes))


def shadowed(edge_px: float) -> Image.Image:
    """Thin dark ink on paper, half of which lies in the shadow of something with a corner."""
    thin = draw_strokes([np.asarray(s) for s in EXAMPLES[3].strokes], stroke_width_px=6)[..., 0]
    rows, columns = np.indices(thin.shape)
    inside = np.minimum(columns - 100 + 0.4 * rows, rows - 60 - 0.2 * columns)
    light = 220 * (1 - 0.45 * np.clip(inside / edge_px + 0.5, 0, 1))
    return Image.fromarray((light * (1 - 0.8 * (thin / 255.0))).astype("u1"))


@pytest.mark.parametrize("edge_px", [4, 12, 30])
def test_a_shadow_s_edge_is_no_ink(edge_px):
    """The light was once smoothed over a third of the picture, and a shadow's edge was read."""
    ink = read_photo(encode(shadowed(edge_px)))
    thin = draw_strokes([np.asarray(s) for s in EXAMPLES[3].strokes], stroke_width_px=14)[..., 0]
    assert ink[thin == 0].sum() < 0.03 * ink.sum()
    assert (ink > 60)[thin > 0].sum() > 500


def test_what_lands_on_the_canvas_reads_as_the_same_image():
    canvas = np.asarray(on_canvas(INK, 336))
    assert np.abs(mnist_image(canvas) - EXPECTED).mean() < 0.03


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no PNG, JPEG, WebP"),
        (b"just text, named digit.png", "no PNG, JPEG, WebP"),
        (b"\0" * (MOST_BYTES + 1), "20 MB"),
        (encode(Image.fromarray(INK))[:400], "damaged|no PNG"),
        (encode(Image.fromarray(INK), "JPEG")[:900], "damaged"),
        (encode(Image.new("1", (10_000, 5_000))), "50 million pixels"),
        (encode(Image.new("1", (20_000, 20_000))), "pixels|too large"),
        (
            b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
            "SVG.*save it as a PNG",
        ),
    ],
)
def test_a_bad_file_gets_one_sentence(content, words):
    with pytest.raises(UnreadableImage, match=words):
        read_photo(content)


def test_blank_paper_is_said_to_be_blank():
    with pytest.raises(BlankDrawing):
        read_photo(encode(Image.new("L", (200, 200), 230)))


@pytest.mark.parametrize("paper", [60_000, 3_900, 40, -100.0, 0.9])
def test_blank_paper_of_more_than_8_bits_is_blank(paper):
    """Its grain had been stretched to full contrast, and was read."""
    kind = np.float32 if isinstance(paper, float) else np.uint16
    grain = np.random.default_rng(1).normal(0, abs(paper) / 1000, (200, 200))
    content = encode(Image.fromarray((paper + grain).astype(kind)), "TIFF")
    with pytest.raises(BlankDrawing):
        read_photo(content)


@settings(max_examples=150)
@given(position=st.integers(0, 5_000), value=st.integers(0, 255), cut=st.integers(0, 300))
def test_a_damaged_file_never_crashes(position, value, cut):
    content = bytearray(encode(Image.fromarray(255 - INK).resize((90, 90)), "JPEG"))
    content[position % len(content)] = value
    try:
        ink = read_photo(bytes(content[: len(content) - cut]))
    except (UnreadableImage, BlankDrawing):
        return
    assert ink.dtype == np.uint8
