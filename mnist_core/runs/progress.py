"""What a training says while it goes on: one JSON object a line in `events.jsonl`.

The training's process appends lines; readers keep their place in the file and read only what
is new, so that watching costs next to nothing however long the run is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mnist_core.errors import RunError
from mnist_core.files import parse_json
from mnist_core.runs import checked

EVENTS_FILE = "events.jsonl"
MOST_BYTES_AT_ONCE = 16_000_000  # of new lines
MOST_EXAMPLES = 100  # of an epoch
MOST_MOMENTS = 100
MAX_POINTS = 300  # of the batch curves; more would show no more on a screen


def append_event(folder: Path, event: dict[str, Any]) -> None:
    """Append one event, flushed. Raises RunError where it cannot be written."""
    if not folder.is_dir():
        raise RunError(f"The run {folder.name!r} was deleted.")
    try:
        with (folder / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    except OSError as error:
        raise RunError(
            f"The run's progress could not be written ({error.strerror or error}); "
            "make room on the disk and train again."
        ) from error


class Progress:
    """All that a run's events have told so far. `update` reads what is new.

    batches: dict of equally long lists "epoch" (float, 1.5 = in the middle of epoch 2), "loss",
    "accuracy"; epochs: list of the epoch events as dicts, in order, with "position", how many
    epochs were done then (0.5 where it was stopped in the middle of the first); moments: those at
    which the network was looked at (see `moments`); probes: the last answers to the visitor's own
    digits.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reset()

    def _reset(self) -> None:
        self.started: dict[str, Any] = {}
        self.batches: dict[str, list[float]] = {"epoch": [], "loss": [], "accuracy": []}
        self.epochs: list[dict[str, Any]] = []
        self.moments: list[dict[str, Any]] = []
        self.probes: list[list[float]] = []
        self.finished: dict[str, Any] = {}
        self.last_batch: dict[str, Any] = {}
        self.damaged_lines = 0
        self._offset = 0
        self._every, self._skipped = 1, 0

    def update(self) -> bool:
        """Read the lines written since the last call; return whether there were any."""
        try:
            with (self.folder / EVENTS_FILE).open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._reset()
                file.seek(self._offset)
                new = file.read(MOST_BYTES_AT_ONCE)
        except OSError:
            return False
        whole = new[: new.rfind(b"\n") + 1]  # the last line may still be being written
        if len(new) == MOST_BYTES_AT_ONCE and not whole:
            whole = new  # no event is that long: damaged
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(line)
        return bool(whole)

    def _take(self, line: bytes) -> None:
        try:
            event = parse_json(line)
            take = {
                "started": self._take_started,
                "batch": self._take_batch,
                "epoch": self._take_epoch,
                "moment": self._take_moment,
                "probes": self._take_probes,
                "finished": self._take_finished,
            }.get(event["type"])
            if take is not None:  # a newer version may say more than we know
                take(event)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            self.damaged_lines += 1

    def _take_started(self, event: dict[str, Any]) -> None:
        self.started = event | {"epochs": checked.whole(event["epochs"], 1)}

    def _take_batch(self, event: dict[str, Any]) -> None:
        event |= {key: checked.whole(event[key]) for key in ("epoch", "step", "steps")}
        event |= {key: checked.number(event[key]) for key in ("loss", "accuracy", "seconds")}
        epoch = event["epoch"] - 1 + event["step"] / max(event["steps"], 1)
        point = {"epoch": epoch, "loss": event["loss"], "accuracy": event["accuracy"]}
        self.last_batch = event
        self._skipped += 1
        if self._skipped < self._every:
            return
        self._skipped = 0
        for key, values in self.batches.items():
            values.append(point[key])
        if len(self.batches["epoch"]) > MAX_POINTS:
            self.batches = {key: values[1::2] for key, values in self.batches.items()}
            self._every *= 2

    def _take_epoch(self, event: dict[str, Any]) -> None:
        for key in ("epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"):
            event[key] = checked.number(event[key])
        event["confusion"] = checked.confusion(event["confusion"])
        last = self.last_batch if self.last_batch.get("epoch") == event["epoch"] else {}
        # Stopped within it: the last batch before that is told, as is each epoch's last.
        missed = 1 - last["step"] / max(last["steps"], 1) if last else 0
        event["position"] = event["epoch"] - missed
        event["examples"] = [checked.example(one) for one in event["examples"][:MOST_EXAMPLES]]
        before = [one for one in self.epochs if one["epoch"] < event["epoch"]]
        self.epochs = [*before, event]  # after a cut, an epoch may come again

    def _take_moment(self, event: dict[str, Any]) -> None:
        for key in ("position", "seconds", "val_loss", "val_accuracy"):
            event[key] = checked.number(event[key])
        event["number"] = checked.whole(event["number"], 0, MOST_MOMENTS)
        self.moments = [one for one in self.moments if one["number"] != event["number"]]
        self.moments.append(event)

    def _take_probes(self, event: dict[str, Any]) -> None:
        self.probes = [checked.probabilities(row) for row in event["answers"][:8]]

    def _take_finished(self, event: dict[str, Any]) -> None:
        self.finished = event

    @property
    def fraction(self) -> float:
        """Return how much of the planned training is done, in [0, 1]."""
        if self.finished:
            return 1.0
        if not self.started.get("epochs"):
            return 0.0
        done = float(len(self.epochs))
        if self.last_batch and self.last_batch["epoch"] > len(self.epochs):
            done += self.last_batch["step"] / max(self.last_batch["steps"], 1)
        return min(done / self.started["epochs"], 1.0)

    @property
    def seconds_left(self) -> float | None:
        """Return the time left if all epochs are as fast as those so far; None if unknown."""
        if self.finished or self.fraction == 0:
            return None
        spent = float(self.last_batch.get("seconds", 0.0))  # since the training began
        spent = max(spent, sum(epoch["seconds"] for epoch in self.epochs))
        return spent / self.fraction * (1 - self.fraction)

    @property
    def history(self) -> dict[str, list[float]]:
        """Return the epochs' loss, accuracy, val_loss and val_accuracy, each a list."""
        keys = ("loss", "accuracy", "val_loss", "val_accuracy")
        return {key: [epoch[key] for epoch in self.epochs] for key in keys}
