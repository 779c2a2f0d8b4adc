"""What is not one digit: built from strokes, to teach a network to say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from mnist_core.ink.glyphs import other_prototypes
from mnist_core.ink.pen import Random, another_hand, normalise
from mnist_core.ink.strokes import Stroke

NOT_A_DIGIT = 10  # a label like 0 to 9
# Mirrored, a 0, 1 or 8 is still one, and a 2 is nearly a 5; turned upside down, 0, 1, 2, 5, 6,
# 8 and 9 are digits too.
NO_DIGIT_MIRRORED = (3, 4, 6, 7, 9)
NO_DIGIT_UPSIDE_DOWN = (3, 4, 7)
NO_DIGIT_HALVED = (0, 2, 3, 5, 8)

Drawings = Sequence[Sequence[Stroke]]
Maker = Callable[[Drawings, np.ndarray, Random], list[Stroke]]


def non_digit(drawings: Drawings, labels: np.ndarray, random: Random) -> tuple[str, list[Stroke]]:
    """Return (kind, strokes) of something that is no digit, or more than one.

    drawings, labels: digits to make it from, n of each.
    """
    kind = str(random.choice(list(KINDS), p=_SHARES))
    return kind, KINDS[kind](drawings, labels, random)


def _pick(drawings: Drawings, labels: np.ndarray, random: Random, digits: Sequence[int]):
    index = random.choice(np.flatnonzero(np.isin(labels, digits)))
    return another_hand(drawings[index], random)


def _mirrored(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    return [s * (-1, 1) for s in _pick(drawings, labels, random, NO_DIGIT_MIRRORED)]


def _upside_down(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    return [-s for s in _pick(drawings, labels, random, NO_DIGIT_UPSIDE_DOWN)]


def _half(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """The upper, lower, left or right half; halves that are nearly a digit are left out."""
    strokes = normalise(_pick(drawings, labels, random, NO_DIGIT_HALVED))
    axis, keep_first = int(random.integers(2)), bool(random.integers(2))
    middle = np.concatenate(strokes)[:, axis].mean()
    pieces: list[Stroke] = []
    for stroke in strokes:
        inside = (stroke[:, axis] < middle) == keep_first
        edges = np.flatnonzero(np.diff(inside)) + 1
        parts = np.split(stroke, edges)
        pieces += [part for part in parts if (part[0, axis] < middle) == keep_first]
    return [piece for piece in pieces if len(piece) > 1] or _line(drawings, labels, random)


def _two_at_once(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """Two digits side by side, above each other, or one over the other."""
    first, second = (normalise(_pick(drawings, labels, random, range(10))) for _ in range(2))
    fate = random.random()
    wide = max(float(np.concatenate(first)[:, 0].max()), 0.25)
    if fate < 0.55:
        offset = np.array([wide + random.uniform(0.03, 0.35), random.normal(0, 0.08)])
    elif fate < 0.7:
        offset = np.array([random.normal(0, 0.08), random.uniform(1.05, 1.3)])
    else:
        offset = random.normal(0, 0.2, 2)
    return [*first, *(stroke + offset for stroke in second)]


def _scribble(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """A random walk with momentum, long enough not to be a digit by chance."""
    steps = ndimage.gaussian_filter1d(
        random.normal(0, 1, (int(random.integers(60, 240)), 2)), random.uniform(1.5, 5), axis=0
    )
    return [np.cumsum(steps, axis=0)]


def _closed_curve(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """A flower or amoeba: three to seven lobes, deep enough not to be a zero."""
    angle = np.linspace(0, 2 * np.pi, 90)
    lobes, depth = int(random.integers(3, 8)), random.uniform(0.35, 0.8)
    radius = 1 + depth * np.sin(lobes * angle + random.uniform(0, 6.3))
    return [np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)]


def _hatching(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """Parallel lines or a zigzag, sometimes crossed."""
    count = int(random.integers(3, 9))
    left = np.stack([np.linspace(0, 1, count), random.normal(0, 0.04, count)], axis=1)
    right = np.stack([np.linspace(0, 1, count), 1 + random.normal(0, 0.04, count)], axis=1)
    if random.random() < 0.5:
        lines = [np.stack([left, right], axis=1).reshape(-1, 2)]
    else:
        lines = [np.stack(pair) for pair in zip(left, right, strict=True)]
        if random.random() < 0.4:
            lines += [line[:, ::-1] for line in lines]
    turn = random.uniform(0, np.pi)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return [line @ matrix for line in lines]


def _line(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """A stray line that is no one: level or nearly so, or a few of them."""
    strokes = []
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        angle = np.radians(random.uniform(-28, 28))
        end = np.array([np.cos(angle), np.sin(angle)]) * random.uniform(0.5, 1.2)
        line = np.linspace((0, 0), end, 20) + random.uniform(-0.4, 0.4, 2)
        line[:, 1] += random.normal(0, 0.06) * np.sin(np.linspace(0, np.pi, 20))
        strokes.append(line)
    return strokes


def _letter_or_shape(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    others = other_prototypes()
    return another_hand(others[int(random.integers(len(others)))], random)


def _made_up_sign(drawings: Drawings, labels: np.ndarray, random: Random) -> list[Stroke]:
    """Three to six lines, arcs and rings set together as in a script that nobody has."""
    strokes = []
    for _ in range(int(random.integers(3, 7))):
        start, reach = random.choice([0.0, 0.5, 1.0], 2), random.uniform(0.3, 1.0)
        if random.random() < 0.55:
            turn = random.choice([0, 45, 90, 135, 180, 270]) + random.normal(0, 10)
            end = reach * np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
            stroke = np.linspace((0, 0), end, 12)
        else:
            angle = np.linspace(0, random.uniform(1.5, 6.3), 24) + random.uniform(0, 6.3)
            size = random.uniform(0.15, 0.5, 2)
            stroke = np.stack([np.cos(angle), np.sin(angle)], axis=1) * size
        strokes.append(stroke + start)
    return another_hand(strokes, random)


KINDS: dict[str, Maker] = {
    "mirrored": _mirrored,
    "upside down": _upside_down,
    "half": _half,
    "two at once": _two_at_once,
    "scribble": _scribble,
    "closed curve": _closed_curve,
    "hatching": _hatching,
    "stray line": _line,
    "letter or shape": _letter_or_shape,
    "made-up sign": _made_up_sign,
}
_SHARES = np.array([0.13, 0.05, 0.05, 0.17, 0.10, 0.05, 0.05, 0.05, 0.27, 0.08])
