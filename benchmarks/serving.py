"""A server of the app for a benchmark: started on a free port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.data.mnist import load_sample
from mnist_core.models import registry

ROOT = Path(__file__).resolve().parents[1]
START_LIMIT_S = 60


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    pid: int


@contextmanager
def serving(
    script: Path = ROOT / "app.py", artifacts: Path | None = None, log: Path | None = None
) -> Iterator[Server]:
    """Serve a Streamlit script on a free port of this machine.

    artifacts: the folder of models and runs, where it is not the checkout's own.
    log: the file that the server's own words go to. Raises TimeoutError where it does not start.
    """
    port = free_port()
    environment = {"MNIST_ARTIFACTS": str(artifacts)} if artifacts else {}
    with start(port, script, environment, log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url)
            yield Server(url, process.pid)
        finally:
            process.terminate()


def start(
    port: int,
    script: Path = ROOT / "app.py",
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `streamlit run` on a port and return its process, which may not answer yet.

    environment: what differs from this process's own; the log is written on where there is one.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--server.port={port}", "--server.headless=true"]
    changed = os.environ | (environment or {})
    with Path(log or os.devnull).open("ab") as words:
        return subprocess.Popen(command, cwd=ROOT, env=changed, stdout=words, stderr=words)


def own_artifacts(folder: Path) -> Path:
    """Copy the networks that ship into a folder of their own, so that no run is left behind."""
    for slot in registry.SLOTS:
        shutil.copytree(ROOT / "artifacts" / slot, folder / slot)
    return folder


def few_digits(folder: Path) -> Path:
    """Write the app's sample of 5,000 digits as a data set that $MNIST_PATH can name."""
    sample, path = load_sample(), folder / "few.npz"
    np.savez(path, x_train=sample.x_train, y_train=sample.y_train,
             x_test=sample.x_test, y_test=sample.y_test)  # fmt: skip
    return path


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_healthy(url: str) -> None:
    """Return once the server answers. Raises TimeoutError after a minute."""
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health").close()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{url} did not answer within {START_LIMIT_S} s")
