"""What must hold after every fault."""

from __future__ import annotations

import json
import time
from collections import Counter

import numpy as np

from benchmarks.soak import ENDED
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.runs import queue

PATIENCE_S = 300.0


class Wrong(AssertionError):
    """Something that must hold does not."""


def until_all_ended() -> None:
    """Wait for every run. Raises Wrong where one never ends."""
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
    until_all_ended()
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
    until_all_ended()
    if queue.get_run(run.run_id).state != "finished":
        raise Wrong(f"the next training: {queue.get_run(run.run_id).reason}")
