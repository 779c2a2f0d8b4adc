"""Several runs asked for at once under one title: one entry of the queue, told apart by a change.

"Ten seeds" of a recipe are a group of ten ordinary runs. Each has a folder, a place in the queue,
curves and a model like any other; its config.json names the group in `group` (an id that the runs
share) and `group_title`, and `Run.group`, `Run.group_title` say so to whoever reads runs. So a
group needs no folder and no state of its own: it is what its runs are.

    group = request_seeds("fast", seeds=10, title="Ten seeds of fast")
    group = get_group(group.group_id)     # looked at anew
    group.settled, group.runs, group.accuracies
    groups(list_runs())                   # of a page that has the runs already
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core import words
from mnist_core.errors import RunError
from mnist_core.runs import limits, queue
from mnist_core.runs.folder import FINISHED, RUNNING, WAITING, Run
from mnist_core.runs.report import changes_in_words, test_accuracy
from mnist_core.training.recipes import RECIPES

MOST_RUNS = 100
SEARCH = "search-"  # how the id of a search's group begins (see `search`)


@dataclass(frozen=True)
class Group:
    """The runs of one group at the moment of looking, in the order they were asked for."""

    group_id: str
    title: str
    runs: tuple[Run, ...]

    @property
    def is_search(self) -> bool:
        """Whether its runs are the trials of a search, not seeds."""
        return self.group_id.startswith(SEARCH)

    @property
    def is_settled(self) -> bool:
        """Whether every run of the group has ended, one way or another."""
        return all(run.is_settled for run in self.runs)

    @property
    def settled(self) -> list[Run]:
        """Return the runs that have ended."""
        return [run for run in self.runs if run.is_settled]

    @property
    def finished(self) -> list[Run]:
        """Return the runs that ended as they should: neither stopped, failed nor lost."""
        return [run for run in self.runs if run.state == FINISHED]

    @property
    def accuracies(self) -> list[float]:
        """Return the test accuracies of the finished runs, as fractions, in the runs' order."""
        found = [test_accuracy(run.run_id) for run in self.finished]
        return [value for value in found if value is not None]


def request_seeds(
    recipe: str,
    changes: Mapping[str, Any] | None = None,
    *,
    seeds: int = 10,
    first_seed: int = 1,
    title: str = "",
    guest: str = "",
    more: Mapping[str, Any] | None = None,
) -> Group:
    """Put a recipe into the queue with so many seeds, which differ in nothing else.

    The caller has checked recipe and changes (see `override`). guest: what tells a guest from
    others (see `limits`); more: what each run's config.json says besides. Raises RunError for an
    impossible number of seeds, for more than a guest may ask for, or where the folder cannot be
    written to.
    """
    one = dict(changes or {})
    varied = [one | {"seed": seed} for seed in range(first_seed, first_seed + seeds)]
    return request_group(recipe, varied, title or f"{seeds} seeds of {recipe}", guest, more)


def request_group(
    recipe: str,
    changes: Sequence[Mapping[str, Any]],
    title: str,
    guest: str = "",
    more: Mapping[str, Any] | None = None,
) -> Group:
    """Put a recipe into the queue once for each of the given changes, as one group.

    A group has its place in the queue behind whoever came before it, and ahead of who comes after.
    Raises RunError for none or too many, or where the folder cannot be written to; then none is
    left behind.
    """
    if not 1 <= len(changes) <= MOST_RUNS:
        raise RunError(f"A group has from 1 to {MOST_RUNS} runs, not {len(changes)}.")
    if guest and len(changes) > limits.SEEDS_OF_A_GUEST:
        raise RunError(f"Ask for at most {limits.SEEDS_OF_A_GUEST} seeds at once here.")
    limits.check_disk()
    group_id = secrets.token_hex(6)
    made: list[Run] = []
    try:
        with queue.queue_lock():
            if guest:
                standing = RECIPES[recipe].hyperparameters.epochs
                limits.check_guest(queue.live_runs(), guest, dict(changes[0]), standing)
            for number, one in enumerate(changes, start=1):
                said = {"group": group_id, "group_title": title, "requested_by": guest}
                said |= more or {}
                made.append(queue.create(recipe, dict(one), f"{title}, {number}", more=said))
    except RunError:
        for run in made:
            queue.delete(run.run_id)
        raise
    queue.go_on()
    return Group(group_id, title, tuple(queue.get_run(run.run_id) for run in made))


def groups(runs: Iterable[Run]) -> list[Group]:
    """Return the groups that the given runs belong to, the newest first."""
    members: dict[str, list[Run]] = {}
    for run in runs:
        if run.group:
            members.setdefault(run.group, []).append(run)
    found = [
        Group(name, some[0].group_title or some[0].recipe, tuple(_in_order(some)))
        for name, some in members.items()
    ]
    return sorted(found, key=lambda group: group.runs[0].requested_at, reverse=True)


def by_name(some: Iterable[Group]) -> dict[str, Group]:
    """Return groups by what people call them: "10 seeds of fast, 12:37 (epochs 3)"."""
    named: dict[str, Group] = {}
    for one in some:
        first = one.runs[0]
        name = words.run_title(one.title, first.requested_at)
        shared = {what: value for what, value in first.changes.items() if what != "seed"}
        name += f" ({changes_in_words(shared)})" if shared else ""
        named[words.told_apart(name, named)] = one
    return named


def get_group(group_id: str) -> Group:
    """Return one group, looked at anew. Raises RunError if it has no run (any more)."""
    for group in groups(queue.list_runs()):
        if group.group_id == group_id:
            return group
    raise RunError(f"There is no group of runs {group_id!r} (any more).")


def stop_group(group_id: str) -> None:
    """Let those that wait leave the queue and ask those in progress to stop."""
    group = get_group(group_id)
    for state in (WAITING, RUNNING):  # first who waits, or the next would begin
        for run in reversed(group.runs):
            if run.state == state:
                queue.stop(run.run_id)


def _in_order(runs: list[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: (run.requested_at, run.run_id))
