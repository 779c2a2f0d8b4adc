"""Whether a result was luck, in words."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_core import words
from mnist_core.analysis import luck


def spread_in_words(accuracies: Sequence[float]) -> str:
    """Return mean and spread over seeds, as one line of Markdown."""
    if len(accuracies) < 2:
        missing = "One more seed has" if accuracies else "Two seeds have"
        return f"{missing} to finish before there is a spread."
    found = luck.spread(accuracies)
    return (
        f"**{words.percent(found.mean)}** of the test images on average, give or take "
        f"**{words.percent(found.deviation)}** (standard deviation over {found.runs} seeds; the "
        f"worst {words.percent(found.least)}, the best {words.percent(found.most)})."
    )


def difference_in_words(
    one: str, first: Sequence[float], other: str, second: Sequence[float]
) -> str:
    """Return whether two recipes differ, as one line of Markdown; one, other: what they are
    called."""
    if min(len(first), len(second)) < 2:
        return "Each needs at least two finished seeds before they can be compared."
    found = luck.compare(first, second)
    better, worse = (one, other) if found.difference > 0 else (other, one)
    apart = words.percent(abs(found.difference))
    bounds = sorted([abs(found.low), abs(found.high)])
    if found.is_significant:
        return (
            f"**That was no luck:** {better} reads {apart} more than {worse} on average (95% "
            f"interval {words.percent(bounds[0])} to {words.percent(bounds[1])}); seeds alone "
            f"would bring as much in {_chances(found.p_value)}."
        )
    return (
        f"**That may be luck:** {better} is {apart} ahead of {worse}, but seeds alone would bring "
        f"as much in {_chances(found.p_value)}. More seeds would tell."
    )


def _chances(p_value: float) -> str:
    return "fewer than 1 of 1,000 cases" if p_value < 0.001 else f"{p_value:.1%} of cases"
