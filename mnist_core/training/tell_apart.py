"""Teach a shipped network anew what is no digit; which digit it reads stays as it is.

    python -m mnist_core.training.tell_apart dense

Only the layer that answers "is this a digit" changes, in each column of the network: a logistic
regression on what the layers before it make of MNIST, of drawn digits and of what is no digit,
each image changed at random as in training. Layers that read digits are not touched, so no
answer, probability or temperature moves. Writes the network into its own place with a new card;
validation data says whether that is better. Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mnist_core.data.mnist import Dataset, load_mnist, train_validation_split
from mnist_core.errors import ModelError
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry
from mnist_core.training.augmentation import augment
from mnist_core.training.batches import as_input
from mnist_core.training.hyperparameters import Hyperparameters
from mnist_core.training.ink_pool import InkPool, ink_pool
from mnist_core.training.networks import columns
from mnist_core.training.recipes import get_recipe
from mnist_core.training.stages import finish

LAYER = "is_digit"
# Of 1e-5 to 0.3, what turned most letters of 26 handwriting fonts away for `dense` with 97 % of
# their digits let in.
L2 = 0.01
_AT_ONCE = 250


@dataclass(frozen=True)
class Counts:
    """How many images are learnt from."""

    mnist: int = 16_000
    drawn: int = 16_000
    others: int = 20_000


def examples(
    dataset: Dataset, pool: InkPool, chosen: Hyperparameters, counts: Counts
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28, 1) float32 in [0, 1], none of them validating, and which of them
    are digits, (n,) bool."""
    random = np.random.default_rng(chosen.seed)
    train, _ = train_validation_split(dataset, chosen.validation_split, chosen.seed, chosen.share)
    no_digit = pool.labels == NOT_A_DIGIT

    def some(indices: np.ndarray, count: int) -> np.ndarray:
        return random.choice(indices, min(count, len(indices)), replace=False)

    digits = [
        dataset.x_train[some(train, counts.mnist)],
        pool.images[some(np.flatnonzero(~no_digit), counts.drawn)],
    ]
    others = pool.images[some(np.flatnonzero(no_digit), counts.others)]
    images = as_input(np.concatenate([*digits, others]))
    if chosen.augmentation is not None:
        for start in range(0, len(images), _AT_ONCE):
            part = images[start : start + _AT_ONCE, ..., 0]
            images[start : start + _AT_ONCE, ..., 0] = augment(part, chosen.augmentation, random)
    return images, np.arange(len(images)) < len(images) - len(others)


def tell_apart(model: keras.Model, images: np.ndarray, is_digit: np.ndarray) -> None:
    """Fit the layer of each column that tells digits from the rest, in place.

    images: (n, 28, 28, 1) float32; is_digit: (n,) bool. Raises ModelError where the network has
    no such layer.
    """
    for column in columns(model):
        if LAYER not in {layer.name for layer in column.layers}:
            raise ModelError(f"{model.name!r} does not tell digits from the rest.")
        layer = column.get_layer(LAYER)
        before = keras.Model(column.inputs[0], layer.input)
        features = np.concatenate(
            [
                np.asarray(before.predict_on_batch(images[start : start + _AT_ONCE]))
                for start in range(0, len(images), _AT_ONCE)
            ]
        )
        layer.set_weights(logistic_regression(features, is_digit))


def logistic_regression(features: np.ndarray, is_digit: np.ndarray) -> list[np.ndarray]:
    """Return weights (k, 1) and bias (1,) that tell both classes apart, each of half the weight.

    features: (n, k); is_digit: (n,) bool. Penalised by `L2` in units of each feature's spread.
    """
    scaler = StandardScaler().fit(features)
    regression = LogisticRegression(
        C=1 / (L2 * len(features)), class_weight="balanced", max_iter=10_000
    ).fit(scaler.transform(features), is_digit)
    weights = regression.coef_[0] / scaler.scale_
    return [weights[:, np.newaxis], regression.intercept_ - scaler.mean_ @ weights]


def main() -> None:
    """Teach a shipped network what is no digit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=registry.SLOTS)
    for kind, usual in vars(Counts()).items():
        parser.add_argument(f"--{kind}", type=int, default=usual, help="images (%(default)s)")
    arguments = parser.parse_args()
    name = arguments.network
    counts = Counts(arguments.mnist, arguments.drawn, arguments.others)
    chosen, dataset = get_recipe(name).hyperparameters, load_mnist()
    pool, begun = ink_pool(chosen.seed), time.process_time()
    model = registry.load_keras(name)
    tell_apart(model, *examples(dataset, pool, chosen, counts))
    how = {
        "images": vars(counts),
        "l2": L2,
        "cpu_seconds": round(time.process_time() - begun),
        "command": f"python -m mnist_core.training.tell_apart {name}"
        + "".join(f" --{kind} {count}" for kind, count in vars(counts).items()),
    }
    finish(name, "told_apart", model, dataset, pool, how, reads_otherwise=False)


if __name__ == "__main__":
    main()
