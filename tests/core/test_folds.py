"""The search for doubtful labels by folds that are runs of the queue."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core.__main__ import main
from mnist_core.cli import commands, doubting
from mnist_core.data.mnist import load_mnist
from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.models.registry import Evaluation
from mnist_core.runs import engine, folds, queue
from mnist_core.training import doubtful
from tests.made_up_runs import STAND_IN


@pytest.fixture
def few_digits(tmp_path, monkeypatch):
    """Two hundred digits to train on, and an artifacts folder of the test's own."""
    random = np.random.default_rng(1)
    path = tmp_path / "few.npz"
    np.savez(
        path,
        x_train=random.integers(0, 256, (200, 28, 28), np.uint8),
        y_train=np.arange(200, dtype=np.uint8) % 10,
        x_test=np.zeros((10, 28, 28), np.uint8),
        y_test=np.arange(10, dtype=np.uint8),
    )
    monkeypatch.setenv("MNIST_PATH", str(path))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setattr(folds, "_LOOK_S", 0.01)
    return load_mnist()


@pytest.fixture
def trained(monkeypatch):
    """Trainings in this very process, as soon as they are asked for; returns what they were of.

    Their answers follow from what they learnt from and what they held out, as real ones do.
    """
    seen = []

    def train(recipe, fold, **more):
        seen.append(fold)
        seed = int(fold.x_train.sum() % 2**32)
        answers = np.random.default_rng(seed).random((len(fold.y_test), 10), np.float32)
        answers = answers / answers.sum(axis=1, keepdims=True)
        evaluation = Evaluation(answers, fold.y_test, fold.digest, "test")
        return SimpleNamespace(evaluation=evaluation, stopped=False)

    def submit(self, command, folder, ended):
        assert main(command[3:]) == 0

    monkeypatch.setattr("mnist_core.training.fit.train", train)
    monkeypatch.setattr(engine.ThisMachine, "submit", submit)
    monkeypatch.setattr(commands, "step_back", lambda: None)
    monkeypatch.setattr(commands, "end_with_worker", lambda: True)  # so it leaves the queue alone
    return seen


def test_runs_of_the_queue_answer_as_folds_one_after_the_other_do(few_digits, trained):
    expected = doubtful.cross_validate(few_digits)
    ended = []
    found = folds.cross_validate(few_digits, ended.append)
    np.testing.assert_array_equal(found, expected)
    assert [run.title for run in ended] == [f"Fold {n} of 5" for n in range(1, 6)]
    assert queue.list_runs() == []


def test_a_search_that_was_cut_off_goes_on_with_the_folds_that_are_there(few_digits, trained):
    ended = []
    with pytest.raises(KeyboardInterrupt):
        folds.cross_validate(few_digits, lambda run: cut_off(ended.append(run), after=ended))
    assert [run.state for run in queue.list_runs()] == ["finished"] * 2
    found = folds.cross_validate(few_digits)
    np.testing.assert_array_equal(found, doubtful.cross_validate(few_digits))
    assert len(trained) == 5 + 5
    assert queue.list_runs() == []


def cut_off(_: None, after: list) -> None:
    if len(after) == 2:
        raise KeyboardInterrupt


def test_when_it_is_stopped_no_fold_trains_any_more(few_digits, monkeypatch):
    monkeypatch.setattr(
        queue, "command", lambda run: [sys.executable, "-c", STAND_IN, str(run.folder), "60"]
    )

    def one_trains() -> bool:
        return any((run.folder / "events.jsonl").is_file() for run in queue.live_runs())

    assert folds.cross_validate(few_digits, should_stop=one_trains) is None
    assert queue.list_runs() == []


def test_a_fold_that_fails_says_why_and_ends_the_others(few_digits, trained, monkeypatch):
    def train(recipe, fold, **more):
        raise RunError("The disk is full.")

    monkeypatch.setattr("mnist_core.training.fit.train", train)
    monkeypatch.setattr(engine.ThisMachine, "submit", submit_failing)
    with pytest.raises(RunError, match=r"Fold \d of 5 failed\. The disk is full\."):
        folds.cross_validate(few_digits)
    assert [run.state for run in queue.list_runs()] == ["failed"]


def submit_failing(self, command, folder, ended) -> None:
    assert main(command[3:]) == 2


def test_answers_to_other_data_are_refused(few_digits, trained, monkeypatch):
    kept = registry.save_evaluation

    def of_other_data(folder, evaluation):
        kept(folder, Evaluation(evaluation.probabilities, evaluation.y_true, "other", "held out"))

    monkeypatch.setattr(registry, "save_evaluation", of_other_data)
    with pytest.raises(RunError, match="must name the same file everywhere"):
        folds.cross_validate(few_digits)


def test_the_command_asks_the_queue_where_a_cluster_is_named(
    few_digits, trained, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(engine, "_clusters", {})
    monkeypatch.setenv("MNIST_CLUSTER", "nowhere")  # so this machine trains, by the queue
    there, here = tmp_path / "there.json", tmp_path / "here.json"
    assert main(["doubtful", "-o", str(there)]) == 0
    assert capsys.readouterr().out.count("of 5 took") == 5
    monkeypatch.delenv("MNIST_CLUSTER")
    assert main(["doubtful", "-o", str(here)]) == 0
    assert there.read_bytes() == here.read_bytes()


def test_the_command_says_that_it_was_stopped(few_digits, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_CLUSTER", "nowhere")
    monkeypatch.setattr(doubting.folds, "cross_validate", lambda *more: None)
    assert main(["doubtful"]) == 130
    assert "goes on with the folds that have ended" in capsys.readouterr().out
