"""Hands: strokes changed as another writer, another pen or another tablet would have drawn them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import Stroke, bounds, ink_mask, place

Random = np.random.Generator


def normalise(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Return the drawing with its longer side 1, upper left corner at (0, 0)."""
    return place(strokes, 0.0, 0.0, 1.0)


def another_hand(strokes: Sequence[Stroke], random: Random, strength: float = 1.0) -> list[Stroke]:
    """Return the drawing slanted, stretched, turned, bent and shaken a little; unit size."""
    turn = np.radians(np.clip(random.normal(0, 7 * strength), -20, 20))
    slant = np.clip(random.normal(0, 0.16 * strength), -0.45, 0.45)
    stretch = np.exp(np.clip(random.normal(0, 0.16 * strength), -0.45, 0.45))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, slant], [0, 1]])
    turned = [stroke @ matrix.T for stroke in normalise(strokes)]
    return [_shake(stroke, random) for stroke in bend(normalise(turned), random, 0.045 * strength)]


def bend(strokes: Sequence[Stroke], random: Random, amount: float) -> list[Stroke]:
    """Return the strokes displaced by a smooth random field of about `amount` (unit size)."""
    waves = random.normal(0, 4.0, (2, 4, 2))
    phases = random.uniform(0, 2 * np.pi, (2, 4))
    sizes = random.normal(0, amount / 1.5, (2, 4))
    bent = []
    for stroke in strokes:
        angles = np.einsum("akc,nc->nak", waves, stroke) + phases
        bent.append(stroke + (np.sin(angles) * sizes).sum(axis=2))
    return bent


def _shake(stroke: Stroke, random: Random) -> Stroke:
    """Tremor, a mouse's few points, or a hurried pen's cut corners; mostly none of them."""
    fate = random.random()
    if fate < 0.15 and len(stroke) > 4:
        noise = random.normal(0, random.uniform(0.005, 0.02), stroke.shape)
        return stroke + ndimage.gaussian_filter1d(noise, 1.0, axis=0) * 1.5
    if fate < 0.3 and len(stroke) > 8:
        kept = np.unique(
            np.append(np.arange(0, len(stroke), random.integers(2, 5)), len(stroke) - 1)
        )
        return stroke[kept]
    if fate < 0.45 and len(stroke) > 6:
        return ndimage.gaussian_filter1d(stroke, random.uniform(0.6, 1.6), axis=0, mode="nearest")
    return stroke


def in_another_style(strokes: Sequence[Stroke], label: int, random: Random) -> list[Stroke]:
    """Return the digit as other countries write it, now and then: slash, dot, flag, base, bar."""
    drawn = normalise(strokes)
    fate = random.random()
    if label == 0 and fate < 0.35:
        drawn.append(_slash(drawn, random) if fate < 0.27 else _dot(drawn, random))
    elif label == 1 and fate < 0.5:
        drawn = _one(random)
    elif label == 7 and fate < 0.35 and len(drawn) == 1:
        bar = _bar(drawn[0], random)
        drawn = drawn if bar is None else [*drawn, bar]
    if len(drawn) > 1 and random.random() < 0.04:
        drawn = _without_pen_lift(drawn)
    return drawn


def _slash(strokes: list[Stroke], random: Random) -> Stroke:
    left, top, right, bottom = bounds(strokes)
    reach = random.uniform(0.3, 0.68)
    width, height = (right - left) * reach, (bottom - top) * reach
    direction = 1 if random.random() < 0.85 else -1
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.03, 2)
    arm = np.array([width * direction * random.uniform(0.6, 1.1), -height])
    return np.linspace(middle - arm, middle + arm, 10)


def _dot(strokes: list[Stroke], random: Random) -> Stroke:
    left, top, right, bottom = bounds(strokes)
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.04, 2)
    return middle + np.array([[0, 0], random.normal(0, 0.03, 2)])


def _one(random: Random) -> list[Stroke]:
    """A one from scratch: a stem, mostly with a flag, often with a base."""
    slant = random.normal(0.05, 0.08)
    top, foot = np.array([slant, 0.0]), np.array([-slant, 1.0])
    stem = np.linspace(top, foot, 15)
    length, angle = random.uniform(0.12, 0.65), np.radians(random.uniform(15, 65))
    tip = top + length * np.array([-np.cos(angle), np.sin(angle)])
    strokes = [stem]
    if random.random() < 0.85:
        flag = np.linspace(tip, top, 8)
        strokes = [np.concatenate([flag, stem])] if random.random() < 0.8 else [flag, stem]
    if random.random() < 0.55:
        half = random.uniform(0.12, 0.42, 2)
        tilt = random.normal(0, 0.03)
        ends = foot + np.array([[-half[0], tilt], [half[1], -tilt]])
        strokes.append(np.linspace(ends[0], ends[1], 8))
    return strokes


def _bar(stroke: Stroke, random: Random) -> Stroke | None:
    """A bar across the stem of a seven, where the pen passed half height on its way down."""
    height = random.uniform(0.42, 0.62)
    lower = np.flatnonzero(stroke[:, 1] > height)
    if not len(lower):
        return None
    middle = stroke[lower[0]]
    arm = np.array([random.uniform(0.12, 0.35), random.normal(0, 0.04)])
    return np.linspace(middle - arm, middle + arm, 8)


def _without_pen_lift(strokes: list[Stroke]) -> list[Stroke]:
    return [np.concatenate([strokes[0], strokes[1]]), *strokes[2:]]


def photograph(strokes: Sequence[Stroke], random: Random) -> np.ndarray:
    """Return the (28, 28) float32 image that the app would make of `on_random_canvas`."""
    return mnist_image(on_random_canvas(strokes, random))


def on_random_canvas(strokes: Sequence[Stroke], random: Random) -> np.ndarray:
    """Return the drawing somewhere on a canvas: (h, h) uint8, 255 where there is ink.

    The canvas is 280 to 400 px, the brush 8 to 32 px, the drawing 35 to 85 % of the canvas,
    anywhere on it, each drawn at random.
    """
    canvas_px = int(random.integers(280, 401))
    size = random.uniform(0.35, 0.85) * canvas_px
    brush_px = random.uniform(8, 32)
    left, top, right, bottom = bounds(normalise(strokes))
    free_x = canvas_px - (right - left) * size
    free_y = canvas_px - (bottom - top) * size
    placed = place(strokes, random.uniform(0, free_x), random.uniform(0, free_y), size)
    return np.asarray(ink_mask(placed, canvas_px, brush_px))
