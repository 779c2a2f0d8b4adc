"""The folds of the search for doubtful labels as runs of the queue: side by side on a cluster.

A fold's run is an ordinary one whose changes name the fold; instead of a model it keeps its answers
to the digits that it held out. Nothing is kept besides, so what was cut off goes on with the folds
that are there, or on their way; once all of them are in, their runs are deleted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

import numpy as np

from mnist_core.data.mnist import Dataset
from mnist_core.errors import ModelError, RunError
from mnist_core.models import registry
from mnist_core.runs import limits, queue
from mnist_core.runs.folder import FINISHED, Run
from mnist_core.training.doubtful import FOLDS, RECIPE, splits

_LOOK_S = 0.5


def cross_validate(
    dataset: Dataset,
    on_end: Callable[[Run], None] = lambda run: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> np.ndarray | None:
    """Return what `doubtful.cross_validate` does, by runs of the queue; None where it was stopped.

    on_end is called with each run that has ended. When this is left, however, no fold trains any
    more; those that had ended wait for the next time. Raises RunError where one has no answers.
    """
    limits.check_disk()
    runs = _runs(dataset)
    waited_for = list(runs)
    try:
        while waited_for and not should_stop():
            queue.go_on()
            for run in [queue.get_run(run.run_id) for run in waited_for]:
                if run.is_settled:
                    waited_for = [one for one in waited_for if one.run_id != run.run_id]
                    if run.state != FINISHED:
                        raise RunError(f"{run.title} {run.state}. {run.reason}".rstrip())
                    on_end(run)
            time.sleep(_LOOK_S if waited_for else 0)
    finally:
        _end(waited_for)
    return None if waited_for else _collected(dataset, runs)


def _runs(dataset: Dataset) -> list[Run]:
    """Return a run for each fold: one of an earlier time, or a new one at the queue's end."""
    there = {
        run.changes.get("fold"): run
        for run in queue.list_runs()
        if run.recipe == RECIPE
        and (not run.is_settled or (run.state == FINISHED and _answers(run, dataset) is not None))
    }
    with queue.queue_lock():
        return [
            there.get(fold) or queue.create(RECIPE, {"fold": fold}, f"Fold {fold} of {FOLDS}")
            for fold in range(1, FOLDS + 1)
        ]


def _answers(run: Run, dataset: Dataset) -> np.ndarray | None:
    """Return a fold's answers; None where there are none, or they are to other data."""
    try:
        evaluation = registry.load_evaluation(run.run_id)
    except ModelError:
        return None
    return evaluation.probabilities if evaluation.data_digest == dataset.digest else None


def _collected(dataset: Dataset, runs: Sequence[Run]) -> np.ndarray:
    """Return the answers of all folds, in the digits' order, and delete their runs."""
    probabilities = np.zeros((len(dataset.y_train), 10), np.float32)
    for run, (_, held_out) in zip(runs, splits(dataset), strict=True):
        answers = _answers(run, dataset)
        if answers is None or len(answers) != len(held_out):
            raise RunError(
                f"{run.title} learnt from other data ({run.worker or 'this machine'}); "
                "$MNIST_PATH must name the same file everywhere."
            )
        probabilities[held_out] = answers
    for run in runs:
        queue.delete(run.run_id)
    return probabilities


def _end(runs: Sequence[Run]) -> None:
    """Stop and delete runs that have not ended: first who waits, or the next would begin."""
    for run in reversed(runs):
        with contextlib.suppress(RunError):  # deleted by somebody else
            queue.stop(run.run_id)
    for run in runs:
        with contextlib.suppress(RunError):
            while not queue.get_run(run.run_id).is_settled:
                time.sleep(_LOOK_S)
            queue.delete(run.run_id)
