"""What a cluster's worker does for a run: start it, tell how it goes, hand over the result.

`work` is the Dask task; it waits until the run's attendant (see `attendant`) has been seen, works
in the run's own folder where both share a file system, else in a folder of the worker's disk that
begins as a copy. The attendant calls `begin`, `peek` and the others while the task goes on, each
with the token of its order. A training whose attendant falls silent, or whose worker dies, ends:
nobody would hear of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_core.files import opened_zip, read_member
from mnist_core.runs.engine import training_environment
from mnist_core.runs.folder import log_tail
from mnist_core.training.events import MOMENTS
from mnist_core.training.machine import cores

GROWING = ("events.jsonl", "train.log")  # files that a run only adds to; moments are new ones
_OWN = ("process.lock", "process.json", "training.lock")  # of one machine's processes
_SILENCE_S = 30.0
_MOST_BYTES = 500_000_000
_SETTLED_S = 0.5  # after which a checkpoint is not being written any more


@dataclass(frozen=True)
class Order:
    """What an attendant asks of a worker."""

    run_id: str
    token: str  # of this very request
    folder: str  # as the attendant sees it
    words: tuple[str, ...]  # the command after the interpreter; its last word is the folder


@dataclass
class Desk:
    """One order as it is worked on."""

    order: Order
    seen_at: float = field(default_factory=time.monotonic)
    folder: Path | None = None
    shared: bool = False
    problem: str = ""
    begun: threading.Event = field(default_factory=threading.Event)


def work(order: Order) -> dict[str, Any]:
    """Do an order; return how it ended, and its files where they are not there already.

    {"problem": sentence or "", "returncode": int, "archive": bytes or None, "digest": SHA-256}
    """
    from distributed import get_worker

    worker = get_worker()
    desk = Desk(order)
    _desks(worker)[order.token] = desk
    try:
        while not desk.begun.wait(0.2):
            if time.monotonic() - desk.seen_at > _SILENCE_S:
                return _ended(desk, "Nobody came to begin the run.")
        if desk.problem:
            return _ended(desk, desk.problem)
        return _train(desk, _threads(worker.state.nthreads))
    finally:
        _desks(worker).pop(order.token, None)
        if desk.folder is not None and not desk.shared:
            shutil.rmtree(desk.folder, ignore_errors=True)


def begin(token: str, archive: bytes, dask_worker: Any) -> dict[str, Any] | None:
    """Let the task begin; None where it has not come to this worker (yet).

    archive: the run's folder as a zip, for a worker that does not see it.
    """
    desk = _desks(dask_worker).get(token)
    if desk is None:
        return None
    desk.seen_at = time.monotonic()
    if not desk.begun.is_set():
        _open_folder(desk, archive)
        desk.begun.set()
    return {"shared": desk.shared}


def needs_copy(token: str, dask_worker: Any) -> bool | None:
    """Return whether the worker does not see the run's folder; None where the task is not here."""
    desk = _desks(dask_worker).get(token)
    if desk is None:
        return None
    desk.seen_at = time.monotonic()
    return not mark(desk.order).exists()


def peek(
    token: str, offsets: dict[str, int], there: list[str], dask_worker: Any
) -> dict[str, Any] | None:
    """Return what is new since the given places in the growing files, the moments that are not
    `there` yet, and the checkpoint's time.

    None where the order is not here. Whoever peeks is the attendant, so this is its sign of life.
    "begun": False in a worker that was started anew and has been given the order again.
    """
    desk = _desks(dask_worker).get(token)
    if desk is None:
        return None
    desk.seen_at = time.monotonic()
    begun = desk.begun.is_set()
    if desk.shared or desk.folder is None or not begun:
        return {"begun": begun, "files": {}, "moments": {}, "checkpoint_at": 0.0}
    new = {name: _since(desk.folder / name, offsets.get(name, 0)) for name in GROWING}
    # After the events, so that the moments that these tell of are among them.
    moments = {
        path.name: _since(path, 0)
        for path in (desk.folder / MOMENTS).glob("[0-9]*.json")
        if path.name not in there
    }
    checkpoint_at = _checkpoint_at(desk.folder)
    return {"begun": True, "files": new, "moments": moments, "checkpoint_at": checkpoint_at}


def checkpoint(token: str, dask_worker: Any) -> bytes | None:
    """Return the checkpoint as a zip; None where there is none, or it is just being written."""
    desk = _desks(dask_worker).get(token)
    if desk is None or desk.folder is None or not (at := _checkpoint_at(desk.folder)):
        return None
    desk.seen_at = time.monotonic()
    try:
        content = pack(desk.folder / "checkpoint")
    except OSError:
        return None
    return content if _checkpoint_at(desk.folder) == at else None


def ask_to_stop(token: str, dask_worker: Any) -> None:
    """Let a run end after its present batch, or not begin at all."""
    desk = _desks(dask_worker).get(token)
    if desk is not None and desk.folder is not None:
        with contextlib.suppress(OSError):
            (desk.folder / "stop").touch()
    elif desk is not None:
        desk.problem = "It was stopped before it began."
        desk.begun.set()


def pack(folder: Path, leave_out: tuple[str, ...] = ()) -> bytes:
    """Return a run's folder as a zip, without what belongs to one machine's processes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in name.parts)
            if path.is_file() and not hidden and name.parts[0] not in (*_OWN, *leave_out):
                archive.write(path, str(name))
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write a packed folder's files. Raises ValueError for what is none, OSError for the disk."""
    with opened_zip(content) as archive:
        for name in archive.namelist():
            target = (folder / name).resolve()
            if folder.resolve() not in target.parents:
                raise ValueError("it names files outside its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read_member(archive, name, _MOST_BYTES))


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def _desks(worker: Any) -> dict[str, Desk]:
    if not hasattr(worker, "mnist_desks"):
        worker.mnist_desks = {}
    return worker.mnist_desks


def mark(order: Order) -> Path:
    """Return a file by which a worker finds out whether it sees the run's own folder."""
    return Path(order.folder) / f".order-{order.token}"


def _open_folder(desk: Desk, archive: bytes) -> None:
    if mark(desk.order).exists():
        desk.folder, desk.shared = Path(desk.order.folder), True
        return
    try:
        desk.folder = Path(tempfile.mkdtemp(prefix=f"{desk.order.run_id}-"))
        unpack(archive, desk.folder)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error)
        desk.problem = f"The worker cannot write the run's files ({words}); make room on its disk."


def _threads(places: int) -> int:
    """Return how many threads a training gets: $MNIST_THREADS, or its share of the cores."""
    named = os.environ.get("MNIST_THREADS", "")
    return max(1, int(named) if named.isdigit() else cores() // max(1, places))


def _train(desk: Desk, threads: int) -> dict[str, Any]:
    assert desk.folder is not None  # noqa: S101 - it has begun
    words = [sys.executable, *desk.order.words[:-1], str(desk.folder)]
    environment = training_environment(threads) | {"MNIST_PARENT": str(os.getpid())}
    environment.pop("MNIST_CLUSTER", None)
    try:
        with (desk.folder / "train.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - a command of our own code, no shell
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        return _ended(desk, f"The worker cannot start the training ({error.strerror}).")
    while process.poll() is None:
        if time.monotonic() - desk.seen_at > _SILENCE_S:
            process.kill()
        time.sleep(0.1)
    if (desk.folder / "outcome.json").is_file():
        return _ended(desk, "", process.returncode)
    full = shutil.disk_usage(desk.folder).free < 1 << 20
    why = "the worker's disk is full" if full else f"exit code {process.returncode}"
    last = log_tail(desk.folder).rpartition("\n")[2]
    return _ended(desk, f"The training ended without a word ({why}). {last}", process.returncode)


def _ended(desk: Desk, problem: str, returncode: int = 0) -> dict[str, Any]:
    archive = None
    if not desk.shared and desk.folder is not None and not problem:
        archive = pack(desk.folder, leave_out=("checkpoint",))
    return {
        "problem": problem,
        "returncode": returncode,
        "archive": archive,
        "digest": digest(archive) if archive is not None else "",
    }


def _since(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(1 << 20)
    except OSError:
        return b""


def _checkpoint_at(folder: Path) -> float:
    """Return when the last epoch's checkpoint was written, 0 while it is written or not there."""
    try:
        files = [path for path in (folder / "checkpoint").rglob("*") if path.is_file()]
        written = max((path.stat().st_mtime for path in files), default=0.0)
    except OSError:
        return 0.0
    return written if time.time() - written > _SETTLED_S else 0.0
