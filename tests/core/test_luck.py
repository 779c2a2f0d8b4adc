"""Mean, spread and Welch's test over seeds."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.analysis import luck
from mnist_core.views import luck_view


def test_spread_is_that_of_numpy(random):
    values = random.normal(0.99, 0.001, 10)
    found = luck.spread(values)
    assert (found.runs, found.mean) == (10, pytest.approx(values.mean()))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    with pytest.raises(ValueError, match="at least two seeds"):
        luck.spread([0.9])


def test_alike_recipes_are_told_apart_in_about_one_of_twenty_cases(random):
    draws = random.normal(0.99, 0.001, (400, 2, 10))
    significant = [luck.compare(one, other).is_significant for one, other in draws]
    assert 0.02 < np.mean(significant) < 0.09


def test_recipes_that_differ_are_told_apart(random):
    better, worse = random.normal(0.992, 0.001, 10), random.normal(0.989, 0.001, 10)
    found = luck.compare(better, worse)
    assert found.is_significant
    assert found.low < 0.003 < found.high
    assert luck.compare(worse, better).difference == pytest.approx(-found.difference)


def test_runs_without_any_spread_are_compared_too():
    assert luck.compare([0.9, 0.9], [0.9, 0.9]).p_value == 1
    assert luck.compare([0.9, 0.9], [0.8, 0.8]).is_significant


def test_the_words_say_whether_it_was_luck(random):
    better, worse = random.normal(0.992, 0.001, 10), random.normal(0.985, 0.001, 10)
    told = luck_view.difference_in_words("wide", better, "narrow", worse)
    assert told.startswith("**That was no luck:** wide reads 0.7")
    assert "narrow" in told
    assert "may be luck" in luck_view.difference_in_words("a", [0.98, 0.99], "b", [0.985, 0.986])
    assert "at least two" in luck_view.difference_in_words("a", [0.98], "b", [0.985, 0.986])
    assert "over 10 seeds" in luck_view.spread_in_words(better)
    assert "One more seed has" in luck_view.spread_in_words([0.9])
    assert "Two seeds have" in luck_view.spread_in_words([])
