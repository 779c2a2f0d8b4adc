"""Reads hostile inputs, one after another, in a process that may die of them.

    python -m benchmarks.fuzz.child READER SEED FROM TO FOLDER

FOLDER/state holds what happened so far (see `State`) and outlives this process; FOLDER/faults
holds one JSON line a fault.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.readers import READERS, Files, Reader
from mnist_core.errors import MnistError

MOST_SECONDS = 5.0  # an input; the valid ones take milliseconds
MOST_ADDRESS_SPACE = 2 << 30  # bytes, beyond what the process has before its first input
LONGEST_SENTENCE = 400
# What no reader does, as Python's own audit hooks report it.
FORBIDDEN = {
    "pickle.find_class", "marshal.loads", "os.system", "os.exec", "os.posix_spawn", "os.fork",
    "os.spawn", "socket.connect", "socket.getaddrinfo", "urllib.Request",
}  # fmt: skip
# The counters, in this order, of the file `state`.
STATE = ("next", "accepted", "refused", "slowest_s", "slowest", "peak_bytes", "kept_bytes", "keras")


class State:
    """Counters in a file: whoever started this process reads them after it died, too."""

    def __init__(self, path: Path) -> None:
        fresh = not path.is_file()
        shape = (len(STATE),)
        self._values = np.memmap(path, np.float64, "w+" if fresh else "r+", shape=shape)

    def __getitem__(self, name: str) -> float:
        return float(self._values[STATE.index(name)])

    def __setitem__(self, name: str, value: float) -> None:
        self._values[STATE.index(name)] = value


class OutOfTime(BaseException):
    """An input took too long."""


class ForbiddenCall(BaseException):
    """A reader did what no reader does, such as loading a pickle."""


_watched_folder: list[str] = []  # where files may be written while an input is read


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched_folder:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) or (mode or "r")[0] in "wax"
        outside = isinstance(path, str) and not os.path.realpath(path).startswith(
            (_watched_folder[0], "/dev/")
        )
        if writes and outside:
            raise ForbiddenCall(f"open({path!r}, {mode!r})")
    elif event == "subprocess.Popen" and not str(arguments[0]).endswith("gzip"):
        raise ForbiddenCall(f"{event} {arguments[0]!r}")
    elif event in FORBIDDEN and "importlib" not in sys._getframe(1).f_code.co_filename:
        raise ForbiddenCall(f"{event} {str(arguments)[:80]}")


def watch_calls() -> None:
    """Let `ForbiddenCall` be raised from now on, in every later `examine`."""
    sys.addaudithook(_audit)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def examine(reader: Reader, files: Files, folder: Path) -> tuple[str, str]:
    """Return ("accepted" or "refused", sentence) or ("fault", its kind and place).

    folder: an empty one, to write in.
    """
    os.environ["MNIST_ARTIFACTS"] = tempfile.tempdir = str(folder)
    _watched_folder[:] = [os.path.realpath(folder)]
    try:
        with warnings.catch_warnings(), _time_limit(MOST_SECONDS):
            warnings.simplefilter("ignore")
            reader.read(files, folder)
    except MnistError as error:
        sentence = str(error)
        if _is_a_sentence(sentence):
            return "refused", sentence
        return "fault", f"no sentence: {sentence[:200]!r}"
    except OutOfTime as error:
        return "fault", f"longer than {MOST_SECONDS:.0f} s in {_place(error)}"
    except (Exception, ForbiddenCall) as error:
        return "fault", f"{type(error).__name__} in {_place(error)}: {str(error)[:200]}"
    finally:
        _watched_folder.clear()
        tempfile.tempdir = None
    return "accepted", ""


def _is_a_sentence(words: str) -> bool:
    ends = words.endswith((".", "`", ")")) or "python -m mnist_core" in words
    return words.isprintable() and len(words) <= LONGEST_SENTENCE and ends


def _place(error: BaseException) -> str:
    """Return the last line of this project that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "mnist_core" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} ({own[-1].name})"


def _memory(name: str) -> int:
    """Return VmHWM (the peak) or VmRSS of this process in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def main(name: str, seed: int, first: int, last: int, folder: Path) -> None:
    """Examine the inputs from `first` to before `last`."""
    reader, state = READERS[name], State(folder / "state")
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, files in enumerate(reader.files()):  # warms up whatever is imported late
        (scratch / f"whole-{number}").mkdir()
        examine(reader, files, scratch / f"whole-{number}")
    if name == "keras":
        _count_loads(state)
    watch_calls()
    space = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (space + MOST_ADDRESS_SPACE,) * 2)
    at_first = _memory("VmRSS")
    for number in range(first, last):
        state["next"] = number
        files = reader.input(seed, number)
        inside = scratch / "one"
        inside.mkdir()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak
        before, start = _memory("VmRSS"), time.perf_counter()
        verdict, words = examine(reader, files, inside)
        took, growth = time.perf_counter() - start, _memory("VmHWM") - before
        if verdict != "fault" and growth > reader.most_mb << 20:
            verdict, words = "fault", f"more than {reader.most_mb} MB of memory"
        if verdict == "fault":
            note(folder, number, words)
        else:
            state[verdict] += 1
        if took > state["slowest_s"]:
            state["slowest_s"], state["slowest"] = took, number
        state["peak_bytes"] = max(state["peak_bytes"], growth)
        shutil.rmtree(inside, ignore_errors=True)
        state["next"] = number + 1
    state["kept_bytes"] = max(state["kept_bytes"], _memory("VmRSS") - at_first)
    shutil.rmtree(scratch, ignore_errors=True)


def _count_loads(state: State) -> None:
    """Count how often Keras itself is asked to read a file."""
    import keras

    load = keras.saving.load_model

    def counted(*arguments: Any, **options: Any) -> Any:
        state["keras"] += 1
        return load(*arguments, **options)

    keras.saving.load_model = counted


def note(folder: Path, number: int, words: str) -> None:
    """Write a fault down."""
    with (folder / "faults").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"input": number, "fault": words}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))
