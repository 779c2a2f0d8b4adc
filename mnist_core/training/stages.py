"""A further stage in the training of a network that ships, written into its own place.

Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import keras

from mnist_core.analysis.metrics import accuracy
from mnist_core.data.mnist import Dataset, train_validation_split
from mnist_core.models import registry
from mnist_core.training.calibration import calibrate, evaluate
from mnist_core.training.ink_pool import InkPool
from mnist_core.training.machine import hardware, versions
from mnist_core.training.recipes import get_recipe

# Of the validating digits, how many are accepted: the highest share, in steps of 0.001, at which
# 90 % of the letters of 26 handwriting fonts are still turned away. Then 97 % of the digits of each
# collection looked at are let in (MNIST's validation images, those of few pixels, fresh samples of
# the project's styles), and of these fonts by the dense network; by the CNN 96.8 %.
ACCEPTED_SHARES = {"dense": 0.995, "cnn": 0.997}
STAGES = ("distilled", "polished", "told_apart")


def finish(
    name: str,
    stage: str,
    model: keras.Model,
    dataset: Dataset,
    pool: InkPool,
    how: dict[str, Any],
    *,
    reads_otherwise: bool,
) -> None:
    """Write a network into its own place, with a new threshold for "not a digit".

    stage: one of STAGES, under which the card says `how`, and what the network was before;
    reads_otherwise: whether its digits changed, and so the temperature may.
    """
    card, chosen = registry.load_card(name), get_recipe(name).hyperparameters
    card.pop("measured", None)  # of the network before
    before: dict[str, Any] = {"model_sha256": registry.file_digest(registry.keras_path(name))}
    before |= {earlier: card.pop(earlier) for earlier in STAGES if earlier in card}
    _, validation = train_validation_split(dataset, chosen.validation_split, chosen.seed)
    images, labels = dataset.x_train[validation], dataset.y_train[validation]
    found = calibrate(model, images, labels, pool, ACCEPTED_SHARES[name])
    if not reads_otherwise:
        found["temperature"] = card["temperature"]
    card |= found | {"parameters": model.count_params()}
    about = {
        "strokes": f"{len(pool.images):,} images drawn from {pool.source}",
        "hardware": hardware(),
        "versions": versions(),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    card[stage] = how | about | {"started_from": before}
    evaluation = evaluate(model, dataset, card["temperature"])
    if evaluation is not None:
        answers = evaluation.probabilities.argmax(axis=1)
        card["test_accuracy"] = accuracy(evaluation.y_true, answers)
    registry.save_model(registry.model_dir(name), model, card, evaluation)
