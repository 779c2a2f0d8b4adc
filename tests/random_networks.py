"""Networks with random weights in folders of their own, for tests of whoever reads models."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.training.recipes import get_recipe

RECIPES_OF_EACH_KIND = (
    "softmax", "dense-100", "dense-deep", "cnn-5x5", "cnn-3x3", "cnn-3x3-dropout", "cnn-128",
    "fast", "dense", "cnn",
)  # fmt: skip
# Small variances, as of activations that random kernels make.
_RANGES = {
    "bias": (-0.2, 0.2),
    "gamma": (0.5, 1.5),
    "beta": (-0.3, 0.3),
    "moving_mean": (-0.1, 0.1),
    "moving_variance": (0.02, 0.06),
}


def save_random_network(name: str, model: Any = None, temperature: float = 1.0) -> Any:
    """Save a recipe's network as the run of that name; return the Keras model.

    Biases and batch statistics are random too: fresh ones are 0 and 1, and hide mistakes.
    """
    model = get_recipe(name).build() if model is None else model
    random = np.random.default_rng(1)
    for weight in model.weights:
        least, most = _RANGES.get(weight.path.rsplit("/", 1)[-1], (None, None))
        if least is not None:
            weight.assign(random.uniform(least, most, weight.shape))
    # "dense" and "cnn" have folders of their own, others are runs.
    folder = registry.model_dir(name)
    folder.mkdir(parents=True)
    path = folder / registry.KERAS_FILE
    model.save(path)
    card = {"name": name, "recipe": name, "temperature": temperature}
    write_json(folder / registry.CARD_FILE, card | {"tflite_of": registry.file_digest(path)})
    return model
