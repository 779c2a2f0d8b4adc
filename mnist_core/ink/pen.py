"""Hands: strokes changed as another writer, another pen or another tablet would have drawn them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import Stroke, bounds, ink_mask, place

Random = np.random.Generator
# Two drawings of one digit whose points lie farther apart than this (unit size, on average) are
# drawn in other ways; halfway between them lies no digit.
MOST_APART = 0.2


def normalise(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Return the drawing with its longer side 1, upper left corner at (0, 0)."""
    return place(strokes, 0.0, 0.0, 1.0)


def another_hand(strokes: Sequence[Stroke], random: Random, strength: float = 1.0) -> list[Stroke]:
    """Return the drawing slanted, stretched, turned, bent, loosened and shaken; unit size.

    One hand in eight slants by up to 35 degrees, mostly to the right.
    """
    turn = np.radians(np.clip(random.normal(0, 7 * strength), -20, 20))
    slant = np.clip(random.normal(0, 0.16 * strength), -0.45, 0.45)
    if random.random() < 0.12:
        turn, slant = turn / 2, -random.uniform(0.25, 0.7) * (1 if random.random() < 0.8 else -0.7)
    stretch = np.exp(np.clip(random.normal(0, 0.18 * strength), -0.5, 0.5))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, slant], [0, 1]])
    turned = normalise([stroke @ matrix.T for stroke in normalise(strokes)])
    bent = bend(turned, random, 0.045 * strength)
    return [_shake(stroke, random) for stroke in _loosen(bent, random)]


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


def between(first: Sequence[Stroke], second: Sequence[Stroke], random: Random) -> list[Stroke]:
    """Return a drawing somewhere between two of one digit; the first where they are too unlike."""
    pairs = list(zip(normalise(first), normalise(second), strict=False))
    if len(first) != len(second):
        return list(first)
    share = random.uniform(0.2, 0.8)
    mixed = []
    for one, other in pairs:
        a, b = _evenly(one), _evenly(other)
        if np.abs(a - b[::-1]).sum() < np.abs(a - b).sum():
            b = b[::-1]
        if np.hypot(*(a - b).T).mean() > MOST_APART:
            return list(first)
        mixed.append((1 - share) * a + share * b)
    return mixed


def _evenly(stroke: Stroke, count: int = 40) -> Stroke:
    """Return the stroke as `count` points at even distances along it."""
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    places = np.linspace(0, steps[-1], count)
    return np.stack([np.interp(places, steps, stroke[:, axis]) for axis in (0, 1)], axis=1)


def _loosen(strokes: list[Stroke], random: Random) -> list[Stroke]:
    """Parts that do not meet where they should: strokes apart, ends short or too long."""
    if len(strokes) > 1 and random.random() < 0.35:
        strokes = [stroke + random.normal(0, 0.03, 2) for stroke in strokes]
    if random.random() < 0.15:
        which = int(random.integers(len(strokes)))
        if len(strokes[which]) > 8:
            spared = max(1, int(len(strokes[which]) * random.uniform(0.02, 0.09)))
            cut = slice(spared, None) if random.random() < 0.4 else slice(None, -spared)
            strokes = [s[cut] if i == which else s for i, s in enumerate(strokes)]
    return strokes


def _shake(stroke: Stroke, random: Random) -> Stroke:
    """Tremor, few points, a coarse tablet's steps, or a hurried pen's cut corners; mostly none."""
    fate = random.random()
    if fate < 0.12 and len(stroke) > 4:
        noise = random.normal(0, random.uniform(0.005, 0.02), stroke.shape)
        return stroke + ndimage.gaussian_filter1d(noise, 1.0, axis=0) * 1.5
    if fate < 0.27 and len(stroke) > 8:
        kept = np.arange(0, len(stroke), random.integers(2, max(3, len(stroke) // 5)))
        return stroke[np.unique(np.append(kept, len(stroke) - 1))]
    if fate < 0.35:
        step = 1 / random.uniform(9, 30)
        return np.round(stroke / step) * step
    if fate < 0.48 and len(stroke) > 6:
        return ndimage.gaussian_filter1d(stroke, random.uniform(0.6, 1.6), axis=0, mode="nearest")
    return stroke


def in_another_style(strokes: Sequence[Stroke], label: int, random: Random) -> list[Stroke]:
    """Return the digit as other countries write it, now and then: slash, dot, flag, base, bar."""
    drawn = normalise(strokes)
    fate = random.random()
    if label == 0 and fate < 0.35:
        drawn.append(_slash(drawn, random) if fate < 0.31 else _dot(drawn, random))
    elif label == 1 and fate < 0.5:
        drawn = _one(random)
    elif label == 7 and fate < 0.35 and len(drawn) == 1:
        bar = _bar(drawn[0], random)
        drawn = drawn if bar is None else [*drawn, bar]
    if len(drawn) > 1 and random.random() < 0.04:
        drawn = _without_pen_lift(drawn)
    return drawn


def _slash(strokes: list[Stroke], random: Random) -> Stroke:
    """A bar through a zero: mostly rising, at times level, upright or falling; inside or across."""
    left, top, right, bottom = bounds(strokes)
    upward = random.choice([48, 0, 90, 132, random.uniform(0, 180)], p=[0.5, 0.2, 0.1, 0.1, 0.1])
    angle = np.radians(upward + random.normal(0, 10))
    direction = np.array([np.cos(angle), -np.sin(angle)])
    half = np.array([right - left, bottom - top]) / 2
    # To the oval's rim in this direction.
    rim = 1 / np.hypot(*(direction / np.maximum(half, 0.1)))
    reach = rim * (random.uniform(0.6, 1.05) if random.random() < 0.5 else random.uniform(1, 1.7))
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.04, 2)
    return np.linspace(middle - reach * direction, middle + reach * direction, 10)


def _dot(strokes: list[Stroke], random: Random) -> Stroke:
    left, top, right, bottom = bounds(strokes)
    middle = np.array([(left + right) / 2, (top + bottom) / 2]) + random.normal(0, 0.04, 2)
    return middle + np.array([[0, 0], random.normal(0, 0.03, 2)])


def _one(random: Random) -> list[Stroke]:
    """A one from scratch: a stem, mostly with a flag, often with a base or a hook."""
    slant = random.normal(0.05, 0.1)
    top, foot = np.array([slant, 0.0]), np.array([-slant, 1.0])
    stem = np.linspace(top, foot, 15)
    length, angle = random.uniform(0.12, 0.85), np.radians(random.uniform(15, 65))
    tip = top + length * np.array([-np.cos(angle), np.sin(angle)])
    ending = random.random()
    if ending < 0.12:
        turn = np.linspace(0, random.uniform(1.2, 2.4), 8)[1:, np.newaxis]
        hook = np.concatenate([1 - np.cos(turn), np.sin(turn)], axis=1) * random.uniform(0.08, 0.2)
        stem = np.concatenate([stem, foot + hook * (1 if random.random() < 0.75 else -1, 1)])
    strokes = [stem]
    if random.random() < 0.85:
        flag = np.linspace(tip, top, 8)
        strokes = [np.concatenate([flag, stem])] if random.random() < 0.8 else [flag, stem]
    if ending > 0.5:
        half = random.uniform(0.12, 0.45, 2)
        tilt = random.normal(0, 0.03)
        ends = foot + np.array([[-half[0], tilt], [half[1], -tilt]])
        strokes.append(np.linspace(ends[0], ends[1], 8))
    return strokes


def _bar(stroke: Stroke, random: Random) -> Stroke | None:
    """A bar across the stem of a seven, where the pen passed half height on its way down."""
    height = random.uniform(0.42, 0.65)
    lower = np.flatnonzero(stroke[:, 1] > height)
    if not len(lower):
        return None
    middle = stroke[lower[0]] + (random.normal(0, 0.04), 0)
    arm = np.array([random.uniform(0.12, 0.4), random.normal(0, 0.05)])
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


def under_pressure(strokes: Sequence[Stroke], random: Random, size_px: int = 240) -> np.ndarray:
    """Return the drawing by a pen whose line swells and thins: (h, h) uint8, 255 where inked."""
    margin = 40
    canvas_px, pen_px = size_px + 2 * margin, random.uniform(8, 26)
    inked = np.zeros((canvas_px, canvas_px), np.uint8)
    for stroke in place(strokes, margin, margin, size_px):
        line = _evenly(stroke, 24) if len(stroke) > 2 else stroke
        wave = np.cos(np.linspace(0, random.uniform(1, 7), len(line)) + random.uniform(0, 6.3))
        for start in range(0, len(line) - 1, 2):
            width = pen_px * (1 + 0.45 * wave[start])
            piece = ink_mask([line[start : start + 3]], canvas_px, width)
            np.maximum(inked, np.asarray(piece), out=inked)
    return inked


def scanned_small(canvas: np.ndarray, random: Random) -> np.ndarray:
    """Return the canvas as a coarse scan leaves it, 7 to 16 pixels a digit, enlarged again."""
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    cropped = Image.fromarray(canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    factor = random.uniform(7, 16) / max(cropped.size)
    width, height = (max(1, round(side * factor)) for side in cropped.size)
    small = np.asarray(cropped.resize((width, height), Image.Resampling.BOX))
    framed = Image.fromarray(np.pad(small, 2))
    return np.asarray(
        framed.resize((framed.width * 16, framed.height * 16), Image.Resampling.BICUBIC)
    )
