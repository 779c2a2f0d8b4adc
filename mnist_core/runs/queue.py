"""Training runs: each is a process of its own with a folder of its own.

A run is the command `python -m mnist_core train RECIPE ... --run-folder FOLDER`, so it goes on
when a browser tab, or the server, is gone, and everything that anybody knows about it is in its
folder, `artifacts/runs/<run_id>/` (see `run_folder`).

As many run at once as the engine has places for (see `engine`): one on this machine, for all
copies of the app that share the folder; the others wait in the order in which they were asked for.
Whoever looks starts the next one, and so does a process that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mnist_core import words
from mnist_core.errors import ModelError, RunError
from mnist_core.files import stamp, write_json
from mnist_core.models.registry import active, runs_dir
from mnist_core.runs import engine, limits
from mnist_core.runs.folder import RUNNING, WAITING, Run, holding, look, read_json, write
from mnist_core.training.recipes import RECIPES

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_mine = threading.local()  # whether this thread has the queue's lock
_log = logging.getLogger(__name__)


def request(
    recipe: str,
    changes: dict[str, Any] | None = None,
    title: str = "",
    guest: str = "",
    more: Mapping[str, Any] | None = None,
) -> Run:
    """Put a training at the end of the queue; it starts at once where none is running.

    The caller has checked recipe and changes (see `override`); the process checks again. guest:
    what tells a guest from others (see `limits`), "" for who has no limits; more: what its
    config.json says besides. Raises RunError.
    """
    limits.check_disk()
    with queue_lock():
        if guest:
            standing = RECIPES[recipe].hyperparameters.epochs
            limits.check_guest(live_runs(), guest, changes or {}, standing)
        run = create(recipe, changes, title, {**(more or {}), "requested_by": guest})
    go_on()
    return get_run(run.run_id)


def create(
    recipe: str,
    changes: dict[str, Any] | None = None,
    title: str = "",
    more: Mapping[str, Any] | None = None,
) -> Run:
    """Make a run's folder, whole or not at all, and leave it waiting.

    Of a minute, no two have the same title: the second "fast" is "fast (2)". more: what
    config.json says besides, such as the group that the run belongs to. Raises RunError.
    """
    with queue_lock():  # nobody takes the title meanwhile, or sweeps the half-made folder away
        return _create(recipe, changes or {}, title.strip() or recipe, more or {})


def _create(recipe: str, changes: dict[str, Any], title: str, more: Mapping[str, Any]) -> Run:
    now = time.time()
    asked_at = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    run_id = f"{asked_at}-{re.sub(r'[^A-Za-z0-9_-]', '-', recipe)[:40]}-{secrets.token_hex(4)}"
    config = {
        "recipe": recipe,
        "title": _told_apart(title, run_id),
        "changes": changes,
        "requested_at": now,
        **more,
    }
    new = runs_dir() / f".new-{run_id}"
    try:
        new.mkdir(parents=True)
        write_json(new / "config.json", config)
        new.rename(runs_dir() / run_id)
    except (OSError, ModelError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise RunError(f"The run cannot be started. {_cannot_write(error)}") from error
    return get_run(run_id)


def _told_apart(title: str, run_id: str) -> str:
    """Return a title that no other run asked for in the same minute has."""
    minute = run_id[: len("20261124-1237")]
    folders = [f for f in _folders() if f.name.startswith(minute) and f.name != run_id]
    taken = {run.title for run in map(look, folders) if run is not None}
    return words.told_apart(title, taken)


@contextlib.contextmanager
def own(
    recipe: str,
    changes: dict[str, Any] | None = None,
    title: str = "",
    more: Mapping[str, Any] | None = None,
) -> Iterator[Run]:
    """Make a run that this very process trains, without waiting for others. Raises RunError."""
    limits.check_disk()
    try:
        with contextlib.ExitStack() as stack:
            with queue_lock():
                run = create(recipe, changes, title, more)
                stack.enter_context(holding(run.folder))
            yield run
    finally:
        go_on()


def start_next() -> Run | None:
    """Start those that have waited longest, as many as have a place; return the first of them."""
    live = live_runs()
    if not any(run.state == WAITING for run in live):  # nearly always, and open pages ask often
        return None
    on = engine.chosen()
    places, beside_others = on.places(), on is not engine.this_machine()
    if not _to_start(live, places, beside_others):
        return None
    started = None
    with queue_lock():
        _sweep()
        for run in _to_start(live_runs(), places, beside_others):
            _start(run, on)
            started = started or get_run(run.run_id)
    return started


def _to_start(live: list[Run], places: int, beside_others: bool) -> list[Run]:
    """Return those of the live runs that have a place now, in their order.

    beside_others: the places are a cluster's, and this machine has one of its own besides, for
    what only it can train.
    """
    running = [run for run in live if run.state == RUNNING]
    here_is_free = all(run.on_cluster for run in running)
    taken = sum(run.on_cluster for run in running) if beside_others else len(running)
    found: list[Run] = []
    for run in live:
        if run.state != WAITING:
            continue
        if beside_others and _only_here(run):
            if here_is_free:
                found.append(run)
                here_is_free = False
        elif taken < places:
            found.append(run)
            taken += 1
    return found


def _only_here(run: Run) -> bool:
    """Return whether a run needs what only this machine has: a model, or people's drawings."""
    return "from" in run.changes


def live_runs() -> list[Run]:
    """Return the run in progress, if there is one, then those that wait, in their order."""
    unsettled = [folder for folder in _folders() if stamp(f"{folder}/outcome.json") is None]
    live = [run for run in map(look, unsettled) if run is not None and not run.is_settled]
    return sorted(live, key=lambda run: (run.state != RUNNING, run.requested_at, run.run_id))


def list_runs() -> list[Run]:
    """Return all runs, newest first."""
    runs = [run for run in map(look, _folders()) if run is not None]
    return sorted(runs, key=lambda run: (run.requested_at, run.run_id), reverse=True)


def get_run(run_id: str) -> Run:
    """Return one run. Raises RunError if there is none of that name (any more)."""
    run = look(_folder(run_id))
    if run is None:
        raise RunError(f"There is no run {run_id!r} (any more); `runs` lists those there are.")
    return run


def stop(run_id: str) -> None:
    """Ask a run to end after its present batch and to keep its best weights so far."""
    with queue_lock():  # nobody starts it meanwhile
        run = get_run(run_id)
        if run.state == WAITING:
            delete(run_id)
        elif run.state == RUNNING:
            engine.this_machine().stop(run.folder)  # the folder says so, wherever it trains


def rename(run_id: str, title: str) -> None:
    """Give a run a title that people chose."""
    title = " ".join(title.split())[:80]
    if not title:
        raise RunError("A run needs a title of at least one character.")
    with queue_lock():
        file = get_run(run_id).folder / "config.json"
        write(file, read_json(file) | {"title": _told_apart(title, run_id)})


def delete(run_id: str) -> None:
    """Delete a run with everything it made; one that waits leaves the queue."""
    with queue_lock():
        run = get_run(run_id)
        if run.state == RUNNING:
            raise RunError("This run is still training; stop it before deleting it.")
        for slot, name in active().items():
            if name == run_id:
                raise RunError(
                    f"This run answers as {words.network(slot)} on the Draw page; "
                    "let another model answer before deleting it."
                )
        gone = runs_dir() / f".deleted-{run_id}-{secrets.token_hex(2)}"
        try:
            run.folder.rename(gone)
        except OSError as error:
            raise RunError(f"The run {run_id!r} stays. {_cannot_write(error)}") from error
        _sweep()


def _sweep() -> None:
    """Delete what is left of runs whose making or deleting was cut off.

    The caller has the lock, without which none is made or deleted.
    """
    with contextlib.suppress(OSError):
        for cut_off in (".deleted-*", ".new-*"):
            for folder in runs_dir().glob(cut_off):
                shutil.rmtree(folder, ignore_errors=True)


def command(run: Run) -> list[str]:
    """Return the command line of a run: all that a cluster's queue would need as well."""
    options = [word for name, value in run.changes.items() for word in _words(name, value)]
    train = ["-m", "mnist_core", "train", run.recipe, *options]
    return [sys.executable, *train, "--run-folder", str(run.folder.resolve())]


def _words(name: str, value: Any) -> list[str]:
    if isinstance(value, dict):  # the augmentation's amounts
        return [word for inner, amount in value.items() for word in _words(inner, amount)]
    text = str(value).lower() if value is None or isinstance(value, bool) else str(value)
    return [f"--{name.replace('_', '-')}", text]


def keep_ready() -> None:
    """Let a process wait ready for a training, while somebody looks and nothing trains here."""
    here = engine.this_machine()
    if engine.chosen() is here and not live_runs():
        here.keep_ready()


def _start(run: Run, on: engine.Engine) -> None:
    if _only_here(run):
        on = engine.this_machine()
    try:
        on.submit(command(run), run.folder, go_on)
    except (OSError, RunError) as error:  # the folder says so already, where it could
        _log.warning("The run %s could not be started: %s", run.run_id, error)


def go_on() -> None:
    """Start what can be started; what cannot be now, waits, and the log says why."""
    try:
        start_next()
    except (OSError, RunError) as error:
        _log.warning("The next run could not be started: %s", error)


@contextlib.contextmanager
def queue_lock() -> Iterator[None]:
    """Let one process or thread at a time change the queue; who has the lock may ask again."""
    if getattr(_mine, "is_locked", False):
        yield
        return
    try:
        runs_dir().mkdir(parents=True, exist_ok=True)
        handle = os.open(runs_dir() / ".queue.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(_cannot_write(error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _mine.is_locked = True
        yield
    finally:
        _mine.is_locked = False
        os.close(handle)


def _cannot_write(error: OSError | ModelError) -> str:
    """Return why a folder cannot be written to, without saying where on this machine it is."""
    if isinstance(error, ModelError):
        return str(error)
    return (
        f"The folder of the runs cannot be written to ({error.strerror}); "
        "make room there, or let this app write to it."
    )


def _folders() -> list[Path]:
    try:
        return [folder for folder in runs_dir().iterdir() if _RUN_ID.fullmatch(folder.name)]
    except FileNotFoundError:
        return []


def _folder(run_id: str) -> Path:
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id:
        raise RunError(f"{run_id!r} is no run's name; `runs` lists those there are.")
    return runs_dir() / run_id
