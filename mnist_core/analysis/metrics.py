"""Labels and probabilities -> metrics, confusion, calibration, and the test of a difference.

Everywhere: y_true and y_pred are (n,) integers 0-9, probabilities are (n, 10) with rows that sum
to 1, indices are positions in those arrays. A share that has no cases to be a share of (the
precision of a digit that was never predicted) is 0, as in scikit-learn with `zero_division=0`.

Counting is NumPy: the whole of it takes a few milliseconds for 10,000 digits, where importing
`sklearn.metrics` alone would keep a page waiting for over a second. Tests hold every metric
against scikit-learn. What takes numerical care (intervals, exact tests, minimising) is SciPy's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.models.temperature import LEAST_PROBABILITY, apply_temperature
from mnist_core.words import capitalised, count

DIGITS = 10
_TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True)
class PerDigit:
    """Metrics of each digit: four (10,) arrays, shares as float64 in [0, 1]."""

    precision: np.ndarray  # of the images read as this digit, the share that are
    recall: np.ndarray  # of the images of this digit, the share read as it
    f1: np.ndarray  # harmonic mean of the two
    support: np.ndarray  # (10,) int64, images of this digit


@dataclass(frozen=True)
class Summary:
    """The figures that describe one model on one set of images."""

    images: int
    errors: int
    accuracy: float
    interval: tuple[float, float]  # 95 %, Wilson
    cross_entropy: float  # mean, in nats
    macro_f1: float
    calibration_error: float  # expected calibration error, 15 bins


def summarise(probabilities: np.ndarray, y_true: np.ndarray) -> Summary:
    """Return the figures that describe a model's answers."""
    y_pred = probabilities.argmax(axis=1)
    right = int(np.count_nonzero(y_pred == y_true))
    return Summary(
        images=len(y_true),
        errors=len(y_true) - right,
        accuracy=accuracy(y_true, y_pred),
        interval=wilson_interval(right, len(y_true)),
        cross_entropy=cross_entropy(probabilities, y_true),
        macro_f1=macro_f1(y_true, y_pred),
        calibration_error=expected_calibration_error(probabilities, y_true),
    )


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the share of right answers, 0 to 1 (0 where there are none to count)."""
    return float(np.mean(np.asarray(y_true) == np.asarray(y_pred))) if len(y_true) else 0.0


def wilson_interval(right: int, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval for a share (E. B. Wilson 1927), (0, 1) without images.

    >>> [round(end, 4) for end in wilson_interval(9241, 10_000)]
    [0.9187, 0.9291]
    """
    if images == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    interval = binomtest(right, images).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def cross_entropy(probabilities: np.ndarray, y_true: np.ndarray) -> float:
    """Return the mean of -log(probability of the true digit), in nats; 0 is perfect."""
    if len(y_true) == 0:
        return 0.0
    of_true = probabilities[np.arange(len(y_true)), y_true].astype(np.float64)
    return float(-np.log(np.maximum(of_true, LEAST_PROBABILITY)).mean())


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return C, (10, 10) int64: C[i, j] images of digit i were read as j.

    >>> int(confusion_matrix(np.array([7, 7]), np.array([7, 2]))[7, 2])
    1
    """
    pairs = np.asarray(y_true).astype(np.int64) * DIGITS + np.asarray(y_pred).astype(np.int64)
    return np.bincount(pairs, minlength=DIGITS * DIGITS).reshape(DIGITS, DIGITS)


def shares(matrix: np.ndarray, of: str) -> np.ndarray:
    """Return the matrix as shares: of="true" of its row, "predicted" of its column, "all".

    of="count" returns the counts themselves; (10, 10) float64 in every case.
    """
    totals = {
        "count": np.ones((1, 1)),
        "true": matrix.sum(axis=1, keepdims=True),
        "predicted": matrix.sum(axis=0, keepdims=True),
        "all": matrix.sum(keepdims=True),
    }
    if of not in totals:
        raise ValueError(f"{of!r} is no way to show a matrix; use one of {', '.join(totals)}.")
    return _ratio(matrix, totals[of])


def per_digit(y_true: np.ndarray, y_pred: np.ndarray) -> PerDigit:
    """Return precision, recall, F1 and support of each digit."""
    matrix = confusion_matrix(y_true, y_pred)
    right, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return PerDigit(
        precision=_ratio(right, predicted),
        recall=_ratio(right, support),
        f1=_ratio(2 * right, support + predicted),
        support=support,
    )


def macro_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the mean F1 over the digits that occur, as a label or as an answer."""
    occurs = np.union1d(y_true, y_pred).astype(np.int64)
    return float(per_digit(y_true, y_pred).f1[occurs].mean()) if len(occurs) else 0.0


def most_confused_pairs(matrix: np.ndarray, most: int = 10) -> list[tuple[int, int, int]]:
    """Return (true, predicted, count) of the most frequent mistakes, most frequent first."""
    mistakes = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    cells = (divmod(int(flat), DIGITS) for flat in order)
    return [(i, j, int(mistakes[i, j])) for i, j in cells if mistakes[i, j] > 0]


def cell_indices(
    probabilities: np.ndarray, y_true: np.ndarray, true: int, predicted: int
) -> np.ndarray:
    """Return the indices of the images that one cell counts, the surest answer first."""
    chosen = np.flatnonzero((y_true == true) & (probabilities.argmax(axis=1) == predicted))
    return chosen[np.argsort(-probabilities[chosen, predicted], kind="stable")]


def hardest(probabilities: np.ndarray, y_true: np.ndarray, most: int = 30) -> np.ndarray:
    """Return the indices of the images whose own digit got the least probability."""
    of_true = probabilities[np.arange(len(y_true)), y_true]
    return np.argsort(of_true, kind="stable")[:most]


def confidently_wrong(probabilities: np.ndarray, y_true: np.ndarray, most: int = 30) -> np.ndarray:
    """Return the indices of the wrong answers, the surest first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_true)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:most]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)


@dataclass(frozen=True)
class ReliabilityBins:
    """Answers sorted into bins of equal width by the probability of the answer."""

    edges: np.ndarray  # (bins + 1,) float64 from 0 to 1
    counts: np.ndarray  # (bins,) int64
    confidence: np.ndarray  # (bins,) mean probability of the answer, 0 where empty
    accuracy: np.ndarray  # (bins,) share of right answers, 0 where empty


def reliability_bins(
    probabilities: np.ndarray, y_true: np.ndarray, bins: int = 15
) -> ReliabilityBins:
    """Return how sure the answers were and how often they were right, bin by bin.

    A bin holds what is above its lower and up to its upper edge (Guo, Pleiss, Sun & Weinberger
    2017, "On calibration of modern neural networks", section 2).
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == y_true
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    return ReliabilityBins(
        edges=edges,
        counts=counts,
        confidence=_ratio(np.bincount(place, weights=confidence, minlength=bins), counts),
        accuracy=_ratio(np.bincount(place, weights=right, minlength=bins), counts),
    )


def expected_calibration_error(
    probabilities: np.ndarray, y_true: np.ndarray, bins: int = 15
) -> float:
    """Return the mean distance, over all answers, of confidence from accuracy in their bin."""
    if len(y_true) == 0:
        return 0.0
    sorted_in = reliability_bins(probabilities, y_true, bins)
    gaps = np.abs(sorted_in.confidence - sorted_in.accuracy)
    return float(np.average(gaps, weights=sorted_in.counts))


def fit_temperature(probabilities: np.ndarray, y_true: np.ndarray) -> float:
    """Return the temperature, 0.05 to 20, that gives these answers the least cross-entropy.

    Above 1 the network was too sure of itself. Fit it on images that did not train the network
    and that will not judge it.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return cross_entropy(apply_temperature(probabilities, np.exp(log_temperature)), y_true)

    found = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Coverage:
    """What is left, and how good it is, when answers below a threshold become "not sure"."""

    threshold: np.ndarray  # (m,) float64, falling; answers at or above it are given
    coverage: np.ndarray  # (m,) share of the images that get an answer, rising
    accuracy: np.ndarray  # (m,) share of right ones among the answers given


def accuracy_against_coverage(probabilities: np.ndarray, y_true: np.ndarray) -> Coverage:
    """Return accuracy and coverage at every threshold that makes a difference."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == y_true)[order]
    # Equal confidences fall together, so only the last of a group is a threshold.
    last = np.flatnonzero(np.diff(confidence[order], append=-1.0))
    given = last + 1
    return Coverage(
        threshold=confidence[order][last],
        coverage=given / max(len(y_true), 1),
        accuracy=np.cumsum(right)[last] / given,
    )


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test of two models on the same images."""

    only_first: int  # the first is right, the second wrong
    only_second: int
    p_value: float  # of a split at least this uneven, were both equally good

    def in_words(self, first: str, second: str) -> str:
        """Return one sentence of what the test found, with its numbers."""
        apart = self.only_first + self.only_second
        if apart == 0:
            both = f"{first} and {second} are right and wrong on exactly the same digits."
            return capitalised(both)
        p = "p < 0.0001" if self.p_value < 1e-4 else f"p = {self.p_value:.2g}"
        split = (
            f"They differ on {count(apart, 'digit')}: {first} alone is right on "
            f"{self.only_first:,}, {second} alone on {self.only_second:,}."
        )
        if self.p_value >= 0.05:
            return f"{split} That may well be chance (McNemar's exact test, {p})."
        better = first if self.only_first > self.only_second else second
        found = f"{better} is better by more than chance (McNemar's exact test, {p})."
        return f"{split} {capitalised(found)}"


def mcnemar_exact(y_true: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """Return McNemar's exact test of two (n,) arrays of answers (Q. McNemar 1947)."""
    first_right, second_right = first == y_true, second == y_true
    only_first = int(np.count_nonzero(first_right & ~second_right))
    only_second = int(np.count_nonzero(second_right & ~first_right))
    if only_first + only_second == 0:
        return McNemar(0, 0, 1.0)
    from scipy.stats import binomtest

    p_value = binomtest(only_first, only_first + only_second, 0.5).pvalue
    return McNemar(only_first, only_second, float(p_value))


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images."""

    only_first: np.ndarray  # indices that the first alone gets, the second's surest mistake first
    only_second: np.ndarray  # indices that the second alone gets, the first's surest mistake first
    both_wrong: np.ndarray  # indices that neither gets
    difference: np.ndarray  # (10, 10) int64, the second's matrix minus the first's
    test: McNemar


def compare(first: np.ndarray, second: np.ndarray, y_true: np.ndarray) -> Comparison:
    """Return what sets two models' probabilities, (n, 10) each, apart."""
    first_pred, second_pred = first.argmax(axis=1), second.argmax(axis=1)
    first_right, second_right = first_pred == y_true, second_pred == y_true

    def surest(chosen: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        indices = np.flatnonzero(chosen)
        return indices[np.argsort(-probabilities[indices].max(axis=1), kind="stable")]

    return Comparison(
        only_first=surest(first_right & ~second_right, second),
        only_second=surest(second_right & ~first_right, first),
        both_wrong=np.flatnonzero(~first_right & ~second_right),
        difference=confusion_matrix(y_true, second_pred) - confusion_matrix(y_true, first_pred),
        test=mcnemar_exact(y_true, first_pred, second_pred),
    )
