"""What a network reads in a digit that is pushed to every place around the middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.explanation import FARTHEST, push
from mnist_core.models.classifier import Classifier


@dataclass(frozen=True)
class NudgeMap:
    """Answers by place: row 0 is pushed up by `FARTHEST` pixels, column 0 to the left by as many.

    The place in the middle is that of the digit as it is.
    """

    digits: np.ndarray  # (17, 17) uint8
    confidence: np.ndarray  # (17, 17) float32, the probability of that digit

    @property
    def holds(self) -> np.ndarray:
        """Where the answer is that of the middle: (17, 17) bool."""
        return self.digits == self.digits[FARTHEST, FARTHEST]


def nudge_map(classifier: Classifier, image: np.ndarray) -> NudgeMap:
    """Return what is read at all 17 x 17 places; image: (28, 28) float32 in [0, 1]."""
    steps = range(-FARTHEST, FARTHEST + 1)
    pushed = np.array([push(image, down, right) for down in steps for right in steps])
    probabilities = classifier.probabilities(pushed).reshape(len(steps), len(steps), 10)
    return NudgeMap(probabilities.argmax(axis=2).astype(np.uint8), probabilities.max(axis=2))
