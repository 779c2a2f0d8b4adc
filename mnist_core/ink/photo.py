"""A photo or a scan -> a clean drawing: white ink on black, whatever the paper and the light."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from mnist_core.errors import BlankDrawing, UnreadableImage

FORMATS = ("PNG", "JPEG", "WEBP")
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
# Half a gigabyte for the largest picture is much, for a room's pictures at once too much.
_one_at_a_time = threading.Lock()


def read_photo(content: bytes) -> np.ndarray:
    """Return the ink of a PNG, JPEG or WebP file: (h, w) uint8, 0 = paper, 255 = most ink.

    Dark ink on light paper or light on dark, under uneven light, or on transparency; turned as
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
    try:
        with _one_at_a_time, warnings.catch_warnings():
            # Sizes between Pillow's warning and its error are refused below, with a sentence.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
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
            "The file is no PNG, JPEG or WebP picture; choose a photo or a scan of a digit."
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
    transparent = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    reduced = image if image.mode == mode else image.convert(mode)
    reduced.thumbnail((WORKING_SIZE_PX, WORKING_SIZE_PX), Image.Resampling.BOX)
    reduced.info["exif"] = exif.tobytes()
    return reduced


def _is_transparent(image: Image.Image) -> bool:
    alpha = np.asarray(image.getchannel("A"))
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return bool(np.median(border) < 128)


def _ink_on_paper(grey: np.ndarray) -> np.ndarray:
    """Return how far each pixel stands out from the paper around it, 0 to 1.

    The paper is what remains when marks narrower than a third of the picture are filled in:
    lighter ones for dark ink, darker ones for light ink. The ink is of the side that stands out
    more.
    """
    small = ndimage.zoom(grey, min(1.0, 160 / max(grey.shape)), order=1)
    size = max(3, max(small.shape) // 3) | 1
    dark, light = (
        _enlarged(ndimage.gaussian_filter(paper, size / 6), grey.shape)
        for paper in (
            ndimage.grey_closing(small, size=size, mode="nearest"),
            ndimage.grey_opening(small, size=size, mode="nearest"),
        )
    )
    smooth = ndimage.gaussian_filter(grey, max(grey.shape) / 700)
    candidates = [
        np.clip((dark - smooth) / np.maximum(dark, 0.2), 0, 1),
        np.clip(smooth - light, 0, 1) / np.maximum(1 - light, 0.2),
    ]
    return _cleaned(candidates[0] if _is_dark_on_light(grey) else np.clip(candidates[1], 0, 1))


def _is_dark_on_light(grey: np.ndarray) -> bool:
    """Ink is the smaller part: most of the picture lies on the paper's side of the middle."""
    low, high = np.percentile(grey, [1, 99])
    return bool((grey > (low + high) / 2).mean() > 0.5)


def _enlarged(small: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    picture = Image.fromarray(small.astype(np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _cleaned(ink: np.ndarray) -> np.ndarray:
    """Return the ink without paper grain, specks, and shadows that come in from the border."""
    strongest = float(np.percentile(ink, 99.7))
    if strongest < LEAST_CONTRAST:
        raise BlankDrawing(
            "Nothing in the picture stands out from the paper; write larger, or with a darker pen."
        )
    threshold = max(0.45 * strongest, LEAST_CONTRAST * 0.7)
    labels, count = ndimage.label(ink > threshold, structure=np.ones((3, 3)))
    if not count:
        raise BlankDrawing("Nothing in the picture stands out from the paper; use a darker pen.")
    areas = ndimage.sum_labels(np.ones_like(labels), labels, np.arange(1, count + 1))
    on_border = np.zeros(count + 1, bool)
    on_border[np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))] = 1
    inside = np.where(on_border[1:], 0, areas)
    judged = inside if inside.max() >= 0.2 * areas.max() else areas
    kept = np.concatenate([[False], judged >= max(6, 0.04 * judged.max())])
    mask = ndimage.binary_dilation(kept[labels], iterations=2)
    # Full ink from two thirds of the strongest on: light falls off, a stroke does not.
    full = max(0.66 * strongest, 1.2 * threshold)
    soft = np.clip((ink - 0.5 * threshold) / (full - 0.5 * threshold), 0, 1)
    return np.where(mask, soft, 0)


def _stretch(ink: np.ndarray) -> np.ndarray:
    most = float(ink.max())
    if most < LEAST_CONTRAST:
        raise BlankDrawing("The picture is empty; choose one with a digit on it.")
    return np.round(ink / most * 255).astype(np.uint8)
