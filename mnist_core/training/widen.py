"""Make a network of dense layers wider without changing what it answers (the aim of Net2Net, Chen,
Goodfellow & Shlens 2016): what is learnt goes on, with room for more.

The units that come on top weigh their inputs at random, as in a new network, and count for nothing
in the layer above, which learns to use them. Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import keras
import numpy as np


def widen(narrow: keras.Model, wide: keras.Model, images: np.ndarray) -> None:
    """Let a new network answer what a trained one does.

    wide: the same layers with as many units or more; images: (n, 28, 28, 1) float32, of which the
    batch normalisation of the units on top takes its statistics.
    """
    known, drawn = ([one for one in model.layers if one.weights] for model in (narrow, wide))
    for old, new in zip(known, drawn, strict=True):
        if isinstance(new, keras.layers.Dense):
            _widen_dense(old, new)
        elif isinstance(new, keras.layers.BatchNormalization):
            reaching = keras.Model(wide.inputs[0], new.input).predict(images, verbose=0)
            new.moving_mean.assign(reaching.mean(axis=0))
            new.moving_variance.assign(reaching.var(axis=0))
            new.set_weights([_beside(*pair) for pair in zip(
                old.get_weights(), new.get_weights(), strict=True)])  # fmt: skip


def _widen_dense(old: keras.layers.Dense, new: keras.layers.Dense) -> None:
    kernel, *bias = new.get_weights()
    known, *known_bias = old.get_weights()
    inputs, units = known.shape
    kernel[:inputs, :units] = known
    kernel[inputs:, :units] = 0
    new.set_weights(
        [kernel, *(_beside(was, drawn) for was, drawn in zip(known_bias, bias, strict=True))]
    )


def _beside(known: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return what is known of the first units, and of the others what was drawn."""
    return np.concatenate([known, drawn[len(known) :]])
