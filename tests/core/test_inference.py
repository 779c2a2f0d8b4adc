"""The networks that ship: thresholds held on real data, answers the same from many threads."""

import concurrent.futures
import shutil

import numpy as np
import pytest

from benchmarks.other_writers import non_digit_images, paper_images, pen_images
from benchmarks.real_ink import measure, measure_on_paper
from mnist_core.analysis.metrics import expected_calibration_error
from mnist_core.errors import ModelError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import recent, registry, serving
from mnist_core.models.classifier import Classifier
from mnist_core.models.reading import read_strokes

IMAGES = np.stack([mnist_image(draw_strokes(e.strokes)) for e in EXAMPLES])


@pytest.fixture(scope="module", params=registry.SLOTS)
def classifier(request):
    return Classifier.load(request.param)


def test_probabilities_are_probabilities(classifier):
    probabilities = classifier.probabilities(IMAGES)
    assert probabilities.shape == (len(IMAGES), 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert classifier.probabilities(IMAGES[:0]).shape == (0, 10)


def test_all_that_is_said_of_images_comes_of_one_reading(classifier):
    probabilities, scores, accepted = classifier.answers(IMAGES)
    np.testing.assert_array_equal(probabilities, classifier.probabilities(IMAGES))
    np.testing.assert_array_equal(scores, classifier.digit_scores(IMAGES))
    np.testing.assert_array_equal(accepted, classifier.is_digit(IMAGES))


def test_one_answer_equals_the_batch(classifier):
    batch = classifier.probabilities(IMAGES)
    for image, expected in zip(IMAGES, batch, strict=True):
        np.testing.assert_allclose(classifier.answer(image).probabilities, expected, atol=1e-4)


def test_the_project_s_own_examples_are_read(classifier):
    labels = np.array([-1 if e.label is None else e.label for e in EXAMPLES])
    right = classifier.probabilities(IMAGES).argmax(axis=1) == labels
    assert right[labels >= 0].sum() >= 9


def test_many_threads_get_their_own_answers(classifier):
    expected = classifier.probabilities(IMAGES).argmax(axis=1)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        digits = list(threads.map(lambda i: classifier.answer(IMAGES[i % 11]).digit, range(400)))
    assert digits == [expected[i % 11] for i in range(400)]


def test_litert_and_keras_say_the_same(tmp_path, monkeypatch):
    shutil.copytree(registry.model_dir("dense"), tmp_path / "dense")
    light = Classifier.load("dense")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    (tmp_path / "dense" / "model.tflite").unlink()
    full = Classifier.load("dense")
    assert (light.runtime, full.runtime) == ("LiteRT", "TensorFlow")
    np.testing.assert_allclose(light.probabilities(IMAGES), full.probabilities(IMAGES), atol=1e-3)


def test_a_damaged_model_is_named(tmp_path, monkeypatch):
    shutil.copytree(registry.model_dir("dense"), tmp_path / "dense")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    path = tmp_path / "dense" / "model.keras"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"dense/model\.keras.*damaged"):
        Classifier.load("dense")


@pytest.mark.parametrize("name", ["../cnn", "", "a/b", ".hidden", "x" * 200])
def test_a_name_never_leaves_the_folder(name):
    with pytest.raises(ModelError):
        Classifier.load(name)


def test_an_answer_is_not_taken_for_that_of_a_network_activated_meanwhile(monkeypatch):
    found = serving.networks()
    monkeypatch.setattr(serving, "networks", lambda: found)
    activated = {"dense": ("dense", None), "cnn": ("another", None)}
    monkeypatch.setattr(serving, "active_models", lambda: activated)
    strokes = [stroke + 0.125 for stroke in EXAMPLES[0].strokes]
    assert read_strokes(strokes, 18, 336).models == {"dense": "dense", "cnn": "cnn"}
    assert recent.recall(strokes, 18, 336) is None
    activated["cnn"] = ("cnn", None)
    assert recent.recall(strokes, 18, 336)[0]["cnn"].digit == EXAMPLES[0].label


def test_an_old_card_without_temperature_and_threshold_still_loads(tmp_path, monkeypatch):
    shutil.copytree(registry.model_dir("dense"), tmp_path / "dense")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    card = registry.load_card("dense")
    del card["temperature"], card["digit_threshold"]
    registry.save_card(tmp_path / "dense", card)
    old = Classifier.load("dense")
    assert not old.can_tell_non_digits
    assert old.is_digit(IMAGES).all()


def test_the_shipped_networks_hold_their_cards_on_mnist(mnist, classifier):
    evaluation = registry.load_evaluation(classifier.name)
    assert evaluation.data_digest == mnist.digest
    images = mnist.x_test[:1000].astype(np.float32) / 255
    np.testing.assert_allclose(
        classifier.probabilities(images), evaluation.probabilities[:1000], atol=5e-3
    )
    accuracy = (evaluation.probabilities.argmax(axis=1) == mnist.y_test).mean()
    assert accuracy == pytest.approx(classifier.card["test_accuracy"])
    assert accuracy >= {"dense": 0.993, "cnn": 0.997}[classifier.name]
    assert expected_calibration_error(evaluation.probabilities, evaluation.y_true) <= 0.01


def test_the_shipped_networks_read_the_paper_of_people_they_have_never_seen(classifier):
    """On digits that scikit-learn carries, so that every machine checks some real people's."""
    figures = measure_on_paper(classifier.name, paper_images())
    assert figures["paper_accuracy"] >= {"dense": 0.98, "cnn": 0.985}[classifier.name]
    assert figures["paper_digits_accepted"] >= 0.96
    assert figures["paper_ece"] <= 0.02


@pytest.fixture(scope="module")
def drawn(pendigits):
    return pen_images(), non_digit_images()


def test_the_shipped_networks_read_people_they_have_never_seen(drawn, classifier):
    figures = measure(classifier.name, *drawn)
    kept = classifier.card["measured"]
    for name in ("pen_accuracy", "pen_ece", "non_digits_refused_at_97_accepted"):
        assert figures[name] == pytest.approx(kept[name], abs=0.002)
    assert figures["pen_accuracy"] >= 0.985
    assert figures["pen_ece"] <= 0.02
    assert figures["non_digits_refused_at_97_accepted"] >= 0.97
