"""What is computed in a process of its own: the same, behind everybody else, and after a kill."""

from __future__ import annotations

import os
import signal
import sys

import numpy as np
import pytest

from mnist_core.analysis import own_process, robustness
from mnist_core.analysis.explanation import occlusion, reach
from mnist_core.models.classifier import Classifier


class Counting(own_process.OwnProcess):
    """Counts what was computed there: `compute` falls back on this process without a word."""

    answers = 0

    def _ask(self, asked: bytes) -> object:
        answer = super()._ask(asked)
        self.answers += 1
        return answer


@pytest.fixture
def helper():
    helper = Counting()
    yield helper
    helper.close()


def test_an_explanation_is_the_same_there_as_here(helper, random):
    classifier = Classifier.load("dense")
    image = random.random((28, 28)).astype(np.float32)
    np.testing.assert_allclose(
        helper.compute(occlusion, classifier, image), occlusion(classifier, image), atol=1e-5
    )
    assert helper.answers == 1


def test_curves_are_the_same_there_as_here_level_by_level(helper, random):
    classifier = Classifier.load("dense")
    images, labels = random.integers(0, 256, (8, 28, 28), np.uint8), np.arange(8)
    pieces = []

    def compute(function, *arguments):
        pieces.append(helper.compute(function, *arguments))
        return pieces[-1]

    there = robustness.measure(classifier.probabilities, images, labels, compute=compute)
    assert there == robustness.measure(classifier.probabilities, images, labels)
    assert pieces == [share for shares in there.values() for share in shares]
    assert helper.answers == len(pieces)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_everybody_else_goes_before_it(helper):
    there = helper.compute(os.getpid)
    assert there != os.getpid()
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + own_process.NICENESS, 19)
    assert os.getpriority(os.PRIO_PROCESS, there) == niceness
    assert helper.compute(os.getpid) == there


def test_a_killed_process_is_replaced_and_its_answer_computed_here(helper):
    there = helper.compute(os.getpid)
    os.kill(there, signal.SIGKILL)
    assert helper.compute(os.getpid) == os.getpid()
    assert helper.compute(os.getpid) not in (there, os.getpid())


def test_what_goes_wrong_there_is_raised_here(helper):
    with pytest.raises(ZeroDivisionError):
        helper.compute(divmod, 1, 0)


def test_what_cannot_be_sent_is_computed_here(helper):
    classifier = Classifier("made up", {}, lambda batch: (np.full((len(batch), 10), 0.1), None), "")
    assert helper.compute(reach, classifier, np.zeros((28, 28), np.float32)) == 8
    assert helper.compute(lambda: os.getpid()) == os.getpid()
