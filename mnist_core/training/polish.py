"""Go on with a network that ships: what the pool has become is new to it, what it knows is to stay.

    python -m mnist_core.training.polish dense

All weights learn from the pool of drawn images (see `ink_pool`) at a small, falling learning rate.
The rest of a batch is MNIST, each image with the mean of its label and of what the network answered
before as the target (learning without forgetting, Li & Hoiem 2016). Batch normalisation keeps its
statistics. What was learnt is a moving average of the weights passed through; of that, so much is
kept as costs nothing on what validates (weights between those before and after, Wortsman et al.
2022). Writes the network into its own place with a new card; validation data alone sets share,
temperature and threshold. What was cut off goes on from its last 500 steps, with the batches that
it began with. Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mnist_core.data.mnist import Dataset, load_mnist, train_validation_split
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry
from mnist_core.training import fine_tuning
from mnist_core.training.augmentation import augment
from mnist_core.training.batches import as_input, one_hot
from mnist_core.training.calibration import predict
from mnist_core.training.hyperparameters import Hyperparameters
from mnist_core.training.ink_pool import InkPool, ink_pool
from mnist_core.training.recipes import get_recipe
from mnist_core.training.stages import finish

TIMES = 4  # each validating image of MNIST is changed
EPOCH = 500  # steps after which it can be gone on with


@dataclass(frozen=True)
class Settings:
    """How a network is polished: images of a batch, and how fast it changes."""

    mnist: int
    drawn: int
    others: int  # no digits
    learning_rate: float  # at the first step; falls to 0 on a cosine
    steps: int  # batches, a multiple of EPOCH
    weight_decay: float = 0.01
    ema_momentum: float = 0.999


SETTINGS = {
    "dense": Settings(mnist=54, drawn=42, others=32, learning_rate=8e-4, steps=30_000),
    "cnn": Settings(mnist=64, drawn=44, others=20, learning_rate=3e-4, steps=8_000),
}


class RandomBatches(keras.utils.PyDataset):
    """Batches drawn at random, the same for the same seed; so many are called an epoch."""

    def __init__(self, seed: int) -> None:
        super().__init__(workers=1)
        self.seed, self.epoch = seed, 0

    def __len__(self) -> int:
        return EPOCH

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def random(self, step: int) -> np.random.Generator:
        """Return what a step of this epoch draws with."""
        return np.random.default_rng((self.seed, self.epoch, step))


class Reminders(RandomBatches):
    """Batches of MNIST with a teacher's answers, drawn digits, and what is no digit."""

    def __init__(
        self,
        dataset: Dataset,
        pool: InkPool,
        teacher: keras.Model,
        chosen: Hyperparameters,
        settings: Settings,
        seed: int,
    ) -> None:
        """chosen: whose split, augmentation and label smoothing are taken."""
        super().__init__(seed)
        self.train, _ = train_validation_split(dataset, chosen.validation_split, chosen.seed)
        self.dataset, self.pool, self.teacher = dataset, pool, teacher
        self.chosen, self.settings = chosen, settings
        self.digits = np.flatnonzero(pool.labels != NOT_A_DIGIT)
        self.others = np.flatnonzero(pool.labels == NOT_A_DIGIT)

    def __getitem__(self, step: int):
        random = self.random(step)
        known = random.choice(self.train, self.settings.mnist)
        drawn = random.choice(self.digits, self.settings.drawn)
        pooled = np.concatenate([drawn, random.choice(self.others, self.settings.others)])
        images = as_input(np.concatenate([self.dataset.x_train[known], self.pool.images[pooled]]))
        if self.chosen.augmentation is not None:
            images = augment(images[..., 0], self.chosen.augmentation, random)[..., np.newaxis]
        labels = np.concatenate([self.dataset.y_train[known], self.pool.labels[pooled]])
        is_digit = (labels != NOT_A_DIGIT).astype(np.float32)[:, np.newaxis]
        smoothing = self.chosen.label_smoothing
        digits = one_hot(labels) * (1 - smoothing) + smoothing / 10
        remembered = self.teacher.predict_on_batch(images[: len(known)])["digit"]
        digits[: len(known)] = (digits[: len(known)] + np.asarray(remembered)) / 2
        weights = {"digit": is_digit[:, 0], "is_digit": np.ones(len(labels), np.float32)}
        return images, {"digit": digits, "is_digit": is_digit}, weights


def polish(
    name: str, dataset: Dataset, pool: InkPool, settings: Settings, seed: int = 1
) -> keras.Model:
    """Return a network that ships, after so many more batches."""
    keras.utils.set_random_seed(seed)
    teacher, model = registry.load_keras(name), registry.load_keras(name)
    compile_to_polish(
        model, settings.learning_rate, settings.steps, settings.weight_decay, settings.ema_momentum
    )
    chosen = get_recipe(name).hyperparameters
    batches = Reminders(dataset, pool, teacher, chosen, settings, seed)
    fit_on(model, batches, settings.steps, f"polish-{name}-{seed}-{settings.steps}")
    return model


def fit_on(model: keras.Model, batches: RandomBatches, steps: int, name: str) -> None:
    """Fit a compiled network; name: by which a training that was cut off is gone on with."""
    work = registry.artifacts_dir() / "cache" / name
    work.mkdir(parents=True, exist_ok=True)
    kept = keras.callbacks.BackupAndRestore(work)
    model.fit(batches, epochs=steps // EPOCH, callbacks=[kept], verbose=2, shuffle=False)


def compile_to_polish(
    model: keras.Model, rate: float, steps: int, weight_decay: float, ema_momentum: float
) -> None:
    """Make ready for `fit`: a falling rate, averaged weights, batch normalisation as it is."""
    fine_tuning.keep_statistics(model)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, steps),
        weight_decay=weight_decay, use_ema=True, ema_momentum=ema_momentum,
    )  # fmt: skip
    model.compile(
        optimizer,
        loss={"digit": "categorical_crossentropy", "is_digit": "binary_crossentropy"},
        loss_weights={"digit": 1.0, "is_digit": 0.5},  # as in `fit`
        weighted_metrics={"digit": [], "is_digit": []},
    )


def keep_what_costs_nothing(
    name: str, model: keras.Model, before: list[np.ndarray], dataset: Dataset, pool: InkPool
) -> float | None:
    """Keep as much of what was learnt as lets no more validating digits be misread: of MNIST, each
    changed at random four times as in training, and of the pool, as they are.

    before: the weights with which it answers as the network that ships. Returns the share of the
    way that is kept, None for nothing.
    """
    sets = _validating(dataset, pool, get_recipe(name).hyperparameters)

    def errors(network: keras.Model) -> list[int]:
        return [
            int((predict(network, images)[0].argmax(axis=1) != labels).sum())
            for images, labels in sets
        ]

    standing = errors(registry.load_keras(name))
    return fine_tuning.keep_what_costs_nothing(model, before, lambda: errors(model), standing)


def _validating(
    dataset: Dataset, pool: InkPool, chosen: Hyperparameters
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    _, validation = train_validation_split(dataset, chosen.validation_split, chosen.seed)
    images = as_input(dataset.x_train[np.tile(validation, TIMES)])
    if chosen.augmentation is not None:
        random = np.random.default_rng(chosen.seed)
        images = augment(images[..., 0], chosen.augmentation, random)[..., np.newaxis]
    real = pool.validation_labels != NOT_A_DIGIT
    return (
        (images, dataset.y_train[np.tile(validation, TIMES)]),
        (as_input(pool.validation_images[real]), pool.validation_labels[real]),
    )


def conclude(
    name: str,
    stage: str,
    model: keras.Model,
    before: list[np.ndarray],
    dataset: Dataset,
    pool: InkPool,
    how: dict[str, Any],
    begun: float,
) -> None:
    """Keep what costs nothing of it, and write the network into its own place.

    before: as for `keep_what_costs_nothing`; stage, how: as for `finish`; begun: when, by
    `time.perf_counter`. Ends the program where nothing can be kept.
    """
    share = keep_what_costs_nothing(name, model, before, dataset, pool)
    if share is None:
        sys.exit(f"Nothing of that can be kept: {name!r} stays as it was.")
    how |= {"kept_share": share, "seconds": round(time.perf_counter() - begun)}
    finish(name, stage, model, dataset, pool, how, reads_otherwise=True)


def check_steps(parser: argparse.ArgumentParser, steps: int) -> None:
    """End the program where so many batches are not whole epochs."""
    if steps < EPOCH or steps % EPOCH:
        parser.error(f"--steps must be a multiple of {EPOCH}.")


def main() -> None:
    """Go on with a network that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=registry.SLOTS)
    parser.add_argument("--steps", type=int, help=f"batches, a multiple of {EPOCH}")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    name, seed, settings = arguments.network, arguments.seed, SETTINGS[arguments.network]
    if arguments.steps is not None:
        check_steps(parser, arguments.steps)
        settings = dataclasses.replace(settings, steps=arguments.steps)
    dataset, begun = load_mnist(), time.perf_counter()
    pool = ink_pool(get_recipe(name).hyperparameters.seed)
    model = polish(name, dataset, pool, settings, seed)
    how = dataclasses.asdict(settings) | {
        "seed": seed,
        "command": f"python -m mnist_core.training.polish {name} --steps {settings.steps} "
        f"--seed {seed}",
    }
    before = registry.load_keras(name).get_weights()
    conclude(name, "polished", model, before, dataset, pool, how, begun)


if __name__ == "__main__":
    main()
