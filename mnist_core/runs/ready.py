"""A process that has imported TensorFlow and read the digits, and waits for a training to do.

Starting TensorFlow takes longer than training `fast`, so it is done while a person still chooses.
The process is tied to the server that started it by a pair of sockets: pings keep it, a command
(with the run's lock and log as open files) makes it the run, silence or the server's death end it.

    python -m mnist_core.runs.ready HANDLE
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Sequence

IDLE_S = 25.0  # without a ping
_MOST_BYTES = 65_536
_TRAINING = ["-m", "mnist_core", "train"]


def is_training(command: Sequence[str]) -> bool:
    """Return whether a command is a training of ours, which a ready process can take."""
    return list(command[:4]) == [sys.executable, *_TRAINING]


class ReadyProcess:
    """The server's side: keep it, or give it a command."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        handle = theirs.fileno()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [sys.executable, "-m", "mnist_core.runs.ready", str(handle)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
                pass_fds=[handle],
            )

    def keep(self) -> bool:
        """Say that somebody still looks; return whether the process is there."""
        try:
            self._socket.send(b"\n")
        except BlockingIOError:
            pass  # it imports, and has pings enough to read
        except OSError:
            self.close()
            return False
        return self.process.poll() is None

    def close(self) -> None:
        """Let the process go."""
        self._socket.close()

    def take(self, command: Sequence[str], lock: int, log: int) -> subprocess.Popen[bytes] | None:
        """Let the process become a run; return it, or None where it cannot.

        lock, log: open files of the run, which it keeps as its own.
        """
        words = json.dumps(list(command[2:])).encode() + b"\n"
        self._socket.setblocking(True)
        try:
            socket.send_fds(self._socket, [words], [lock, log])
        except OSError:
            return None
        finally:
            self._socket.close()
        return None if self.process.poll() is not None else self.process


def wait_for_command(connection: socket.socket) -> list[str] | None:
    """Return the words after `python -m` of the training to do, None where there is none.

    The run's log is then where this process prints, and the run's lock stays open.
    """
    connection.settimeout(IDLE_S)
    said = b""
    handles: list[int] = []
    while not said.strip() or not said.endswith(b"\n"):
        try:
            new, passed, _, _ = socket.recv_fds(connection, _MOST_BYTES, 2)
        except (TimeoutError, ConnectionResetError):
            return None
        if not new:
            return None
        said, handles = (said + new).lstrip(), handles + passed
    _, log = handles
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    return json.loads(said)


def load() -> None:
    """Import and read whatever a training needs before it knows which one it is."""
    from mnist_core.data.mnist import load_mnist
    from mnist_core.training import fit

    fit.warm_up(load_mnist())


def main(handle: int) -> None:
    """Get ready, wait, and do what is asked for, if anything is."""
    from mnist_core.runs.engine import step_back

    step_back()
    load()
    with socket.socket(fileno=handle) as connection:
        words = wait_for_command(connection)
    if words is not None:
        sys.argv = words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
