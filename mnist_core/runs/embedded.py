"""A Dask cluster of this machine, for `MNIST_CLUSTER=local`: started when needed, gone when idle.

    python -m mnist_core.runs.embedded [WORKERS]

One for each artifacts folder, whoever asks; its address is in `runs/.cluster.json`, its lock tells
whether it lives. It ends after two minutes without a run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from mnist_core.errors import RunError
from mnist_core.files import write_json
from mnist_core.models.registry import runs_dir
from mnist_core.runs import engine
from mnist_core.runs.folder import is_held, read_json
from mnist_core.training.machine import cores

START_S = 90.0  # of a busy machine
IDLE_S = 120.0


def address() -> str:
    """Return the embedded cluster's address; starts it where there is none. Raises RunError."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    deadline, process = time.monotonic() + START_S, None
    while time.monotonic() < deadline:
        if is_held(_lock()):
            if known := known_address():
                return known
        elif process is None or process.poll() is not None:
            process = subprocess.Popen(
                [sys.executable, "-m", "mnist_core.runs.embedded"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=engine.training_environment(1), start_new_session=True,
            )  # fmt: skip
        time.sleep(0.1)
    raise RunError("The cluster of this machine did not start; is requirements-cluster.txt there?")


def known_address() -> str:
    """Return the embedded cluster's address, "" where it is not there, or not ready."""
    there = _kept().is_file() and is_held(_lock())
    return str(read_json(_kept()).get("address", "")) if there else ""


def _kept() -> Path:
    return runs_dir() / ".cluster.json"


def _lock() -> Path:
    return runs_dir() / ".cluster.lock"


def serve(workers: int) -> None:
    """Be the embedded cluster until nobody has used it for a while."""
    from distributed import LocalCluster

    from mnist_core.runs import queue

    handle = os.open(_lock(), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _kept().unlink(missing_ok=True)
    os.environ["MNIST_THREADS"] = str(max(1, cores() // workers))
    # A dashboard asks nobody for a password, so it is for this machine's own browsers alone.
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    ) as cluster:
        write_json(_kept(), {"address": cluster.scheduler_address, "pid": os.getpid()})
        used_at = time.monotonic()
        while time.monotonic() - used_at < IDLE_S and runs_dir().is_dir():
            if queue.live_runs():
                used_at = time.monotonic()
            time.sleep(2)
        with contextlib.suppress(OSError):
            _kept().unlink()  # first, so that whoever comes now waits for the next one


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else cores())
