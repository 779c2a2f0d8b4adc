"""Named recipes: a network, its hyperparameters, where they come from and what that source reports.

Every network reads (n, 28, 28, 1) float32 in [0, 1] and answers ten probabilities. Those of
this project answer a dictionary: "digit" (n, 10), and "is_digit" (n, 1), how much the image
looks like one digit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.errors import RecipeError
from mnist_core.hyperparameters import Augmentation, Hyperparameters, nearest

if TYPE_CHECKING:
    import keras

SOORYA_1 = "M. Soorya, 2021, part 1"
SOORYA_2 = "M. Soorya, 2021, part 2"
KERAS_TUTORIAL = "a Keras tutorial on a densely connected network"
MADEY = "madey, 2021"
ABRAHAM = "T. Abraham, 2021"
SONAKSHI = "SonakshiA, Handwritten-Digit-Classification"
THIS_PROJECT = "this project"


@dataclass(frozen=True)
class Recipe:
    """A network that can be trained by name."""

    name: str
    summary: str
    source: str
    reported_accuracy: float | None  # on the 10,000 test images, as the source says
    parameters: int
    hyperparameters: Hyperparameters
    network: Callable[[Hyperparameters], keras.Model]
    needs_strokes: bool = False  # trained on pen strokes and non-digits beside the images

    def build(self, hyperparameters: Hyperparameters | None = None) -> keras.Model:
        """Return the untrained Keras model."""
        return self.network(hyperparameters or self.hyperparameters)


def softmax(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 10. The source ends in a sigmoid; softmax makes the ten answers probabilities."""
    from keras import layers

    return _sequential("softmax", [layers.Flatten(), _answer(hyperparameters)])


def dense_100(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 100 -> 10. The source ends in a sigmoid, as part 1 does."""
    from keras import layers

    regularizer = _regularizer(hyperparameters)
    hidden = layers.Dense(100, activation="relu", kernel_regularizer=regularizer)
    return _sequential(
        "dense-100",
        [layers.Flatten(), hidden, *_dropout(hyperparameters), _answer(hyperparameters)],
    )


def dense_deep(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 1024 relu -> 128 tanh -> dropout -> 64 relu -> 10."""
    from keras import layers

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
    from keras import layers

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
    from keras import layers

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
    from keras import layers

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
    from keras import layers

    return _sequential(
        "fast",
        [
            *_convolution(hyperparameters, 24, 5, strides=2),
            layers.MaxPooling2D(),
            *_convolution(hyperparameters, 48, 3),
            *_convolution(hyperparameters, 64, 3),
            layers.Flatten(),
            *_dropout(hyperparameters),
            _answer(hyperparameters),
        ],
    )


def dense(hyperparameters: Hyperparameters) -> keras.Model:
    """784 -> 1024 -> 512 -> 10, batch-normalised; every pixel a number without a place."""
    from keras import layers

    image = _image()
    x = layers.Flatten()(image)
    for units in (1024, 512):
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
    import keras
    from keras import layers

    image = _image()
    columns = (
        _column("narrow", hyperparameters, stem=5, kernel=3, channels=(64, 96)),
        _column("broad", hyperparameters, stem=7, kernel=5, channels=(40, 64)),
    )
    answers = [column(image) for column in columns]
    both = {name: layers.Average(name=name)([answer[name] for answer in answers])
            for name in ("digit", "is_digit")}  # fmt: skip
    return keras.Model(image, both, name="cnn")


def _column(
    name: str, hyperparameters: Hyperparameters, stem: int, kernel: int, channels: tuple[int, int]
) -> keras.Model:
    """Convolve at full, half and a quarter of the resolution; weigh the last cells by place.

    stem: size of the first convolution; kernel: of those in the two residual blocks; channels: of
    the blocks.
    """
    from keras import layers

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


def get_recipe(name: str) -> Recipe:
    """Return a recipe by name. Raises RecipeError, with the nearest name, for an unknown one."""
    if name in RECIPES:
        return RECIPES[name]
    raise RecipeError(
        f"There is no recipe {name!r}; {nearest(name, RECIPES)}"
        "`python -m mnist_core recipes` lists them all."
    )


def _image() -> Any:
    import keras

    return keras.Input((28, 28, 1), name="image")


def _sequential(name: str, stack: list[Any]) -> keras.Model:
    import keras

    return keras.Sequential([_image(), *stack], name=name.replace("-", "_"))


def _two_answers(name: str, image: Any, features: Any) -> keras.Model:
    import keras
    from keras import layers

    answers = {
        "digit": layers.Dense(10, activation="softmax", name="digit")(features),
        "is_digit": layers.Dense(1, activation="sigmoid", name="is_digit")(features),
    }
    return keras.Model(image, answers, name=name)


def _answer(hyperparameters: Hyperparameters) -> Any:
    from keras import layers

    return layers.Dense(10, activation="softmax", kernel_regularizer=_regularizer(hyperparameters))


def _regularizer(hyperparameters: Hyperparameters) -> Any:
    from keras import regularizers

    return regularizers.L2(hyperparameters.l2) if hyperparameters.l2 else None


def _dropout(hyperparameters: Hyperparameters) -> list[Any]:
    from keras import layers

    return [] if hyperparameters.dropout is None else [layers.Dropout(hyperparameters.dropout)]


def _convolution(
    hyperparameters: Hyperparameters,
    channels: int,
    size: int,
    strides: int = 1,
    padding: str = "same",
) -> list[Any]:
    from keras import layers

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


_ABRAHAM = Hyperparameters(epochs=5, batch_size=32)
# Enough to imitate other hands, too little to turn a 6 into a 9 or a 1 into a 7.
_INK = Augmentation(
    rotation_degrees=10, shift=0.04, shear_degrees=10, zoom=0.1, elastic_px=1.3, thickness=0.1
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "softmax",
            "One layer: each digit is a weighted sum of the pixels.",
            SOORYA_1,
            0.9241,
            7_850,
            Hyperparameters(epochs=5, batch_size=32),
            softmax,
        ),
        Recipe(
            "dense-100",
            "One hidden layer of 100 units between the pixels and the answer.",
            SOORYA_2,
            0.9759,
            79_510,
            Hyperparameters(epochs=5, batch_size=32),
            dense_100,
        ),
        Recipe(
            "dense-deep",
            "Three hidden layers of 1024, 128 and 64 units with a little dropout.",
            KERAS_TUTORIAL,
            0.9811,
            943_946,
            Hyperparameters(epochs=10, batch_size=64, dropout=0.05),
            dense_deep,
        ),
        Recipe(
            "cnn-5x5",
            "Two 5x5 convolutions with much dropout, stopped when validation stops improving.",
            MADEY,
            None,
            454_922,
            Hyperparameters(
                epochs=100, batch_size=32, dropout=0.4, patience=8, validation_split=0.2
            ),
            cnn_5x5,
        ),
        Recipe(
            "cnn-3x3",
            "Three 3x3 convolutions, the classic small CNN.",
            ABRAHAM,
            0.9892,
            93_322,
            _ABRAHAM,
            cnn_3x3,
        ),
        Recipe(
            "cnn-3x3-l2",
            "The small CNN with large weights made costly (L2).",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, l2=1e-4),
            cnn_3x3,
        ),
        Recipe(
            "cnn-3x3-dropout",
            "The small CNN with a fifth of its last features switched off at random.",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, dropout=0.2),
            cnn_3x3,
        ),
        Recipe(
            "cnn-3x3-augmented",
            "The small CNN on images turned, shifted and mirrored; mirrored digits do not help.",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(
                _ABRAHAM,
                augmentation=Augmentation(
                    rotation_degrees=40,
                    shift=0.2,
                    shear_degrees=0.2,  # Keras's generator reads its 0.2 as degrees
                    zoom=0.2,
                    horizontal_flip=True,
                ),
            ),
            cnn_3x3,
        ),
        Recipe(
            "cnn-3x3-early-stopping",
            "The small CNN stopped once two epochs bring no better validation accuracy.",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, patience=2, monitor="val_accuracy"),
            cnn_3x3,
        ),
        Recipe(
            "cnn-128",
            "Three convolutions that start wide, in small batches.",
            SONAKSHI,
            0.991,
            187_146,
            Hyperparameters(epochs=10, batch_size=16, dropout=0.5),
            cnn_128,
        ),
        Recipe(
            "fast",
            "A CNN made to be trained while a room watches: 99 % in some 15 s on two cores.",
            THIS_PROJECT,
            None,
            70_530,
            Hyperparameters(
                epochs=2,
                batch_size=256,
                learning_rate=0.012,
                schedule="one-cycle",
                label_smoothing=0.05,
            ),
            fast,
        ),
        Recipe(
            "dense",
            "The dense network of the Draw page, trained on images and pen strokes.",
            THIS_PROJECT,
            None,
            1_338_891,
            Hyperparameters(
                epochs=20,
                batch_size=128,
                optimizer="adamw",
                learning_rate=0.001,
                schedule="cosine",
                weight_decay=0.01,
                dropout=0.2,
                label_smoothing=0.02,
                augmentation=_INK,
            ),
            dense,
            needs_strokes=True,
        ),
        Recipe(
            "cnn",
            "The convolutional network of the Draw page, trained on images and pen strokes.",
            THIS_PROJECT,
            None,
            716_598,
            Hyperparameters(
                epochs=44,
                batch_size=128,
                optimizer="adamw",
                learning_rate=0.002,
                schedule="cosine",
                weight_decay=0.02,
                dropout=0.3,
                label_smoothing=0.03,
                augmentation=dataclasses.replace(
                    _INK, rotation_degrees=12, shift=0.06, zoom=0.12, elastic_px=1.5
                ),
            ),
            cnn,
            needs_strokes=True,
        ),
    )
}
