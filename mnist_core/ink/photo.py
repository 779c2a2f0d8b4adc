"""A photo or a scan -> a clean drawing: white ink on black, whatever the paper and the light."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener
from scipy import ndimage

from mnist_core.errors import BlankDrawing, UnreadableImage

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF")
MOST_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
MOST_SCANS = 100  # of a JPEG; a progressive one has about ten, each costs the whole picture's time
WORKING_SIZE_PX = 700
# What Pillow's decoders raise on damaged and on hostile files.
DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, OverflowError,
    MemoryError, AttributeError, NotImplementedError, RuntimeError, ZeroDivisionError,
    struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
# A mark that differs less than this from the paper around it is no ink.
LEAST_CONTRAST = 0.12
# White in pictures of more than 8 bits, which do not say how many of them are used.
_WHITES = (1.0, *(2.0**bits - 1 for bits in (8, 10, 12, 14, 16)))
# Half a gigabyte for the largest picture is much, for a room's pictures at once too much.
_one_at_a_time = threading.Lock()


def read_photo(content: bytes) -> np.ndarray:
    """Return the ink of a picture file: (h, w) uint8, 0 = paper, 255 = most ink.

    PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC or AVIF, of which the first frame counts. Dark ink on
    light paper or light on dark, under uneven light and shadows, or on transparency; turned as
    the phone's EXIF note says. At most 700 px a side.

    Raises UnreadableImage where the content is no such image, damaged or too large, and
    BlankDrawing where nothing stands out from the paper.
    """
    image = _open(content)
    if _is_transparent(image):
        return _stretch(np.asarray(image.getchannel("A"), np.float32) / 255)
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    return _stretch(_ink_on_paper(np.asarray(flat.convert("L"), np.float32) / 255))


def on_canvas(ink: np.ndarray, size_px: int, share: float = 0.75) -> Image.Image:
    """Return the ink, cropped, on the middle of a black canvas it fills to `share`: RGB."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = Image.fromarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    factor = size_px * share / max(cropped.size)
    width, height = (max(1, round(side * factor)) for side in cropped.size)
    scaled = cropped.resize((width, height), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (size_px, size_px), 0)
    canvas.paste(scaled, ((size_px - width) // 2, (size_px - height) // 2))
    return canvas.convert("RGB")


def _open(content: bytes) -> Image.Image:
    """Return the decoded image, upright, RGBA, small enough to work on."""
    if len(content) > MOST_BYTES:
        raise UnreadableImage(
            f"The file has {len(content) / 1e6:.0f} MB; use one of {MOST_BYTES / 1e6:.0f} MB "
            "at most."
        )
    if content[:2] == b"\xff\xd8" and content.count(b"\xff\xda") > MOST_SCANS:
        raise UnreadableImage("The picture is made of too many scans; save it again.")
    if b"<svg" in content[:2000].lower():
        raise UnreadableImage("The picture is an SVG, made of lines; save it as a PNG first.")
    register_heif_opener()
    try:
        with _one_at_a_time, warnings.catch_warnings():
            # Sizes between Pillow's warning and its error are refused below, with a sentence;
            # of other warnings (a broken EXIF note) nobody can do anything.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            pixels = image.width * image.height
            if pixels > MOST_PIXELS:
                raise UnreadableImage(
                    f"The picture has {pixels / 1e6:.0f} million pixels; use one of "
                    f"{MOST_PIXELS / 1e6:.0f} million at most."
                )
            image.draft("RGB", (2 * WORKING_SIZE_PX, 2 * WORKING_SIZE_PX))
            # Reducing before turning keeps the memory of a large photo small.
            return ImageOps.exif_transpose(_reduced(image)).convert("RGBA")
    except UnidentifiedImageError:
        raise UnreadableImage(
            "The file is no PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC or AVIF picture; choose a "
            "photo or a scan of a digit."
        ) from None
    except Image.DecompressionBombError:
        raise UnreadableImage(
            "The picture is far too large to open; use one of "
            f"{MOST_PIXELS / 1e6:.0f} million pixels at most."
        ) from None
    except DECODER_ERRORS as error:
        raise UnreadableImage(
            f"The picture is damaged or cut off ({type(error).__name__}); save it again."
        ) from None


def _reduced(image: Image.Image) -> Image.Image:
    exif = image.getexif()
    if image.mode.startswith(("I", "F")):  # more than 8 bits a pixel
        image = _eight_bit(image)
    transparent = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    reduced = image if image.mode == mode else image.convert(mode)
    reduced.thumbnail((WORKING_SIZE_PX, WORKING_SIZE_PX), Image.Resampling.BOX)
    reduced.info["exif"] = exif.tobytes()
    return reduced


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return the picture with its black as 0 and its white as 255.

    Not its darkest and lightest pixel: that would make ink of the grain of blank paper.
    """
    values = np.nan_to_num(np.asarray(image, np.float32))
    most = float(np.abs(values).max())
    white = next((white for white in _WHITES if white >= most), most)
    black = -white if values.min() < 0 else 0.0
    return Image.fromarray(np.uint8((values - black) * (255 / (white - black))))


def _is_transparent(image: Image.Image) -> bool:
    alpha = np.asarray(image.getchannel("A"))
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return bool(np.median(border) < 128)


def _ink_on_paper(grey: np.ndarray) -> np.ndarray:
    """Return how far each pixel of the drawing stands out from the paper: (h, w), 0 to 1.

    The paper is what remains when marks narrower than a window are filled in (a morphological
    closing). The ratio to it is the same in the light and in a shadow, and the shadow's edge is
    no mark, since closing leaves wide steps as they are. The tips of a shadow are filled in, but
    their rims are not steep. The window is small, unless the pen is so broad that the marks need
    a large one.
    """
    grey = ndimage.gaussian_filter(grey, max(grey.shape) / 700)
    narrow = _contrast(grey, max(grey.shape) / 16)
    step = max(1, max(grey.shape) // 230)  # a third of the pixels is enough to decide
    small = np.ascontiguousarray(grey[::step, ::step])
    wide = _contrast(small, max(small.shape) / 4)
    strokes = _drawing(wide, small) & (wide >= 0.7 * np.percentile(wide, 99.9))
    covered = strokes & (narrow[::step, ::step] > 0.5 * wide)
    if covered.sum() >= 0.6 * strokes.sum():
        return _softened(narrow, grey)
    return _softened(_contrast(grey, max(grey.shape) / 4), grey)


def _contrast(grey: np.ndarray, window: float) -> np.ndarray:
    """Return the contrast to the paper, right for marks that are narrower than the window."""
    window_px = max(3, int(window)) | 1
    highest = ndimage.maximum_filter(grey, window_px, mode="nearest")
    lowest = ndimage.minimum_filter(grey, window_px, mode="nearest")
    span, middle = 1 - lowest / np.maximum(highest, 0.02), (highest + lowest) / 2
    # Ink is the smaller part of what is around it: most pixels there are nearer to the paper.
    near_ink = span >= 0.75 * np.percentile(span, 99.5)
    if (grey[near_ink] < middle[near_ink]).mean() > 0.5:
        lighter, darker = grey, ndimage.maximum_filter(lowest, window_px, mode="nearest")
    else:
        lighter, darker = ndimage.minimum_filter(highest, window_px, mode="nearest"), grey
    return np.clip((lighter - darker) / np.maximum(lighter, 0.1), 0, 1)


def _softened(ink: np.ndarray, grey: np.ndarray) -> np.ndarray:
    threshold = _threshold(ink)
    mask = ndimage.binary_dilation(_drawing(ink, grey), iterations=2)
    # Full ink from two thirds of the strongest on: light falls off, a stroke does not.
    full = 1.45 * threshold
    soft = np.clip((ink - 0.5 * threshold) / (full - 0.5 * threshold), 0, 1)
    return np.where(mask, soft, 0)


def _threshold(ink: np.ndarray) -> float:
    strongest = float(np.percentile(ink, 99.9))
    if strongest < LEAST_CONTRAST:
        raise BlankDrawing(
            "Nothing in the picture stands out from the paper; write larger, or with a darker pen."
        )
    return max(0.45 * strongest, LEAST_CONTRAST * 0.7)


def _drawing(ink: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Return the marks that belong together around the largest one near the middle: a mask.

    What touches the border (a table's edge, the next line of writing) counts a fifth; rules from
    side to side, and what has no steep rims (a shadow), do not count.
    """
    mask = ink > _threshold(ink)
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rims = np.where(mask & ~ndimage.binary_erosion(mask), labels, 0)
    slope = ndimage.gaussian_gradient_magnitude(grey, 1) / ndimage.maximum_filter(grey + 0.02, 9)
    steepness = ndimage.mean(slope, rims, numbers) / ndimage.maximum(ink, labels, numbers)
    boxes = np.array([[rows.start, columns.start, rows.stop, columns.stop]
                      for rows, columns in ndimage.find_objects(labels)])  # fmt: skip
    sides, shape = boxes[:, 2:] - boxes[:, :2], np.array(mask.shape)
    on_border = (boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2:] == shape).any(axis=1)
    is_rule = (sides > 0.35 * shape).any(axis=1) & (sides < 0.03 * shape).any(axis=1)
    off = np.abs((boxes[:, :2] + boxes[:, 2:]) / (2 * shape) - 0.5).max(axis=1) * 2
    score = areas * (1 - 0.7 * off**2) * np.where(on_border, 0.2, 1) * np.where(is_rule, 0.01, 1)
    steepest = steepness[areas >= 0.1 * areas.max()].max()
    score = score * np.where(steepness < 0.6 * steepest, 0.01, 1)
    main = int(score.argmax())
    kept = (areas >= max(6, 0.04 * areas[main])) & (score >= 0.01 * score[main])
    kept &= ~on_border | on_border[main]
    return np.concatenate([[False], _together(boxes, main, kept)])[labels]


def _together(boxes: np.ndarray, main: int, kept: np.ndarray) -> np.ndarray:
    """Return which marks are strokes of the main one's digit, or digits of its number."""
    size = (boxes[main, 2:] - boxes[main, :2]).max()
    reached = np.arange(len(boxes)) == main
    while True:
        top_left, bottom_right = boxes[reached, :2].min(axis=0), boxes[reached, 2:].max(axis=0)
        apart = np.maximum(boxes[:, :2] - bottom_right, top_left - boxes[:, 2:])
        near = reached | (kept & (apart < (0.15 * size, 0.8 * size)).all(axis=1))
        if (near == reached).all():
            return reached
        reached = near


def _stretch(ink: np.ndarray) -> np.ndarray:
    most = float(ink.max())
    if most < LEAST_CONTRAST:
        raise BlankDrawing("The picture is empty; choose one with a digit on it.")
    return np.round(ink / most * 255).astype(np.uint8)
