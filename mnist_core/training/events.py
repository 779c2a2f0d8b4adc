"""What a training says while it goes on: plain events, the same for the command line, the runs
and the pages."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

MOMENTS = "moments"  # the folder in a run's own that holds what was seen: 000.json and so on


@dataclass(frozen=True)
class Event:
    """Something that happened in a training."""

    def as_dict(self) -> dict[str, Any]:
        """Return the event as plain JSON values; "type" is what _KINDS says."""
        return {"type": _KINDS[type(self).__name__], **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Started(Event):
    recipe: str
    parameters: int
    epochs: int
    steps_per_epoch: int
    train_images: int
    validation_images: int
    goes_on: bool = False  # after the last complete epoch of the same training, cut off before


@dataclass(frozen=True)
class BatchEnd(Event):
    epoch: int  # 1 = the first
    step: int
    steps: int
    seconds: float  # since the training began
    loss: float  # moving averages over the last batches
    accuracy: float


@dataclass(frozen=True)
class MomentSeen(Event):
    """The network was looked at between two batches; what was seen is in the run's folder
    MOMENTS (see `moments`)."""

    number: int  # 0 = before the first batch
    position: float  # epochs done, 1.5 = in the middle of the second
    seconds: float  # since the training began
    val_loss: float  # on a fixed sample of the validation images
    val_accuracy: float


@dataclass(frozen=True)
class ProbesRead(Event):
    """What the network makes of the visitor's own digits now."""

    position: float
    answers: list[list[float]]  # ten probabilities for each probe


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


_KINDS = {
    "Started": "started",
    "BatchEnd": "batch",
    "MomentSeen": "moment",
    "ProbesRead": "probes",
    "EpochEnd": "epoch",
    "Finished": "finished",
}
