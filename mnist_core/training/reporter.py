"""The Keras callback that turns a training into events."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from mnist_core.analysis import metrics
from mnist_core.files import write_json
from mnist_core.training.batches import as_input
from mnist_core.training.calibration import predict
from mnist_core.training.events import BatchEnd, EpochEnd, Event

EXAMPLES_SHOWN = 12
_EVENTS_A_SECOND = 5


class Reporter(keras.callbacks.Callback):
    """Validates after every epoch, tells what happens, and stops the training when asked.

    images: (n, 28, 28) uint8 that validate, labels: (n,); places: their indices in the training
    images. `epochs` holds what earlier epochs left, of a training that was cut off too, and is
    kept in `epochs_file`.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        places: np.ndarray,
        *,
        on_event: Callable[[Event], None],
        should_stop: Callable[[], bool],
        epochs: list[EpochEnd],
        epochs_file: Path,
    ) -> None:
        super().__init__()
        self.inputs, self.labels, self.places = as_input(images), labels, places
        self.on_event, self.should_stop = on_event, should_stop
        self.epochs, self.epochs_file = epochs, epochs_file
        self.stopped = False
        self.epoch = 1
        self.last_told = 0.0
        self.smooth = MovingAverage()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.begun = time.perf_counter()
        self.steps = self.params["steps"]
        self.smooth.over_batches = max(10, self.steps * self.params["epochs"] / 100)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch, self.epoch_begun = epoch + 1, time.perf_counter()
        self.smooth.begin_epoch()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.should_stop():
            self.stopped = True
            self.model.stop_training = True
        now = time.perf_counter()
        is_last = self.stopped or batch + 1 == self.steps
        if is_last or now - self.last_told >= 1 / _EVENTS_A_SECOND:
            self.last_told = now
            loss, accuracy = self.smooth.update(batch + 1, *read_logs(logs or {}))
            self.on_event(
                BatchEnd(self.epoch, batch + 1, self.steps, now - self.begun, loss, accuracy)
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        probabilities, _ = predict(self.model, self.inputs)
        logs = {} if logs is None else logs
        logs["val_loss"] = metrics.cross_entropy(probabilities, self.labels)
        logs["val_accuracy"] = metrics.accuracy(self.labels, probabilities.argmax(axis=1))
        loss, accuracy = read_logs(logs)
        examples = [
            {
                "index": int(self.places[i]),
                "label": int(self.labels[i]),
                "probabilities": [round(float(p), 5) for p in probabilities[i]],
            }
            for i in range(min(EXAMPLES_SHOWN, len(self.labels)))
        ]
        event = EpochEnd(
            epoch + 1,
            time.perf_counter() - self.epoch_begun,
            loss,
            accuracy,
            logs["val_loss"],
            logs["val_accuracy"],
            metrics.confusion_matrix(self.labels, probabilities.argmax(axis=1)).tolist(),
            examples,
        )
        self.epochs[:] = [*(e for e in self.epochs if e.epoch < event.epoch), event]
        write_json(self.epochs_file, [dataclasses.asdict(e) for e in self.epochs])
        self.on_event(event)


class MovingAverage:
    """Loss and accuracy as exponential moving averages over batches.

    Keras tells the mean since the epoch began, which jumps where the next begins; what happened
    between two of its means is worked out from both.
    """

    def __init__(self, over_batches: float = 10.0) -> None:
        self.over_batches = over_batches
        self._average: np.ndarray | None = None
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """The means that follow are those of a new epoch."""
        self._batches, self._means = 0, np.zeros(2)

    def update(self, batches: int, loss: float, accuracy: float) -> tuple[float, float]:
        """Return (loss, accuracy) now; given are their means over so many batches of the epoch."""
        means = np.array([loss, accuracy])
        new = batches - self._batches
        if new > 0:
            between = (means * batches - self._means * self._batches) / new
            between = np.clip(between, 0.0, [np.inf, 1.0])
            keep = np.exp(-new / self.over_batches)
            before = between if self._average is None else self._average
            self._average = keep * before + (1 - keep) * between
        self._batches, self._means = batches, means
        average = means if self._average is None else self._average
        return float(average[0]), float(average[1])


def read_logs(logs: dict[str, float]) -> tuple[float, float]:
    accuracy = logs.get("accuracy", logs.get("digit_accuracy", float("nan")))
    return float(logs.get("loss", float("nan"))), float(accuracy)
