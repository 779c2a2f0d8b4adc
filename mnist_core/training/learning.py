"""learn(model, people's drawings): a candidate that starts at a model, and the gate's verdict.

The people are dealt into groups. For each group the last layers learn from all the others, and
that group's drawings are answered by a network that has never seen anything of theirs; then they
learn from everybody, which is the candidate. Of what it learnt only so much is kept as does not
cost anything on what validates (the weights lie between those before and after, as in
Wortsman et al. 2022). Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mnist_core.analysis import gate, metrics
from mnist_core.analysis.gate import MNIST, PEN, PEOPLE, Verdict
from mnist_core.analysis.opinions import Opinions, table
from mnist_core.data.collection import Collection, check_lesson
from mnist_core.data.mnist import Dataset, train_validation_split
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models.registry import Evaluation
from mnist_core.models.temperature import apply_temperature
from mnist_core.training.calibration import from_answers
from mnist_core.training.card import make_card
from mnist_core.training.events import BatchEnd, EpochEnd, Event, Finished, Started
from mnist_core.training.fine_tuning import (
    KEPT_SHARES,
    Features,
    Pupil,
    keep_what_costs_nothing,
)
from mnist_core.training.hyperparameters import Hyperparameters, override, split_of
from mnist_core.training.ink_pool import ink_pool
from mnist_core.training.lessons import drawn_anew
from mnist_core.training.recipes import get_recipe

REPLAYED = 4000  # images of MNIST, and as many of pen strokes
VALIDATING = 3000  # of the 5,000 images that validate
POOL_VALIDATION = (2000, 1000)
STEPS = 60  # batches a lesson
HYPERPARAMETERS = {
    "epochs": 1, "batch_size": 128, "optimizer": "adam", "learning_rate": 0.001,
    "schedule": "cosine", "weight_decay": 0.0, "label_smoothing": 0.0, "augmentation": None,
    "patience": None,
}  # fmt: skip


class _Stopped(Exception):
    pass


@dataclass(frozen=True)
class Learnt:
    """A candidate and what is known of it."""

    model: keras.Model
    card: dict[str, Any]
    evaluation: Evaluation
    verdict: Verdict
    before: Opinions  # of the model it started from, on the people's drawings
    after: Opinions  # on each of them by a network that has not learnt from who drew it
    of_others: bool  # whether other people drew the pen strokes that judge


def learn(
    name: str,
    collection: Collection,
    dataset: Dataset,
    *,
    changes: dict[str, Any] | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Learnt | None:
    """Return what the model `name` becomes by learning from people; None where it was stopped.

    changes: hyperparameters other than `HYPERPARAMETERS`; the images that validate are always the
    model's own, from which it has never learnt. Raises LearningError (see
    `check_lesson`; also where it diverges), ModelError.
    """
    check_lesson(collection, dataset)
    start = time.perf_counter()
    try:
        school = _School(name, collection, dataset, changes or {}, on_event, should_stop)
        after = school.cross_validate()
        temperature_and_more = school.teach(np.ones(len(collection), bool))
        verdict, before, evaluation = school.judge(after, temperature_and_more)
    except _Stopped:
        return None
    card = school.card(verdict, temperature_and_more, time.perf_counter() - start)
    card["test_accuracy"] = metrics.accuracy(dataset.y_test, evaluation.probabilities.argmax(1))
    on_event(Finished(card["seconds"], card["test_accuracy"], None, False))
    return Learnt(
        school.pupil.model, card, evaluation, verdict, before, after, school.pool.of_others
    )


class _School:
    """One pupil, its lessons, and what it is examined with; features are computed once."""

    def __init__(
        self,
        name: str,
        collection: Collection,
        dataset: Dataset,
        changes: dict[str, Any],
        on_event: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.collection, self.dataset = collection, dataset
        self.on_event, self.should_stop = on_event, should_stop
        self.begun = time.perf_counter()
        self.fold = gate.folds(collection.writers)
        self.rounds = int(self.fold.max()) + 2
        self.lessons = 0
        self.epochs: list[EpochEnd] = []
        self.pupil = Pupil(name)
        self.recipe = get_recipe(str(self.pupil.card.get("recipe")))
        own = split_of(self.pupil.card)
        self.split = override(self.recipe.hyperparameters, **own)
        self.chosen: Hyperparameters = override(
            self.recipe.hyperparameters, **{**HYPERPARAMETERS, **own, **changes}
        )
        keras.utils.set_random_seed(self.chosen.seed)
        train, validation = train_validation_split(
            dataset, self.split.validation_split, self.split.seed, self.split.share
        )
        random = np.random.default_rng(self.chosen.seed)
        self.replayed = random.permutation(train)[:REPLAYED]
        self.validating = validation[:VALIDATING]
        on_event(
            Started(self.recipe.name, self.pupil.model.count_params(), self.rounds, STEPS,
                    len(collection), len(self.validating))
        )  # fmt: skip
        self._draw_and_read()

    def _draw_and_read(self) -> None:
        """Draw what is to be read and let the first layers read it."""
        pool = self.pool = ink_pool(self.split.seed, REPLAYED, POOL_VALIDATION)
        self._ask()
        drawn = drawn_anew(self.collection.drawings, self.collection.images, self.chosen.seed)
        self.times = drawn.shape[1]
        self.drawn = self._read(drawn.reshape(-1, 28, 28))
        digits, strokes = self.dataset.x_train[self.replayed], pool.images
        self.replays = (
            self.pupil.replay(self._read(digits), self.dataset.y_train[self.replayed]),
            self.pupil.replay(self._read(strokes), pool.labels),
        )
        self.people = [one[:: self.times] for one in self.drawn]
        self.validation = self._read(self.dataset.x_train[self.validating])
        self.pen = self._read(pool.validation_images)
        self.standing = self._validate()

    def _read(self, images: np.ndarray) -> Features:
        self._ask()
        return self.pupil.features(images)

    def _ask(self) -> None:
        if self.should_stop():
            raise _Stopped

    def cross_validate(self) -> Opinions:
        """Return answers to each drawing by a network that has not learnt from who drew it."""
        count = len(self.collection)
        answers, confidences = np.zeros(count, np.int64), np.zeros(count, np.float32)
        for number in range(self.rounds - 1):
            held_out = self.fold == number
            found = self.teach(~held_out)
            said = self._opinions([one[held_out] for one in self.people], found)
            answers[held_out], confidences[held_out] = said.answers, said.confidences
        return Opinions(answers, confidences)

    def teach(self, chosen: np.ndarray) -> dict[str, Any]:
        """Let the network as it was learn from some drawings, (n,) bool; return its calibration."""
        self._ask()
        began = time.perf_counter()
        self.lessons += 1
        pupil = self.pupil
        pupil.forget()
        before = pupil.head.get_weights()
        images = np.repeat(chosen, self.times)
        labels = np.repeat(self.collection.labels, self.times)[images]
        features = [one[images] for one in self.drawn]
        loss_and_accuracy = [float("nan"), float("nan")]

        def on_batch(step: int, loss: float, accuracy: float) -> bool:
            loss_and_accuracy[:] = loss, accuracy
            seconds = time.perf_counter() - self.begun
            self.on_event(BatchEnd(self.lessons, step, STEPS, seconds, loss, accuracy))
            return self.should_stop()

        if not pupil.learn(features, labels, self.replays, self.chosen, STEPS, on_batch):
            raise _Stopped
        share = keep_what_costs_nothing(pupil.head, before, self._validate, self.standing)
        self.kept_share = KEPT_SHARES[-1] if share is None else share
        found = self._calibrate()
        self._tell(time.perf_counter() - began, *loss_and_accuracy)
        return found

    def _validate(self) -> tuple[int, int]:
        """Return the errors on MNIST's validation images and on other writers' strokes."""
        labels = self.dataset.y_train[self.validating]
        digits, _ = self.pupil.answer(self.validation)
        drawn, _ = self.pupil.answer(self.pen)
        real = self.pool.validation_labels != NOT_A_DIGIT
        wrong = drawn[real].argmax(axis=1) != self.pool.validation_labels[real]
        return int((digits.argmax(axis=1) != labels).sum()), int(wrong.sum())

    def _calibrate(self) -> dict[str, Any]:
        digits, _ = self.pupil.answer(self.validation)
        drawn, scores = self.pupil.answer(self.pen)
        answers = drawn, (scores if self.pupil.tells_non_digits else None)
        labels = self.dataset.y_train[self.validating]
        return from_answers(
            digits, labels, answers, self.pool.validation_labels, self._accepted_share()
        )

    def _accepted_share(self) -> float:
        """Return how many of the strokes the network as it was takes for digits: the threshold
        shall move with the scores, and not with the luck of fewer validating strokes."""
        threshold = self.pupil.card.get("digit_threshold")
        if threshold is None:
            return 1.0
        real = self.pool.validation_labels != NOT_A_DIGIT
        return float((self._pen_before()[1][real] >= threshold).mean())

    def _pen_before(self) -> tuple[np.ndarray, np.ndarray]:
        if not hasattr(self, "_kept_pen_before"):
            now = self.pupil.head.get_weights()
            self.pupil.forget()
            self._kept_pen_before = self.pupil.answer(self.pen)
            self.pupil.head.set_weights(now)
        return self._kept_pen_before

    def _opinions(self, features: Features, card: dict[str, Any]) -> Opinions:
        probabilities, scores = self.pupil.answer(features)
        calibrated = apply_temperature(probabilities, float(card.get("temperature") or 1))
        threshold = card.get("digit_threshold")
        is_digit = np.ones(len(scores), bool) if threshold is None else scores >= threshold
        return table(calibrated, scores, is_digit)

    def judge(self, after: Opinions, found: dict[str, Any]) -> tuple[Verdict, Opinions, Evaluation]:
        """Return the verdict on the candidate, what was answered to people before, and the
        candidate's answers to the test images."""
        test = self._read(self.dataset.x_test)
        pen_labels = self.pool.validation_labels.astype(np.int64)
        probabilities, scores = self.pupil.answer(test)
        tables: dict[str, dict[str, np.ndarray]] = {"after": {
            PEOPLE: after.answers,
            MNIST: probabilities.argmax(axis=1),
            PEN: self._opinions(self.pen, found).answers,
        }}  # fmt: skip
        candidate = self.pupil.head.get_weights()
        self.pupil.forget()
        before = self._opinions(self.people, self.pupil.card)
        tables["before"] = {
            PEOPLE: before.answers,
            MNIST: self.pupil.answer(test)[0].argmax(axis=1),
            PEN: self._opinions(self.pen, self.pupil.card).answers,
        }
        self.pupil.head.set_weights(candidate)
        labels = {
            PEOPLE: self.collection.labels.astype(np.int64),
            MNIST: self.dataset.y_test.astype(np.int64),
            PEN: pen_labels,
        }
        calibrated = apply_temperature(probabilities, found["temperature"])
        digit_scores = scores if self.pupil.tells_non_digits else None
        evaluation = Evaluation(
            calibrated, self.dataset.y_test, self.dataset.digest, "test", digit_scores
        )
        return gate.judge(labels, tables["before"], tables["after"]), before, evaluation

    def _tell(self, seconds: float, loss: float, accuracy: float) -> None:
        """Say how the lesson ended."""
        probabilities, _ = self.pupil.answer([one[:1000] for one in self.validation])
        labels = self.dataset.y_train[self.validating[:1000]]
        answers = probabilities.argmax(axis=1)
        examples = [
            {
                "index": int(self.validating[i]),
                "label": int(labels[i]),
                "probabilities": [round(float(p), 5) for p in probabilities[i]],
            }
            for i in range(min(12, len(labels)))
        ]
        event = EpochEnd(
            self.lessons, seconds, loss, accuracy,
            metrics.cross_entropy(probabilities, labels), metrics.accuracy(labels, answers),
            metrics.confusion_matrix(labels, answers).tolist(), examples,
        )  # fmt: skip
        self.epochs.append(event)
        self.on_event(event)

    def card(self, verdict: Verdict, found: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return what is known of the candidate."""
        made = make_card(
            self.recipe,
            self.chosen,
            self.dataset,
            train_images=len(self.replayed),
            validation_images=len(self.validating),
            pool=self.pool if self.recipe.needs_strokes else None,
            epochs=self.epochs,
            seconds=seconds,
        )
        learnt = {
            "from": self.pupil.name,
            "drawings": len(self.collection),
            "writers": len(np.unique(self.collection.writers)),
            "images_of_each": self.times,
            "kept_share": self.kept_share,
            "steps": STEPS,
            "passed": verdict.passed,
            "gate": {name: dataclasses.asdict(part) for name, part in verdict.parts.items()},
        }
        return made | found | {"learnt_from_people": learnt}
