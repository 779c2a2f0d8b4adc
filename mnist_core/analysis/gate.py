"""The gate: may a network that learnt from people take the place of the one before?

The rule compares two tables of answers to the same images, one network's and its successor's:

1. people     drawings of people whom it has not learnt from: better by more than chance, that is
              more drawings won than lost, one-sided exact McNemar test p <= BETTER_P
2. MNIST      test images,
3. pen        strokes of other writers that validate: no worse than noise, that is the same test
              finds no loss at p < WORSE_P, and the net loss is at most MOST_LOST of the images

All three, or the one before stays. McNemar's test (Q. McNemar 1947) looks at those images alone
that one network gets and the other does not. An answer is 0 to 9, or 10 for "not a digit"; it is
right where it is the label. The test images decide nothing but whether a candidate is refused:
none is chosen among others by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BETTER_P = 0.05
WORSE_P = 0.05
MOST_LOST = 0.001  # of the images: 10 of MNIST's 10,000
PEOPLE, MNIST, PEN = "people", "mnist", "pen"
SETS = (PEOPLE, MNIST, PEN)
FOLDS = 3  # where there are few people, each is judged by a network that has not learnt from them

Answers = Mapping[str, np.ndarray]  # of each of SETS: (n,) integers, 0 to 10


@dataclass(frozen=True)
class Part:
    """What the gate found on one set of images."""

    images: int
    errors_before: int
    errors_after: int
    won: int  # the one before errs, the candidate does not
    lost: int
    p_value: float  # one-sided: of so many won (people) or lost (the others), were both as good
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate found on all three."""

    parts: dict[str, Part]

    @property
    def passed(self) -> bool:
        """Whether the candidate may take over."""
        return all(part.passed for part in self.parts.values())

    @property
    def failed(self) -> list[str]:
        """Return those of SETS that it failed."""
        return [name for name, part in self.parts.items() if not part.passed]


def judge(labels: Answers, before: Answers, after: Answers) -> Verdict:
    """Return the verdict on the answers `after` against those `before`."""
    return Verdict({name: _part(name, labels, before, after) for name in SETS})


def _part(name: str, labels: Answers, before: Answers, after: Answers) -> Part:
    right_before = before[name] == labels[name]
    right_after = after[name] == labels[name]
    won = int(np.count_nonzero(right_after & ~right_before))
    lost = int(np.count_nonzero(right_before & ~right_after))
    images = len(labels[name])
    if name == PEOPLE:
        p_value = one_sided(won, won + lost)
        passed = won > lost and p_value <= BETTER_P
    else:
        p_value = one_sided(lost, won + lost)
        passed = p_value >= WORSE_P and lost - won <= MOST_LOST * images
    return Part(
        images=images,
        errors_before=int(np.count_nonzero(~right_before)),
        errors_after=int(np.count_nonzero(~right_after)),
        won=won,
        lost=lost,
        p_value=p_value,
        passed=passed,
    )


def one_sided(times: int, of: int) -> float:
    """Return the probability of at least `times` heads of `of` coins; 1 without coins.

    >>> one_sided(5, 5), one_sided(0, 0)
    (0.03125, 1.0)
    """
    if of == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(times, of, alternative="greater").pvalue)


def folds(writers: np.ndarray, most: int = FOLDS, seed: int = 1) -> np.ndarray:
    """Return (n,) which fold each drawing is judged in; all drawings of a writer in the same one.

    writers: (n,) who drew each. Writers with many drawings are dealt first, each to the fold with
    the fewest drawings. Fewer folds than `most` where there are fewer writers; raises ValueError
    for fewer than two.
    """
    names, counts = np.unique(writers, return_counts=True)
    count = min(most, len(names))
    if count < 2:
        raise ValueError("a split by writer needs two writers")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    dealt = shuffled[np.argsort(-counts[shuffled], kind="stable")]
    sizes, of_writer = np.zeros(count, int), {}
    for place in dealt:
        smallest = int(sizes.argmin())
        of_writer[names[place]] = smallest
        sizes[smallest] += counts[place]
    return np.array([of_writer[writer] for writer in writers])


def suspicious(
    labels: np.ndarray, opinions: np.ndarray, confidences: np.ndarray, sure: float = 0.9
) -> np.ndarray:
    """Return (n,) bool: every network contradicts the label, with at least `sure`.

    labels: (n,); opinions: (networks, n) answers, 0 to 10; confidences: (networks, n), 0 to 1.
    """
    return ((opinions != labels) & (confidences >= sure)).all(axis=0)
