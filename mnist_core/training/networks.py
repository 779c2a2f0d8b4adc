"""The networks of the recipes, in Keras. Loads TensorFlow: imported by `Recipe.build`, and by what
looks into a network.

Every network reads (n, 28, 28, 1) float32 in [0, 1] and answers ten probabilities. Those of
this project answer a dictionary: "digit" (n, 10), and "is_digit" (n, 1), how much the image
looks like one digit.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, regularizers

from mnist_core.training.hyperparameters import Hyperparameters

DENSE_UNITS = (1280, 704)


def softmax(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 10. The source ends in a sigmoid; softmax makes the ten answers probabilities."""
    return _sequential("softmax", [layers.Flatten(), _answer(hyperparameters)])


def dense_100(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 100 -> 10. The source ends in a sigmoid, as part 1 does."""
    regularizer = _regularizer(hyperparameters)
    hidden = layers.Dense(100, activation="relu", kernel_regularizer=regularizer)
    return _sequential(
        "dense-100",
        [layers.Flatten(), hidden, *_dropout(hyperparameters), _answer(hyperparameters)],
    )


def dense_deep(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 1024 relu -> 128 tanh -> dropout -> 64 relu -> 10."""
    regularizer = _regularizer(hyperparameters)
    return _sequential(
        "dense-deep",
        [
            layers.Flatten(),
            layers.Dense(1024, activation="relu", kernel_regularizer=regularizer),
            layers.Dense(128, activation="tanh", kernel_regularizer=regularizer),
            *_dropout(hyperparameters),
            layers.Dense(64, activation="relu", kernel_regularizer=regularizer),
            _answer(hyperparameters),
        ],
    )


def cnn_5x5(hyperparameters: Hyperparameters) -> keras.Model:
    """Two 5x5 convolutions of 32 and 64 channels, dropout after each stage."""
    regularizer = _regularizer(hyperparameters)
    stages: list[keras.Layer] = []
    for channels in (32, 64):
        stages += [
            layers.Conv2D(
                channels, 5, padding="same", activation="relu", kernel_regularizer=regularizer
            ),
            layers.MaxPooling2D(),
            *_dropout(hyperparameters),
        ]
    hidden = layers.Dense(128, activation="relu", kernel_regularizer=regularizer)
    return _sequential(
        "cnn-5x5",
        [
            *stages,
            layers.Flatten(),
            hidden,
            *_dropout(hyperparameters),
            _answer(hyperparameters),
        ],
    )


def cnn_3x3(hyperparameters: Hyperparameters) -> keras.Model:
    """Three 3x3 convolutions of 32, 64 and 64 channels, then 64 -> 10."""
    regularizer = _regularizer(hyperparameters)
    return _sequential(
        "cnn-3x3",
        [
            layers.Conv2D(32, 3, activation="relu", kernel_regularizer=regularizer),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer=regularizer),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer=regularizer),
            layers.Flatten(),
            layers.Dense(64, activation="relu", kernel_regularizer=regularizer),
            *_dropout(hyperparameters),
            _answer(hyperparameters),
        ],
    )


def cnn_128(hyperparameters: Hyperparameters) -> keras.Model:
    """Three 3x3 convolutions of 128, 64 and 64 channels, dropout after the first two."""
    regularizer = _regularizer(hyperparameters)
    return _sequential(
        "cnn-128",
        [
            layers.Conv2D(128, 3, activation="relu", kernel_regularizer=regularizer),
            layers.MaxPooling2D(),
            *_dropout(hyperparameters),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer=regularizer),
            layers.MaxPooling2D(),
            *_dropout(hyperparameters),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer=regularizer),
            layers.Flatten(),
            layers.Dense(128, activation="relu", kernel_regularizer=regularizer),
            _answer(hyperparameters),
        ],
    )


def fast(hyperparameters: Hyperparameters) -> keras.Model:
    """A cheap strided first layer, pooled, then batch-normalised convolutions of 7x7 cells."""
    return _sequential(
        "fast",
        [
            *_convolution(hyperparameters, 16, 5, strides=2),
            layers.MaxPooling2D(),
            *_convolution(hyperparameters, 32, 3),
            *_convolution(hyperparameters, 64, 3),
            layers.Flatten(),
            *_dropout(hyperparameters),
            _answer(hyperparameters),
        ],
    )


def dense(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 1280 -> 704 -> 10, batch-normalised; every pixel a number without a place."""
    image = _image()
    x = layers.Flatten()(image)
    for units in DENSE_UNITS:
        x = layers.Dense(units, use_bias=False, kernel_regularizer=_regularizer(hyperparameters))(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        for layer in _dropout(hyperparameters):
            x = layer(x)
    return _two_answers("dense", image, x)


def cnn(hyperparameters: Hyperparameters) -> keras.Model:
    """Two small residual networks (He et al. 2016) side by side, 46 million multiply-adds an
    image, whose answers are averaged: columns that see the image at other scales, with kernels
    of other sizes, err on other images (Ciresan et al. 2012, An et al. 2020)."""
    image = _image()
    columns = (
        _column("narrow", hyperparameters, stem=5, kernel=3, channels=(64, 96)),
        _column("broad", hyperparameters, stem=7, kernel=5, channels=(40, 64)),
    )
    answers = [column(image) for column in columns]
    both = {name: layers.Average(name=name)([answer[name] for answer in answers])
            for name in ("digit", "is_digit")}  # fmt: skip
    return keras.Model(image, both, name="cnn")


def columns(model: keras.Model) -> list[keras.Model]:
    """Return the networks within one that read the image side by side; itself where it has none."""
    return [layer for layer in model.layers if isinstance(layer, keras.Model)] or [model]


def _column(
    name: str, hyperparameters: Hyperparameters, stem: int, kernel: int, channels: tuple[int, int]
) -> keras.Model:
    """Convolve at full, half and a quarter of the resolution; weigh the last cells by place.

    stem: size of the first convolution; kernel: of those in the two residual blocks; channels: of
    the blocks.
    """
    image = _image()
    x = _apply(_convolution(hyperparameters, 32, stem, padding="valid"), image)
    for width in channels:
        x = _apply(_convolution(hyperparameters, width, kernel, strides=2), x)
        shortcut = x
        x = _apply(_convolution(hyperparameters, width, kernel), x)
        x = _apply(_convolution(hyperparameters, width, kernel), x)
        x = layers.Add()([x, shortcut])
    # Plain average pooling would forget where in the picture a feature stood.
    x = layers.DepthwiseConv2D(x.shape[1], depth_multiplier=2)(x)
    x = layers.Flatten()(x)
    x = layers.BatchNormalization()(x)
    for layer in _dropout(hyperparameters):
        x = layer(x)
    return _two_answers(name, image, x)


def _image() -> Any:
    return keras.Input((28, 28, 1), name="image")


def _sequential(name: str, stack: list[Any]) -> keras.Model:
    return keras.Sequential([_image(), *stack], name=name.replace("-", "_"))


def _two_answers(name: str, image: Any, features: Any) -> keras.Model:
    answers = {
        "digit": layers.Dense(10, activation="softmax", name="digit")(features),
        "is_digit": layers.Dense(1, activation="sigmoid", name="is_digit")(features),
    }
    return keras.Model(image, answers, name=name)


def _answer(hyperparameters: Hyperparameters) -> Any:
    return layers.Dense(10, activation="softmax", kernel_regularizer=_regularizer(hyperparameters))


def _regularizer(hyperparameters: Hyperparameters) -> Any:
    return regularizers.L2(hyperparameters.l2) if hyperparameters.l2 else None


def _dropout(hyperparameters: Hyperparameters) -> list[Any]:
    return [] if hyperparameters.dropout is None else [layers.Dropout(hyperparameters.dropout)]


def _convolution(
    hyperparameters: Hyperparameters,
    channels: int,
    size: int,
    strides: int = 1,
    padding: str = "same",
) -> list[Any]:
    return [
        layers.Conv2D(
            channels,
            size,
            strides=strides,
            padding=padding,
            use_bias=False,  # batch normalisation has its own
            kernel_regularizer=_regularizer(hyperparameters),
        ),
        # Keras's momentum of 0.99 needs a thousand steps; short trainings have a few hundred.
        layers.BatchNormalization(momentum=0.95),
        layers.Activation("relu"),
    ]


def _apply(stack: list[Any], x: Any) -> Any:
    for layer in stack:
        x = layer(x)
    return x
