"""Training images changed at random: turned, shifted, sheared, zoomed, warped, thinner, thicker.

Whole batches at a time, in NumPy and SciPy, so that the training process needs one core for it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from mnist_core.training.hyperparameters import Augmentation

_SIZE = 28
_CENTRE = (_SIZE - 1) / 2


def augment(
    images: np.ndarray, augmentation: Augmentation, random: np.random.Generator
) -> np.ndarray:
    """Return changed copies of the images: (n, 28, 28) float32 in [0, 1] to the same.

    Every image gets its own random change; see `Augmentation` for the bounds.
    """
    images = np.asarray(images, dtype=np.float32)
    if augmentation.thickness:
        images = _change_thickness(images, augmentation.thickness, random)
    rows, columns = _source_coordinates(len(images), augmentation, random)
    if augmentation.elastic_px:
        rows += _smooth_field(len(images), augmentation.elastic_px, random)
        columns += _smooth_field(len(images), augmentation.elastic_px, random)
    return _sample(images, rows, columns)


def _source_coordinates(
    count: int, augmentation: Augmentation, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return where each pixel comes from: two (count, 28, 28) float32 arrays of indices."""

    def amounts(bound: float) -> np.ndarray:
        return random.uniform(-bound, bound, (count, 1, 1)).astype(np.float32)

    turn = np.radians(amounts(augmentation.rotation_degrees))
    shear = np.tan(np.radians(amounts(augmentation.shear_degrees)))
    zoom_y, zoom_x = 1 + amounts(augmentation.zoom), 1 + amounts(augmentation.zoom)
    shift_y, shift_x = amounts(augmentation.shift * _SIZE), amounts(augmentation.shift * _SIZE)
    flip: np.ndarray | float = 1.0
    if augmentation.horizontal_flip:
        flip = random.choice(np.array([-1, 1], np.float32), (count, 1, 1))
    grid = np.arange(_SIZE, dtype=np.float32) - _CENTRE
    y, x = grid[:, np.newaxis] - shift_y, grid[np.newaxis, :] - shift_x
    source_x = (np.cos(turn) * x + np.sin(turn) * y + shear * y) * flip / zoom_x
    source_y = (-np.sin(turn) * x + np.cos(turn) * y) / zoom_y
    return source_y + _CENTRE, source_x + _CENTRE


def _smooth_field(count: int, most_px: float, random: np.random.Generator) -> np.ndarray:
    """Return (count, 28, 28) smooth displacements: coarse random knots, interpolated."""
    knots = random.uniform(-most_px, most_px, (count, 5, 5)).astype(np.float32)
    weights = _cubic_weights(5)
    return np.einsum("ai,nij,bj->nab", weights, knots, weights, optimize=True)


def _cubic_weights(knots: int) -> np.ndarray:
    """Return (28, knots): how much each knot counts at each pixel (cubic B-spline)."""
    unit = np.eye(knots, dtype=np.float32)
    zoomed = ndimage.zoom(unit, (_SIZE / knots, 1), order=3, mode="nearest", prefilter=False)
    return zoomed / zoomed.sum(axis=1, keepdims=True)


def _sample(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the images read at fractional coordinates, bilinear; outside is background."""
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    rows, columns = np.clip(rows + 1, 0, _SIZE + 1), np.clip(columns + 1, 0, _SIZE + 1)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    width = padded.shape[2]
    flat = padded.reshape(-1)
    start = (np.arange(len(images)) * padded.shape[1] * width)[:, np.newaxis, np.newaxis]
    corner = start + top * width + left
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + width] * (1 - right) + flat[corner + width + 1] * right
    return (upper * (1 - down) + lower * down).astype(np.float32)


def _change_thickness(images: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return the images, some of them with thicker or thinner lines (grey dilation, erosion)."""
    changed = images.copy()
    fate = random.random(len(images))
    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    thicker, thinner = fate < share * 0.6, (fate >= share * 0.6) & (fate < share)
    if thicker.any():
        grown = ndimage.grey_dilation(images[thicker], footprint=cross)
        mix = random.uniform(0.3, 1, (len(grown), 1, 1)).astype(np.float32)
        changed[thicker] = mix * grown + (1 - mix) * images[thicker]
    if thinner.any():
        shrunk = ndimage.grey_erosion(images[thinner], footprint=cross)
        mix = random.uniform(0.2, 0.7, (len(shrunk), 1, 1)).astype(np.float32)
        changed[thinner] = mix * shrunk + (1 - mix) * images[thinner]
    return changed
