"""Replay: the answers at every moment of a drawing, and when they were final."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.analysis.replay import LONGEST_PAUSE_MS, Replay, in_words, replay, timed
from mnist_core.errors import BlankDrawing
from mnist_core.ink.examples import EXAMPLES
from mnist_core.models.reading import read_strokes

FOUR = next(example.strokes for example in EXAMPLES if example.label == 4)


def test_the_last_moment_is_the_whole_drawing():
    made = replay(FOUR, 18)
    reading = read_strokes(FOUR, 18)
    np.testing.assert_array_equal(made.images[-1], reading.image)
    for slot, answer in reading.answers.items():
        np.testing.assert_allclose(made.probabilities[slot][-1], answer.probabilities, atol=1e-4)
    assert (np.diff(made.at_ms) > 0).all()
    assert len(made.at_ms) == 40


def test_a_moment_is_what_had_been_drawn_by_then():
    """The second stroke has not begun while the first is drawn."""
    made = replay(FOUR[:2])
    begins = made.strokes[1][0, 2]
    early = made.at_ms < begins
    alone = replay(FOUR[:1])
    np.testing.assert_allclose(made.images[early][-1], alone.images[-1], atol=0.02)


def test_times_are_kept_and_pauses_cut_short():
    stroke = np.array([[0, 0, 5000.0], [10, 0, 5100], [10, 10, 5050]])
    later = np.array([[50, 50, 65_000.0], [60, 60, 65_200]])
    first, second = timed([stroke, np.zeros((0, 3)), later])
    np.testing.assert_array_equal(first[:, 2], [0, 100, 100])
    np.testing.assert_array_equal(second[:, 2], 100 + LONGEST_PAUSE_MS + np.array([0, 200]))


def test_a_hand_that_was_not_timed_draws_evenly():
    (only,) = timed([np.array([[0.0, 0], [100, 0], [100, 50]])])
    np.testing.assert_allclose(only[:, 2], [0, 200, 300])


def test_a_drawing_without_ink_is_refused():
    with pytest.raises(BlankDrawing):
        replay([])
    with pytest.raises(BlankDrawing):
        replay([np.array([[-500.0, -500]])])


def made_of(digits: list[int]) -> Replay:
    times = np.linspace(0, 100 * (len(digits) - 1), 11)
    halves = [times[times <= times.mean()], times[times > times.mean()]]
    strokes = [np.column_stack([half, half, half]) for half in halves]
    at_ms = np.arange(len(digits)) * 100.0
    zeros = np.zeros((len(digits), 28, 28), np.float32)
    return Replay(strokes, at_ms, zeros, {"cnn": np.eye(10, dtype=np.float32)[digits]})


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ([7, 7, 7], "The CNN said 7 from the start."),
        ([1, 1, 1, 1, 1, 7, 7, 7, 7], "The CNN said 7 from the beginning of the second stroke on; "
         "before, it took it for a 1."),
        ([1, 8, 7, 7, 7, 7, 7], "The CNN said 7 from the end of the first stroke on; before, it "
         "took it for a 1 and an 8."),
        ([1, 1, 1, 7], "The CNN said 7 only at the very end; before, it took it for a 1."),
    ],
)  # fmt: skip
def test_what_a_network_said_when_is_told_in_a_sentence(digits, words):
    assert in_words(made_of(digits), "cnn", "the CNN") == words
