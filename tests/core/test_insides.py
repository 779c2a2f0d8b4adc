"""Every number that the explanations show, against Keras or counted anew."""

import os
import time

import numpy as np
import pytest

from mnist_core.analysis import arithmetic, nudges, resembles, smallest_change, wires
from mnist_core.analysis.explanation import push
from mnist_core.analysis.gradient import log_odds_gradient
from mnist_core.data.mnist import Dataset
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.keras_file import read_network
from mnist_core.views import arithmetic_view
from tests.random_networks import save_random_network

IMAGES = np.array([mnist_image(draw_strokes(one.strokes)) for one in EXAMPLES])
FOUR = next(image for image, one in zip(IMAGES, EXAMPLES, strict=True) if one.label == 4)


@pytest.fixture(scope="module")
def keras_models():
    return {slot: registry.load_keras(slot) for slot in registry.SLOTS}


@pytest.fixture(scope="module")
def networks():
    return {slot: read_network(slot) for slot in registry.SLOTS}


def first_activation(model):
    """Return the part of a Keras model up to its first activation."""
    import keras

    first = next(one for one in model.layers if isinstance(one, keras.layers.Activation))
    return keras.Model(model.inputs, first.output)


def test_the_units_shown_are_those_that_keras_finds_most_excited(keras_models, networks):
    said = first_activation(keras_models["dense"]).predict(
        FOUR[np.newaxis, ..., np.newaxis], verbose=0
    )[0]
    step = networks["dense"].steps[arithmetic.first_units(networks["dense"])]
    strongest = arithmetic.strongest_units(step, FOUR, 12)
    np.testing.assert_array_equal(strongest, np.argsort(-said, kind="stable")[:12])


def test_the_component_is_given_the_networks_own_numbers(networks):
    (dense,) = arithmetic_view.layers(networks["dense"], FOUR).values()
    step = networks["dense"].steps[arithmetic.first_units(networks["dense"])]
    unit = dense["numbers"][3]
    np.testing.assert_allclose(dense["weights"][3], step.kernel[:, unit])
    assert dense["biases"][3] == step.bias[unit]
    narrow, broad = arithmetic_view.layers(networks["cnn"], FOUR).values()
    assert (narrow["rows"], narrow["size"], len(narrow["weights"])) == (5, 24, 32)
    assert (broad["rows"], broad["size"]) == (7, 22)


@pytest.mark.parametrize("name", ["dense", "cnn", "cnn-3x3", "dense-deep"])
def test_the_gradient_is_tensorflows(name, keras_models, random, tmp_path, monkeypatch):
    import tensorflow as tf

    if name not in registry.SLOTS:
        monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    model = keras_models[name] if name in keras_models else save_random_network(name)
    # Blank paper gives a pooling layer equal inputs, of which each library routes its own.
    grainy = np.clip(FOUR + random.uniform(0, 0.1, FOUR.shape), 0, 1).astype(np.float32)
    image = tf.constant(grainy[np.newaxis, ..., np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(image)
        said = model(image, training=False)
        said = said["digit"] if isinstance(said, dict) else said
        odds = tf.math.log(said[0, 9]) - tf.math.log(said[0, 4])
    expected = tape.gradient(odds, image)[0, :, :, 0].numpy()
    found = log_odds_gradient(read_network(name), grainy, digit=4, other=9)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert np.abs(found).max() > 1e-3


def test_the_nudge_map_says_what_the_network_reads_at_each_place():
    classifier = Classifier.load("dense")
    found = nudges.nudge_map(classifier, FOUR)
    for down, right in ((0, 0), (-8, -8), (8, 3), (2, -5)):
        answer = classifier.answer(push(FOUR, down, right))
        assert found.digits[8 + down, 8 + right] == answer.digit
        assert found.confidence[8 + down, 8 + right] == pytest.approx(answer.confidence, abs=1e-5)
    assert found.holds[8, 8]
    assert 20 < found.holds.sum() < 289


def test_a_cut_filter_is_as_if_keras_had_none(keras_models, networks):
    """Its kernel, scale and offset are 0 in a copy of the Keras model."""
    import keras

    model = keras.models.clone_model(keras_models["cnn"])
    model.set_weights(keras_models["cnn"].get_weights())
    column, network = model.get_layer("broad"), networks["cnn"]
    layer = next(one for one in wires.layers(network) if (one.column, one.number) == (2, 1))
    cut = wires.strongest(network, layer, FOUR)[:9]
    normalisation = next(
        one for one in column.layers if isinstance(one, keras.layers.BatchNormalization)
    )
    gamma, beta, *others = normalisation.get_weights()
    gamma[cut] = beta[cut] = 0
    normalisation.set_weights([gamma, beta, *others])
    said = model.predict(FOUR[np.newaxis, ..., np.newaxis], verbose=0)["digit"][0]
    found = wires.probabilities(network, FOUR, layer, cut)
    np.testing.assert_allclose(found, said, atol=1e-5)
    assert np.abs(found - wires.probabilities(network, FOUR, layer, cut[:0])).max() > 1e-4


def test_the_layers_that_can_be_cut_are_all_but_those_that_answer(networks):
    dense = [(one.filters, one.kind) for one in wires.layers(networks["dense"])]
    assert dense == [(1280, "units"), (704, "units")]
    cnn = [(one.column, one.number, one.filters) for one in wires.layers(networks["cnn"])]
    assert len(cnn) == 14
    assert cnn[0] == (1, 1, 32)
    assert cnn[7] == (2, 1, 32)


@pytest.mark.parametrize(("slot", "which"), [("dense", 0), ("dense", 1), ("cnn", 0), ("cnn", 12)])
def test_what_is_kept_before_a_cut_changes_no_answer(slot, which, networks):
    network = networks[slot]
    layer = wires.layers(network)[which]
    images = np.round(IMAGES * 255).astype(np.uint8)
    labels = np.arange(len(images)) % 10
    quick = wires.CutAccuracy(network, layer, images, labels)
    order = wires.at_random(layer)
    assert sorted(order) == list(range(layer.filters))
    for count in (0, layer.filters // 2, layer.filters):
        slow = [wires.probabilities(network, one / np.float32(255), layer, order[:count]).argmax()
                for one in images]  # fmt: skip
        assert quick.without(order[:count]) == pytest.approx(np.mean(slow == labels))


@pytest.mark.parametrize("slot", registry.SLOTS)
def test_the_smallest_change_turns_kerass_answer_and_its_ink_is_counted(
    slot, keras_models, networks
):
    found = smallest_change.smallest_change(networks[slot], Classifier.load(slot), FOUR, 60)
    assert found.before == 4
    said = keras_models[slot].predict(found.image[np.newaxis, ..., np.newaxis], verbose=0)["digit"]
    assert said[0].argmax() == found.after != 4
    assert np.abs(found.image - FOUR).sum() == pytest.approx(found.ink, rel=1e-4)
    assert 0 < found.ink < 15
    assert found.image.min() >= 0
    assert found.image.max() <= 1


def test_a_search_without_time_says_that_nothing_was_found(networks):
    found = smallest_change.smallest_change(networks["cnn"], Classifier.load("cnn"), FOUR, 0)
    assert (found.image, found.after, found.ink) == (None, None, 0)


def test_a_search_ends_in_time_also_while_it_takes_ink_back(networks, monkeypatch):
    """Regression: the taking back, up to 180 answers, began with whatever time was left."""
    answered = []

    class Clock:
        """A second passes with each answer."""

        perf_counter = staticmethod(lambda: float(len(answered)))

    class Slow(Classifier):
        def probabilities(self, images):
            answered.append(len(images))
            return super().probabilities(images)

    monkeypatch.setattr(smallest_change, "time", Clock)
    classifier = Slow.load("dense")
    for limit in range(9, 40, 6):
        answered.clear()
        found = smallest_change.smallest_change(networks["dense"], classifier, FOUR, limit)
        assert len(answered) <= limit + 2  # the last one may begin in time; one counts the ink
    assert found.after not in (4, None)


def few(count: int = 80) -> Dataset:
    images = np.round(IMAGES * 255).astype(np.uint8)
    x = np.array([np.roll(images[i % len(images)], i % 5, axis=1) for i in range(count)])
    y = (np.arange(count) % 10).astype(np.uint8)
    return Dataset(x, y, x[:0], y[:0], "test", "0" * 64, False)


def test_the_features_are_what_keras_gives_its_answering_layers(keras_models, networks):
    import keras

    parts = []
    for name in ("narrow", "broad"):
        column = keras_models["cnn"].get_layer(name)
        last = keras.Model(column.inputs, column.get_layer("digit").input)
        parts.append(last.predict(IMAGES[..., np.newaxis], verbose=0))
    found = resembles.last_features(networks["cnn"], IMAGES)
    np.testing.assert_allclose(found, np.concatenate(parts, axis=1), atol=1e-4)


def test_only_the_indexes_used_last_are_kept(tmp_path, monkeypatch):
    """Regression: each model that was ever looked at left some megabytes."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(resembles, "MOST_KEPT", 2)
    (tmp_path / "dense").mkdir()
    (tmp_path / "dense" / registry.KERAS_FILE).write_bytes(b"weights")
    index = resembles.Index(np.arange(2), np.ones((2, 3), np.float16))
    for age_s, digest in ((30, "first"), (20, "second")):
        resembles.keep("dense", digest, index)
        path = next((tmp_path / "cache").glob(f"*-{digest}-*"))
        os.utime(path, (time.time() - age_s,) * 2)
    assert resembles.kept("dense", "first") is not None
    resembles.keep("dense", "third", index)
    there = [resembles.kept("dense", digest) is not None for digest in ("first", "second", "third")]
    assert there == [True, False, True]


def test_a_training_digit_is_nearest_to_itself_and_the_index_is_kept(
    networks, tmp_path, monkeypatch
):
    dataset, heard = few(), []
    index = resembles.make_index(networks["dense"], dataset, heard.append)
    assert heard[-1] == 1
    image = dataset.x_train[33].astype(np.float32) / 255
    features = resembles.last_features(networks["dense"], image[np.newaxis])[0]
    places, likeness = index.nearest(features, 5)
    same = [i for i in range(80) if (dataset.x_train[i] == dataset.x_train[33]).all()]
    assert places[0] in same
    assert likeness[0] == pytest.approx(1, abs=1e-3)
    assert (np.diff(likeness) <= 1e-6).all()
    folder = tmp_path / "dense"
    folder.mkdir()
    (folder / registry.KERAS_FILE).write_bytes(b"weights")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    assert resembles.kept("dense", dataset.digest) is None
    resembles.keep("dense", dataset.digest, index)
    again = resembles.kept("dense", dataset.digest)
    np.testing.assert_array_equal(again.features, index.features)
    next((tmp_path / "cache").iterdir()).write_bytes(b"damaged")
    assert resembles.kept("dense", dataset.digest) is None
