"""The faults: each breaks something at a random moment."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import sys
import time
from unittest.mock import patch

from benchmarks.faults.whole import Wrong, answers, until_all_ended
from benchmarks.soak import kill_trainings
from mnist_core.analysis import robustness
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.runs import queue

LONGEST_S = 8.0  # the moment is drawn from a training's whole life, its start included
DEEDS = 12  # of each of the two processes
TWO = """
import random, sys, time
from benchmarks.faults.breaking import deed
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
    until_all_ended()
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
        until_all_ended()


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
