"""What a network sees in one step: images, changed and mixed at random, and their labels."""

from __future__ import annotations

import math

import keras
import numpy as np

from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.training.augmentation import augment
from mnist_core.training.hyperparameters import Augmentation
from mnist_core.training.ink_pool import InkPool

# Of a batch with pen strokes: MNIST, drawn digits, what is no digit.
MNIST_SHARE, DRAWN_SHARE = 0.70, 0.20


def as_input(images: np.ndarray) -> np.ndarray:
    """Return uint8 (n, 28, 28) as float32 (n, 28, 28, 1) in [0, 1]."""
    return (images.astype(np.float32) / np.float32(255))[..., np.newaxis]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Return labels 0 to 9 as (n, 10) float32; any other label is a row of zeros."""
    return (labels[:, np.newaxis] == np.arange(10)).astype(np.float32)


class AugmentedBatches(keras.utils.PyDataset):
    """The training images in a new order each epoch, each changed at random."""

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        augmentation: Augmentation | None,
        batch_size: int,
        seed: int,
        first_epoch: int = 0,
    ) -> None:
        super().__init__(workers=1)
        self.images, self.labels = images, labels
        self.augmentation, self.batch_size, self.seed = augmentation, batch_size, seed
        self.epoch = first_epoch
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, step: int):
        chosen = self.order[step * self.batch_size : (step + 1) * self.batch_size]
        random = np.random.default_rng((self.seed, self.epoch, step))
        return self._changed(self.images[chosen], random), one_hot(self.labels[chosen])

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.images))

    def _changed(self, images: np.ndarray, random: np.random.Generator) -> np.ndarray:
        batch = as_input(images)
        if self.augmentation is None:
            return batch
        return augment(batch[..., 0], self.augmentation, random)[..., np.newaxis]


class MixedBatches(AugmentedBatches):
    """Training images, drawn digits and non-digits in fixed shares; an epoch sees every
    training image once."""

    def __init__(self, *arguments, pool: InkPool, **options) -> None:
        self.pool = pool
        self.digits = np.flatnonzero(pool.labels != NOT_A_DIGIT)
        self.others = np.flatnonzero(pool.labels == NOT_A_DIGIT)
        super().__init__(*arguments, **options)
        self.from_mnist = max(1, round(self.batch_size * MNIST_SHARE))
        self.drawn = max(1, round(self.batch_size * DRAWN_SHARE))

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.from_mnist)

    def __getitem__(self, step: int):
        random = np.random.default_rng((self.seed, self.epoch, step))
        chosen = self.order[step * self.from_mnist : (step + 1) * self.from_mnist]
        drawn = random.choice(self.digits, self.drawn)
        others = random.choice(self.others, max(1, self.batch_size - self.from_mnist - self.drawn))
        pooled = np.concatenate([drawn, others])
        images = np.concatenate([self.images[chosen], self.pool.images[pooled]])
        labels = np.concatenate([self.labels[chosen], self.pool.labels[pooled]])
        is_digit = (labels != NOT_A_DIGIT).astype(np.float32)[:, np.newaxis]
        targets = {"digit": one_hot(labels), "is_digit": is_digit}
        # What is no digit teaches nothing about which digit it is.
        weights = {"digit": is_digit[:, 0], "is_digit": np.ones(len(labels), np.float32)}
        return self._changed(images, random), targets, weights
