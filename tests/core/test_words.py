"""Numbers and names as visitors read them."""

import doctest
import time

import pytest

from mnist_core import words

NOON = time.mktime((2026, 11, 24, 12, 37, 0, 0, 0, -1))


def test_the_examples_are_true():
    assert doctest.testmod(words) == (0, 8)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, ""), (0.2, "0 s"), (48, "48 s"), (185, "3 min 5 s"), (4321, "1 h 12 min")],
)
def test_durations_are_told_as_people_tell_them(seconds, told):
    assert words.duration(seconds) == told


def test_a_run_is_called_by_its_title_and_when_it_was_asked_for():
    assert words.run_title("fast", NOON, now=NOON + 3600) == "fast, 12:37"
    assert words.run_title("fast", NOON, now=NOON + 86_400) == "fast, 24 Nov, 12:37"


@pytest.mark.parametrize(
    ("probability", "told"),
    [(0.0, "0%"), (0.0049, "<1%"), (0.0051, "1%"), (0.55, "55%"), (0.9949, "99%"), (1.0, "100%")],
)
def test_a_probability_never_claims_to_be_certain(probability, told):
    assert words.chance(probability) == told
