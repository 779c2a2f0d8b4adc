"""train(recipe, dataset): from a recipe to a trained, calibrated, evaluated model.

Knows no recipe by name. What happens is told in plain events, the same for the command line,
the runs and the pages. Early stopping, checkpoints and schedules are Keras's own.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core import registry
from mnist_core.errors import ModelError
from mnist_core.evaluation import apply_temperature, confusion_matrix, fit_temperature
from mnist_core.events import BatchEnd, EpochEnd, Event, Finished, Started
from mnist_core.hyperparameters import Hyperparameters
from mnist_core.ink_pool import NOT_A_DIGIT, InkPool, ink_pool
from mnist_core.machine import hardware, versions
from mnist_core.recipes import Recipe
from mnist_core.registry import Evaluation

if TYPE_CHECKING:
    import keras

    from mnist_core.datasets import Dataset

EXAMPLES_SHOWN = 12
# Of the validation drawings that are digits, this share is accepted as digits.
ACCEPTED_SHARE = 0.99
_EVENTS_A_SECOND = 5


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
    events: list[EpochEnd] = field(default_factory=list)
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
) -> TrainingResult:
    """Train a recipe and return the model with its history, card and test answers.

    The validation split of the training images stops, calibrates and sets the threshold for
    "not a digit"; the test images only report. With a folder, a training that was cut off
    continues from its last complete epoch. `should_stop` is asked after every batch; a stopped
    training returns the weights of its best epoch so far. With `start_from`, the name of a
    saved model of the same recipe, training begins at its weights instead of random ones.
    Raises ModelError where that model cannot be read or has other layers.
    """
    import keras

    from mnist_core.datasets import train_validation_split

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
        work.mkdir(parents=True, exist_ok=True)
        stopped = _fit(model, recipe, chosen, split, on_event, should_stop, work, folder)
    calibration = _calibrate(model, split)
    evaluation = _evaluate(model, dataset, calibration["temperature"])
    seconds = split.seconds_before + time.perf_counter() - start
    card = _card(recipe, chosen, split, seconds) | calibration | earlier
    card["test_accuracy"] = evaluation and _accuracy(evaluation.probabilities, dataset.y_test)
    best = max(split.events, key=lambda e: e.val_accuracy).epoch if split.events else None
    on_event(Finished(seconds, card["test_accuracy"], best, stopped))
    return TrainingResult(model, card["history"], card, evaluation, stopped)


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
    before = ("started_from", "columns", "notes")
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
) -> bool:
    """Fit the model in place; return whether it was stopped before its last epoch."""
    import keras

    from mnist_core.batches import AugmentedBatches, MixedBatches

    images, labels = split.dataset.x_train, split.dataset.y_train
    arguments = (images[split.train], labels[split.train], chosen.augmentation)
    epochs_file = work / "epochs.json"
    if folder is not None and epochs_file.is_file():  # of the training that was cut off
        split.events = [
            EpochEnd(**event) for event in json.loads(epochs_file.read_text(encoding="utf-8"))
        ]
        split.seconds_before = sum(event.seconds for event in split.events)
    options: dict[str, Any] = {
        "batch_size": chosen.batch_size,
        "seed": chosen.seed,
        "first_epoch": len(split.events),
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
        )
    )
    reporter = _reporter(split, steps, on_event, should_stop, epochs_file)
    best_file = work / "best.weights.h5"
    callbacks: list[keras.callbacks.Callback] = [
        reporter,
        keras.callbacks.ModelCheckpoint(
            best_file, monitor="val_accuracy", save_best_only=True, save_weights_only=True
        ),
    ]
    if folder is not None:
        callbacks.append(keras.callbacks.BackupAndRestore(work / "resume"))
    if chosen.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                chosen.monitor, patience=chosen.patience, restore_best_weights=True
            )
        )
    model.fit(batches, epochs=chosen.epochs, callbacks=callbacks, verbose=0, shuffle=False)
    if reporter.stopped and best_file.is_file():
        model.load_weights(best_file)
    return reporter.stopped


def _compile(model: keras.Model, chosen: Hyperparameters, steps: int) -> None:
    import keras

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


def _reporter(
    split: _Split,
    steps: int,
    on_event: Callable[[Event], None],
    should_stop: Callable[[], bool],
    epochs_file: Path,
) -> Any:
    """Return the Keras callback that validates, tells what happens, and stops when asked."""
    import keras

    from mnist_core.batches import as_input

    images = as_input(split.dataset.x_train[split.validation])
    labels = split.dataset.y_train[split.validation]

    class Reporter(keras.callbacks.Callback):
        stopped = False
        epoch = 1
        last_told = 0.0

        def on_train_begin(self, logs: dict | None = None) -> None:
            self.begun = time.perf_counter()

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.epoch, self.epoch_begun = epoch + 1, time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            now = time.perf_counter()
            if now - self.last_told >= 1 / _EVENTS_A_SECOND or batch + 1 == steps:
                self.last_told = now
                loss, accuracy = _read_logs(logs or {})
                on_event(BatchEnd(self.epoch, batch + 1, steps, now - self.begun, loss, accuracy))
            if should_stop():
                self.stopped = True
                self.model.stop_training = True

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            probabilities, _ = _predict(self.model, images)
            logs = {} if logs is None else logs
            logs["val_loss"] = _cross_entropy(probabilities, labels)
            logs["val_accuracy"] = _accuracy(probabilities, labels)
            loss, accuracy = _read_logs(logs)
            examples = [
                {
                    "index": int(split.validation[i]),
                    "label": int(labels[i]),
                    "probabilities": [round(float(p), 5) for p in probabilities[i]],
                }
                for i in range(min(EXAMPLES_SHOWN, len(labels)))
            ]
            event = EpochEnd(
                epoch + 1,
                time.perf_counter() - self.epoch_begun,
                loss,
                accuracy,
                logs["val_loss"],
                logs["val_accuracy"],
                confusion_matrix(labels, probabilities.argmax(axis=1)).tolist(),
                examples,
            )
            split.events = [*(e for e in split.events if e.epoch < event.epoch), event]
            registry.write_json(epochs_file, [dataclasses.asdict(e) for e in split.events])
            on_event(event)

    return Reporter()


def _read_logs(logs: dict[str, float]) -> tuple[float, float]:
    accuracy = logs.get("accuracy", logs.get("digit_accuracy", float("nan")))
    return float(logs.get("loss", float("nan"))), float(accuracy)


def _predict(model: keras.Model, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return probabilities (n, 10) and digit scores (n,), or None where there are none."""
    answers = model.predict(inputs, batch_size=500, verbose=0)
    if isinstance(answers, dict):
        return answers["digit"], answers["is_digit"][:, 0]
    return answers, None


def _calibrate(model: keras.Model, split: _Split) -> dict[str, Any]:
    """Return temperature, digit threshold and validation accuracy, from validation data alone."""
    from mnist_core.batches import as_input

    images = split.dataset.x_train[split.validation]
    labels = split.dataset.y_train[split.validation]
    probabilities, _ = _predict(model, as_input(images))
    found: dict[str, Any] = {
        "validation_accuracy": _accuracy(probabilities, labels),
        "digit_threshold": None,
    }
    if split.pool is not None:
        drawn, scores = _predict(model, as_input(split.pool.validation_images))
        real = split.pool.validation_labels != NOT_A_DIGIT
        drawn_labels = split.pool.validation_labels[real]
        found["validation_accuracy_pen"] = _accuracy(drawn[real], drawn_labels)
        probabilities = np.concatenate([probabilities, drawn[real]])
        labels = np.concatenate([labels, drawn_labels])
        if scores is not None:
            threshold = float(np.quantile(scores[real], 1 - ACCEPTED_SHARE))
            found["digit_threshold"] = threshold
            found["validation_digits_accepted"] = float((scores[real] >= threshold).mean())
            found["validation_non_digits_refused"] = float((scores[~real] < threshold).mean())
    found["temperature"] = fit_temperature(probabilities, labels)
    return found


def _evaluate(model: keras.Model, dataset: Dataset, temperature: float) -> Evaluation | None:
    from mnist_core.batches import as_input

    if not len(dataset.x_test):
        return None
    probabilities, scores = _predict(model, as_input(dataset.x_test))
    calibrated = apply_temperature(probabilities, temperature)
    return Evaluation(calibrated, dataset.y_test, dataset.digest, "test", scores)


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == labels).mean())


def _cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, 1e-7)).mean())


def _card(recipe: Recipe, chosen: Hyperparameters, split: _Split, seconds: float) -> dict[str, Any]:
    dataset = split.dataset
    data = {
        "source": dataset.source,
        "digest": dataset.digest,
        "is_sample": dataset.is_sample,
        "train_images": len(split.train),
        "validation_images": len(split.validation),
    }
    if split.pool is not None:
        from mnist_core.batches import DRAWN_SHARE, MNIST_SHARE

        data["strokes"] = f"{len(split.pool.images):,} images drawn from {split.pool.source}"
        data["of_a_batch"] = {"mnist": MNIST_SHARE, "drawn": DRAWN_SHARE}
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return {
        "name": recipe.name,
        "recipe": recipe.name,
        "summary": recipe.summary,
        "source": recipe.source,
        "parameters": recipe.build(chosen).count_params(),
        "epochs": len(split.events),
        "batch_size": chosen.batch_size,
        "seed": chosen.seed,
        "hyperparameters": dataclasses.asdict(chosen),
        "data": data,
        "history": {name: [getattr(e, name) for e in split.events] for name in names},
        "seconds": round(seconds, 1),
        "hardware": hardware(),
        "versions": versions(),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
