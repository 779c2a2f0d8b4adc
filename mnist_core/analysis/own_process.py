"""Long computations in a process of their own, which everybody else goes before.

Python runs one thread at a time, and all threads of a process have the same claim on a core: while
one computes for seconds, every stroke that another has to answer waits for it again and again.
The process begins with the first computation and ends with the one that asked. It is none of
`multiprocessing`'s: those run the main module first, and in a page that is the page's own script.

    python -m mnist_core.analysis.own_process
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar, cast

NICENESS = 10  # a training has 19
Result = TypeVar("Result")


Compute = Callable[..., Any]  # (function, *arguments) -> function(*arguments), computed somewhere


def here(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return function(*arguments), computed in this process."""
    return function(*arguments)


class OwnProcess:
    """A process that computes one thing after the other; safe from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def compute(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return function(*arguments), computed there, or here where that is not possible.

        function: one of a module's. Raises what it raises.
        """
        try:
            asked = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError):
            return function(*arguments)  # a network of TensorFlow's cannot be sent
        with self._lock:
            try:
                return self._ask(asked)
            except (OSError, EOFError, pickle.UnpicklingError):  # it was killed, or met an error
                self.close()
        return function(*arguments)

    def _ask(self, asked: bytes) -> Any:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mnist_core.analysis.own_process"],
                cwd=Path(__file__).resolve().parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        asking = cast(IO[bytes], self._process.stdin)
        asking.write(asked)
        asking.flush()
        return pickle.load(cast(IO[bytes], self._process.stdout))  # noqa: S301 - it is ours

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


compute = OwnProcess().compute


def main() -> None:
    """Compute what is asked on the standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this too
    if sys.platform != "win32":
        os.nice(NICENESS)
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own server
        except EOFError:
            return
        pickle.dump(function(*arguments), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
