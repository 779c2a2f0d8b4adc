"""The gate's rule and the split by writer, on made-up tables whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from mnist_core.analysis import gate


def tables(**changed: tuple[int, int, int]):
    """Labels and two tables; changed: set -> images, won, lost. The rest are right in both."""
    labels, before, after = {}, {}, {}
    for name in gate.SETS:
        images, won, lost = changed.get(name, (1000, 0, 0))
        labels[name] = np.arange(images) % 11
        before[name], after[name] = labels[name].copy(), labels[name].copy()
        before[name][:won] = (labels[name][:won] + 1) % 11
        after[name][won : won + lost] = (labels[name][won : won + lost] + 1) % 11
    return labels, before, after


def test_better_on_people_and_the_same_elsewhere_takes_over():
    verdict = gate.judge(*tables(people=(200, 12, 2), mnist=(10_000, 5, 9), pen=(3000, 4, 3)))
    assert verdict.passed
    assert verdict.failed == []
    people = verdict.parts["people"]
    assert (people.images, people.errors_before, people.errors_after) == (200, 12, 2)
    assert (people.won, people.lost) == (12, 2)


@pytest.mark.parametrize(("won", "lost", "passed"), [
    (0, 0, False),  # nothing changed
    (4, 0, False),  # p = 0.0625: too few to tell
    (5, 0, True),  # p = 0.03125
    (8, 2, False),  # p = 0.0547
    (9, 2, True),  # p = 0.0327
    (2, 9, False),
    (100, 100, False),
])  # fmt: skip
def test_people_must_be_won_by_more_than_chance(won, lost, passed):
    verdict = gate.judge(*tables(people=(300, won, lost)))
    assert verdict.passed == passed
    assert verdict.failed == ([] if passed else ["people"])


@pytest.mark.parametrize("name", ["mnist", "pen"])
@pytest.mark.parametrize(("images", "won", "lost", "passed"), [
    (10_000, 0, 4, True),  # p = 0.0625
    (10_000, 0, 5, False),  # p = 0.03125
    (10_000, 30, 40, True),
    (10_000, 200, 211, False),  # within chance, but more than a thousandth is gone
    (10_000, 20, 0, True),
])  # fmt: skip
def test_nothing_may_be_forgotten(name, images, won, lost, passed):
    learnt = {"people": (300, 20, 1), name: (images, won, lost)}
    assert gate.judge(*tables(**learnt)).failed == ([] if passed else [name])


def test_a_candidate_can_fail_all_three():
    worse = dict.fromkeys(gate.SETS, (1000, 0, 50))
    assert gate.judge(*tables(**worse)).failed == list(gate.SETS)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_test_is_the_binomial_tail(won, lost):
    of = won + lost
    assert gate.one_sided(won, of) == pytest.approx(binom.sf(won - 1, of, 0.5))


@given(st.lists(st.integers(0, 12), min_size=2, max_size=80), st.integers(0, 9))
def test_nobody_is_judged_by_who_learnt_from_them(writers, seed):
    writers = np.array(writers)
    if len(np.unique(writers)) < 2:
        with pytest.raises(ValueError, match="two writers"):
            gate.folds(writers)
        return
    fold = gate.folds(writers, seed=seed)
    assert all(len(np.unique(fold[writers == writer])) == 1 for writer in writers)
    assert len(np.unique(fold)) == min(gate.FOLDS, len(np.unique(writers)))


def test_folds_are_of_about_the_same_size():
    writers = np.repeat(np.arange(9), [40, 20, 20, 10, 10, 10, 5, 3, 2])
    assert np.ptp(np.bincount(gate.folds(writers))) <= 5


def test_a_label_is_suspicious_where_both_contradict_it_with_confidence():
    labels = np.array([7, 7, 7, 7, 10])
    opinions = np.array([[1, 1, 1, 7, 3], [1, 7, 2, 7, 3]])
    confidences = np.array([[0.99, 0.99, 0.99, 0.99, 0.95], [0.95, 0.99, 0.6, 0.99, 0.99]])
    assert gate.suspicious(labels, opinions, confidences).tolist() == [True, False, False, False,
                                                                       True]  # fmt: skip
