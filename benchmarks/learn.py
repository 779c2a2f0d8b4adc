"""What learning from people brings, and what the gate makes of wrong labels.

    MNIST_PATH=mnist.npz python -m benchmarks.learn

Fourteen people are played with the drawings of pendigits' 14 test writers, of whom nothing is in
what ships. That file does not say who drew what, and its order is mixed; so each person gets
drawings that nobody else has, and a hand of their own: one slant, stretch, turn and bend, and one
way to write 0, 1 and 7, the same in all their drawings. Ten of them give 20 drawings each. What
the networks read in other drawings of these ten, and in those of the four others, is counted
before and after; five seeds, each with other hands. Then the gate is tried: 30 % of the labels
wrong at random; all those of three people who say a wrong digit each time; one person alone.

    --seeds 1 --models dense   is quick; --no-trials leaves the wrong labels out; --each 50 lets
                               each teach with 50 drawings, 500 in all
    --models fast              trains that recipe first and lets it learn: a network that has never
                               seen a pen stroke, as a room makes one in front of people
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import results
from benchmarks.serving import own_artifacts
from mnist_core.__main__ import main as command_line
from mnist_core.analysis.opinions import Opinions, doubted, opinions, table
from mnist_core.data.collection import Collection, collect
from mnist_core.data.drawing import Drawing
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.data.pendigits import Pendigits, load_pendigits
from mnist_core.errors import LearningError
from mnist_core.ink.pen import bend, in_another_style, normalise
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke, bounds, place
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier

PEOPLE, TEACHING, EACH = 14, 10, 20
WRONG_SHARE = 0.3


class Person:
    """A hand of its own."""

    def __init__(self, seed: int, number: int) -> None:
        self.seed = (seed, number)
        random = np.random.default_rng(self.seed)
        turn, slant = np.radians(random.normal(0, 7)), random.normal(0, 0.2)
        stretch = np.exp(random.normal(0, 0.16))
        cos, sin = np.cos(turn), np.sin(turn)
        self.matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[stretch, slant], [0, 1]])

    def draw(self, strokes: Sequence[Stroke], label: int) -> list[Stroke]:
        """Return a drawing in this hand; unit size."""
        own = np.random.default_rng((*self.seed, 1 + label))
        styled = [one @ self.matrix.T for one in in_another_style(strokes, label, own)]
        return bend(normalise(styled), np.random.default_rng((*self.seed, 0)), 0.045)


def people(seed: int, pendigits: Pendigits) -> Collection:
    """Return all drawings of the played people, each on a canvas, by writers 1 to 14."""
    chosen = np.flatnonzero(pendigits.is_test)
    random = np.random.default_rng(seed)
    persons = [Person(seed, number) for number in range(PEOPLE)]
    drawings = []
    for order, index in enumerate(random.permutation(chosen)):
        number, label = order % PEOPLE, int(pendigits.labels[index])
        drawn = persons[number].draw(pendigits.drawings[index], label)
        size = random.uniform(0.4, 0.8) * CANVAS_SIZE_PX
        left, top, right, bottom = bounds(normalise(drawn))
        x = random.uniform(0, CANVAS_SIZE_PX - (right - left) * size)
        y = random.uniform(0, CANVAS_SIZE_PX - (bottom - top) * size)
        strokes = [stroke.round(2).tolist() for stroke in place(drawn, x, y, size)]
        drawings.append(Drawing(
            str(index), strokes, float(random.uniform(10, 24)), CANVAS_SIZE_PX, label, "said",
            writer_id=number + 1, id=int(index),
        ))  # fmt: skip
    return collect(drawings)


def taught(everything: Collection, each: int) -> np.ndarray:
    """Return the indices of the first drawings of each of the ten who teach."""
    return np.concatenate([
        np.flatnonzero(everything.writers == writer)[:each] for writer in range(1, TEACHING + 1)
    ])  # fmt: skip


def relabelled(lesson: Collection, labels: np.ndarray) -> Collection:
    """Return the collection with other labels, which somebody confirmed."""
    told = [dataclasses.replace(drawing, label=int(label), label_source="confirmed")
            for drawing, label in zip(lesson.drawings, labels, strict=True)]  # fmt: skip
    return Collection(told, lesson.images, labels.astype(np.uint8), lesson.writers)


def read(model: Any, card: dict[str, Any], collection: Collection) -> Opinions:
    """Return what a candidate answers to a collection."""
    found = model.predict(collection.inputs[..., np.newaxis], batch_size=500, verbose=0)
    if not isinstance(found, dict):  # it takes everything for a digit
        return table(found, np.ones(len(found), np.float32), np.ones(len(found), bool))
    scores = found["is_digit"][:, 0]
    return table(found["digit"], scores, scores >= card["digit_threshold"])


def compared(collection: Collection, before: Opinions, after: Opinions) -> dict[str, int]:
    """Return how many drawings were wrong before and after, won and lost."""
    right = [one.answers == collection.labels for one in (before, after)]
    return {
        "drawings": len(collection),
        "errors_before": int((~right[0]).sum()),
        "errors_after": int((~right[1]).sum()),
        "won": int((right[1] & ~right[0]).sum()),
        "lost": int((right[0] & ~right[1]).sum()),
    }


def measure(name: str, seed: int, dataset: Dataset, each: int, trials: bool) -> dict[str, Any]:
    """Return what one network learns from the people of one seed, and what the gate says."""
    from mnist_core.training.learning import learn

    everything = people(seed, load_pendigits())
    indices = taught(everything, each)
    lesson = everything.where(indices)
    rest = np.setdiff1d(np.arange(len(everything)), indices)
    same = everything.where(rest[everything.writers[rest] <= TEACHING])
    others = everything.where(np.flatnonzero(everything.writers > TEACHING))
    classifier = Classifier.load(name)
    start = time.perf_counter()
    learnt = learn(name, lesson, dataset, changes={"seed": seed})
    assert learnt is not None
    figures: dict[str, Any] = {"seconds": round(time.perf_counter() - start, 1)}
    figures["gate"] = learnt.card["learnt_from_people"]
    for whose, some in (("same people", same), ("other people", others)):
        after = read(learnt.model, learnt.card, some)
        figures[whose] = compared(some, opinions(classifier, some), after)
    if trials:
        figures["trials"] = {
            kind: trial(name, wrong, dataset, seed) for kind, wrong in wrongs(lesson, seed).items()
        }
    return figures


def wrongs(lesson: Collection, seed: int) -> dict[str, Collection]:
    """Return the lesson with wrong labels, in three ways; all of them confirmed."""
    random = np.random.default_rng((seed, 9))
    shifted = (lesson.labels + random.integers(1, 10, len(lesson))) % 10
    at_random = np.zeros(len(lesson), bool)
    at_random[random.permutation(len(lesson))[: round(WRONG_SHARE * len(lesson))]] = True
    on_purpose = lesson.writers <= round(WRONG_SHARE * TEACHING)
    one = lesson.where(lesson.writers == 1)
    return {
        "30% of the labels wrong": relabelled(lesson, np.where(at_random, shifted, lesson.labels)),
        "3 of 10 people wrong on purpose": relabelled(
            lesson, np.where(on_purpose, shifted, lesson.labels)
        ),
        "one person alone, wrong on purpose": relabelled(one, (one.labels + 1) % 10),
    }


def trial(name: str, lesson: Collection, dataset: Dataset, seed: int) -> dict[str, Any]:
    """Return what the gate says of a lesson, and how many labels the page would have doubted."""
    from mnist_core.training.learning import learn

    unconfirmed = [dataclasses.replace(one, label_source="said") for one in lesson.drawings]
    shown = dataclasses.replace(lesson, drawings=unconfirmed)
    said = {one: opinions(Classifier.load(one), shown) for one in registry.SLOTS}
    figures: dict[str, Any] = {"doubted": int(doubted(shown, said).sum())}
    try:
        learnt = learn(name, lesson, dataset, changes={"seed": seed})
    except LearningError as error:
        return figures | {"refused": str(error)}
    assert learnt is not None
    verdict = learnt.verdict
    return figures | {"refused": ", ".join(verdict.failed) if not verdict.passed else ""}


def trained(recipe: str) -> str:
    """Train a recipe; return the run's id."""
    before = set(registry.available_models())
    command_line(["train", recipe])
    (made,) = set(registry.available_models()) - before
    return made


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=list(registry.SLOTS))
    parser.add_argument("--each", type=int, default=EACH, help="drawings of each who teaches")
    parser.add_argument("--no-trials", action="store_true")
    parser.add_argument("--no-keep", action="store_true", help="do not write the results down")
    arguments = parser.parse_args()
    dataset = load_mnist()
    found: dict[str, dict[str, Any]] = {model: {} for model in arguments.models}
    with tempfile.TemporaryDirectory() as temporary:
        import os

        os.environ["MNIST_ARTIFACTS"] = str(own_artifacts(Path(temporary)))
        for model in arguments.models:
            name = model if model in registry.SLOTS else trained(model)
            for seed in range(1, arguments.seeds + 1):
                found[model][str(seed)] = measure(
                    name, seed, dataset, arguments.each, not arguments.no_trials
                )
                print(model, seed, found[model][str(seed)], flush=True)
    if not arguments.no_keep:
        print(results.keep("learn", found))


if __name__ == "__main__":
    main()
