"""A drawing, a photo or a scan -> the 28x28 image that MNIST would have made of it.

The rule is MNIST's own (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied
to document recognition", section III.A): the ink's bounding box is scaled, aspect kept, until
its longer side is 20 pixels, anti-aliased, and placed in a 28x28 field by its centre of mass.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_core.errors import BlankDrawing, WrongDrawing

IMAGE_SIZE_PX = 28
BOX_SIZE_PX = 20
# The mean centre of mass of MNIST's 60,000 training images is (14.007, 13.996), in indices.
CENTRE_INDEX = 14.0
# Below this contrast a pixel belongs to the background; well under the darkest pixel of an
# anti-aliased line's edge, above rounding and the noise of a mild JPEG.
LEAST_INK = 8 / 255
# A drawing whose strongest pixel has less contrast than this has nothing to read.
LEAST_CONTRAST = 24 / 255


@dataclass(frozen=True)
class Steps:
    """What became of a drawing on its way to the network, step by step.

    All arrays are float32 in [0, 1], white ink on black (0 = background).
    """

    ink: np.ndarray  # (h, w)
    box: tuple[int, int, int, int]  # top, left, bottom, right; bottom and right are exclusive
    cropped: np.ndarray  # (bottom - top, right - left)
    scaled: np.ndarray  # longer side 20
    image: np.ndarray  # (28, 28)
    centre_of_mass: tuple[float, float]  # row, column of the ink in `scaled`
    seconds: float  # what all of it took


def mnist_image(drawing: np.ndarray) -> np.ndarray:
    """Return the (28, 28) float32 image in [0, 1], white ink on black, that a network reads.

    drawing: (h, w, 4) RGBA, (h, w, 3) RGB or (h, w) grey, uint8; ink of any colour on a
    background of any other colour, or on transparency.

    Raises BlankDrawing where there is no ink, WrongDrawing (a ValueError) for a wrong shape
    or dtype.
    """
    return preprocess(drawing).image


def preprocess(drawing: np.ndarray) -> Steps:
    """Return every step from the drawing to its 28x28 image; see `mnist_image`."""
    start = time.perf_counter()
    ink = find_ink(drawing)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    cropped = ink[top:bottom, left:right]
    scaled = _scale_to_box(cropped)
    row, column = ndimage.center_of_mass(scaled)
    return Steps(
        ink=ink,
        box=(top, left, bottom, right),
        cropped=cropped,
        scaled=scaled,
        image=_place_by_mass(scaled, row, column),
        centre_of_mass=(float(row), float(column)),
        seconds=time.perf_counter() - start,
    )


def image_without(
    steps: Steps, *, crop: bool = True, scale: bool = True, centre: bool = True
) -> np.ndarray:
    """Return the (28, 28) float32 image in [0, 1] that comes of a drawing where steps are left out.

    Without `crop` the whole paper counts as the digit; without `scale` the drawing shrinks as much
    as its paper does, to 28 pixels; without `centre` the ink stays where it is on the paper. What
    lies beyond the field is cut off. With all three it is `steps.image`.
    """
    part = steps.cropped if crop else steps.ink
    height, width = steps.ink.shape
    small = _scale_to_box(part) if scale else _resized(part, IMAGE_SIZE_PX / max(height, width))
    if centre:
        return _place_by_mass(small, *ndimage.center_of_mass(small))
    top, left, bottom, right = steps.box if crop else (0, 0, height, width)
    # The middle of the part stands where it stands on the paper, whose longer side fills the field.
    pixel = IMAGE_SIZE_PX / max(height, width)
    row = CENTRE_INDEX + (top + bottom - height) / 2 * pixel - small.shape[0] / 2
    column = CENTRE_INDEX + (left + right - width) / 2 * pixel - small.shape[1] / 2
    return _pasted(small, round(row), round(column))


def find_ink(drawing: np.ndarray) -> np.ndarray:
    """Return how much ink each pixel holds: (h, w) float32, 0 = background, 1 = most ink.

    Where the border is transparent the ink is what is opaque; elsewhere it is what differs from
    the border's colour (its median), in whichever channel it differs most, so that neither the
    ink's colour nor the polarity matters.

    Raises BlankDrawing, WrongDrawing; see `mnist_image`.
    """
    _check(drawing)
    if drawing.ndim == 2:
        difference = _distance(drawing, _border_median(drawing))
    elif drawing.shape[2] == 4 and _border_median(drawing[..., 3]) < 128:
        difference = drawing[..., 3]
    else:
        difference = _distance(drawing[..., 0], _border_median(drawing[..., 0]))
        for channel in (1, 2):
            plane = drawing[..., channel]
            np.maximum(difference, _distance(plane, _border_median(plane)), out=difference)
        if drawing.shape[2] == 4 and drawing[..., 3].min() < 255:
            opacity = drawing[..., 3].astype(np.uint16)
            difference = (difference * opacity // 255).astype(np.uint8)
    most = int(difference.max())
    if most < LEAST_CONTRAST * 255:
        raise BlankDrawing(
            "There is no ink to read: the whole picture has one colour; draw a digit on it."
        )
    ink = difference.astype(np.float32) / np.float32(most)
    ink[ink < LEAST_INK] = 0
    return ink


def _check(drawing: np.ndarray) -> None:
    if not isinstance(drawing, np.ndarray):
        raise WrongDrawing(f"A drawing is a NumPy array, not {type(drawing).__name__}.")
    if drawing.dtype != np.uint8:
        raise WrongDrawing(f"A drawing holds uint8 values 0 to 255, not {drawing.dtype}.")
    if drawing.ndim not in (2, 3) or (drawing.ndim == 3 and drawing.shape[2] not in (3, 4)):
        raise WrongDrawing(
            f"A drawing has the shape (h, w), (h, w, 3) or (h, w, 4), not {drawing.shape}."
        )
    if 0 in drawing.shape:
        raise WrongDrawing(f"A drawing has at least one pixel; this one is {drawing.shape}.")


def _border_median(plane: np.ndarray) -> int:
    border = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
    return int(np.median(border))


def _distance(plane: np.ndarray, background: int) -> np.ndarray:
    level = np.uint8(background)
    return np.maximum(plane, level) - np.minimum(plane, level)


def _scale_to_box(cropped: np.ndarray) -> np.ndarray:
    return _resized(cropped, BOX_SIZE_PX / max(cropped.shape))


def _resized(part: np.ndarray, factor: float) -> np.ndarray:
    height, width = part.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    # Averaging the ink that falls into each pixel when shrinking; smooth edges when enlarging.
    method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(part).resize(size, method), dtype=np.float32)
    return np.clip(scaled, 0, 1)


def _place_by_mass(scaled: np.ndarray, row: float, column: float) -> np.ndarray:
    height, width = scaled.shape
    top = int(np.clip(round(CENTRE_INDEX - row), 0, IMAGE_SIZE_PX - height))
    left = int(np.clip(round(CENTRE_INDEX - column), 0, IMAGE_SIZE_PX - width))
    image = np.zeros((IMAGE_SIZE_PX, IMAGE_SIZE_PX), np.float32)
    image[top : top + height, left : left + width] = scaled
    return image


def _pasted(part: np.ndarray, top: int, left: int) -> np.ndarray:
    """Return the field with a part of 28 pixels at most at this place, what lies beyond cut off."""
    size = IMAGE_SIZE_PX
    wide = np.zeros((3 * size, 3 * size), np.float32)
    height, width = part.shape
    wide[size + top : size + top + height, size + left : size + left + width] = part
    return wide[size : 2 * size, size : 2 * size]
