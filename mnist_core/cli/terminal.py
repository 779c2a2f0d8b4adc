"""A training in the terminal: a progress bar, a line an epoch, and Ctrl-C that keeps the best."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mnist_core import words
from mnist_core.runs.progress import append_event

STOPPING = b"\nStopping after this batch; press Ctrl-C again to lose it all.\n"
STOPPING_LESSON = b"\nStopping after this batch; no candidate will be kept.\n"


class StopRequest:
    """While entered, the first Ctrl-C (or SIGTERM) asks the training to end; a second one ends it.

    `requested` says whether that happened; said: what is said then.
    """

    def __init__(self, shown: TextIO, said: bytes = STOPPING) -> None:
        self.requested = False
        self._shown, self._said = shown, said
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # Past the stream's buffer: the signal may come in the middle of a write to it.
        os.write(self._shown.fileno(), self._said)


class TrainingDisplay:
    """Shows a training's events; in a run's folder it also writes them down.

    part: what the training calls the parts that it has.
    """

    def __init__(self, run_folder: Path | None, shown: TextIO, part: str = "epoch") -> None:
        self._run_folder, self._part = run_folder, part
        self._console = Console(file=shown)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._epochs = 0

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, event: Any) -> None:
        """Take one of `training`'s events."""
        content = event.as_dict()
        if self._run_folder is not None:
            append_event(self._run_folder, content)
        shown = {"started": self._started, "batch": self._batch, "epoch": self._epoch,
                 "finished": self._finished}  # fmt: skip
        if content["type"] in shown:
            shown[content["type"]](content)

    def _started(self, event: dict[str, Any]) -> None:
        self._epochs = event["epochs"]
        self._say(
            f"{event['parameters']:,} parameters, {event['train_images']:,} images to learn from, "
            f"{event['validation_images']:,} to validate"
        )
        if event["goes_on"]:
            self._say("Goes on after the last complete epoch of this training, which was cut off")
        total = event["epochs"] * event["steps_per_epoch"]
        self._task = self._bar.add_task(f"{self._part} 1/{self._epochs}", total=total, figures="")

    def _batch(self, event: dict[str, Any]) -> None:
        if self._task is None:
            return
        self._bar.update(
            self._task,
            completed=(event["epoch"] - 1) * event["steps"] + event["step"],
            description=f"{self._part} {event['epoch']}/{self._epochs}",
            figures=f"loss {event['loss']:.4f}, accuracy {words.percent(event['accuracy'])}",
        )

    def _epoch(self, event: dict[str, Any]) -> None:
        self._say(
            f"{self._part} {event['epoch']}/{self._epochs}  {event['seconds']:5.1f} s  training: "
            f"loss {event['loss']:.4f}, accuracy {words.percent(event['accuracy'])}  validation: "
            f"loss {event['val_loss']:.4f}, accuracy {words.percent(event['val_accuracy'])}"
        )

    def _finished(self, event: dict[str, Any]) -> None:
        if event["type"] != "finished":
            return
        best, accuracy = event["best_epoch"], event.get("test_accuracy")
        told = "" if best is None else f", best epoch {best}"
        tested = "" if accuracy is None else f", {words.percent(accuracy)} of the test images right"
        self._say(f"{event['seconds']:.1f} s{told}{tested}")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
