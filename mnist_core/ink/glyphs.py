"""Prototypes of digits and letters as pen strokes, written down by hand for this project.

They hold what MNIST's American clerks and pupils and the pendigits writers seldom do: slashed
and dotted zeros, ones with flag and base, barred sevens, fours and nines with other turns,
fives in two strokes. Coordinates are in a unit box, y down.
"""

from __future__ import annotations

import numpy as np

from mnist_core.ink.strokes import Stroke

# One line a prototype; strokes separated by "|": "c" a curve through the points, "l" straight
# lines between them.
_DIGITS: dict[int, tuple[str, ...]] = {
    0: (
        "c .5 0 .15 .2 .08 .55 .25 .92 .5 1 .78 .9 .9 .5 .8 .15 .5 0",
        "c .6 .02 .3 .0 .1 .3 .1 .7 .35 1 .7 .95 .9 .6 .85 .2 .45 .02|l .8 .1 .2 .9",
        "c .5 0 .12 .25 .12 .75 .5 1 .88 .75 .88 .25 .5 0|l 1 -.05 0 1.05",
        "c .5 0 .12 .25 .12 .75 .5 1 .88 .75 .88 .25 .5 0|c .47 .48 .53 .5 .5 .55",
        "c .55 .08 .2 .05 .1 .5 .3 .95 .65 .95 .9 .55 .8 .15 .4 .0 .35 .1",
        "c .5 0 .05 .3 .05 .7 .5 1 .95 .7 .95 .3 .5 0|l .15 .15 .85 .85",
    ),
    1: (
        "l .5 0 .5 1",
        "l .62 0 .4 1",
        "l .2 .28 .55 0 .55 1",
        "l .1 .4 .6 0 .6 1",
        "l .0 .55 .6 0 .55 1",
        "l .25 .22 .5 0 .5 1|l .2 1 .82 1",
        "l .2 .3 .5 0 .5 1|l .1 1 .9 .98",
        "l .5 0 .5 1|l .25 1 .75 1",
        "l .35 .1 .55 0 .55 1 .25 1 .85 1",
        "c .15 .35 .4 .2 .58 0|l .58 0 .5 1",
        "l .35 0 .52 0 .5 1|l .2 1 .8 1",
    ),
    2: (
        "c .1 .25 .3 .02 .65 .02 .85 .25 .65 .55 .3 .8 .08 1|l .08 1 .95 1",
        "c .12 .22 .4 0 .8 .12 .8 .4 .4 .8 .1 .95 .05 .85 .25 .78 .6 .95 .95 .95",
        "c .1 .2 .45 0 .85 .2 .7 .55 .1 1|c .1 1 .4 .93 .7 1 .95 .92",
        "l .1 .15 .5 0 .88 .2 .8 .45 .08 1 .95 1",
        "c .05 .1 .5 0 .85 .2 .55 .6 .05 .98 .3 .9 .5 1 .95 .95",
    ),
    3: (
        "c .12 .15 .45 0 .82 .15 .75 .4 .4 .48 .8 .55 .88 .8 .5 1 .08 .88",
        "l .1 .02 .85 .02 .42 .4|c .42 .4 .85 .5 .88 .8 .5 1 .08 .88",
        "c .1 .08 .6 0 .8 .2 .4 .45|c .4 .45 .85 .55 .8 .9 .4 1 .1 .9",
        "c .15 .1 .5 0 .8 .2 .5 .42 .42 .48 .5 .5 .9 .65 .7 .95 .3 1 .05 .85",
        "l .12 0 .85 0 .4 .42 .7 .45|c .7 .45 .9 .65 .8 .92 .4 1 .08 .88",
    ),
    4: (
        "l .6 0 .08 .65 .95 .65|l .65 .35 .65 1",
        "l .2 0 .15 .5 .85 .5|l .8 0 .78 1",
        "l .7 1 .7 0 .05 .7 .95 .7",
        "c .25 0 .1 .35 .2 .5 .5 .52 .85 .45|l .85 0 .7 1",
        "l .55 0 .05 .6 .9 .62|l .55 .4 .5 1",
        "l .3 .0 .1 .55 .9 .55|l .65 .25 .6 1",
        "l .75 0 .05 .68 1 .68|l .75 0 .75 1",
        "l .1 0 .1 .45 .8 .45|l .8 .05 .8 1",
    ),
    5: (
        "l .85 0 .2 0 .15 .42|c .15 .42 .55 .35 .88 .6 .7 .95 .3 1 .05 .88",
        "l .2 .02 .15 .45|c .15 .45 .6 .38 .88 .65 .6 1 .08 .9|l .2 .02 .9 .0",
        "c .85 .02 .5 .05 .25 .05 .15 .4 .5 .38 .85 .55 .8 .85 .4 1 .05 .9",
        "l .3 0 .2 .4|c .2 .4 .7 .4 .8 .7 .5 1 .05 .92|l .35 .05 1 .02",
        "l .9 .05 .15 .05 .15 .5 .6 .42|c .6 .42 .95 .65 .75 .95 .1 .98",
    ),
    6: (
        "c .75 0 .35 .2 .1 .6 .2 .95 .6 1 .88 .75 .65 .52 .3 .58 .12 .75",
        "c .6 0 .2 .35 .1 .75 .4 1 .8 .9 .8 .65 .45 .58 .15 .75",
        "c .85 .08 .5 0 .15 .4 .15 .85 .5 1 .85 .8 .7 .5 .3 .52 .15 .7",
        "c .4 0 .2 .4 .15 .8 .45 1 .75 .85 .6 .65 .2 .75",
        "l .65 0 .2 .6|c .2 .6 .1 .85 .45 1 .85 .85 .75 .55 .4 .5 .2 .62",
    ),
    7: (
        "l .08 .02 .92 .02 .4 1",
        "l .08 .02 .92 .02 .4 1|l .3 .5 .85 .5",
        "l .05 .15 .1 .02 .9 .02 .45 1",
        "c .08 .1 .4 .05 .9 .02|c .9 .02 .6 .4 .45 1|l .35 .48 .85 .46",
        "l .05 .02 .85 .0 .75 1",
        "l .05 .2 .08 .02 .92 .02 .5 .5 .42 1|l .25 .52 .8 .52",
        "c .05 .1 .3 .0 .6 .1 .95 .02 .6 .5 .5 1",
    ),
    8: (
        "c .75 .15 .45 0 .2 .2 .5 .45 .85 .75 .5 1 .15 .8 .45 .5 .75 .25 .7 .1",
        "c .5 0 .2 .2 .5 .45 .8 .2 .5 0|c .5 .45 .1 .72 .5 1 .9 .72 .5 .45",
        "c .5 .45 .15 .2 .5 0 .85 .22 .5 .45 .1 .75 .5 1 .9 .75 .5 .45",
        "c .85 .1 .4 .02 .2 .25 .8 .7 .6 1 .2 .9 .3 .6 .85 .1",
        "c .45 .5 .2 .3 .3 .05 .7 .05 .8 .3 .45 .5 .15 .75 .3 1 .75 1 .85 .7 .5 .48",
    ),
    9: (
        "c .85 .2 .5 0 .15 .25 .4 .5 .85 .25|l .85 .2 .8 1",
        "c .8 .15 .45 0 .15 .3 .5 .52 .82 .2|c .82 .2 .85 .7 .6 1 .2 .92",
        "c .85 .25 .5 0 .12 .2 .3 .5 .7 .45 .85 .2 .75 .6 .4 1",
        "c .5 0 .15 .25 .5 .5 .85 .25 .5 0|c .85 .2 .8 .7 .65 1",
        "c .8 .1 .3 .05 .2 .35 .6 .45 .8 .12|c .8 .12 .82 .7 .7 .98 .4 1 .15 .85",
    ),
}

_LETTERS: tuple[str, ...] = (
    "l 0 1 .5 0 1 1|l .2 .6 .8 .6",  # A
    "l .9 0 .1 0 .1 1 .9 1|l .1 .5 .7 .5",  # E
    "l .9 0 .1 0 .1 1|l .1 .5 .7 .5",  # F
    "l .1 0 .1 1|l .9 0 .9 1|l .1 .5 .9 .5",  # H
    "l .1 0 .1 1|l .9 0 .1 .55 .9 1",  # K
    "l .05 1 .1 0 .5 .7 .9 0 .95 1",  # M
    "l .1 1 .1 0 .9 1 .9 0",  # N
    "l .15 1 .15 0|c .15 0 .85 .05 .85 .4 .15 .5|l .4 .5 .9 1",  # R
    "l .5 0 .5 1|l 0 0 1 0",  # T
    "l 0 0 .5 1 1 0",  # V
    "l 0 0 .25 1 .5 .3 .75 1 1 0",  # W
    "l 0 0 1 1|l 1 0 0 1",  # X
    "c .05 0 .1 .9 .5 1 .9 .9 .95 0",  # U
    "l .1 0 .1 1|c .1 0 .9 .1 .9 .85 .1 1",  # D
    "c .75 .35 .3 .3 .1 .7 .4 1 .75 .7|c .78 .3 .75 .8 .95 1",  # a
    "c .05 .6 .8 .55 .7 .2 .3 .25 .1 .6 .3 1 .9 .85",  # e
    "l .1 .0 .1 1|c .1 .6 .5 .3 .8 .55 .8 1",  # h
    "c .05 1 .05 .4 .3 .35 .5 .5 .5 1|c .5 .6 .7 .3 .95 .5 .95 1",  # m
    "c .95 .2 .4 0 .05 .5 .4 1 .95 .8|l .95 .85 .95 .55 .6 .55",  # G
    "c .5 0 0 .3 .1 .85 .5 1 .9 .8 .95 .3 .5 0|l .6 .7 1 1.1",  # Q
)

_SHAPES: tuple[str, ...] = (
    "l 0 0 1 0 1 1 0 1 0 0",  # square
    "l .5 0 1 1 0 1 .5 0",  # triangle
    "l .5 0 .8 1 0 .35 1 .35 .2 1 .5 0",  # star
    "c .5 .3 .2 0 0 .35 .5 1|c .5 .3 .8 0 1 .35 .5 1",  # heart
    "l 0 .5 1 .5 .7 .2|l 1 .5 .7 .8",  # arrow
    "l .5 0 .5 1|l 0 .5 1 .5",  # plus
    "l 0 .3 1 .3|l 0 .7 1 .7",  # equals
    "c .5 0 .05 .3 .05 .7 .5 1 .95 .7 .95 .3 .5 0|l .35 .3 .35 .4|l .65 .3 .65 .4|"
    "c .3 .65 .5 .8 .7 .65",  # face
    "l 0 .6 .35 1 1 0",  # tick
    "c .1 .25 .4 0 .8 .2 .5 .6 .5 .75|c .48 .95 .52 .97 .5 1",  # question mark
    "c 0 .5 .2 .2 .4 .5 .6 .8 .8 .5 1 .3",  # wave
    "c .5 .5 .6 .45 .55 .6 .35 .55 .4 .3 .75 .3 .8 .7 .4 .9 .1 .6 .2 .1 .7 0 1 .3",  # spiral
)


def digit_prototypes() -> list[tuple[int, list[Stroke]]]:
    """Return (label, strokes) of every digit prototype; strokes are (n, 2) float32."""
    return [(digit, _parse(text)) for digit, texts in _DIGITS.items() for text in texts]


def other_prototypes() -> list[list[Stroke]]:
    """Return the strokes of letters and shapes that are no digits."""
    return [_parse(text) for text in (*_LETTERS, *_SHAPES)]


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
    return spline(steps, points)(np.linspace(0, steps[-1], 40)).astype(np.float32)


def _polyline(points: np.ndarray) -> Stroke:
    """Return straight lines with points every so often, so that a warp can bend them."""
    pieces = [np.linspace(a, b, 12) for a, b in zip(points[:-1], points[1:], strict=True)]
    return np.concatenate(pieces).astype(np.float32)
