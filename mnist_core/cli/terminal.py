"""A training in the terminal: a progress bar, a line an epoch, and Ctrl-C that keeps the best."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from mnist_core.runs.progress import append_event


class StopRequest:
    """While entered, the first Ctrl-C (or SIGTERM) asks the training to end; a second one ends it.

    `requested` says whether that happened.
    """

    def __init__(self) -> None:
        self.requested = False
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
        print("\nStopping after this batch; press Ctrl-C again to lose it all.", flush=True)


class TrainingDisplay:
    """Shows a training's events; in a run's folder it also writes them down."""

    def __init__(self, run_folder: Path | None) -> None:
        self._run_folder = run_folder
        self._console = Console()
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
        {"started": self._started, "batch": self._batch, "epoch": self._epoch}.get(
            content["type"], self._finished
        )(content)

    def _started(self, event: dict[str, Any]) -> None:
        self._epochs = event["epochs"]
        self._console.print(
            f"{event['parameters']:,} parameters, {event['train_images']:,} images to learn from, "
            f"{event['validation_images']:,} to validate",
            highlight=False,
        )
        total = event["epochs"] * event["steps_per_epoch"]
        self._task = self._bar.add_task(f"epoch 1/{self._epochs}", total=total, figures="")

    def _batch(self, event: dict[str, Any]) -> None:
        if self._task is None:
            return
        self._bar.update(
            self._task,
            completed=(event["epoch"] - 1) * event["steps"] + event["step"],
            description=f"epoch {event['epoch']}/{self._epochs}",
            figures=f"loss {event['loss']:.4f} accuracy {event['accuracy']:.4f}",
        )

    def _epoch(self, event: dict[str, Any]) -> None:
        self._console.print(
            f"epoch {event['epoch']}/{self._epochs}  {event['seconds']:.1f} s  "
            f"loss {event['loss']:.4f}  accuracy {event['accuracy']:.4f}  "
            f"validation loss {event['val_loss']:.4f}  accuracy {event['val_accuracy']:.4f}",
            highlight=False,
        )

    def _finished(self, event: dict[str, Any]) -> None:
        if event["type"] != "finished":
            return
        accuracy = event.get("test_accuracy")
        tested = "" if accuracy is None else f", test accuracy {accuracy:.4f}"
        self._console.print(
            f"{event['seconds']:.1f} s, best epoch {event['best_epoch']}{tested}", highlight=False
        )
