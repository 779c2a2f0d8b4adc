"""What a training goes on from after a cut: its epochs so far, its best weights, its patience.

Keras's BackupAndRestore keeps weights and optimizer; what it and early stopping forget is kept
here, in the same folder. Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np

from mnist_core.files import read_json_object, replacing, write_json
from mnist_core.training.events import EpochEnd
from mnist_core.training.hyperparameters import Hyperparameters


def prepare(
    folder: Path,
    recipe: str,
    hyperparameters: Hyperparameters,
    data_digest: str,
    start_digest: str | None,
) -> None:
    """Make the folder of a training's checkpoint, empty if what is in it is of another one.

    start_digest: of the model whose weights the training begins at, None if they are random.
    """
    asked = {
        "recipe": recipe,
        "hyperparameters": dataclasses.asdict(hyperparameters),
        "data": data_digest,
        "start": start_digest,
    }
    try:
        if read_json_object(folder / "asked.json") == asked:
            return
    except (FileNotFoundError, ValueError):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "asked.json", asked)


def epochs_before(file: Path) -> list[EpochEnd]:
    """Return the epochs of the training that was cut off; none where there was none."""
    if not file.is_file():
        return []
    return [EpochEnd(**event) for event in json.loads(file.read_text(encoding="utf-8"))]


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, of all those before the training was cut off, too."""

    def __init__(self, file: Path, epochs: list[EpochEnd]) -> None:
        super().__init__()
        self.file, self.epochs = file, epochs  # up to the present one, see Reporter

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        *before, now = (event.val_accuracy for event in self.epochs)
        if now > max(before, default=-1.0):
            self.model.save_weights(self.file)


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras's, which knows after a cut what was best before: its value, its weights, how long ago.

    file: where the best weights are kept; epochs: those before the cut. Stands behind
    BackupAndRestore, so that what is kept is never of an epoch that comes again.
    """

    def __init__(self, monitor: str, patience: int, file: Path, epochs: list[EpochEnd]) -> None:
        super().__init__(monitor, patience=patience, restore_best_weights=True)
        self.file, self.epochs = file, epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        if self.epochs and self.file.is_file():
            with np.load(self.file) as kept:
                self.best_epoch = int(kept["epoch"])
                self.best_weights = [kept[f"arr_{n}"] for n in range(len(kept.files) - 1)]
            self.best = getattr(self.epochs[self.best_epoch], self.monitor)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.best is not None:
            self.wait = epoch - 1 - self.best_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.best_epoch == epoch:
            with replacing(self.file) as temporary, temporary.open("wb") as file:
                np.savez(file, *self.best_weights, epoch=epoch)
