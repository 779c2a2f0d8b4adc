"""A small data set and two models whose stored answers are known, for tests of pages."""

import json
from pathlib import Path

import numpy as np

from mnist_core.data.mnist import load_mnist
from mnist_core.models import registry

IMAGES = 400


def make_data(path: Path) -> None:
    """Write a data set in Keras's form: 1,000 training and 400 test images of noise."""
    random = np.random.default_rng(1)
    np.savez(
        path,
        x_train=random.integers(0, 256, (1000, 28, 28)).astype(np.uint8),
        y_train=(np.arange(1000) % 10).astype(np.uint8),
        x_test=random.integers(0, 256, (IMAGES, 28, 28)).astype(np.uint8),
        y_test=(np.arange(IMAGES) % 10).astype(np.uint8),
    )


def answers(mistakes: dict[int, int]) -> np.ndarray:
    """Return (400, 10) probabilities, right everywhere but at index -> answer in `mistakes`."""
    y_pred = np.arange(IMAGES) % 10
    y_pred[list(mistakes)] = list(mistakes.values())
    probabilities = np.full((IMAGES, 10), 0.02, np.float32)
    sure = 0.7 + 0.1 * np.arange(IMAGES) / IMAGES
    probabilities[np.arange(IMAGES), y_pred] = sure
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def make_model(name: str, mistakes: dict[int, int] | None, digest: str | None = None) -> None:
    """Write a model's folder; its weights are no weights, its answers are known or absent."""
    directory = registry.model_dir(name)
    directory.mkdir(parents=True)
    (directory / registry.KERAS_FILE).write_bytes(name.encode())
    card = {"name": name, "recipe": name}
    (directory / registry.CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
    if mistakes is not None:
        dataset = load_mnist()
        stored = registry.Evaluation(
            answers(mistakes), dataset.y_test, digest or dataset.digest, "test"
        )
        registry.save_evaluation(directory, stored)


# Indices end in their label. dense reads three 4s as 9 and a 7 as 1; cnn reads one 4 as 9.
DENSE_MISTAKES = {14: 9, 24: 9, 304: 9, 7: 1}
CNN_MISTAKES = {14: 9}
