"""Can a file from outside crash the app, hang it, fill its memory, or run code in it?

    python -m benchmarks.fuzz [READER ...] --inputs 100000 --seed 1

Reads hostile files, made from small whole ones (see `mutations`), each under a limit of time and
memory, in a process of its own, so that one that dies of an input is noticed and started again
behind it. An input is accepted, refused with a sentence (a MnistError), or a fault: any other
exception, no sentence, too slow, too much memory, a call that no reader makes (Python's audit
hooks: pickle, marshal, os.system, a process, a connection, a file written elsewhere), the death
of the process. Input number i of a seed is the same every time; --number reads only that one.

    python -m benchmarks.fuzz [READER ...] --guided 60

seeks the inputs for so many seconds a reader, with Atheris: what leads to new branches of this
project is kept and changed further (see `guided`).

Prints a line a reader and keeps it in the result file of the day.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.fuzz.child import MOST_SECONDS, State, note
from benchmarks.fuzz.readers import READERS

PATIENCE_S = 60.0  # without progress in native code, where no alarm is heard; covers the start


def fuzz(name: str, seed: int, inputs: int) -> dict[str, Any]:
    """Let children read so many inputs; start another where one dies. Return what happened."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        folder = Path(temporary)
        state = State(folder / "state")
        while state["next"] < inputs:
            numbers = [str(n) for n in (seed, int(state["next"]), inputs)]
            command = [sys.executable, "-m", "benchmarks.fuzz.child", name, *numbers, temporary]
            before = state["next"]
            with (folder / "log").open("ab") as log:
                child = subprocess.Popen(command, stdout=log, stderr=log)
            _wait(child, state)
            if child.returncode > 0 and state["next"] == before:
                sys.exit((folder / "log").read_text(encoding="utf-8", errors="replace"))
            if child.returncode:
                note(folder, int(state["next"]), f"the process died: {_how(child.returncode)}")
                state["next"] += 1
        counts = {key: int(state[key]) for key in ("accepted", "refused")}
        return {
            "inputs": int(state["next"]),
            "seed": seed,
            **counts,
            **({"through Keras": int(state["keras"])} if name == "keras" else {}),
            "faults": kinds_of(folder / "faults"),
            "slowest_ms": round(state["slowest_s"] * 1000, 1),
            "slowest": int(state["slowest"]),
            "peak_memory_mb": round(state["peak_bytes"] / 1e6),
            "kept_memory_mb": round(state["kept_bytes"] / 1e6),
            "seconds": round(time.monotonic() - begin),
        }


def seek(name: str, seed: int, seconds: int) -> dict[str, Any]:
    """Let Atheris seek inputs for so long. Return what happened; a fault's input is kept beside
    the temporary files."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as temporary:
        folder = Path(temporary)
        command = [sys.executable, "-m", "benchmarks.fuzz.guided", name, str(seed), str(seconds)]
        with (folder / "log").open("wb") as log:
            child = subprocess.Popen([*command, temporary], stdout=log, stderr=log)
            state = State(folder / "state")
            _wait(child, state)
        said = (folder / "log").read_text(encoding="utf-8", errors="replace")
        last = re.findall(r"DONE\s+cov: (\d+) .*corp: (\d+)/", said)
        if child.returncode or not last:
            note(folder, int(state["next"]), f"the process died: {_how(child.returncode)}")
        for path in folder.glob("fault-*"):
            shutil.copy(path, Path(tempfile.gettempdir()) / f"{name}-{path.name}")
        branches, kept = map(int, last[-1]) if last else (0, 0)
        return {
            "inputs": int(state["next"]),
            "seed": seed,
            **{key: int(state[key]) for key in ("accepted", "refused")},
            "branches": branches,
            "inputs that led to new ones": kept,
            "faults": kinds_of(folder / "faults"),
            "seconds": seconds,
        }


def _wait(child: subprocess.Popen[bytes], state: State) -> None:
    """Wait until the child ends; kill it where it stands still."""
    seen, since = state["next"], time.monotonic()
    while True:
        try:
            child.wait(1.0)
        except subprocess.TimeoutExpired:
            if state["next"] != seen:
                seen, since = state["next"], time.monotonic()
            elif time.monotonic() - since > max(PATIENCE_S, 2 * MOST_SECONDS):
                child.kill()
        else:
            return


def _how(return_code: int) -> str:
    if return_code == -signal.SIGKILL:
        return f"killed, or hung in native code for more than {PATIENCE_S:.0f} s"
    return signal.Signals(-return_code).name if return_code < 0 else f"exit code {return_code}"


def kinds_of(faults: Path) -> dict[str, dict[str, int]]:
    """Return each kind of fault: how often, and the first input that showed it."""
    kinds: dict[str, dict[str, int]] = {}
    lines = faults.read_text("utf-8").splitlines() if faults.is_file() else []
    for line in map(json.loads, lines):
        kind = re.sub(r"(?<=\)): .*", "", line["fault"])  # an exception's own words vary
        kinds.setdefault(kind, {"times": 0, "first": line["input"]})["times"] += 1
    return kinds


def keep(what: str, name: str, line: dict[str, Any]) -> None:
    """Put a reader's line among the others of the day."""
    today = results.FOLDER / f"{time.strftime('%F', time.gmtime())}-{what}.json"
    kept = json.loads(today.read_text("utf-8"))["figures"] if today.is_file() else {}
    results.keep(what, kept | {name: line}, notes="Each reader's line is from a call of its own.")


def main() -> None:
    """Fuzz the readers asked for; print and keep what happened."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, help="read this input alone, here; keep nothing")
    parser.add_argument("--guided", type=int, metavar="SECONDS", help="seek inputs, so long each")
    arguments = parser.parse_args()
    if unknown := set(arguments.readers) - set(READERS):
        parser.error(f"no reader {', '.join(sorted(unknown))}; there are {', '.join(READERS)}")
    for name in arguments.readers or READERS:
        if arguments.number is not None:
            with tempfile.TemporaryDirectory() as folder:
                reader = READERS[name]
                reader.read(reader.input(arguments.seed, arguments.number), Path(folder))
            continue
        if arguments.guided:
            what, line = "fuzz-guided", seek(name, arguments.seed, arguments.guided)
        else:
            what, line = "fuzz", fuzz(name, arguments.seed, arguments.inputs)
        print(name, json.dumps(line), flush=True)
        keep(what, name, line)


if __name__ == "__main__":
    main()
