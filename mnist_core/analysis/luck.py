"""Whether two recipes differ, or one of them was lucky: accuracies over several seeds, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANT_BELOW = 0.05


@dataclass(frozen=True)
class Spread:
    """Accuracies of the same recipe with several seeds. Shares in [0, 1]."""

    runs: int
    mean: float
    deviation: float  # of the sample, divided by n - 1
    least: float
    most: float


@dataclass(frozen=True)
class Difference:
    """What tells one recipe's accuracies from another's."""

    difference: float  # first minus second, of the means
    low: float  # its 95 % confidence interval
    high: float
    p_value: float

    @property
    def is_significant(self) -> bool:
        """Whether chance alone would seldom (in less than one of twenty cases) bring as much."""
        return self.p_value < SIGNIFICANT_BELOW


def spread(accuracies: Sequence[float]) -> Spread:
    """Return mean and spread of at least two accuracies. Raises ValueError for fewer."""
    values = np.asarray(accuracies, float)
    if len(values) < 2:
        raise ValueError("One run has no spread; train at least two seeds.")
    return Spread(
        len(values), float(values.mean()), float(values.std(ddof=1)),
        float(values.min()), float(values.max()),
    )  # fmt: skip


def compare(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare two recipes by Welch's t-test, which lets their spreads differ (Welch, 1947).

    Both are accuracies of at least two seeds, in [0, 1]. Raises ValueError for fewer.
    """
    one, other = spread(first), spread(second)
    if one.deviation == other.deviation == 0:
        apart = one.mean - other.mean
        return Difference(apart, apart, apart, 0.0 if apart else 1.0)
    result = stats.ttest_ind(first, second, equal_var=False)
    interval = result.confidence_interval(0.95)
    return Difference(
        one.mean - other.mean, float(interval.low), float(interval.high), float(result.pvalue)
    )
