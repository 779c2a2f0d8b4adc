"""What a training says while it goes on: plain events, the same for the command line, the runs
and the pages."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened in a training."""

    def as_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON values; "type" is started, batch, epoch or finished."""
        kinds = {"Started": "started", "BatchEnd": "batch", "EpochEnd": "epoch"}
        return {"type": kinds.get(type(self).__name__, "finished"), **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Started(Event):
    recipe: str
    parameters: int
    epochs: int
    steps_per_epoch: int
    train_images: int
    validation_images: int


@dataclass(frozen=True)
class BatchEnd(Event):
    epoch: int  # 1 = the first
    step: int
    steps: int
    seconds: float  # since the training began
    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochEnd(Event):
    epoch: int
    seconds: float  # this epoch took
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    confusion: list[list[int]]  # 10 x 10 on the validation images, rows true
    examples: list[dict[str, Any]]  # index in the training images, label, ten probabilities


@dataclass(frozen=True)
class Finished(Event):
    seconds: float
    test_accuracy: float | None
    best_epoch: int | None
    stopped: bool
