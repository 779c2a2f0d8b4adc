"""Why a network answers: against classifiers whose reasons are known, and against Keras."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from mnist_core.analysis import explanation
from mnist_core.analysis.explanation import Inside
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry
from mnist_core.models.classifier import Answer, Classifier
from mnist_core.models.keras_file import read_network
from mnist_core.views import explanation_view
from tests.random_networks import save_random_network


@pytest.fixture
def seven() -> np.ndarray:
    strokes = next(example.strokes for example in EXAMPLES if example.label == 7)
    return mnist_image(draw_strokes(strokes))


def classifier(says_seven) -> Classifier:
    """A classifier that reads a 7 with the probability `says_seven(images)`, else a 1."""

    def network(batch: np.ndarray) -> tuple[np.ndarray, None]:
        probabilities = np.full((len(batch), 10), 1e-3, np.float32)
        probabilities[:, 7] = says_seven(batch[..., 0])
        probabilities[:, 1] = 1 - probabilities[:, 7]
        return probabilities / probabilities.sum(axis=1, keepdims=True), None

    return Classifier("made up", {}, network, "none")


def test_only_ink_that_the_answer_rests_on_is_important():
    rests_on_the_top = classifier(lambda images: 0.1 + 0.8 * (images[:, :10].max(axis=(1, 2)) > 0))
    one_pixel = np.zeros((28, 28), np.float32)
    one_pixel[5, 20] = one_pixel[22, 6] = 1
    importance = explanation.occlusion(rests_on_the_top, one_pixel)
    assert importance[5, 20] > 1  # from 0.9 to 0.1
    np.testing.assert_allclose(importance[22, 6], 0, atol=1e-6)
    assert importance[14, 14] == 0  # no square over it covers ink


def test_ink_that_speaks_against_the_answer_has_a_negative_importance():
    image = np.zeros((28, 28), np.float32)
    image[5, 5] = image[20, 20] = 1
    doubts = classifier(lambda images: 0.9 - 0.3 * (images[:, 20, 20] > 0))
    importance = explanation.occlusion(doubts, image)
    assert importance[20, 20] < 0
    np.testing.assert_allclose(importance[5, 5], 0, atol=1e-6)


def test_a_blank_image_has_no_important_ink():
    assert not explanation.occlusion(classifier(lambda i: 0.9), np.zeros((28, 28), "f4")).any()


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -2), (-9, 9), (28, 0), (0, -28)])
def test_pushing_moves_every_pixel_and_loses_what_leaves(seven, down, right):
    expected = np.zeros_like(seven)
    for row in range(28):
        for column in range(28):
            if 0 <= row - down < 28 and 0 <= column - right < 28:
                expected[row, column] = seven[row - down, column - right]
    np.testing.assert_array_equal(explanation.push(seven, down, right), expected)


def test_the_reach_is_as_far_as_the_answer_holds():
    block = np.zeros((28, 28), np.float32)
    block[12:16, 10:18] = 1
    everywhere = classifier(lambda images: np.full(len(images), 0.9))
    assert explanation.reach(everywhere, block) == explanation.FARTHEST

    def still_near(images: np.ndarray) -> np.ndarray:
        """Whether no ink has moved more than two pixels right, left or up, or one down."""
        outside = images.copy()
        outside[:, 10:17, 8:20] = 0
        return np.where(outside.any(axis=(1, 2)), 0.1, 0.9)

    assert explanation.reach(classifier(still_near), block) == (2 + 2 + 2 + 1) / 4


def test_the_convolutions_maps_are_those_that_keras_computes(seven):
    found = explanation.look_inside(read_network("cnn"), seven)
    model = registry.load_keras("cnn")
    import keras

    by_size = {}
    for column in (layer for layer in model.layers if isinstance(layer, keras.Model)):
        kinds = (layer for layer in column.layers if isinstance(layer, keras.layers.Activation))
        first = keras.Model(column.inputs, next(kinds).output)
        maps = np.moveaxis(first.predict(seven[np.newaxis, ..., np.newaxis], verbose=0)[0], -1, 0)
        by_size[maps.shape] = maps[np.argsort(-maps.std(axis=(1, 2)))]
    assert list(by_size) == [(32, 24, 24), (32, 22, 22)]
    np.testing.assert_allclose(found.early_maps, by_size[32, 24, 24], atol=1e-4)
    assert found.later_maps.shape[1:] == (12, 12)
    assert found.later_maps.min() >= 0
    assert not len(found.weights)


def test_the_dense_networks_units_are_ordered_by_what_keras_says_excites_them(seven):
    found = explanation.look_inside(read_network("dense"), seven)
    model = registry.load_keras("dense")
    import keras

    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Activation))
    answering = keras.Model(model.inputs, first.output)
    excitement = answering.predict(seven[np.newaxis, ..., np.newaxis], verbose=0)[0]
    kernel = next(
        layer for layer in model.layers if isinstance(layer, keras.layers.Dense)
    ).get_weights()[0]
    strongest = kernel[:, np.argsort(-excitement)[0]].reshape(28, 28)
    likeness = np.corrcoef(found.weights[0].ravel(), strongest.ravel())[0, 1]
    assert likeness == pytest.approx(1, abs=1e-5)  # batch normalisation only scales them
    assert found.weights.shape == (1280, 28, 28)
    assert not len(found.early_maps)


@pytest.mark.parametrize(
    ("recipe", "early", "later"),
    [
        ("fast", (16, 14, 14), (64, 7, 7)),
        ("cnn-3x3", (32, 26, 26), (64, 11, 11)),
        ("softmax", (0, 28, 28), (0, 28, 28)),
    ],
)
def test_only_what_a_convolution_makes_of_maps_is_deeper(
    tmp_path, monkeypatch, seven, recipe, early, later
):
    """Regression: by their sizes, first maps that are small or pooled were the deeper ones."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    save_random_network(recipe)
    found = explanation.look_inside(read_network(recipe), seven)
    assert found.early_maps.shape == early
    assert found.later_maps.shape == later
    assert len(found.weights) == (10 if recipe == "softmax" else 0)


def test_important_ink_is_coloured_the_rest_is_grey():
    image = np.zeros((28, 28), np.float32)
    image[4, 4] = image[9, 9] = 1
    importance = np.zeros((28, 28), np.float32)
    importance[4, 4], importance[9, 9] = 2, -1
    shown = explanation_view.rests_on(image, importance, "dense")
    np.testing.assert_allclose(shown[4, 4] * 255, (0xE6, 0x9F, 0x00), atol=0.5)
    assert len(set(shown[9, 9].tolist())) == 1
    assert not shown[0, 0].any()


def answer(digit: int) -> Answer:
    return Answer(np.eye(10, dtype=np.float32)[digit], digit, 0.97, 1.0, True, 0.001)


def test_the_reach_is_said_with_each_networks_own_digit():
    answers = {"dense": answer(1), "cnn": answer(7)}
    words = explanation_view.reach_in_words({"dense": 2.25, "cnn": 8.0}, answers)
    assert "reading 1 for **2.2** pixels" in words
    assert "7 for at least **8**" in words


def test_a_pushed_image_comes_with_both_answers(seven):
    shown = explanation_view.answered(seven, {"dense": answer(1), "cnn": answer(7)}, "Pushed")
    assert re.search(r">1</b> Dense network, 97%", shown)
    assert re.search(r">7</b> CNN, 97%", shown)
    picture = b64decode(re.search(r"base64,([^\"]+)", shown)[1])
    np.testing.assert_allclose(np.asarray(Image.open(io.BytesIO(picture))) / 255, seven, atol=0.003)


def test_what_a_network_does_not_have_is_not_spoken_of():
    none, some = np.zeros((0, 28, 28)), np.ones((10, 28, 28))
    assert explanation_view.inside("cnn", Inside(none, none, none)) == ""
    dense = explanation_view.inside("dense", Inside(none, none, some))
    assert "8 of its 10 units" in dense
    assert dense.count("<img") == 8
    assert "detectors" not in dense
