"""What a run's files say, checked: each raises ValueError for what no training writes."""

from __future__ import annotations

from typing import Any

from mnist_core.files import finite


def number(value: object, least: float = -1e12, most: float = 1e12) -> float:
    """Return a number within bounds."""
    found = finite(value, least, most)
    if found is None:
        raise ValueError(f"there should be a number from {least} to {most}")
    return found


def whole(value: object, least: int = 0, most: int = 10**9) -> int:
    """Return a whole number within bounds."""
    return int(number(value, least, most))


def confusion(told: Any) -> list[list[int]]:
    """Return counts, rows true, 10 x 10."""
    counts = [[whole(count) for count in row] for row in told[:10]]
    if [len(row) for row in counts] != [10] * 10:
        raise ValueError("the confusion is not 10 by 10")
    return counts


def probabilities(told: Any) -> list[float]:
    """Return the ten probabilities of an answer."""
    return [number(told[digit], 0, 1.001) for digit in range(10)]


def example(told: dict[str, Any]) -> dict[str, Any]:
    """Return a digit of the training images with what a network answers: index, label and
    probabilities."""
    return {
        "index": whole(told["index"]),
        "label": whole(told["label"], 0, 9),
        "probabilities": probabilities(told["probabilities"]),
    }
