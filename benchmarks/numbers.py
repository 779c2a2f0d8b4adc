"""Numbers of two to five digits, set together from single drawings as people space them.

    python -m benchmarks.numbers --fit

Prints the weights by which mnist_core/ink/several.py tells what belongs to one digit: a logistic
regression on the drawings of pendigits' training writers and the project's own prototypes, alone
in other hands and set side by side. How well that does on the test writers, who chose nothing,
`python -m benchmarks.real_ink` prints.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression

from mnist_core.analysis.metrics import wilson_interval
from mnist_core.data.pendigits import load_pendigits
from mnist_core.ink.brush import curve_of
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand, in_another_style
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.several import group, parts_of_strokes, relations
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke, bounds
from mnist_core.models.classifier import Classifier

SEED = 20_261_125
LEAST_DIGITS, MOST_DIGITS = 2, 5
DEFAULT_BRUSH_PX = 18.0
COUNT = 2000
FITTED_ON = 12_000  # drawings, half of them numbers
Random = np.random.Generator


@dataclass(frozen=True)
class Number:
    """A number as somebody might have drawn it on the app's canvas."""

    strokes: list[Stroke]  # in canvas pixels, digit by digit
    digit_of: list[int]  # for each stroke, which digit of the number it is part of
    text: str
    brush_px: float


def compose(drawings: Sequence[Sequence[Stroke]], labels: Sequence[int], random: Random) -> Number:
    """Return the digits set side by side.

    Each is about as high as the others (8 % more or less, one standard deviation) and stands on
    about the same line (5 % of the height). The white between two, where they come nearest, is
    0.22 of the height at the median, and between 0.1 and 0.5 nine times in ten; one time in four
    it lies between the digits' boxes instead, as between typed ones. The number fills 0.75 to 1
    of nine tenths of the canvas's width or seven tenths of its height; the brush is the page's own
    18 pixels every second time, 8 to 26 otherwise, and no thicker than 0.3 of the height.
    """
    digits = [_one_high(strokes, random) for strokes in drawings]
    brush_px = DEFAULT_BRUSH_PX if random.random() < 0.5 else random.uniform(8, 26)
    white = np.clip(random.lognormal(np.log(0.22), 0.5, len(digits)), 0.05, 0.8)
    between_boxes = random.random() < 0.25
    brush = 0.15  # in heights; it depends on how large the number becomes, and that on it
    for _ in range(3):
        placed = _side_by_side(digits, white + brush, between_boxes)
        left, _, right, _ = bounds([stroke for digit in placed for stroke in digit])
        height_px = CANVAS_SIZE_PX * min(0.9 / (right - left + brush), 0.7)
        brush = min(0.3, brush_px / height_px)
    height_px *= random.uniform(0.75, 1)
    strokes = [stroke * height_px for digit in placed for stroke in digit]
    left, top, right, bottom = bounds(strokes)
    to_the_middle = (CANVAS_SIZE_PX - np.array([left + right, top + bottom])) / 2
    return Number(
        [stroke + to_the_middle for stroke in strokes],
        [number for number, digit in enumerate(placed) for _ in digit],
        "".join(str(label) for label in labels),
        brush * height_px,
    )


def composed(drawings: Sequence[Sequence[Stroke]], labels: np.ndarray, random: Random) -> Number:
    """Return a number of two to five of these digits, drawn at random."""
    chosen = random.choice(len(drawings), int(random.integers(LEAST_DIGITS, MOST_DIGITS + 1)))
    return compose([drawings[i] for i in chosen], labels[chosen].tolist(), random)


def _one_high(strokes: Sequence[Stroke], random: Random) -> list[Stroke]:
    """Return the digit about 1 high, in the middle of its line; a flat one is no wider than 1.4."""
    left, top, right, bottom = bounds(strokes)
    size = max(bottom - top, 0.7 * (right - left), 1e-6) / np.exp(random.normal(0, 0.08))
    middle = (left, (top + bottom) / 2)
    return [(stroke - middle) / size + (0, random.normal(0, 0.05)) for stroke in strokes]


def _side_by_side(
    digits: list[list[Stroke]], apart: np.ndarray, between_boxes: bool
) -> list[list[Stroke]]:
    """Return the digits moved right until each is so far from the one before it."""
    placed = [digits[0]]
    for digit, distance in zip(digits[1:], apart[1:], strict=True):
        before = placed[-1]
        own_left = bounds(digit)[0]
        left, _, right, _ = bounds(before)
        most = right + distance - own_left
        # At least this far: a digit does not begin before the middle of the one on its left.
        least = (left + right) / 2 - own_left + 0.05
        if not between_boxes:
            a, b = _closely(before), _closely(digit)
            for _ in range(9):
                tried = (least + most) / 2
                if cdist(a, b + np.array([tried, 0])).min() > distance:
                    most = tried
                else:
                    least = tried
        placed.append([stroke + np.array([most, 0]) for stroke in digit])
    return placed


def _closely(strokes: Sequence[Stroke]) -> np.ndarray:
    """Return points a twentieth of the height apart along the strokes."""
    lines = []
    for stroke in strokes:
        steps = np.hypot(*np.diff(stroke, axis=0).T)
        length = np.concatenate([[0], np.cumsum(steps)])
        at = np.linspace(0, length[-1], int(length[-1] / 0.05) + 2)
        lines.append(np.column_stack([np.interp(at, length, axis) for axis in stroke.T]))
    return np.concatenate(lines)


def measure(models: Sequence[str], count: int = COUNT, seed: int = SEED) -> dict[str, Any]:
    """Return how numbers of the test writers' digits are parted and read; shares are fractions."""
    pendigits = load_pendigits()
    tested = np.flatnonzero(pendigits.is_test)
    drawings, labels = [pendigits.drawings[i] for i in tested], pendigits.labels[tested]
    random = np.random.default_rng((seed, 1))
    numbers = [composed(drawings, labels, random) for _ in range(count)]
    parts = [
        parts_of_strokes([curve_of(s) for s in one.strokes], [one.brush_px] * len(one.strokes))
        for one in numbers
    ]
    ends = np.cumsum([len(found) for found in parts])[:-1]
    images = np.stack([mnist_image(part.ink) for found in parts for part in found])
    lengths = np.array([len(one.text) for one in numbers])
    right_count = np.array([len(found) for found in parts]) == lengths
    figures: dict[str, Any] = {
        "numbers": count,
        "single_digits": len(drawings),
        "single_digits_cut_apart": float(np.mean([len(group(one)) > 1 for one in drawings])),
        "numbers_with_as_many_digits_seen": float(right_count.mean()),
    }
    for name in models:
        digits = Classifier.load(name).probabilities(images).argmax(axis=1)
        read = ["".join(map(str, some)) for some in np.split(digits, ends)]
        right = np.array([said == one.text for said, one in zip(read, numbers, strict=True)])
        figures[name] = {
            "numbers_right": float(right.mean()),
            "numbers_right_95": wilson_interval(int(right.sum()), count),
            "numbers_right_by_length": {
                str(length): float(right[lengths == length].mean())
                for length in range(LEAST_DIGITS, MOST_DIGITS + 1)
            },
        }
    return figures


def fit(seed: int = SEED) -> tuple[np.ndarray, float]:
    """Return the weights of `relations`' columns and the constant."""
    random = np.random.default_rng(seed)
    pendigits = load_pendigits()
    training = np.flatnonzero(~pendigits.is_test)
    drawings = [pendigits.drawings[i] for i in training]
    labels = pendigits.labels[training]
    own = digit_prototypes()
    rows, belong = [], []
    for _ in range(FITTED_ON):
        length = int(random.integers(LEAST_DIGITS, MOST_DIGITS + 1)) if random.random() < 0.5 else 1
        digits = []
        for i in random.choice(len(drawings), length):
            fate = random.random()
            label, strokes = own[i % len(own)] if fate < 0.2 else (int(labels[i]), drawings[i])
            if fate < 0.6:
                strokes = another_hand(in_another_style(strokes, label, random), random)
            digits.append(strokes)
        number = compose(digits, [0] * length, random)
        strokes, digit_of = number.strokes, np.array(number.digit_of)
        if len(strokes) < 2:
            continue
        i, j = np.triu_indices(len(strokes), 1)
        near = np.abs(digit_of[i] - digit_of[j]) < 2  # others are easy, and many
        rows.append(relations(strokes)[near])
        belong.append((digit_of[i] == digit_of[j])[near])
    found = LogisticRegression(C=100, max_iter=5000).fit(np.vstack(rows), np.concatenate(belong))
    return found.coef_[0], float(found.intercept_[0])


def main() -> None:
    """Print what was fitted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fit", action="store_true", required=True, help="fit the weights")
    parser.parse_args()
    weights, constant = fit()
    print("WEIGHTS", np.round(weights, 2).tolist(), "CONSTANT", round(constant, 2))


if __name__ == "__main__":
    main()
