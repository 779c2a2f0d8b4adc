"""Learning from people as a run: how it is asked for, what it learns from, and the takeover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.analysis.opinions import Opinions, doubted, opinions
from mnist_core.analysis.own_process import Compute, here
from mnist_core.data import people
from mnist_core.data.collection import Collection, collect
from mnist_core.errors import LearningError, ModelError, RunError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.runs import gate_report, queue
from mnist_core.runs.folder import Run, read_json
from mnist_core.runs.gate_report import Change, GateReport

if TYPE_CHECKING:
    from mnist_core.training.events import Event
    from mnist_core.training.learning import Learnt


@dataclass(frozen=True)
class Lesson:
    """What can be learnt from now, and what cannot."""

    collection: Collection  # all that is labelled
    doubted: np.ndarray  # (n,) bool: left out, unless a person confirms the label
    said: dict[str, Opinions]  # what the active networks answer, by slot

    @property
    def learnt(self) -> Collection:
        """Return what is learnt from."""
        return self.collection.where(~self.doubted)


def lesson(classifiers: dict[str, Classifier] | None = None, compute: Compute = here) -> Lesson:
    """Return what can be learnt from now; classifiers: the active ones, by slot, where loaded.

    compute: where drawings are made into images and read. Raises DatabaseError, ModelError.
    """
    collection = compute(collect, people.listed(labelled=True))
    if not len(collection):
        classifiers = {}
    elif classifiers is None:
        classifiers = {slot: Classifier.load(name) for slot, name in registry.active().items()}
    said = {slot: opinions(one, collection, compute) for slot, one in classifiers.items()}
    return Lesson(collection, doubted(collection, said), said)


@dataclass(frozen=True)
class Asked:
    """The run by which the network of a slot is to learn, as `queue.request` takes it."""

    recipe: str
    changes: dict[str, Any]
    more: dict[str, Any]
    title: str = "Lesson from people"


def asked(slot: str) -> Asked:
    """Return the run by which the network of a slot learns.

    It starts at what the active one was before people taught it: that has learnt from the very
    people who are to judge it. Raises LearningError where that is gone, ModelError.
    """
    instead_of = registry.active()[slot]
    base = untaught(instead_of)
    recipe = str(registry.load_card(base).get("recipe", slot))
    return Asked(recipe, {"from": base, "learn": slot}, {"instead_of": instead_of})


def untaught(name: str) -> str:
    """Return the model that a model was before any lesson from people; itself, if it had none.

    Of one that was trained on from a candidate, that is what the candidate was before. Raises
    LearningError where it is gone, ModelError.
    """
    lessons, card = [name], registry.load_card(name)
    while (lesson := _last_lesson(card)) is not None:
        try:
            base = lesson["from"]
            card = registry.load_card(base)
        except (ModelError, LookupError, TypeError):
            base = name
        if base in lessons:
            raise LearningError(
                "The network that answers has learnt from people, and what it was before is gone, "
                "so that nobody could say what another lesson brings. Let another network answer, "
                "such as the one that shipped, and let that one learn."
            )
        lessons.append(base)
    return lessons[-1]


def _last_lesson(card: Any) -> Any:
    """Return what a card tells of the last lesson from people; None if there was none."""
    while isinstance(card, dict):
        if "learnt_from_people" in card:
            return card["learnt_from_people"]
        card = card.get("started_from")
    return None


def request(slots: Sequence[str], guest: str = "") -> list[Run]:
    """Put a run for each slot at the end of the queue; guest: as `queue.request` has it."""
    return [
        queue.request(one.recipe, one.changes, one.title, guest, one.more)
        for one in [asked(slot) for slot in slots]
    ]


def learn_into(
    folder: Path,
    slot: str,
    base: str,
    *,
    changes: dict[str, Any],
    on_event: Callable[[Event], None],
    should_stop: Callable[[], bool],
    take_over: bool = True,
) -> bool:
    """Learn, in a run's folder: keep candidate and verdict, let it take over where it may.

    base: where it starts. It takes the place of the model that answered when it was asked for, and
    of no other.

    Return whether it was stopped, which leaves no candidate. Raises LearningError and others, each
    of which leaves the active models as they are.
    """
    from mnist_core.data.mnist import load_mnist
    from mnist_core.training.learning import learn

    now = lesson()
    learnt = learn(
        base, now.learnt, load_mnist(), changes=changes, on_event=on_event, should_stop=should_stop
    )
    if learnt is None:
        return True
    if not (folder / "config.json").is_file():
        raise RunError(f"The run {folder.name!r} was deleted, so its model was not kept.")
    registry.save_model(folder, learnt.model, learnt.card, learnt.evaluation)
    instead_of = read_json(folder / "config.json").get("instead_of", base)
    takes_over = learnt.verdict.passed and take_over and registry.active()[slot] == instead_of
    if takes_over:
        registry.activate(slot, folder.name)
    gate_report.save(folder, report(learnt, now, slot, base, takes_over))
    return False


def report(learnt: Learnt, now: Lesson, slot: str, base: str, taken_over: bool) -> GateReport:
    """Return what is to be written down of a candidate."""
    collection, before, after = now.learnt, learnt.before, learnt.after
    labels = collection.labels
    right_before, right_after = before.answers == labels, after.answers == labels

    def changes(chosen: np.ndarray) -> list[Change]:
        return [
            Change(
                int(collection.ids[i]),
                int(labels[i]),
                int(before.answers[i]),
                int(after.answers[i]),
            )
            for i in np.flatnonzero(chosen)
        ]

    still = doubted(collection, {"before": before, "after": after})
    return GateReport(
        verdict=learnt.verdict,
        slot=slot,
        base=base,
        taken_over=taken_over,
        drawings=len(collection),
        writers=len(np.unique(collection.writers)),
        left_out=int(now.doubted.sum()),
        won=changes(right_after & ~right_before),
        lost=changes(right_before & ~right_after),
        doubted_after=[int(one) for one in collection.ids[still]],
        of_others=learnt.of_others,
    )
