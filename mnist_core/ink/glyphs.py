"""Styles of digits, and letters and signs, as pen strokes: the tables of `glyphs.txt`.

They hold what MNIST's American clerks and pupils and the pendigits writers seldom do: zeros
crossed at any angle or written like Greek letters, ones with flag, foot and hook, waved and
barred sevens, open sixes, fours like an L with a stroke, eights and fives that do not close.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mnist_core.ink.strokes import Stroke

_TABLES = Path(__file__).with_name("glyphs.txt")
_POINTS = 40  # of a curve


@dataclass(frozen=True)
class Style:
    """One way to write a digit, or a group of what is none."""

    digit: int | None  # None: no digit
    name: str
    share: float  # of this digit's drawings, 0 to 1
    prototypes: tuple[tuple[Stroke, ...], ...]  # strokes are (n, 2) float32 in a unit box, y down


def digit_styles() -> list[Style]:
    """Return every style of every digit; the shares of one digit's styles add up to 1."""
    return [style for style in _styles() if style.digit is not None]


def digit_prototypes() -> list[tuple[int, list[Stroke]]]:
    """Return (label, strokes) of every digit prototype; strokes are (n, 2) float32."""
    return [
        (style.digit, list(strokes))
        for style in _styles()
        if style.digit is not None
        for strokes in style.prototypes
    ]


@cache
def other_prototypes() -> list[list[Stroke]]:
    """Return the strokes of letters and signs that are no digits; shared, not to be changed."""
    return [
        list(strokes) for style in _styles() if style.digit is None for strokes in style.prototypes
    ]


@cache
def _styles() -> list[Style]:
    styles: list[Style] = []
    for block in _TABLES.read_text(encoding="utf-8").split("\n= ")[1:]:
        heading, *lines = block.splitlines()
        digit, *name, share = heading.split()
        prototypes = tuple(
            tuple(_parse(line)) for line in lines if line and not line.startswith("#")
        )
        number = None if digit == "no" else int(digit)
        styles.append(Style(number, " ".join(name), float(share), prototypes))
    return styles


def _parse(text: str) -> list[Stroke]:
    strokes = []
    for part in text.split("|"):
        kind, *numbers = part.split()
        points = np.array(numbers, dtype=np.float32).reshape(-1, 2)
        strokes.append(_curve(points) if kind == "c" else _polyline(points))
    return strokes


def _curve(points: np.ndarray) -> Stroke:
    """Return a smooth curve through the points (chord-length parameter, cubic)."""
    from scipy import interpolate  # a third of a second that the Draw page can do without

    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    spline = interpolate.PchipInterpolator if len(points) < 4 else interpolate.CubicSpline
    return spline(steps, points)(np.linspace(0, steps[-1], _POINTS)).astype(np.float32)


def _polyline(points: np.ndarray) -> Stroke:
    """Return straight lines with points every so often, so that a warp can bend them."""
    pieces = [np.linspace(a, b, 12) for a, b in zip(points[:-1], points[1:], strict=True)]
    return np.concatenate(pieces).astype(np.float32)
