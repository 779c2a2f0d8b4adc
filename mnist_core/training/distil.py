"""Teach the dense network what the CNN answers, also to digits of few pixels.

    python -m mnist_core.training.distil

MNIST, drawn digits and what is no digit, each image changed at random as in training. Of the
target, half is the image's label and half what the CNN answers to it (knowledge distillation,
Hinton, Vinyals & Dean 2015). A share of all three the dense network sees only through a coarse
grid, as from a scan or a tablet of few pixels. Images and answers are made once, one half of them
changed as in training and one further, and gone through several times by all weights at a small,
falling learning rate. A network that ships narrower than its recipe is first made wider. Batch
normalisation keeps its statistics; what was learnt is averaged, and kept as in `polish`. Writes the
network into its own place with a new card; validation data alone sets share, temperature and
threshold. What was cut off goes on from its last 500 steps. Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mnist_core.data.mnist import Dataset, load_mnist, train_validation_split
from mnist_core.errors import BlankDrawing
from mnist_core.files import replacing
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.ink.pen import scanned_small
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.models import registry
from mnist_core.training.augmentation import augment
from mnist_core.training.batches import as_input, one_hot
from mnist_core.training.hyperparameters import Augmentation, Hyperparameters
from mnist_core.training.ink_pool import POOL_VERSION, InkPool, ink_pool
from mnist_core.training.polish import (
    EPOCH,
    RandomBatches,
    check_steps,
    compile_to_polish,
    conclude,
    fit_on,
)
from mnist_core.training.recipes import get_recipe
from mnist_core.training.widen import widen
from mnist_core.training.workers import workers

PUPIL, TEACHER = "dense", "cnn"
# The teacher says what remains of a digit that is changed further than in training.
FURTHER = Augmentation(
    rotation_degrees=13, shift=0.04, shear_degrees=13, zoom=0.13, elastic_px=1.9, thickness=0.15
)
_CHUNK = 1_000
_OF_STATISTICS = 10_000  # images


@dataclass(frozen=True)
class Settings:
    """What is learnt from, and how fast the network changes."""

    pool: int = 200_000  # drawn images to choose from
    mnist: int = 480_000  # in each half
    drawn: int = 360_000
    others: int = 360_000  # no digits
    coarse: float = 0.3  # of all three, seen through a coarse grid
    batch_size: int = 128
    learning_rate: float = 8e-4  # at the first step; falls to 0 on a cosine
    steps: int = 200_000  # batches, a multiple of EPOCH
    weight_decay: float = 0.01
    ema_momentum: float = 0.999


@dataclass(frozen=True)
class Taught:
    """Images and what the teacher answered to them, before some became coarse."""

    images: np.ndarray  # (n, 28, 28) uint8
    labels: np.ndarray  # (n,) uint8, 10 = not a digit
    digits: np.ndarray  # (n, 10) float32
    scores: np.ndarray  # (n,) float32, how much of a digit


def lessons(dataset: Dataset, pool: InkPool, settings: Settings, seed: int) -> Taught:
    """Return both halves of what is learnt from; what was made before is read from the cache,
    where the usual ones take 2 GB.
    """
    chosen, teacher = get_recipe(PUPIL).hyperparameters, registry.load_keras(TEACHER)
    halves = []
    for half, changes in enumerate((chosen.augmentation, FURTHER)):
        kept = _kept_at(dataset, pool, settings, seed + half, changes)
        if kept.exists():
            with np.load(kept) as found:
                halves.append(Taught(**found))
            continue
        changed = dataclasses.replace(chosen, augmentation=changes)
        halves.append(taught(teacher, dataset, pool, changed, settings, seed + half))
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, **vars(halves[-1]))
    fields = (field.name for field in dataclasses.fields(Taught))
    return Taught(*(np.concatenate([getattr(one, name) for one in halves]) for name in fields))


def _kept_at(
    dataset: Dataset, pool: InkPool, settings: Settings, seed: int, changes: Augmentation | None
) -> Path:
    made_of = (
        POOL_VERSION, dataset.digest, pool.source,
        registry.file_digest(registry.keras_path(TEACHER)), seed, changes,
        settings.pool, settings.mnist, settings.drawn, settings.others, settings.coarse,
    )  # fmt: skip
    name = hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]
    return registry.artifacts_dir() / "cache" / f"lessons-{name}.npz"


_images = np.zeros((0, 28, 28), np.uint8)
_labels = np.zeros(0, np.uint8)


def taught(
    teacher: keras.Model,
    dataset: Dataset,
    pool: InkPool,
    chosen: Hyperparameters,
    settings: Settings,
    seed: int,
) -> Taught:
    """Return images changed at random, none of them validating, with a teacher's answers.

    chosen: whose split and augmentation are taken.
    """
    global _images, _labels
    train, _ = train_validation_split(dataset, chosen.validation_split, chosen.seed)
    _images = np.concatenate([dataset.x_train[train], pool.images])
    _labels = np.concatenate([dataset.y_train[train], pool.labels])
    real = pool.labels != NOT_A_DIGIT
    kinds = (
        (settings.mnist, np.arange(len(train))),
        (settings.drawn, len(train) + np.flatnonzero(real)),
        (settings.others, len(train) + np.flatnonzero(~real)),
    )
    random = np.random.default_rng(seed)
    indices = random.permutation(np.concatenate([random.choice(of, n) for n, of in kinds]))
    tasks = [
        (indices[start : start + _CHUNK], chosen, settings.coarse, (seed, start))
        for start in range(0, len(indices), _CHUNK)
    ]
    with workers() as helpers:
        parts = helpers.starmap(_changed, tasks)
    answers = [teacher.predict_on_batch(as_input(changed)) for changed, _ in parts]
    images = np.concatenate([seen for _, seen in parts])
    digits, scores = (
        np.concatenate([np.asarray(answer[name]) for answer in answers])
        for name in ("digit", "is_digit")
    )
    return Taught(images, _labels[indices], digits, scores[:, 0])


def _changed(
    indices: np.ndarray, chosen: Hyperparameters, coarse: float, seed: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return images changed at random, and the same with a share of them coarse."""
    random = np.random.default_rng(seed)
    images = as_input(_images[indices])[..., 0]
    if chosen.augmentation is not None:
        images = augment(images, chosen.augmentation, random)
    changed = np.round(images * 255).astype(np.uint8)
    seen = changed.copy()
    for which in np.flatnonzero(random.random(len(seen)) < coarse):
        with contextlib.suppress(BlankDrawing):  # a hair of ink that vanishes stays as it is
            seen[which] = np.round(mnist_image(scanned_small(seen[which], random)) * 255)
    return changed, seen


class Answers(RandomBatches):
    """Batches of images with the mean of label and teacher's answer as the target."""

    def __init__(self, lessons: Taught, settings: Settings, smoothing: float, seed: int) -> None:
        super().__init__(seed)
        self.lessons, self.settings, self.smoothing = lessons, settings, smoothing

    def __getitem__(self, step: int):
        picked = self.random(step).integers(0, len(self.lessons.images), self.settings.batch_size)
        labels = self.lessons.labels[picked]
        is_digit = (labels != NOT_A_DIGIT).astype(np.float32)
        digits = one_hot(labels) * (1 - self.smoothing) + self.smoothing / 10
        targets = {
            "digit": (digits + self.lessons.digits[picked]) / 2,
            "is_digit": ((is_digit + self.lessons.scores[picked]) / 2)[:, np.newaxis],
        }
        # What is no digit teaches nothing about which digit it is.
        weights = {"digit": is_digit, "is_digit": np.ones(len(labels), np.float32)}
        return as_input(self.lessons.images[picked]), targets, weights


def distil(
    dataset: Dataset, pool: InkPool, settings: Settings, seed: int = 1
) -> tuple[keras.Model, list[np.ndarray]]:
    """Return the dense network that ships, after so many batches, and its weights before them.

    Nothing drops out meanwhile: there are more images than it can learn by heart.
    """
    seen = lessons(dataset, pool, settings, seed)
    keras.utils.set_random_seed(seed)
    shipped, chosen = registry.load_keras(PUPIL), get_recipe(PUPIL).hyperparameters
    model = get_recipe(PUPIL).build(dataclasses.replace(chosen, dropout=0.0))
    pupil = get_recipe(PUPIL).build(chosen)
    if shipped.count_params() < model.count_params():
        widen(shipped, pupil, as_input(seen.images[:_OF_STATISTICS]))
    else:
        pupil.set_weights(shipped.get_weights())
    before = pupil.get_weights()
    model.set_weights(before)
    compile_to_polish(
        model, settings.learning_rate, settings.steps, settings.weight_decay, settings.ema_momentum
    )
    batches = Answers(seen, settings, chosen.label_smoothing, seed)
    fit_on(model, batches, settings.steps, f"distil-{seed}-{settings.steps}")
    pupil.set_weights(model.get_weights())
    return pupil, before


def main() -> None:
    """Teach the dense network that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Settings()
    parser.add_argument("--steps", type=int, default=usual.steps, help=f"multiple of {EPOCH}")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    check_steps(parser, arguments.steps)
    settings, seed = dataclasses.replace(usual, steps=arguments.steps), arguments.seed
    dataset, begun = load_mnist(), time.perf_counter()
    pool = ink_pool(get_recipe(PUPIL).hyperparameters.seed, settings.pool)
    model, before = distil(dataset, pool, settings, seed)
    how = dataclasses.asdict(settings) | {
        "seed": seed,
        "further": dataclasses.asdict(FURTHER),
        "teacher": {TEACHER: registry.file_digest(registry.keras_path(TEACHER))},
        "command": f"python -m mnist_core.training.distil --steps {settings.steps} --seed {seed}",
    }
    conclude(PUPIL, "distilled", model, before, dataset, pool, how, begun)


if __name__ == "__main__":
    main()
