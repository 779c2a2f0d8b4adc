"""What a machine bears of trainings: how many a guest may ask for, how long, and how much disk.

A guest is whoever has not entered the administrator's password, also where none is set: the
page cannot know who its owner is. The command line has no such limits but the disk's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_core.errors import RunError
from mnist_core.models.registry import active, runs_dir
from mnist_core.runs.folder import RUNNING, WAITING, Run

WAITING_EACH = 3  # a group of seeds counts as one
WAITING_IN_ALL = 24  # of all guests
SEEDS_OF_A_GUEST = 10
MOST_EPOCHS = 50  # or as many as the recipe itself has
BUDGET_VARIABLE = "MNIST_RUNS_GB"
DEFAULT_BUDGET_GB = 5.0  # some 700 runs of the largest recipe
# A training writes its checkpoint, its model twice and its events: 30 MB for the largest recipe.
LEAST_FREE_BYTES = 300_000_000
_GB = 1e9


def check_guest(
    live: Sequence[Run], guest: str, changes: dict[str, Any], standing_epochs: int
) -> None:
    """Raise RunError where a guest asks for more than one may.

    live: the runs that train or wait; standing_epochs: what the recipe has by itself.
    """
    waiting = [run for run in live if run.state == WAITING and run.requested_by]
    own = len({run.group or run.run_id for run in waiting if run.requested_by == guest})
    if own >= WAITING_EACH:
        raise RunError(
            f"You have {own} trainings waiting, and more do not fit the queue; "
            "wait until one begins, or leave it."
        )
    in_all = len({run.group or run.run_id for run in waiting})
    if in_all >= WAITING_IN_ALL:
        raise RunError(f"{in_all} trainings of guests are waiting already; try again later.")
    most = max(MOST_EPOCHS, standing_epochs)
    if int(changes.get("epochs", 0)) > most:
        raise RunError(
            f"{changes['epochs']} epochs would keep everybody else waiting; ask for at most {most} "
            "here, or train on the command line."
        )


def check_disk() -> None:
    """Raise RunError where a training would not find room for what it makes."""
    folder = runs_dir()
    try:
        free = shutil.disk_usage(_existing(folder)).free
    except OSError:
        return  # whoever writes finds out, and says so
    if free < LEAST_FREE_BYTES:
        raise RunError(
            f"The disk is nearly full: {_megabytes(free)} left, and a training wants "
            f"{_megabytes(LEAST_FREE_BYTES)}; delete past runs or make room, then try again."
        )
    taken, budget = taken_bytes(), budget_bytes()
    if taken > budget:
        raise RunError(
            f"Past runs take {taken / _GB:.1f} GB of the {budget / _GB:.1f} GB that they may "
            f"(${BUDGET_VARIABLE}); delete some that nobody uses, then try again."
        )


def budget_bytes() -> float:
    """Return how much disk runs may take: $MNIST_RUNS_GB, or 5 GB."""
    named = os.environ.get(BUDGET_VARIABLE, "")
    try:
        gigabytes = float(named or DEFAULT_BUDGET_GB)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < 1e9:
        raise RunError(f"${BUDGET_VARIABLE} is {named[:20]!r}; it should be gigabytes, like 5.")
    return gigabytes * _GB


def taken_bytes() -> int:
    """Return how much disk the runs' folder takes."""
    return size_bytes(runs_dir())


def size_bytes(folder: Path) -> int:
    """Return what the files of one run take. Links count as themselves, not as what they name."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:  # deleted while we look
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += size_bytes(Path(entry.path))
            else:
                total += entry.stat(follow_symlinks=False).st_size
    return total


def proposed_for_deletion(runs: Sequence[Run]) -> list[Run]:
    """Return the oldest runs that nobody uses, as many as bring the folder to half its budget.

    Empty while it keeps within its budget.
    """
    taken, budget = taken_bytes(), budget_bytes()
    if taken <= budget:
        return []
    in_use = set(active().values())
    proposed = []
    for run in sorted(runs, key=lambda run: run.requested_at):
        if run.state in (RUNNING, WAITING) or run.run_id in in_use:
            continue
        if taken <= budget / 2:
            break
        proposed.append(run)
        taken -= size_bytes(run.folder)
    return proposed


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
