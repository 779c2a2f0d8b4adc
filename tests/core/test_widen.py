"""Wider networks that answer as the narrow ones did."""

import keras
import numpy as np
from keras import layers

from mnist_core.training.widen import widen


def network(*units: int) -> keras.Model:
    image = keras.Input((28, 28, 1))
    x = layers.Flatten()(image)
    for n in units:
        x = layers.Dense(n, use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    answers = {"digit": layers.Dense(10, activation="softmax")(x), "is_digit": layers.Dense(1)(x)}
    return keras.Model(image, answers)


def test_a_wider_network_answers_what_the_narrow_one_did_and_has_units_to_learn_with():
    keras.utils.set_random_seed(5)
    images = np.random.default_rng(5).random((200, 28, 28, 1), np.float32)
    narrow, wide = network(12, 8), network(20, 11)
    narrow.compile("adam", {"digit": "sparse_categorical_crossentropy", "is_digit": "mse"})
    narrow.fit(images, {"digit": np.arange(200) % 10, "is_digit": np.ones(200)}, verbose=0)
    widen(narrow, wide, images)
    before, after = narrow.predict(images, verbose=0), wide.predict(images, verbose=0)
    for name, answers in before.items():
        np.testing.assert_allclose(after[name], answers, atol=1e-5)
    hidden = [one for one in wide.layers if isinstance(one, layers.BatchNormalization)]
    for layer, known in zip(hidden, (12, 8), strict=True):
        made = keras.Model(wide.inputs[0], layer.output).predict(images, verbose=0)[:, known:]
        np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(made.std(axis=0), 1, atol=0.1)
