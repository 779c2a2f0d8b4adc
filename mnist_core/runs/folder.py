"""The folder of one training run: what is in it, and what that says about the run.

    config.json     what was asked for, and when
    process.json    when the process began, and its pid
    process.lock    locked for as long as the process lives; the kernel lets go when it dies
    training.lock   locked by whoever trains, here or on a cluster's worker
    events.jsonl    what the training says (see `progress`)
    train.log       what the process printed
    stop            somebody asked it to stop
    outcome.json    how it ended
    model.keras, model.tflite, card.json, evaluation.npz    what it made (see `registry`)

A lock, unlike a process id, is never taken for that of another process, so a run whose process
was killed is found out by whoever looks next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from mnist_core.errors import MnistError, ModelError, RunError
from mnist_core.files import finite, read_json_object, stamp, write_json
from mnist_core.models.registry import CARD_FILE, KERAS_FILE

WAITING, RUNNING, FINISHED = "waiting", "running", "finished"
STOPPED, FAILED, LOST = "stopped", "failed", "lost"
_ENDS = (FINISHED, STOPPED, FAILED, LOST)
LOG_TAIL_LINES = 12
LATEST = 4e9  # seconds since 1970: the year 2096; a later time is no time
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,60}")
_MIB = 1 << 20


@dataclass(frozen=True)
class Run:
    """What is known of one run at the moment of looking. Times are seconds since 1970."""

    run_id: str
    folder: Path
    state: str  # one of the six names above
    recipe: str = "unknown"
    title: str = ""
    changes: dict[str, Any] = field(default_factory=dict)  # hyperparameters not as in the recipe
    requested_at: float = 0.0
    requested_by: str = ""  # what tells one guest from another; "" where it was no guest
    started_at: float | None = None
    ended_at: float | None = None
    pid: int | None = None
    stop_requested: bool = False
    reason: str = ""  # why it failed or was lost, in a sentence
    log_tail: str = ""  # the last lines of the log, where it failed or was lost
    group: str = ""  # the id that runs asked for together share (see `group`)
    group_title: str = ""
    worker: str = ""  # of the cluster, which trains it or did
    attempt: int = 1  # the how-manieth worker that is
    on_cluster: bool = False  # whether it was handed to a cluster

    @property
    def is_settled(self) -> bool:
        """Whether nothing about the run will change any more by itself."""
        return self.state not in (WAITING, RUNNING)

    @property
    def has_model(self) -> bool:
        """Whether the run left a model that can be used."""
        return all(stamp(f"{self.folder}/{name}") for name in (KERAS_FILE, CARD_FILE))

    @property
    def seconds(self) -> float | None:
        """Return how long the run took, or has taken so far; 0 where a clock was set back."""
        if self.started_at is None:
            return None
        end = time.time() if self.ended_at is None else self.ended_at
        return max(0.0, end - self.started_at)


_known: dict[Path, tuple[tuple[object, ...], Run]] = {}  # runs that ended, as they were seen


def look(folder: Path) -> Run | None:
    """Return what a run's folder tells; None if it is gone.

    Writes down the end of a run that was killed. What ended is read once for as long as its files
    stay as they are: a page looks at all runs again and again, and there may be thousands.
    """
    stamps = tuple(stamp(f"{folder}/{name}.json") for name in ("outcome", "config", "process"))
    known = _known.get(folder)
    if known is not None and known[0] == stamps:
        return known[1]
    run = _read(folder)
    if run is not None and run.is_settled and stamps[0] is not None:
        _known[folder] = stamps, run
    else:
        _known.pop(folder, None)
    return run


def _read(folder: Path) -> Run | None:
    try:
        config = read_json(folder / "config.json", missing_is_error=True)
        started = (folder / "process.json").exists()
        run = _describe(folder, config, read_json(folder / "process.json"))
    except FileNotFoundError:
        return None
    except ValueError:
        config, run, started = {}, Run(folder.name, folder, LOST), False
    if not config:
        return replace(run, state=LOST, reason="Its file config.json is damaged.")
    if outcome := _outcome(folder):
        return replace(run, **outcome)
    if is_alive(folder):
        return replace(run, state=RUNNING)
    if not started:
        return run
    # It may have written its outcome, and ended, since we looked.
    return replace(run, **(_outcome(folder) or _settle_gone(run)))


def _describe(folder: Path, config: dict[str, Any], process: dict[str, Any]) -> Run:
    """Return what the files say of a run. Raises ValueError where they say what cannot be."""
    pid = process.get("pid")
    return Run(
        run_id=folder.name,
        folder=folder,
        state=WAITING,
        recipe=_text(config.get("recipe", "unknown"), 100),
        title=_text(config.get("title", folder.name), 200),
        changes=_changes(config.get("changes", {})),
        requested_by=_text(config.get("requested_by", ""), 64),
        requested_at=finite(config.get("requested_at"), 0, LATEST) or 0.0,
        started_at=finite(process.get("started_at"), 0, LATEST),
        pid=pid if isinstance(pid, int) else None,
        stop_requested=(folder / "stop").exists(),
        group=_text(config.get("group", ""), 40),
        group_title=_text(config.get("group_title", ""), 200),
        worker=_text(process.get("worker", ""), 100),
        attempt=int(finite(process.get("attempt"), 1, 100) or 1),
        on_cluster=process.get("on_cluster") is True,
    )


def _text(value: object, most: int) -> str:
    """Return a text as one line that can be printed, shown and handed to a process."""
    if not isinstance(value, str):
        raise ValueError("it should be a text")
    return "".join(c if c.isprintable() else " " for c in value[:most])


def _changes(value: object) -> dict[str, Any]:
    """Return the changed hyperparameters. Raises ValueError where they cannot be any.

    They become words of a command line (see `runs.command`): short names, numbers and names.
    """
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError("changes are no hyperparameters")
    for name, one in value.items():
        inner = one.items() if isinstance(one, dict) else [(name, one)]
        if not all(_WORD.fullmatch(key) and _is_value(it) for key, it in [(name, None), *inner]):
            raise ValueError("changes are no hyperparameters")
    return value


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return bool(_WORD.fullmatch(value))
    return value is None or isinstance(value, bool) or finite(value, -1e12) is not None


def _outcome(folder: Path) -> dict[str, Any]:
    content = read_json(folder / "outcome.json")
    state, reason, tail = (str(content.get(k, ""))[:9000] for k in ("state", "reason", "log_tail"))
    if state not in _ENDS:
        return {}
    return {
        "state": state,
        "ended_at": finite(content.get("ended_at"), 0, LATEST) or _last_sign_of_life(folder),
        "reason": _text(reason, 1000),
        "log_tail": _last_lines(tail),
    }


def _settle_gone(run: Run) -> dict[str, Any]:
    """Write down and return the outcome of a run whose process is gone without a word."""
    state, reason, tail = FINISHED, "", ""
    if not run.has_model:
        state, tail = LOST, log_tail(run.folder)
        reason = "Its process ended without a word: killed, or the machine stopped."
        with contextlib.suppress(OSError):
            if shutil.disk_usage(run.folder).free < _MIB:
                reason = "Its process ended without a word, and the disk is full."
    ended_at = _last_sign_of_life(run.folder)
    with contextlib.suppress(RunError):
        settle(run.folder, state, reason, tail, ended_at)
    return {"state": state, "ended_at": ended_at, "reason": reason, "log_tail": tail}


def log_tail(folder: Path) -> str:
    """Return the last lines that a run printed."""
    try:
        with (folder / "train.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            words = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return _last_lines(words)


def _last_lines(words: str) -> str:
    return "\n".join(_text(line, 1000) for line in words.splitlines()[-LOG_TAIL_LINES:])


def _last_sign_of_life(folder: Path) -> float:
    times = [0.0]
    for name in ("process.json", "events.jsonl", "train.log", CARD_FILE):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def is_alive(folder: Path) -> bool:
    """Return whether the run's process holds its lock."""
    return is_held(folder / "process.lock")


def is_held(lock: Path) -> bool:
    """Return whether a process holds a lock; to look is shared, so that lookers see no other."""
    try:
        handle = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Mark a run's folder as belonging to this very process, for as long as the block lasts.

    A process that `start_next` began has inherited the lock already, and would wait for itself.
    """
    handle = os.open(folder / "process.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not is_alive(folder):
            fcntl.flock(handle, fcntl.LOCK_EX)  # once nobody looks
        before = {"started_at": time.time()} | read_json(folder / "process.json")
        write(folder / "process.json", before | {"pid": os.getpid()})
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Train in a folder as the only one: wait for another that is about to end.

    A cluster may begin a run anew while the training of a worker that was cut off still looks up.
    """
    handle = os.open(folder / "training.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def should_stop(folder: Path) -> bool:
    """Return whether somebody asked the run to stop, or deleted its folder."""
    return (folder / "stop").exists() or not (folder / "config.json").exists()


class RunProcess:
    """While entered, this process is the run; how it ends is written down, whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = contextlib.ExitStack()
        self.stopped = False  # whoever trains says whether it was stopped early

    def __enter__(self) -> RunProcess:
        self._held.enter_context(holding(self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._held:
            if not (self._folder / "config.json").is_file():  # deleted meanwhile: leave nothing
                shutil.rmtree(self._folder, ignore_errors=True)
            elif error is None:
                settle(self._folder, STOPPED if self.stopped else FINISHED)
            else:
                state = STOPPED if isinstance(error, KeyboardInterrupt) else FAILED
                reason = str(error) if isinstance(error, MnistError) else in_a_sentence(error)
                with contextlib.suppress(RunError):
                    settle(self._folder, state, reason, log_tail(self._folder))


def in_a_sentence(error: BaseException) -> str:
    """Return what an unexpected error says, short enough to be read."""
    text = " ".join(str(error).split())[:200]
    return f"The training ended with {type(error).__name__}{': ' + text if text else ''}."


def settle(
    folder: Path, state: str, reason: str = "", log_tail: str = "", ended_at: float | None = None
) -> None:
    """Write down how a run ended."""
    outcome = {"state": state, "ended_at": ended_at or time.time(), "reason": reason}
    write(folder / "outcome.json", outcome | {"log_tail": log_tail})


def read_json(path: Path, *, missing_is_error: bool = False) -> dict[str, Any]:
    """Return a JSON object; {} where the file is missing or damaged."""
    try:
        return read_json_object(path)
    except FileNotFoundError:
        if missing_is_error:
            raise
        return {}
    except ValueError:
        return {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file of a run whole or not at all; never bring a deleted folder back."""
    if not path.parent.is_dir():
        raise RunError(f"The run {path.parent.name!r} was deleted.")
    try:
        write_json(path, content)
    except (OSError, ModelError) as error:
        raise RunError(str(error)) from error
