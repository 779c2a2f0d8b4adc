"""What networks make of people's drawings, and which labels they contradict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis import gate
from mnist_core.analysis.own_process import Compute, here
from mnist_core.data.collection import Collection
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models.classifier import Classifier


@dataclass(frozen=True)
class Opinions:
    """One network's answers to a collection."""

    answers: np.ndarray  # (n,) int64, 0 to 9, 10 = not a digit
    confidences: np.ndarray  # (n,) float32, 0 to 1, of the answer

    def where(self, chosen: np.ndarray) -> Opinions:
        """Return those of some drawings; chosen: indices, or (n,) bool."""
        return Opinions(self.answers[chosen], self.confidences[chosen])


def opinions(classifier: Classifier, collection: Collection, compute: Compute = here) -> Opinions:
    """Return what a network answers to each drawing; compute: where."""
    return table(*compute(classifier.answers, collection.inputs))


def table(probabilities: np.ndarray, scores: np.ndarray, is_digit: np.ndarray) -> Opinions:
    """Return answers and confidences; probabilities (n, 10), scores and is_digit (n,)."""
    answers = np.where(is_digit, probabilities.argmax(axis=1), NOT_A_DIGIT)
    return Opinions(answers, np.where(is_digit, probabilities.max(axis=1), 1 - scores))


def doubted(collection: Collection, said: Mapping[str, Opinions]) -> np.ndarray:
    """Return (n,) bool: labels that all these networks contradict with confidence, and that
    nobody who looked at them has confirmed."""
    if not len(collection) or not said:
        return np.zeros(len(collection), bool)
    found = gate.suspicious(
        collection.labels.astype(np.int64),
        np.stack([one.answers for one in said.values()]),
        np.stack([one.confidences for one in said.values()]),
    )
    confirmed = [drawing.label_source == "confirmed" for drawing in collection.drawings]
    return found & ~np.array(confirmed)
