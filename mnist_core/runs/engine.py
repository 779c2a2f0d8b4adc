"""The one place that starts a run's command: on this machine, or on a cluster.

An engine is two verbs and a number; `Engine` says what they mean. Whatever it does behind them,
the run's folder tells everybody else how the run goes (see `folder`): a lock that is held while it
lives, its events, its outcome.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.errors import RunError
from mnist_core.runs.folder import FAILED, settle, write
from mnist_core.runs.ready import ReadyProcess, is_training
from mnist_core.training.machine import cores

if TYPE_CHECKING:
    from mnist_core.runs.cluster import DaskCluster

_ROOT = Path(__file__).resolve().parents[2]
LOWEST = 19
WATCHER = "watches a run"  # the name of the threads that do


class Engine(ABC):
    """Something that runs commands, each for the folder of one run."""

    @abstractmethod
    def places(self) -> int:
        """Return how many runs go on at once. Raises RunError where none can be had now."""

    @abstractmethod
    def submit(self, command: Sequence[str], folder: Path, ended: Callable[[], None]) -> None:
        """Start a run's command and return at once; it holds the lock while it runs.

        `ended` is called in this process when the run is over, if this process is still there.
        Raises RunError or OSError where it cannot be started.
        """

    def stop(self, folder: Path) -> None:
        """Ask a run to end after its present batch and to keep its best weights so far."""
        write(folder / "stop", {"requested_at": time.time()})


class ThisMachine(Engine):
    """One run at a time, a process of this machine with all its cores and the last claim on them.

    A process that has imported TensorFlow may wait ready (`keep_ready`) and take the next command.
    """

    def __init__(self) -> None:
        self._ready: ReadyProcess | None = None
        self._changing = threading.Lock()

    def places(self) -> int:
        return 1

    def keep_ready(self) -> None:
        """Have a process wait ready; without a further call it goes within half a minute."""
        if os.environ.get("MNIST_READY") == "0":
            return
        with self._changing:
            if self._ready is None or not self._ready.keep():
                self._ready = ReadyProcess(training_environment())

    def submit(self, command: Sequence[str], folder: Path, ended: Callable[[], None]) -> None:
        with locked(folder) as handle, (folder / "train.log").open("ab") as log:
            process = None
            if is_training(command):
                with self._changing:
                    ready, self._ready = self._ready, None
                process = ready.take(command, handle, log.fileno()) if ready else None
            if process is None:
                process = start(command, handle, log.fileno(), training_environment())
        watch(process, ended)


@contextlib.contextmanager
def locked(folder: Path, *, on_cluster: bool = False) -> Iterator[int]:
    """Hold a run's lock, say when it began and where; yield the handle for a process to inherit."""
    handle = os.open(folder / "process.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        began = {"started_at": time.time(), "on_cluster": on_cluster}
        write(folder / "process.json", began)
        yield handle
    except (OSError, RunError) as error:
        with contextlib.suppress(RunError):
            settle(folder, FAILED, f"The training could not be started: {error}.")
        raise
    finally:
        os.close(handle)


def start(
    command: Sequence[str], lock: int, log: int, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own that inherits the run's lock."""
    return subprocess.Popen(  # noqa: S603 - our own command, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        pass_fds=[lock],
    )


def watch(process: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    """Return at once; a thread waits for a run's process and then calls `ended`."""

    def wait() -> None:
        process.wait()
        ended()

    threading.Thread(target=wait, name=WATCHER, daemon=True).start()


def training_environment(threads: int | None = None) -> dict[str, str]:
    """Return the environment of a training: this code, and so many threads (default: all cores).

    Who draws does not wait for it: it takes what is left over (see `step_back`).
    """
    number = str(threads or cores())
    paths = filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": number,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
    }


def step_back() -> None:
    """Give this process the last claim on the processor: others first, all the rest is its own.

    $MNIST_NICENESS, 0 to 19, asks for more than that, on a machine that has nothing else to do.
    """
    niceness = os.environ.get("MNIST_NICENESS", "")
    wanted = min(int(niceness), LOWEST) if niceness.isdigit() else LOWEST
    os.nice(max(0, wanted - os.nice(0)))
    # Linux shares the processor among sessions before it looks at niceness, and a training has a
    # session of its own; without this it would get as much as the server.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(wanted), encoding="utf-8")
    if wanted == LOWEST and hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


_here = ThisMachine()
_clusters: dict[str, DaskCluster] = {}


def this_machine() -> ThisMachine:
    """Return the engine that trains here."""
    return _here


def chosen() -> Engine:
    """Return the engine that the environment asks for: $MNIST_CLUSTER, or this machine.

    Where that cluster cannot be used, trainings go on here, unless $MNIST_CLUSTER_ELSE is "wait".
    """
    cluster = named_cluster()
    if cluster is None:
        return _here
    if os.environ.get("MNIST_CLUSTER_ELSE", "here") != "wait" and trouble():
        return _here
    return cluster


def trouble() -> str:
    """Return why the cluster that was asked for cannot be used now, in a sentence, or ""."""
    cluster = named_cluster()
    if cluster is None:
        return ""
    try:
        cluster.look()
    except RunError as error:
        return str(error)
    return ""


def named_cluster() -> DaskCluster | None:
    """Return the cluster that $MNIST_CLUSTER names, None where it names none."""
    address = os.environ.get("MNIST_CLUSTER", "").strip()
    if not address:
        return None
    from mnist_core.runs.cluster import DaskCluster  # which builds on this module

    if address not in _clusters:
        _clusters[address] = DaskCluster(address)
    return _clusters[address]


def end_with_worker() -> bool:
    """Return whether a cluster's worker started this process ($MNIST_PARENT); if so, end with it.

    A worker that was killed would leave its training behind, which another worker begins anew.
    """
    named = os.environ.get("MNIST_PARENT", "")
    if not named.isdigit():
        return False

    def watch() -> None:
        while os.getppid() == int(named):
            time.sleep(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    return True
