"""The recipes of the field, at the size and in the order that their sources give."""

import numpy as np
import pytest

from mnist_core.errors import RecipeError
from mnist_core.training.hyperparameters import Augmentation, Hyperparameters, override
from mnist_core.training.recipes import RECIPES, get_recipe

CONV, POOL, DROP, FLAT, DENSE = "Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense"
CNN_3X3 = [CONV, POOL, CONV, POOL, CONV, FLAT, DENSE, DENSE]
# Layers and parameters as the sources' tables list them.
PUBLISHED = {
    "softmax": (7_850, [FLAT, DENSE]),
    "dense-100": (79_510, [FLAT, DENSE, DENSE]),
    "dense-deep": (943_946, [FLAT, DENSE, DENSE, DROP, DENSE, DENSE]),
    "cnn-5x5": (454_922, [CONV, POOL, DROP, CONV, POOL, DROP, FLAT, DENSE, DROP, DENSE]),
    "cnn-3x3": (93_322, CNN_3X3),
    "cnn-3x3-l2": (93_322, CNN_3X3),
    "cnn-3x3-dropout": (93_322, [*CNN_3X3[:-1], DROP, DENSE]),
    "cnn-3x3-augmented": (93_322, CNN_3X3),
    "cnn-3x3-early-stopping": (93_322, CNN_3X3),
    "cnn-128": (187_146, [CONV, POOL, DROP, CONV, POOL, DROP, CONV, FLAT, DENSE, DENSE]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers_and_parameters_are_those_of_the_source(name):
    model = get_recipe(name).build()
    parameters, layers = PUBLISHED[name]
    assert model.count_params() == parameters == RECIPES[name].parameters
    assert [type(layer).__name__ for layer in model.layers] == layers


@pytest.mark.parametrize("name", ["fast", "dense", "cnn"])
def test_our_own_networks_have_the_parameters_that_they_say(name):
    recipe = get_recipe(name)
    assert recipe.build().count_params() == recipe.parameters <= 2_000_000


def test_the_cnn_answers_the_mean_of_its_columns():
    model = get_recipe("cnn").build()
    images = np.random.default_rng(1).random((4, 28, 28, 1), np.float32)
    columns = [model.get_layer(name)(images) for name in ("narrow", "broad")]
    for name, answer in model(images).items():
        mean = (columns[0][name] + columns[1][name]) / 2
        np.testing.assert_allclose(answer, mean, atol=1e-6)
    assert not np.allclose(columns[0]["digit"], columns[1]["digit"], atol=1e-3)


def test_hyperparameters_are_those_of_the_sources():
    augmented = RECIPES["cnn-3x3-augmented"].hyperparameters.augmentation
    assert (augmented.rotation_degrees, augmented.shift, augmented.zoom) == (40, 0.2, 0.2)
    assert augmented.horizontal_flip
    assert RECIPES["cnn-3x3-l2"].hyperparameters.l2 == 1e-4
    early = RECIPES["cnn-3x3-early-stopping"].hyperparameters
    assert (early.monitor, early.patience) == ("val_accuracy", 2)
    wide = RECIPES["cnn-128"].hyperparameters
    assert (wide.epochs, wide.batch_size, wide.learning_rate) == (10, 16, 0.001)
    madey = RECIPES["cnn-5x5"].hyperparameters
    assert (madey.epochs, madey.patience, madey.validation_split) == (100, 8, 0.2)


def test_an_unknown_recipe_suggests_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'cnn-3x3'"):
        get_recipe("cnn-3x4")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 2.5}, "whole number"),
        ({"batch_size": True}, "batch_size is True"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"dropout": 1}, "dropout is 1"),
        ({"share": 0}, "share is 0"),
        ({"validation_split": 0.9}, "validation_split is 0.9"),
        ({"optimizer": "adan"}, "one of adam"),
        ({"augmentation": {"rotation": 3}}, "did you mean 'rotation_degrees'"),
        ({"augmentation": {"shift": 2}}, "shift is 2"),
    ],
)
def test_impossible_values_are_named(changes, words):
    with pytest.raises(RecipeError, match=words):
        override(Hyperparameters(), **changes)


def test_possible_values_are_taken():
    changed = override(Hyperparameters(), epochs=3, dropout=None, augmentation={"shift": 0.1})
    assert (changed.epochs, changed.dropout) == (3, None)
    assert changed.augmentation == Augmentation(shift=0.1)
