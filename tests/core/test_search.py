"""A search of hyperparameters: what it tries, ends early, keeps and goes on with."""

from __future__ import annotations

import contextlib
import sys

import numpy as np
import pytest

from mnist_core.__main__ import main
from mnist_core.errors import RunError
from mnist_core.runs import engine, queue, search
from mnist_core.runs.folder import FINISHED, RUNNING, STOPPED, WAITING, holding, settle, should_stop
from mnist_core.runs.progress import Progress, append_event
from mnist_core.runs.search import Search
from mnist_core.training.recipes import get_recipe

pytest.importorskip("optuna")

EPOCHS = 4


class Trainings:
    """In place of trainings: each time somebody looks after the queue, an epoch of each is over.

    A run is the better, the nearer its learning rate is to 0.003.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self.most_at_once = 0
        self._held: dict[str, contextlib.ExitStack] = {}

    def go_on(self) -> None:
        live = queue.live_runs()
        for run in live:
            if run.state == RUNNING:
                self._train(run)
        for run in queue.live_runs():
            if run.state == WAITING and len(self._held) < self.places:
                held = self._held[run.run_id] = contextlib.ExitStack()
                held.enter_context(holding(run.folder))
        self.most_at_once = max(self.most_at_once, len(self._held))

    def _train(self, run) -> None:
        progress = Progress(run.folder)
        progress.update()
        done = len(progress.epochs)
        if should_stop(run.folder) or done == EPOCHS:
            settle(run.folder, FINISHED if done == EPOCHS else STOPPED)
            self._held.pop(run.run_id).close()
            return
        rate = run.changes.get("learning_rate", get_recipe("fast").hyperparameters.learning_rate)
        accuracy = 0.99 - 0.05 * abs(np.log10(rate / 0.003)) + 0.001 * done
        append_event(run.folder, {
            "type": "epoch", "epoch": done + 1, "seconds": 1, "loss": 0.1, "accuracy": accuracy,
            "val_loss": 0.1, "val_accuracy": accuracy, "confusion": [[0] * 10] * 10, "examples": [],
        })  # fmt: skip


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """An artifacts folder of the test's own, where two trainings go on at once."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    at_work = Trainings(places=2)
    monkeypatch.setattr(queue, "go_on", at_work.go_on)
    monkeypatch.setattr(engine.ThisMachine, "places", lambda self: at_work.places)
    monkeypatch.setattr(search, "_LOOK_S", 0.0)
    return at_work


def test_a_search_finds_better_than_the_recipe_and_ends_early_what_falls_behind(trainings):
    looked_for = Search("fast", {"epochs": EPOCHS})
    looked_for.go_on(20, budget_s=60)
    runs = looked_for.runs
    assert len(runs) == 20
    assert trainings.most_at_once == 2
    assert runs[0].changes == {"epochs": EPOCHS}  # the recipe as it stands comes first
    (best, reached), *_ = search.ranked(runs)
    assert reached > max(search.accuracies(runs[0]))
    assert abs(np.log10(best.changes["learning_rate"] / 0.003)) < 0.2
    stopped = [run for run in runs if run.state == STOPPED]
    assert stopped
    assert all(0 < len(search.accuracies(run)) < EPOCHS for run in stopped)
    assert max(max(search.accuracies(run)) for run in stopped) < reached


def test_a_search_that_was_cut_off_goes_on_with_the_same_runs(trainings, monkeypatch):
    class Killed(BaseException):
        pass

    looks = iter(range(8))

    def until_killed() -> bool:
        if next(looks, None) is None:
            raise Killed
        return False

    with pytest.raises(Killed):
        Search("fast", {"epochs": EPOCHS}).go_on(6, 60, should_stop=until_killed)
    before = [run.run_id for run in Search("fast", {"epochs": EPOCHS}).runs]
    assert 0 < len(before) < 6
    assert any(not run.is_settled for run in queue.list_runs())
    again = Search("fast", {"epochs": EPOCHS})
    again.go_on(6, 60)
    runs = again.runs
    assert [run.run_id for run in runs][: len(before)] == before
    assert len(runs) == 6
    assert all(run.is_settled for run in runs)
    again.go_on(6, 60)
    assert len(again.runs) == 6  # there are as many as asked for
    assert Search("fast").runs == []  # with other epochs it is another search


def test_at_the_end_of_its_time_a_search_leaves_nothing_behind_that_trains(trainings, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(search.time, "monotonic", lambda: next(clock))
    looked_for = Search("fast", {"epochs": EPOCHS})
    looked_for.go_on(20, budget_s=4)
    assert len(looked_for.runs) < 20
    assert queue.live_runs() == []


def test_search_prints_a_table_and_writes_a_plot(trainings, tmp_path, capsys):
    plot = tmp_path / "plot.html"
    words = ["search", "fast", "--epochs", str(EPOCHS), "--budget", "1m", "-o", str(plot)]
    assert main([*words, "--trials", "3"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("Search of fast, ") == 3
    rows = [line for line in printed.splitlines() if "-fast-" in line]
    assert [float(row.split("%")[0]) for row in rows] == sorted(
        (float(row.split("%")[0]) for row in rows), reverse=True
    )
    assert "best so far" in plot.read_text()
    assert main([*words, "--trials", "4"]) == 0
    assert "3 trials of it done before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fats"], "did you mean"),
        (["fast", "--budget", "soon"], "'soon' is no time; write 90s, 20m or 2h"),
        (["fast", "--trials", "0"], "from 1 to 500 trials, not 0"),
        (["fast", "--epochs", "0"], "epochs is 0"),
    ],
)
def test_what_cannot_be_searched_is_a_sentence(trainings, capsys, words, said):
    assert main(["search", *words]) == 2
    assert said in capsys.readouterr().err
    assert queue.list_runs() == []


def test_without_optuna_a_search_says_what_to_install(trainings, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(RunError, match="pip install -r requirements-cluster"):
        Search("fast")
