"""train(recipe, dataset): from a recipe to a trained, calibrated, evaluated model.

Knows no recipe by name. What happens is told in plain events, the same for the command line,
the runs and the pages. Early stopping and schedules are Keras's own; what a training that was cut
off goes on from is in `checkpoint`.
Imports Keras, and so TensorFlow; only a process that trains loads it.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnist_core.analysis.metrics import accuracy
from mnist_core.data.mnist import Dataset, train_validation_split
from mnist_core.errors import ModelError
from mnist_core.models import registry
from mnist_core.models.registry import Evaluation
from mnist_core.training import checkpoint
from mnist_core.training.batches import AugmentedBatches, MixedBatches
from mnist_core.training.calibration import calibrate, evaluate
from mnist_core.training.card import make_card
from mnist_core.training.events import EpochEnd, Event, Finished, Started
from mnist_core.training.hyperparameters import Hyperparameters, override
from mnist_core.training.ink_pool import InkPool, ink_pool
from mnist_core.training.moments import Moments
from mnist_core.training.recipes import Recipe, get_recipe
from mnist_core.training.reporter import Reporter
from mnist_core.training.stages import STAGES


@dataclass(frozen=True)
class TrainingResult:
    """A trained model and everything that is known of it."""

    model: keras.Model
    history: dict[str, list[float]]
    card: dict[str, Any]
    evaluation: Evaluation | None  # None where the data set has no labelled test images
    stopped: bool


@dataclass
class _Split:
    """Training and validation images of one training, and the pen strokes beside them."""

    dataset: Dataset
    train: np.ndarray
    validation: np.ndarray
    pool: InkPool | None = None
    epochs: list[EpochEnd] = field(default_factory=list)
    seconds_before: float = 0.0  # of a training that was cut off


def train(
    recipe: Recipe,
    dataset: Dataset,
    *,
    hyperparameters: Hyperparameters | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    folder: Path | None = None,
    start_from: str | None = None,
    probes: np.ndarray | None = None,
) -> TrainingResult:
    """Train a recipe and return the model with its history, card and test answers.

    The validation split of the training images stops, calibrates and sets the threshold for
    "not a digit"; the test images only report. With a folder, a training that was cut off
    continues from its last complete epoch, which `checkpoint` in it holds; the caller deletes
    that once the model is saved. What another training left there is deleted: one of other
    hyperparameters, data or start. `should_stop` is asked after every batch; a stopped
    training returns the weights of its best epoch so far. With `start_from`, the name of a
    saved model of the same recipe, training begins at its weights instead of random ones; the
    hyperparameters choose the images that validate, which it should not have learnt from.
    probes: (n, 28, 28) uint8, digits that the training is watched with (see `moments`).
    Raises ModelError where that model cannot be read or has other layers.
    """
    chosen = hyperparameters or recipe.hyperparameters
    keras.utils.set_random_seed(chosen.seed)
    split = _Split(
        dataset,
        *train_validation_split(dataset, chosen.validation_split, chosen.seed, chosen.share),
        pool=ink_pool(chosen.seed) if recipe.needs_strokes else None,
    )
    model = recipe.build(chosen)
    earlier = _load_start(model, start_from) if start_from is not None else {}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary) if folder is None else folder / "checkpoint"
        start_digest = earlier.get("started_from", {}).get("model_sha256")
        checkpoint.prepare(work, recipe.name, chosen, dataset.digest, start_digest)
        stopped = _fit(model, recipe, chosen, split, on_event, should_stop, work, folder, probes)
    calibration = calibrate(
        model, dataset.x_train[split.validation], dataset.y_train[split.validation], split.pool
    )
    evaluation = evaluate(model, dataset, calibration["temperature"])
    seconds = split.seconds_before + time.perf_counter() - start
    made = make_card(
        recipe,
        chosen,
        dataset,
        train_images=len(split.train),
        validation_images=len(split.validation),
        pool=split.pool,
        epochs=split.epochs,
        seconds=seconds,
    )
    card = made | calibration | earlier
    card["test_accuracy"] = evaluation and accuracy(
        dataset.y_test, evaluation.probabilities.argmax(axis=1)
    )
    best = max(split.epochs, key=lambda e: e.val_accuracy).epoch if split.epochs else None
    on_event(Finished(seconds, card["test_accuracy"], best, stopped))
    return TrainingResult(model, card["history"], card, evaluation, stopped)


def warm_up(dataset: Dataset) -> None:
    """Pay now what the first training and saving of a process cost beside their work: what Keras
    and TensorFlow import, start and trace when they are first used."""
    few = dataclasses.replace(
        dataset, x_train=dataset.x_train[:600], y_train=dataset.y_train[:600],
        x_test=dataset.x_test[:20], y_test=dataset.y_test[:20],
    )  # fmt: skip
    recipe = get_recipe("fast")
    with tempfile.TemporaryDirectory() as temporary:
        result = train(recipe, few, hyperparameters=override(recipe.hyperparameters, epochs=1))
        registry.save_model(Path(temporary), result.model, result.card, result.evaluation)
    keras.backend.clear_session()  # layers count their names anew


def _load_start(model: keras.Model, name: str) -> dict[str, Any]:
    """Give the model the weights of a saved one; return what the card says about that one."""
    saved, card = registry.load_keras(name), registry.load_card(name)
    try:
        model.set_weights(saved.get_weights())
    except ValueError:
        raise ModelError(
            f"{name!r} has other layers than this recipe; start from another."
        ) from None
    named = ("recipe", "epochs", "hyperparameters", "data", "seconds", "hardware", "trained_at")
    before = ("started_from", "columns", "notes", "learnt_from_people", *STAGES)
    kept = {key: card[key] for key in (*named, *before) if key in card}
    digest = registry.file_digest(registry.model_dir(name) / registry.KERAS_FILE)
    return {"started_from": kept | {"model_sha256": digest}}


def _fit(
    model: keras.Model,
    recipe: Recipe,
    chosen: Hyperparameters,
    split: _Split,
    on_event: Callable[[Event], None],
    should_stop: Callable[[], bool],
    work: Path,
    folder: Path | None,
    probes: np.ndarray | None,
) -> bool:
    """Fit the model in place; return whether it was stopped before its last epoch."""
    images, labels = split.dataset.x_train, split.dataset.y_train
    arguments = (images[split.train], labels[split.train], chosen.augmentation)
    epochs_file = work / "epochs.json"
    split.epochs = checkpoint.epochs_before(epochs_file)
    split.seconds_before = sum(event.seconds for event in split.epochs)
    options: dict[str, Any] = {
        "batch_size": chosen.batch_size,
        "seed": chosen.seed,
        "first_epoch": len(split.epochs),
    }
    batches: AugmentedBatches = (
        AugmentedBatches(*arguments, **options)
        if split.pool is None
        else MixedBatches(*arguments, **options, pool=split.pool)
    )
    steps = len(batches)
    _compile(model, chosen, steps)
    on_event(
        Started(
            recipe.name,
            model.count_params(),
            chosen.epochs,
            steps,
            len(split.train),
            len(split.validation),
            goes_on=bool(split.epochs),
        )
    )
    reporter = Reporter(
        images[split.validation],
        labels[split.validation],
        split.validation,
        on_event=on_event,
        should_stop=should_stop,
        epochs=split.epochs,
        epochs_file=epochs_file,
    )
    best_file = work / "best.weights.h5"
    moments = Moments(
        images[split.validation],
        labels[split.validation],
        split.validation,
        np.zeros((0, 28, 28), np.uint8) if probes is None else probes,
        on_event=on_event,
        folder=folder,
    )
    callbacks: list[keras.callbacks.Callback] = [
        reporter,
        moments,
        checkpoint.KeepBest(best_file, split.epochs),
    ]
    if folder is not None:
        resume = work / "resume"  # to its very end, which comes after the last epoch
        callbacks.append(keras.callbacks.BackupAndRestore(resume, delete_checkpoint=False))
    if chosen.patience is not None:
        kept = work / "patience.npz"
        callbacks.append(checkpoint.StopEarly(chosen.monitor, chosen.patience, kept, split.epochs))
    model.fit(batches, epochs=chosen.epochs, callbacks=callbacks, verbose=0, shuffle=False)
    if reporter.stopped and best_file.is_file():
        model.load_weights(best_file)
    return reporter.stopped


def _compile(model: keras.Model, chosen: Hyperparameters, steps: int) -> None:
    rate: Any = chosen.learning_rate
    total = steps * chosen.epochs
    if chosen.schedule != "constant":
        # Both fall to zero on a cosine; "one-cycle" spends a quarter of the time warming up.
        warmup = max(1, int(total * (0.25 if chosen.schedule == "one-cycle" else 0.04)))
        rate = keras.optimizers.schedules.CosineDecay(
            rate * 0.04, max(1, total - warmup), warmup_target=rate, warmup_steps=warmup
        )
    settings: dict[str, Any] = {"learning_rate": rate}
    if chosen.weight_decay:
        settings["weight_decay"] = chosen.weight_decay
    if chosen.optimizer == "sgd":
        settings |= {"momentum": 0.9, "nesterov": True}
    optimizer = keras.optimizers.get({"class_name": chosen.optimizer, "config": settings})
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=chosen.label_smoothing)
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    if isinstance(model, keras.Sequential):  # which has no `output` before its first call
        model.compile(optimizer, loss=loss, metrics=[accuracy])
        return
    if isinstance(model.output, dict):
        # Telling digits from the rest is the easier task and shall not outweigh the other.
        model.compile(
            optimizer,
            loss={"digit": loss, "is_digit": "binary_crossentropy"},
            loss_weights={"digit": 1.0, "is_digit": 0.5},
            weighted_metrics={"digit": [accuracy], "is_digit": []},
        )
    else:
        model.compile(optimizer, loss=loss, metrics=[accuracy])
