"""Further stages of a network that ships, on a tiny data set."""

import dataclasses

import keras
import numpy as np
import pytest

from mnist_core.data.mnist import Dataset
from mnist_core.errors import ModelError
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry
from mnist_core.training import distil, fine_tuning, networks, polish, tell_apart
from mnist_core.training.batches import as_input
from mnist_core.training.calibration import predict
from mnist_core.training.ink_pool import InkPool
from mnist_core.training.recipes import get_recipe
from mnist_core.training.stages import finish

RECIPE = get_recipe("dense")


def made(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright square at a place that the label names; two squares are no digit."""
    labels = (np.arange(count) % 11).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        for place in (label,) if label != NOT_A_DIGIT else (0, 9):
            row, column = divmod(int(place), 4)
            image[3 + 8 * row : 8 + 8 * row, 2 + 6 * column : 6 + 6 * column] = 250
    return images, labels


def test_what_is_no_digit_is_learnt_and_no_digit_is_read_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    x, y = (one[made(440)[1] != NOT_A_DIGIT] for one in made(440))
    dataset = Dataset(x, y, x[:100], y[:100], "squares", "squares-digest", False)
    pool, model = InkPool(*made(220), *made(110), "squares"), RECIPE.build()
    card = {"name": "dense", "measured": {}, "temperature": 0.7}
    registry.save_model(registry.model_dir("dense"), model, card, None)
    began = registry.file_digest(registry.keras_path("dense"))
    before, _ = predict(model, as_input(x))
    counts = tell_apart.Counts(200, 100, 20)
    images, is_digit = tell_apart.examples(dataset, pool, RECIPE.hyperparameters, counts)
    assert (len(images), is_digit.sum()) == (320, 300)
    tell_apart.tell_apart(model, images, is_digit)
    finish("dense", "told_apart", model, dataset, pool, {}, reads_otherwise=False)
    kept, card = registry.load_keras("dense"), registry.load_card("dense")
    np.testing.assert_array_equal(predict(kept, as_input(x))[0], before)
    _, scores = predict(kept, as_input(pool.validation_images))
    others = pool.validation_labels == NOT_A_DIGIT
    assert scores[others].max() < scores[~others].min()
    assert card["temperature"] == 0.7
    assert card["told_apart"]["started_from"] == {"model_sha256": began}
    assert "measured" not in card


def test_the_regression_takes_features_as_they_are_and_gives_both_classes_half_the_weight():
    random = np.random.default_rng(3)
    features = random.normal([2, -50, 0], [1, 30, 0.01], (4000, 3))
    is_digit = features @ [1, 0.05, 0] + random.normal(0, 0.5, 4000) > 1.5  # few are
    weights, bias = tell_apart.logistic_regression(features, is_digit)
    said = features @ weights[:, 0] + bias[0] > 0
    assert (weights.shape, bias.shape) == ((3, 1), (1,))
    assert said[is_digit].mean() > 0.9
    assert 1 - said[~is_digit].mean() > 0.9
    assert weights[0, 0] / weights[1, 0] == pytest.approx(20, rel=0.1)


def test_a_network_without_that_answer_is_refused():
    model = get_recipe("softmax").build()
    with pytest.raises(ModelError, match="does not tell digits from the rest"):
        tell_apart.tell_apart(model, np.zeros((2, 28, 28, 1), np.float32), np.array([True, False]))


def statistics(model: keras.Model) -> np.ndarray:
    normalised = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    return np.concatenate([np.asarray(layer.moving_mean) for layer in normalised])


def test_what_the_pool_has_become_is_learnt(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(polish, "EPOCH", 40)
    x, y = np.zeros((240, 28, 28), np.uint8), np.arange(240, dtype=np.uint8) % 10
    dataset = Dataset(x, y, x, y, "blanks", "blanks-digest", False)
    pool, model = InkPool(*made(220), *made(110), "squares"), RECIPE.build()
    registry.save_model(registry.model_dir("dense"), model, {"name": "dense", "polished": {}}, None)
    before = statistics(model)
    settings = dataclasses.replace(
        polish.SETTINGS["dense"], learning_rate=0.003, steps=80, ema_momentum=0.9
    )
    polished = polish.polish("dense", dataset, pool, settings)
    finish("dense", "polished", polished, dataset, pool, {"steps": 80}, reads_otherwise=True)
    kept, card = registry.load_keras("dense"), registry.load_card("dense")
    real = pool.validation_labels != NOT_A_DIGIT
    digits, scores = predict(kept, as_input(pool.validation_images))
    assert (digits.argmax(axis=1) == pool.validation_labels)[real].mean() > 0.9
    assert scores[real].mean() - scores[~real].mean() > 0.3
    np.testing.assert_array_equal(statistics(kept), before)
    assert card["polished"]["steps"] == 80
    assert card["polished"]["started_from"]["polished"] == {}


def test_of_what_was_learnt_as_much_is_kept_as_costs_nothing():
    """Eight errors with all of it, in proportion with less; as many as four there were before."""
    model = get_recipe("softmax").build()
    before = [np.zeros_like(one) for one in model.get_weights()]
    model.set_weights([np.ones_like(one) for one in before])

    def errors() -> list[int]:
        return [round(8 * float(model.get_weights()[1][0]))]

    assert fine_tuning.keep_what_costs_nothing(model, before, errors, [4]) == 0.5
    np.testing.assert_allclose(model.get_weights()[0], 0.5)
    assert fine_tuning.keep_what_costs_nothing(model, before, errors, [-1]) is None


def test_half_of_what_mnist_asks_for_is_what_the_network_answered_before(tmp_path, monkeypatch):
    images, labels = made(440)
    x, y = images[labels != NOT_A_DIGIT], labels[labels != NOT_A_DIGIT]
    dataset = Dataset(x, y, x, y, "squares", "squares-digest", False)
    teacher, chosen = RECIPE.build(), dataclasses.replace(RECIPE.hyperparameters, augmentation=None)
    settings, pool = polish.SETTINGS["dense"], InkPool(*made(220), *made(110), "squares")
    batch = polish.Reminders(dataset, pool, teacher, chosen, settings, seed=1)[0]
    inputs, targets, weights = batch
    assert len(inputs) == settings.mnist + settings.drawn + settings.others
    said = predict(teacher, inputs[: settings.mnist])[0]
    labelled = 2 * targets["digit"][: settings.mnist] - said
    smoothing = chosen.label_smoothing
    np.testing.assert_allclose(np.sort(labelled)[:, :9], smoothing / 10, atol=1e-5)
    assert targets["is_digit"].sum() == settings.mnist + settings.drawn
    np.testing.assert_array_equal(weights["digit"], targets["is_digit"][:, 0])


@pytest.mark.parametrize("units", [(1280, 704), (60, 40)])
def test_the_dense_network_learns_what_the_cnn_answers(tmp_path, monkeypatch, units):
    """One that is narrower than its recipe is made wider on the way."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    for module in (distil, polish):  # the batches count their epochs there
        monkeypatch.setattr(module, "EPOCH", 40)
    images, labels = made(440)
    x, y = images[labels != NOT_A_DIGIT], labels[labels != NOT_A_DIGIT]
    dataset = Dataset(x, y, x, y, "squares", "squares-digest", False)
    pool = InkPool(*made(220), *made(110), "squares")
    with monkeypatch.context() as as_it_was:
        as_it_was.setattr(networks, "DENSE_UNITS", units)
        model = RECIPE.build()
    registry.save_model(registry.model_dir("dense"), model, {"name": "dense"}, None)
    registry.save_model(registry.model_dir("cnn"), RECIPE.build(), {"name": "cnn"}, None)
    settings = distil.Settings(
        mnist=400, drawn=300, others=300, coarse=0.0, learning_rate=0.003, steps=80,
        ema_momentum=0.9,
    )  # fmt: skip
    chosen, teacher = RECIPE.hyperparameters, registry.load_keras("cnn")
    lessons = distil.taught(teacher, dataset, pool, chosen, settings, seed=1)
    others = lessons.labels == NOT_A_DIGIT
    assert (len(lessons.images), others.sum()) == (1_000, 300)
    digits, scores = predict(teacher, as_input(lessons.images))
    np.testing.assert_allclose(lessons.digits, digits, atol=1e-5)
    np.testing.assert_allclose(lessons.scores, scores, atol=1e-5)
    _, targets, weights = distil.Answers(lessons, settings, smoothing=0.0, seed=1)[0]
    answered = targets["is_digit"] * 2 - weights["digit"][:, np.newaxis]
    assert np.abs(answered - scores).min(axis=1).max() < 1e-5
    halves = distil.lessons(dataset, pool, settings, seed=1)
    np.testing.assert_array_equal(halves.images[:1_000], lessons.images)
    assert len(halves.labels) == 2_000
    monkeypatch.setattr(distil, "taught", None)  # they are kept for who goes on
    taught, before = distil.distil(dataset, pool, settings)
    wide = RECIPE.build()
    wide.set_weights(before)
    answers = (predict(one, as_input(pool.validation_images))[0] for one in (wide, model))
    np.testing.assert_allclose(next(answers), next(answers), atol=1e-5)
    digits, scores = predict(taught, as_input(pool.validation_images))
    real = pool.validation_labels != NOT_A_DIGIT
    assert (digits.argmax(axis=1) == pool.validation_labels)[real].mean() > 0.9
    assert scores[real].mean() - scores[~real].mean() > 0.1


def test_a_share_of_the_images_is_seen_through_a_coarse_grid(monkeypatch):
    monkeypatch.setattr(distil, "_images", made(100)[0])
    plain = dataclasses.replace(RECIPE.hyperparameters, augmentation=None)
    indices = np.arange(100)
    taught, seen = distil._changed(indices, plain, 0.4, (1, 0))
    np.testing.assert_array_equal(taught, made(100)[0])
    assert 25 <= (seen != taught).any(axis=(1, 2)).sum() <= 55
