"""What breaks, each many times at random moments: python -m benchmarks.faults [--times 20]

    killed      kill -9 of a training
    server      kill -9 of the process that asked for a training, as a server does
    both        kill -9 of both
    deleted     the folder of runs is deleted in mid-training
    full        the disk fills in mid-training, and has room again (a tmpfs; needs root); while it
                is full, a model is activated and curves are to be kept
    read-only   the folder refuses every change in mid-training, and takes them again (needs root
                and chattr)
    spoiled     a file of the active model is cut off, replaced, or a link out of its folder
    two         two servers' processes start, stop, activate, delete and train over one folder
    clock       the server's clock is set back an hour in mid-training

After each, everything must be whole: every JSON file can be read, every run has ended and can be
looked at, finished and active models answer or say in a sentence why not, and the next training
finishes. Prints for each fault how often it was done, how the runs ended, and what was wrong; ends
with exit code 1 where anything was. Trainings are `softmax`, one epoch, on 5,000 digits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import results, serving
from benchmarks.faults.breaking import FAULTS
from benchmarks.faults.whole import Wrong, examine, next_training_finishes
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.runs import queue

DISK_MB = 420  # a training starts only where 300 are free


@contextmanager
def house(name: str) -> Iterator[None]:
    """An artifacts folder of its own, on a small disk where the fault needs one."""
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        artifacts = Path(temporary) / "artifacts"
        artifacts.mkdir()
        if name == "full":
            options = ["-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs"]
            subprocess.run(["mount", *options, str(artifacts)], check=True)
        try:
            os.environ["MNIST_ARTIFACTS"] = str(serving.own_artifacts(artifacts))
            yield
        finally:
            if name == "full":
                subprocess.run(["umount", "-l", str(artifacts)], check=True)


def repeat(name: str, times: int, seed: int) -> dict[str, object]:
    """Let a fault happen so often; return what came of it."""
    ends: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    with house(name):
        for number in range(times):
            chooser = random.Random(f"{name} {seed} {number}")
            try:
                FAULTS[name](chooser)
                ends += examine()
                if name != "spoiled":
                    next_training_finishes()
            except (Wrong, MnistError, OSError) as error:
                wrong[f"{type(error).__name__}: {str(error)[:200]}"] += 1
            for run in queue.list_runs():
                with contextlib.suppress(MnistError):
                    registry.activate("dense", "dense")
                    queue.delete(run.run_id)
    return {"times": times, "runs": dict(ends), "wrong": dict(wrong)}


def main() -> None:
    """Let things break; print and keep what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faults", nargs="*", help=", ".join(FAULTS))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["MNIST_PATH"] = str(serving.few_digits(Path(temporary)))
        os.environ.setdefault("MNIST_NICENESS", "0")  # or trainings wait for whatever else goes on
        for name in arguments.faults or FAULTS:
            if name in ("full", "read-only") and os.geteuid():
                print(name, "is left out: only root may do that to a folder")
                continue
            figures[name] = found = repeat(name, arguments.times, arguments.seed)
            print(name, json.dumps(found), flush=True)
    results.keep("-".join(["faults", *arguments.faults]), figures)
    sys.exit(any(found["wrong"] for found in figures.values()))  # type: ignore[index]


if __name__ == "__main__":
    main()
