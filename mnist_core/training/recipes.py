"""Named recipes: a network, its hyperparameters, where they come from and what that source reports.

A table without Keras: the networks themselves are in `networks`, by the name that a row gives.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.errors import RecipeError
from mnist_core.training.hyperparameters import Augmentation, Hyperparameters, nearest

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
    network: str  # the function of `networks` that builds it
    needs_strokes: bool = False  # trained on pen strokes and non-digits beside the images

    def build(self, hyperparameters: Hyperparameters | None = None) -> keras.Model:
        """Return the untrained Keras model; what it reads and answers stands in `networks`."""
        from mnist_core.training import networks

        return getattr(networks, self.network)(hyperparameters or self.hyperparameters)


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
            "softmax",
        ),
        Recipe(
            "dense-100",
            "One hidden layer of 100 units between the pixels and the answer.",
            SOORYA_2,
            0.9759,
            79_510,
            Hyperparameters(epochs=5, batch_size=32),
            "dense_100",
        ),
        Recipe(
            "dense-deep",
            "Three hidden layers of 1024, 128 and 64 units with a little dropout.",
            KERAS_TUTORIAL,
            0.9811,
            943_946,
            Hyperparameters(epochs=10, batch_size=64, dropout=0.05),
            "dense_deep",
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
            "cnn_5x5",
        ),
        Recipe(
            "cnn-3x3",
            "Three 3x3 convolutions, the classic small CNN.",
            ABRAHAM,
            0.9892,
            93_322,
            _ABRAHAM,
            "cnn_3x3",
        ),
        Recipe(
            "cnn-3x3-l2",
            "The small CNN with large weights made costly (L2).",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, l2=1e-4),
            "cnn_3x3",
        ),
        Recipe(
            "cnn-3x3-dropout",
            "The small CNN with a fifth of its last features switched off at random.",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, dropout=0.2),
            "cnn_3x3",
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
            "cnn_3x3",
        ),
        Recipe(
            "cnn-3x3-early-stopping",
            "The small CNN stopped once two epochs bring no better validation accuracy.",
            ABRAHAM,
            None,
            93_322,
            dataclasses.replace(_ABRAHAM, patience=2, monitor="val_accuracy"),
            "cnn_3x3",
        ),
        Recipe(
            "cnn-128",
            "Three convolutions that start wide, in small batches.",
            SONAKSHI,
            0.991,
            187_146,
            Hyperparameters(epochs=10, batch_size=16, dropout=0.5),
            "cnn_128",
        ),
        Recipe(
            "fast",
            "A CNN made to be trained while a room watches: 99% in some 10 s on two cores.",
            THIS_PROJECT,
            None,
            55_258,
            Hyperparameters(
                epochs=2,
                batch_size=256,
                learning_rate=0.016,
                schedule="one-cycle",
                label_smoothing=0.05,
            ),
            "fast",
        ),
        Recipe(
            "dense",
            "The dense network of the Draw page, trained on images and pen strokes.",
            THIS_PROJECT,
            None,
            1_920_331,
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
            "dense",
            needs_strokes=True,
        ),
        Recipe(
            "cnn",
            "The CNN of the Draw page, trained on images and pen strokes.",
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
            "cnn",
            needs_strokes=True,
        ),
    )
}


def get_recipe(name: str) -> Recipe:
    """Return a recipe by name. Raises RecipeError, with the nearest name, for an unknown one."""
    if name in RECIPES:
        return RECIPES[name]
    raise RecipeError(
        f"There is no recipe {name!r}; {nearest(name, RECIPES)}"
        "`python -m mnist_core recipes` lists them all."
    )
