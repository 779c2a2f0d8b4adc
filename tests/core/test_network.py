"""A network read off its file and run step by step says what Keras says."""

import numpy as np
import pytest

from mnist_core.errors import ModelError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry
from mnist_core.models.keras_file import read_network
from tests.random_networks import RECIPES_OF_EACH_KIND, save_random_network


@pytest.fixture(scope="module")
def images():
    return np.array([mnist_image(draw_strokes(one.strokes)) for one in EXAMPLES])


@pytest.mark.parametrize("name", ["dense", "cnn"])
def test_the_networks_that_ship_answer_as_keras_does(name, images):
    model = registry.load_keras(name)
    said = model.predict(images[..., np.newaxis], verbose=0)
    network = read_network(name)
    outputs = network.run(images)
    np.testing.assert_allclose(outputs[network.digit], said["digit"], atol=1e-5)
    np.testing.assert_allclose(outputs[network.is_digit], said["is_digit"], atol=1e-5)


@pytest.mark.parametrize("recipe", RECIPES_OF_EACH_KIND)
def test_every_recipes_layers_are_known(recipe, images, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    model = save_random_network(recipe)
    said = model.predict(images[..., np.newaxis], verbose=0)
    said = said["digit"] if isinstance(said, dict) else said
    assert said.std(axis=0).max() > 0.001  # random, but not the same for every image
    network = read_network(recipe)
    np.testing.assert_allclose(network.probabilities(images), said, atol=2e-5)


def test_a_layer_that_only_keras_knows_is_named(tmp_path, monkeypatch):
    import keras

    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(2.0),
                              keras.layers.Flatten(), keras.layers.Dense(10)])  # fmt: skip
    save_random_network("own", model)
    with pytest.raises(ModelError, match="its layer Rescaling cannot be read without Keras"):
        read_network("own")


def test_another_file_than_the_cards_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    save_random_network("softmax")
    with (registry.model_dir("softmax") / registry.KERAS_FILE).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="not the file that the card describes"):
        read_network("softmax")


def test_a_cut_channel_is_nought_and_what_is_known_is_not_computed_again(images):
    network = read_network("cnn")
    whole = network.run(images[:2])
    cut = network.run(images[:2], cuts={1: np.array([3, 5])})
    assert not cut[1][..., [3, 5]].any()
    np.testing.assert_array_equal(cut[1][..., 4], whole[1][..., 4])
    assert not np.array_equal(cut[network.digit], whole[network.digit])
    np.testing.assert_array_equal(cut[15], whole[15])  # the other column
    again = network.run(images[:2], known=dict.fromkeys([network.digit], np.zeros((2, 10))))
    assert not again[network.digit].any()


def test_the_cnn_takes_as_many_multiply_adds_as_its_recipe_says():
    counts = [
        step.weights.size * (np.prod(step.shape[:2]) if len(step.shape) == 3 else 1)
        for step in read_network("cnn").steps
        if step.weights is not None
    ]
    assert sum(counts) == pytest.approx(46e6, rel=0.01)
