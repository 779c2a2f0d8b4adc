"""Search of hyperparameters: many short runs, proposed and ended early by Optuna.

A search is a group of ordinary runs (see `group`) and nothing besides: what was tried and how it
went is read from their folders, so a search that was cut off goes on where it was, and a run that
somebody deletes was never tried. As many go on at once as the engine has places for (see `engine`).

The validation images choose. The test images choose nothing: they are on each model's card.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnist_core.errors import RunError
from mnist_core.runs import engine, limits, queue
from mnist_core.runs.folder import FINISHED, Run
from mnist_core.runs.group import SEARCH
from mnist_core.runs.progress import Progress
from mnist_core.training.hyperparameters import SCHEDULES, Hyperparameters, override
from mnist_core.training.recipes import get_recipe

if TYPE_CHECKING:
    import optuna

MOST_TRIALS = 500
_LOOK_S = 0.5
_UNPRUNED = 4  # finished trials before the first is ended for falling behind


@dataclass
class _Trial:
    """A trial whose run has not ended yet."""

    trial: optuna.Trial
    run: Run
    progress: Progress
    told: int = 0  # epochs
    pruned: bool = False


@dataclass
class Search:
    """A search of one recipe. Raises RunError where Optuna is not installed.

    fixed: what every trial changes about the recipe, such as fewer epochs.
    """

    recipe: str
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.standing = override(get_recipe(self.recipe).hyperparameters, **self.fixed)
        self.space = space(self.standing)
        digest = zlib.crc32(repr(sorted(self.fixed.items())).encode())
        self.group_id = f"{SEARCH}{self.recipe}"[:31] + (f"-{digest:08x}" if self.fixed else "")
        self.title = f"Search of {self.recipe}"
        self._open: list[_Trial] = []

    @property
    def runs(self) -> list[Run]:
        """Return the runs of this search that there are, in the order they were tried."""
        found = [run for run in queue.list_runs() if run.group == self.group_id]
        return sorted(found, key=lambda run: (run.requested_at, run.run_id))

    def go_on(
        self,
        trials: int,
        budget_s: float,
        on_end: Callable[[Run], None] = lambda run: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Try until there are so many trials, or the time is over; then none of them trains.

        on_end is called with each run that has ended. Raises RunError for an impossible number, or
        where a run cannot be written.
        """
        if not 1 <= trials <= MOST_TRIALS:
            raise RunError(f"A search has from 1 to {MOST_TRIALS} trials, not {trials}.")
        deadline = time.monotonic() + budget_s
        self._study = self._so_far()
        made = len(self.runs)
        while made < trials or self._open:
            if time.monotonic() > deadline or should_stop():
                self._end_all(on_end)
                return
            while made < trials and len(self._open) < _places():
                self._try()
                made += 1
            self._look(on_end)
            time.sleep(_LOOK_S)

    def _so_far(self) -> optuna.Study:
        """Return a study that knows what the runs tell; those that go on are open again."""
        optuna, runs = _optuna(), self.runs
        study = optuna.create_study(
            direction="maximize",
            # Another seed than before, or a search that goes on would draw the same again.
            sampler=optuna.samplers.TPESampler(seed=len(runs) + 1, constant_liar=True),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED),
        )
        for run in runs:
            epochs = accuracies(run)
            if run.is_settled and epochs:
                state = optuna.trial.TrialState
                study.add_trial(
                    optuna.trial.create_trial(
                        state=state.COMPLETE if run.state == FINISHED else state.PRUNED,
                        params=self._parameters(run), distributions=self.space,
                        value=max(epochs), intermediate_values=dict(enumerate(epochs, start=1)),
                    )
                )  # fmt: skip
            elif not run.is_settled:
                study.enqueue_trial(self._parameters(run))
                self._open.append(_Trial(study.ask(self.space), run, Progress(run.folder)))
        if not runs:  # the recipe as it stands is the first, which the others are held against
            study.enqueue_trial({name: getattr(self.standing, name) for name in self.space})
        return study

    def _parameters(self, run: Run) -> dict[str, Any]:
        return {name: run.changes.get(name, getattr(self.standing, name)) for name in self.space}

    def _try(self) -> None:
        limits.check_disk()
        trial = self._study.ask(self.space)
        chosen = {name: _rounded(value) for name, value in trial.params.items()}
        changes = dict(self.fixed) | {
            name: value for name, value in chosen.items() if value != getattr(self.standing, name)
        }
        override(get_recipe(self.recipe).hyperparameters, **changes)
        words = {"group": self.group_id, "group_title": self.title}
        run = queue.create(self.recipe, changes, f"{self.title}, {trial.number + 1}", words)
        self._open.append(_Trial(trial, run, Progress(run.folder)))

    def _look(self, on_end: Callable[[Run], None]) -> None:
        """Tell the study what is new; stop those that fall behind, let go of those that ended."""
        state = _optuna().trial.TrialState
        queue.go_on()
        for one in list(self._open):
            one.progress.update()
            epochs = one.progress.history["val_accuracy"]
            for number in range(one.told + 1, len(epochs) + 1):
                one.trial.report(epochs[number - 1], number)
            one.told = max(one.told, len(epochs))
            try:
                run = queue.get_run(one.run.run_id)
            except RunError:  # deleted meanwhile, or left the queue
                self._study.tell(one.trial, state=state.FAIL)
                self._open.remove(one)
                continue
            if run.is_settled:
                self._open.remove(one)
                if run.state == FINISHED and epochs:
                    self._study.tell(one.trial, max(epochs))
                else:
                    self._study.tell(one.trial, state=state.PRUNED if epochs else state.FAIL)
                on_end(run)
            elif not one.pruned and len(epochs) < self.standing.epochs and one.trial.should_prune():
                one.pruned = True
                queue.stop(run.run_id)

    def _end_all(self, on_end: Callable[[Run], None]) -> None:
        for one in reversed(self._open):  # first who waits, or the next would begin
            queue.stop(one.run.run_id)
        while self._open:
            self._look(on_end)
            time.sleep(_LOOK_S)


def space(standing: Hyperparameters) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return what is tried, by hyperparameter; what the recipe has is always among it."""
    distributions = _optuna().distributions
    sizes = sorted({64, 128, 256, 512} | {standing.batch_size})
    rate = standing.learning_rate
    found = {
        "learning_rate": distributions.FloatDistribution(
            min(1e-4, rate), max(3e-2, rate), log=True
        ),
        "batch_size": distributions.CategoricalDistribution(sizes),
        "schedule": distributions.CategoricalDistribution(SCHEDULES),
        "label_smoothing": distributions.FloatDistribution(0.0, max(0.1, standing.label_smoothing)),
    }
    if standing.dropout is not None:  # else the network has no place for it
        found["dropout"] = distributions.FloatDistribution(0.0, max(0.6, standing.dropout))
    return found


def accuracies(run: Run) -> list[float]:
    """Return a run's validation accuracies so far, as fractions, one an epoch."""
    progress = Progress(run.folder)
    progress.update()
    return progress.history["val_accuracy"]


def reached(runs: Sequence[Run]) -> list[float | None]:
    """Return each run's best validation accuracy, None where no epoch of it ended."""
    return [max(accuracies(run), default=None) for run in runs]


def ranked(runs: Sequence[Run]) -> list[tuple[Run, float | None]]:
    """Return runs with their best validation accuracy, the best first, None at the end."""
    scored = zip(runs, reached(runs), strict=True)
    return sorted(scored, key=lambda one: -1.0 if one[1] is None else one[1], reverse=True)


def _places() -> int:
    try:
        return max(1, engine.chosen().places())
    except RunError:
        return 1  # the queue says why nothing begins


def _rounded(value: Any) -> Any:
    """Return a number with three digits: more say nothing, and have to be typed."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise RunError("A search needs Optuna: pip install -r requirements-cluster.txt.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
