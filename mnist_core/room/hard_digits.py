"""The questions of "Beat it": the test digits that both networks find hardest."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from mnist_core.analysis import metrics
from mnist_core.data.browse import fits
from mnist_core.data.mnist import Dataset
from mnist_core.errors import RoomError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.room.rules import QUESTIONS


def questions(dataset: Dataset) -> dict[str, Any]:
    """Return the hardest test digits, shuffled, with what the networks that ship read in them.

    {"pixels": [base64 of 28 * 28 bytes, white ink on black, ...], "labels": [digit, ...],
    "dense": [digit, ...], "cnn": [digit, ...], "source": a sentence}. Hard is where the digit
    itself gets the least probability, both networks taken together, in the evaluations that ship;
    where those are about other digits, the networks read these first. Raises RoomError, ModelError.
    """
    if len(dataset.y_test) < QUESTIONS:
        raise RoomError(f"This needs {QUESTIONS} labelled test digits; {dataset.source} has fewer.")
    probabilities = {network: _probabilities(network, dataset) for network in registry.SLOTS}
    together = sum(probabilities.values()) / len(registry.SLOTS)
    hardest = metrics.hardest(np.asarray(together), dataset.y_test, QUESTIONS)
    order = np.random.default_rng().permutation(hardest)
    return {
        "pixels": [base64.b64encode(dataset.x_test[i].tobytes()).decode() for i in order],
        "labels": [int(dataset.y_test[i]) for i in order],
        **{n: [int(p[i].argmax()) for i in order] for n, p in probabilities.items()},
        "source": f"the {len(dataset.y_test):,} test digits of {dataset.source}",
    }


def _probabilities(network: str, dataset: Dataset) -> np.ndarray:
    evaluation = registry.load_evaluation(network)
    if fits(dataset, evaluation):
        return evaluation.probabilities
    images = dataset.x_test.astype(np.float32) / 255
    return Classifier.load(network).probabilities(images)
