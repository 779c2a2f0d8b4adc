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
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks import results, serving
from benchmarks.soak import ENDED, kill_trainings
from mnist_core.analysis import robustness
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.runs import queue

LONGEST_S = 8.0  # the moment is drawn from a training's whole life, its start included
DISK_MB = 420  # a training starts only where 300 are free
PATIENCE_S = 300.0
DEEDS = 12  # of each of the two processes
TWO = """
import random, sys, time
from benchmarks.faults import deed
chooser = random.Random(sys.argv[1])
for _ in range(int(sys.argv[2])):
    deed(chooser)
    time.sleep(chooser.uniform(0, 0.3))
"""


ASK = """
import time
from mnist_core.runs import queue
queue.request("softmax", {"epochs": 1})
time.sleep(600)
"""


class Wrong(AssertionError):
    """Something that must hold does not."""


def killed(chooser: random.Random) -> None:
    """Kill a training."""
    queue.request("softmax", {"epochs": 1})
    time.sleep(chooser.uniform(0, LONGEST_S))
    kill_trainings(registry.artifacts_dir())


def server(chooser: random.Random) -> None:
    """Kill the process that asked for a training, at any moment since its start."""
    with subprocess.Popen([sys.executable, "-c", ASK]) as asked:
        time.sleep(chooser.uniform(0, LONGEST_S))
        asked.kill()


def both(chooser: random.Random) -> None:
    """Kill the process that asked for a training, and the training."""
    server(chooser)
    kill_trainings(registry.artifacts_dir())


def deleted(chooser: random.Random) -> None:
    """Delete the folder of runs under a training."""
    queue.request("softmax", {"epochs": 1})
    time.sleep(chooser.uniform(0, LONGEST_S))
    while (registry.artifacts_dir() / "runs").exists():  # the training writes meanwhile
        shutil.rmtree(registry.artifacts_dir() / "runs", ignore_errors=True)


def full(chooser: random.Random) -> None:
    """Fill the disk under a training, and make room again."""
    queue.request("softmax", {"epochs": 1})
    time.sleep(chooser.uniform(0, LONGEST_S))
    filler = registry.artifacts_dir() / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    save_something()
    _until_all_ended()
    filler.unlink()


def read_only(chooser: random.Random) -> None:
    """Let the folder refuse every change under a training, then take them again."""
    queue.request("softmax", {"epochs": 1})
    time.sleep(chooser.uniform(0, LONGEST_S))
    artifacts = str(registry.artifacts_dir())
    subprocess.run(["chattr", "-R", "-f", "+i", artifacts], check=False)  # some file goes meanwhile
    try:
        save_something()
        time.sleep(chooser.uniform(0, LONGEST_S))
        queue.list_runs()
        with contextlib.suppress(MnistError):
            queue.request("softmax", {"epochs": 1})
    finally:
        subprocess.run(["chattr", "-R", "-f", "-i", artifacts], check=False)


def save_something() -> None:
    """Activate a model and keep curves; to be refused in a sentence is no fault."""
    curves = {one.name: [0.5] * len(one.levels) for one in robustness.DEFORMATIONS}
    with contextlib.suppress(MnistError):
        registry.activate("dense", "dense")
    with contextlib.suppress(MnistError):
        robustness.keep("dense", "0" * 64, 10, curves)


def spoiled(chooser: random.Random) -> None:
    """Spoil a file of the active model; then its network answers as before, or says why not."""
    folder = registry.model_dir("cnn")
    kept = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    names = (registry.KERAS_FILE, registry.LITERT_FILE, registry.CARD_FILE)
    path = folder / chooser.choice(names)
    how = chooser.choice(("cut off", "replaced", "a link"))
    content = kept[path]
    if how == "cut off":
        path.write_bytes(content[: chooser.randrange(len(content))])
    elif how == "replaced":
        path.write_bytes(chooser.randbytes(chooser.randrange(1, 9999)))
    else:
        path.unlink()
        path.symlink_to("/etc/hostname")
    try:
        answers("cnn")
    finally:
        path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


def two(chooser: random.Random) -> None:
    """Let two processes do what two servers do, at once."""
    seeds = [str(chooser.random()) for _ in range(2)]
    both = [
        subprocess.Popen([sys.executable, "-c", TWO, seed, str(DEEDS)], stderr=subprocess.PIPE)
        for seed in seeds
    ]
    for process in both:
        _, said = process.communicate()
        if process.returncode:
            raise Wrong(said.decode()[-300:])


def deed(chooser: random.Random) -> None:
    """Do one of the things that people do with runs; to be refused is no fault."""
    runs = queue.list_runs()
    if len(queue.live_runs()) > 1:
        raise_for_two_trainings()
    with contextlib.suppress(MnistError):
        what = chooser.choice(("train", "train", "stop", "activate", "undo", "delete"))
        if what == "train" and len(runs) < 6:
            queue.request("softmax", {"epochs": 1})
        elif what == "undo":
            registry.activate("dense", "dense")
        elif runs:
            run = chooser.choice(runs)
            if what == "stop":
                queue.stop(run.run_id)
            elif what == "activate":
                registry.activate("dense", run.run_id)
            elif what == "delete":
                queue.delete(run.run_id)


def raise_for_two_trainings() -> None:
    """Raise Wrong where two runs train at the same time on this one machine."""
    running = [run.run_id for run in queue.live_runs() if run.state == "running"]
    if len(running) > 1:
        raise Wrong(f"{len(running)} trainings at once")


def clock(chooser: random.Random) -> None:
    """Set the clock back an hour under a training, and ask for another; the clock stays like that
    until all have ended."""
    queue.request("softmax", {"epochs": 1})
    time.sleep(chooser.uniform(0, LONGEST_S))
    now = time.time
    with patch("time.time", lambda: now() - 3600):
        queue.request("softmax", {"epochs": 1})
        for run in queue.list_runs():
            if (run.seconds or 0) < 0:
                raise Wrong(f"a run took {run.seconds:.0f} s")
        _until_all_ended()


FAULTS = {
    "killed": killed,
    "server": server,
    "both": both,
    "deleted": deleted,
    "full": full,
    "read-only": read_only,
    "spoiled": spoiled,
    "two": two,
    "clock": clock,
}


def _until_all_ended() -> None:
    end = time.monotonic() + PATIENCE_S
    while queue.live_runs():
        if time.monotonic() > end:
            raise Wrong("a run never ended")
        time.sleep(0.1)


def answers(name: str) -> bool:
    """Return whether a model answers; a sentence is no answer, but nothing wrong. Raises Wrong."""
    try:
        answer = Classifier.load(name).answer(np.zeros((28, 28), np.float32))
    except MnistError as error:
        if len(str(error)) < 20:
            raise Wrong(f"no sentence: {error}") from error
        return False
    if not np.isclose(answer.probabilities.sum(), 1, atol=1e-3):
        raise Wrong("an answer that is none")
    return True


def examine() -> Counter[str]:
    """Return how the runs ended. Raises Wrong where something is not whole."""
    _until_all_ended()
    ends: Counter[str] = Counter()
    for run in queue.list_runs():
        ends[run.state] += 1
        if run.state not in ENDED:
            raise Wrong(f"a run is {run.state}")
        if run.state == "finished" and not answers(run.run_id):
            raise Wrong("a finished run does not answer")
    for name in registry.active().values():
        if not answers(name):
            raise Wrong("an active model does not answer")
    for path in registry.artifacts_dir().rglob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise Wrong(f"{path.name} is half-written") from None
    return ends


def next_training_finishes() -> None:
    """Train once more. Raises Wrong where that does not finish."""
    run = queue.request("softmax", {"epochs": 1})
    _until_all_ended()
    if queue.get_run(run.run_id).state != "finished":
        raise Wrong(f"the next training: {queue.get_run(run.run_id).reason}")


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
