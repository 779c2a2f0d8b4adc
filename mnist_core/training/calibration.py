"""Temperature, threshold for "not a digit", and answers to the test images of a trained network.

Imports Keras, and so TensorFlow, like everything that only a training process loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mnist_core.analysis.metrics import accuracy, fit_temperature
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models.registry import Evaluation
from mnist_core.models.temperature import apply_temperature
from mnist_core.training.batches import as_input
from mnist_core.training.ink_pool import InkPool

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset

# Of the validation drawings that are digits, this share is accepted as digits.
ACCEPTED_SHARE = 0.99


def predict(model: keras.Model, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return probabilities (n, 10) and digit scores (n,), or None where there are none.

    inputs: (n, 28, 28, 1) float32 in [0, 1].
    """
    answers = model.predict(inputs, batch_size=500, verbose=0)
    if isinstance(answers, dict):
        return answers["digit"], answers["is_digit"][:, 0]
    return answers, None


def calibrate(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    pool: InkPool | None,
    accepted_share: float = ACCEPTED_SHARE,
) -> dict[str, Any]:
    """Return temperature, digit threshold and validation accuracy, from validation data alone.

    images: (n, 28, 28) uint8 and labels: (n,), those that validate; pool: the drawings beside
    them, of which only the validation part is used; accepted_share: see `from_answers`.
    """
    drawn = None if pool is None else predict(model, as_input(pool.validation_images))
    drawn_labels = None if pool is None else pool.validation_labels
    probabilities = predict(model, as_input(images))[0]
    return from_answers(probabilities, labels, drawn, drawn_labels, accepted_share)


def from_answers(
    probabilities: np.ndarray,
    labels: np.ndarray,
    drawn: tuple[np.ndarray, np.ndarray | None] | None = None,
    drawn_labels: np.ndarray | None = None,
    accepted_share: float = ACCEPTED_SHARE,
) -> dict[str, Any]:
    """Return what `calibrate` does, from a network's answers to what validates.

    probabilities: (n, 10) of images with these labels (n,); drawn: probabilities (m, 10) and
    digit scores (m,) of drawings with these labels (m,), 10 = not a digit; accepted_share: of
    the drawn digits, how many the threshold accepts.
    """
    found: dict[str, Any] = {
        "validation_accuracy": accuracy(labels, probabilities.argmax(axis=1)),
        "digit_threshold": None,
    }
    if drawn is not None and drawn_labels is not None:
        answers, scores = drawn
        real = drawn_labels != NOT_A_DIGIT
        digits = drawn_labels[real]
        found["validation_accuracy_pen"] = accuracy(digits, answers[real].argmax(axis=1))
        probabilities = np.concatenate([probabilities, answers[real]])
        labels = np.concatenate([labels, digits])
        if scores is not None:
            threshold = float(np.quantile(scores[real], 1 - accepted_share))
            found["digit_threshold"] = threshold
            found["validation_digits_accepted"] = float((scores[real] >= threshold).mean())
            found["validation_non_digits_refused"] = float((scores[~real] < threshold).mean())
    found["temperature"] = fit_temperature(probabilities, labels)
    return found


def evaluate(model: keras.Model, dataset: Dataset, temperature: float) -> Evaluation | None:
    """Return the calibrated answers to the test images, None where there are none."""
    if not len(dataset.x_test):
        return None
    probabilities, scores = predict(model, as_input(dataset.x_test))
    calibrated = apply_temperature(probabilities, temperature)
    return Evaluation(calibrated, dataset.y_test, dataset.digest, "test", scores)
