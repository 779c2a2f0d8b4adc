"""Several runs under one title: how they wait, end, and are stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_core import words
from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import group, queue
from mnist_core.runs.folder import Run, settle
from mnist_core.runs.group import Group


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    """An artifacts folder of the test's own, in which nothing is started."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(queue, "go_on", lambda: None)
    return tmp_path


def test_ten_seeds_are_ten_runs_that_differ_in_the_seed_alone():
    other = queue.create("softmax")
    made = group.request_seeds("fast", {"epochs": 3}, seeds=10)
    later = queue.create("softmax")
    assert made.title == "10 seeds of fast"
    assert [run.changes for run in made.runs] == [{"epochs": 3, "seed": n} for n in range(1, 11)]
    waiting = [run.run_id for run in queue.live_runs()]
    assert waiting == [other.run_id, *(run.run_id for run in made.runs), later.run_id]
    assert group.groups(queue.list_runs()) == [made]
    assert not made.is_settled
    assert made.runs[3].title == "10 seeds of fast, 4"


def test_what_came_of_a_group_is_what_its_runs_say():
    made = group.request_seeds("fast", seeds=3)
    for run, accuracy in zip(made.runs[:2], (0.9901, 0.9913), strict=True):
        (run.folder / registry.KERAS_FILE).touch()
        registry.save_card(run.folder, {"test_accuracy": accuracy})
        settle(run.folder, "finished")
    settle(made.runs[2].folder, "failed", "The disk is full.")
    seen = group.get_group(made.group_id)
    assert seen.is_settled
    assert seen.accuracies == [0.9901, 0.9913]
    assert [run.state for run in seen.settled] == ["finished", "finished", "failed"]


def test_groups_of_one_title_have_names_of_their_own():
    """Regression: "3 seeds of fast" was compared with "3 seeds of fast"."""
    noon = 1_764_000_000.0
    asked = [(noon, {}), (noon, {"epochs": 5}), (noon, {"epochs": 5}), (noon + 60, {})]
    found = []
    for at, changes in asked:
        run = Run("run", Path(), "finished", changes=changes | {"seed": 1}, requested_at=at)
        found.append(Group("group", "3 seeds of fast", (run,)))
    then, later = words.moment(noon), words.moment(noon + 60)
    assert list(group.by_name(found).items()) == [
        (f"3 seeds of fast, {then}", found[0]),
        (f"3 seeds of fast, {then} (epochs 5)", found[1]),
        (f"3 seeds of fast, {then} (epochs 5) (2)", found[2]),
        (f"3 seeds of fast, {later}", found[3]),
    ]


def test_a_group_that_is_stopped_leaves_the_queue():
    made = group.request_seeds("fast", seeds=3)
    group.stop_group(made.group_id)
    assert queue.list_runs() == []
    with pytest.raises(RunError, match="no group"):
        group.get_group(made.group_id)


def test_a_group_that_cannot_be_made_whole_leaves_nothing(monkeypatch):
    create = queue.create

    def full(recipe, changes, title, more):
        if changes["seed"] == 3:
            raise RunError("The folder of the runs cannot be written to (No space left on device)")
        return create(recipe, changes, title, more)

    monkeypatch.setattr(queue, "create", full)
    with pytest.raises(RunError, match="No space left"):
        group.request_seeds("fast", seeds=5)
    assert queue.list_runs() == []


@pytest.mark.parametrize("seeds", [0, -3, 101])
def test_an_impossible_number_of_seeds_is_refused(seeds):
    with pytest.raises(RunError, match="from 1 to 100"):
        group.request_seeds("fast", seeds=seeds)
