"""The process that stands for a run which trains on a cluster.

    python -m mnist_core.runs.attendant ADDRESS FOLDER WORD...

It holds the run's lock, as a training on this machine would, so that everything else sees a run
like any other: it hands the command to Dask, brings events and checkpoints back where the worker
does not share the folder, passes a Stop on, lets Dask place the run anew when its worker dies, at
most twice, and takes the result, whole or not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from mnist_core.errors import MnistError, RunError
from mnist_core.files import replacing
from mnist_core.runs import cluster, queue
from mnist_core.runs import worker as desk
from mnist_core.runs.folder import (
    FAILED,
    LOST,
    STOPPED,
    holding,
    read_json,
    settle,
    should_stop,
    write,
)
from mnist_core.training.events import MOMENTS

RESTARTS = 2
_LOOK_S, _ANSWER_S, _TRANSFER_S = 0.5, 5.0, 60.0
_PATIENCE_S = 600.0  # while no worker can take the run
_UNSEEN_S = 3.0  # after which a run that no worker trains is handed to those that came since
_A_WORKER = "a worker of the cluster"
_GONE = "The cluster's scheduler is gone; train the run again once it is back."


class Attendance:
    """One run on its way through the cluster."""

    def __init__(self, client: Any, folder: Path, words: list[str]) -> None:
        self.client, self.folder = client, folder
        self.order = desk.Order(folder.name, "", str(folder), tuple(words))
        self.fitting: list[str] = []  # to these workers
        self.future: Any = None  # None before that, and after a Stop that no worker heard of
        self.seen_at = time.monotonic()  # when a worker was last seen to train it
        self.worker = ""  # that trains now
        self.begun = 0  # how many workers have begun it
        self.shared = False
        self.told_to_stop = False
        self.checkpoint_at = 0.0  # by the worker's clock

    def run(self) -> None:
        """See the run to its end; raises RunError where it has none of its own."""
        try:
            self._submit()
            while self.future is not None and not self.future.done():
                self._look()
                time.sleep(_LOOK_S)
            if self.future is not None:
                self._take()
        finally:
            desk.mark(self.order).unlink(missing_ok=True)

    def _submit(self) -> None:
        """Hand the run to the scheduler once there is a worker that can train it."""
        deadline = time.monotonic() + _PATIENCE_S
        while not should_stop(self.folder):
            self._check_scheduler()
            self.fitting, refused = cluster.fitting_workers(self.client)
            if self.fitting:
                self._hand_over()
                return
            if refused or time.monotonic() > deadline:
                raise RunError(refused or "The cluster has no worker; start one and train again.")
            time.sleep(_LOOK_S)
        settle(self.folder, STOPPED)

    def _hand_over(self) -> None:
        desk.mark(self.order).unlink(missing_ok=True)
        self.order = dataclasses.replace(self.order, token=secrets.token_hex(6))
        desk.mark(self.order).touch()
        key = f"{self.folder.name}-{self.order.token}"
        self.future = self.client.submit(
            desk.work, self.order, key=key, workers=self.fitting, pure=False
        )
        self.seen_at = time.monotonic()

    def _check_scheduler(self) -> None:
        if self.client.status != "running":
            raise RunError(_GONE)

    def _look(self) -> None:
        self._check_scheduler()
        place = self._placed()
        if place and place == self.worker:
            self.seen_at = time.monotonic()
            if self._peek() and should_stop(self.folder) and not (self.shared or self.told_to_stop):
                self._call(desk.ask_to_stop, place)
                self.told_to_stop = True
        elif should_stop(self.folder) or not place or not self._begin(place):
            self._wait(place)

    def _placed(self) -> str:
        """Return the address of the worker that Dask has given the run to, "" for none."""
        for address, keys in self.client.processing().items():
            if self.future.key in keys:
                return address
        return ""

    def _wait(self, place: str) -> None:
        """While no worker trains the run: leave when asked to, look for workers that came since.

        place: the worker that has it but does another one first, "" for none. A run that has begun
        and is nowhere may just have ended, which Dask says a moment later.
        """
        waited_s = time.monotonic() - self.seen_at
        has_ended = (self.folder / "outcome.json").is_file()
        if has_ended or (not place and self.begun and waited_s < _UNSEEN_S):
            return
        if should_stop(self.folder):
            if place:
                self._call(desk.ask_to_stop, place)
            self._leave()
        elif waited_s > _UNSEEN_S:
            self.seen_at = time.monotonic()
            fitting, refused = cluster.fitting_workers(self.client)
            self._say(waits_for=f"{_A_WORKER}. {refused}" if refused else _A_WORKER)
            if set(fitting) - set(self.fitting):
                self.future.cancel()
                self.fitting = fitting
                self._hand_over()

    def _leave(self) -> None:
        self.future.cancel()
        self.future = None
        settle(self.folder, STOPPED)

    def _begin(self, place: str) -> bool:
        """Let a worker begin; return whether it has."""
        if self.begun > RESTARTS:
            self.future.cancel()
            raise RunError(f"Its worker was killed {self.begun} times; look at the workers' logs.")
        needs = self._call(desk.needs_copy, place)
        if needs is None:  # another run has the worker still
            return False
        archive = desk.pack(self.folder) if needs else b""
        answer = self._call(desk.begin, place, archive, seconds=_TRANSFER_S)
        if answer is None:
            return False
        self.worker, self.shared, self.begun = place, answer["shared"], self.begun + 1
        self.told_to_stop, self.checkpoint_at = False, 0.0
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        name = str(workers.get(place, {}).get("name", place))
        self._say(waits_for="", worker=name, attempt=self.begun)
        self.seen_at = time.monotonic()
        return True

    def _peek(self) -> bool:
        """Bring back what is new; return whether the worker answered and trains."""
        offsets = {name: _size(self.folder / name) for name in desk.GROWING}
        moments = self.folder / MOMENTS
        there = [path.name for path in moments.glob("*.json")]
        found = self._call(desk.peek, self.worker, offsets, there)
        if found is None:
            return False
        if not found["begun"]:  # started anew at the same address, it waits for `_begin`
            self.worker = ""
            return False
        for name, content in found["moments"].items():
            with replacing(moments / name) as temporary:
                temporary.write_bytes(content)
        for name, new in found["files"].items():
            if new:
                with (self.folder / name).open("ab") as file:
                    file.write(new)
        if found["checkpoint_at"] > self.checkpoint_at:
            content = self._call(desk.checkpoint, self.worker, seconds=_TRANSFER_S)
            if content is not None:
                _replace(self.folder / "checkpoint", content)
                self.checkpoint_at = found["checkpoint_at"]
        return True

    def _call(self, function: Any, place: str, *more: Any, seconds: float = _ANSWER_S) -> Any:
        """Ask a worker about the order; None where either is not there."""
        answers = cluster.call(
            self.client, function, self.order.token, *more, workers=[place], seconds=seconds
        )
        return answers.get(place)

    def _say(self, **more: Any) -> None:
        say(self.folder, **more)

    def _take(self) -> None:
        """Take the result, whole or not at all."""
        self._check_scheduler()
        if self.future.status != "finished":
            error = self.future.exception(timeout=5) if self.future.status == "error" else None
            said = f" ({type(error).__name__})" if error is not None else ""
            raise RunError(f"The cluster gave the run up{said}; train it again.")
        result = self.future.result(timeout=_TRANSFER_S)
        if result["problem"]:
            raise RunError(result["problem"])
        if self.shared:
            return
        if desk.digest(result["archive"]) != result["digest"]:
            raise RunError("What the worker sent is damaged; train the run again.")
        incoming = self.folder / ".incoming"
        _replace(incoming, result["archive"])
        last = ("card.json", "outcome.json")  # with them the model, and the run, are complete
        found = [path.relative_to(incoming) for path in incoming.rglob("*") if path.is_file()]
        for name in sorted(found, key=lambda name: (str(name) in last, name)):
            if str(name) != "config.json":  # its title may be new
                (self.folder / name).parent.mkdir(exist_ok=True)
                (incoming / name).replace(self.folder / name)
        shutil.rmtree(incoming, ignore_errors=True)
        shutil.rmtree(self.folder / "checkpoint", ignore_errors=True)


def say(folder: Path, **more: Any) -> None:
    """Add to what a run's process.json says. Raises RunError."""
    write(folder / "process.json", read_json(folder / "process.json") | more)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _replace(folder: Path, content: bytes) -> None:
    """Put a packed folder in the place of one that may be there."""
    new = folder.with_name(f".{folder.name}-new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir()
        desk.unpack(content, new)
    except (OSError, ValueError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise RunError(f"What the worker sent cannot be kept ({error}); make room.") from error
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def attend(address: str, folder: Path, words: list[str]) -> None:
    """Be the run of a folder until it has ended, and write down an end that it has not."""
    with holding(folder):
        state, reason = LOST, "The cluster gave the run up; train it again."
        try:
            say(folder, waits_for=_A_WORKER)
            with cluster.connected(cluster.resolve(address)) as client:
                Attendance(client, folder, words).run()
        except MnistError as error:
            state, reason = FAILED, str(error)
        except (OSError, TimeoutError):  # Dask's own words name sockets; the log has them
            traceback.print_exc()
            reason = _GONE
        if not (folder / "config.json").is_file():  # deleted meanwhile: leave nothing
            shutil.rmtree(folder, ignore_errors=True)
        elif not (folder / "outcome.json").is_file():
            with contextlib.suppress(RunError):
                settle(folder, state, reason)


if __name__ == "__main__":
    attend(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
    queue.go_on()
