"""Tiny real trainings: events, stopping, the same seed, what the card says."""

import dataclasses
import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from mnist_core.data.mnist import Dataset
from mnist_core.errors import ModelError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.training.events import BatchEnd, EpochEnd, Finished, Started
from mnist_core.training.fit import train
from mnist_core.training.hyperparameters import override
from mnist_core.training.recipes import get_recipe


@pytest.fixture(scope="module")
def squares() -> Dataset:
    """A data set that is learnt at once: a bright square at a place that the label names."""
    random = np.random.default_rng(0)

    def make(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = random.integers(0, 40, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 4)
            image[2 + 8 * row : 8 + 8 * row, 1 + 7 * column : 7 + 7 * column] = 250
        return images, labels

    (x_train, y_train), (x_test, y_test) = make(600), make(200)
    return Dataset(x_train, y_train, x_test, y_test, "squares", "squares-digest", False)


def tiny(name: str = "softmax", **changes):
    recipe = get_recipe(name)
    return recipe, override(
        recipe.hyperparameters, **({"epochs": 2, "validation_split": 0.2} | changes)
    )


def test_a_training_tells_what_happens_and_learns(squares):
    recipe, chosen = tiny(epochs=4)
    events = []
    result = train(recipe, squares, hyperparameters=chosen, on_event=events.append)
    assert isinstance(events[0], Started)
    assert (events[0].train_images, events[0].validation_images) == (480, 120)
    assert isinstance(events[-1], Finished)
    epochs = [event for event in events if isinstance(event, EpochEnd)]
    assert [event.epoch for event in epochs] == [1, 2, 3, 4]
    assert np.sum(epochs[-1].confusion) == 120
    assert any(isinstance(event, BatchEnd) for event in events)
    assert result.card["test_accuracy"] > 0.95
    assert result.history["val_loss"][-1] < result.history["val_loss"][0]
    assert {event.as_dict()["type"] for event in events} == {
        "started",
        "batch",
        "moment",
        "epoch",
        "finished",
    }


def test_the_same_seed_gives_the_same_weights(squares):
    recipe, chosen = tiny("fast", epochs=1)
    first, second = (train(recipe, squares, hyperparameters=chosen).model for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    changed = dataclasses.replace(chosen, seed=2)
    other = train(recipe, squares, hyperparameters=changed).model
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_a_stopped_training_keeps_its_best_epoch(squares):
    recipe, chosen = tiny(epochs=50)
    epochs = []

    def note(event):
        if isinstance(event, EpochEnd):
            epochs.append(event)

    result = train(
        recipe,
        squares,
        hyperparameters=chosen,
        on_event=note,
        should_stop=lambda: len(epochs) >= 2,
    )
    assert result.stopped
    assert len(epochs) < 50
    assert result.evaluation is not None


def test_early_stopping_ends_before_the_last_epoch(squares):
    recipe, chosen = tiny(epochs=60, patience=1, monitor="val_accuracy", learning_rate=0.01)
    result = train(recipe, squares, hyperparameters=chosen)
    assert len(result.history["loss"]) < 60
    assert not result.stopped


def test_a_saved_model_answers_as_the_trained_one(squares, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    recipe, chosen = tiny("fast", epochs=3)
    result = train(recipe, squares, hyperparameters=chosen)
    registry.save_model(tmp_path / "cnn", result.model, result.card, result.evaluation)
    classifier = Classifier.load("cnn")
    assert classifier.runtime == "LiteRT"
    images = squares.x_test.astype(np.float32) / 255
    np.testing.assert_allclose(
        classifier.probabilities(images), result.evaluation.probabilities, atol=2e-3
    )
    assert classifier.is_digit(images).all()


@pytest.mark.parametrize("name", ["softmax", "fast", "cnn"])
def test_a_saved_model_holds_its_weights_and_no_optimizer(name, tmp_path):
    """Keras's clone_model keeps the optimizer, and files were three times as large as needed."""
    model = get_recipe(name).build()
    model.compile("adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    registry.save_model(tmp_path, model, {}, None)
    with zipfile.ZipFile(tmp_path / registry.KERAS_FILE) as archive:
        assert not json.loads(archive.read("config.json")).get("compile_config")
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    sizes = []
    weights.visititems(lambda _, item: sizes.append(getattr(item, "size", 0)))
    assert sum(sizes) == model.count_params()


def cut_off(squares, folder, **changes):
    """Train for four epochs, of which the third is cut off; return what was asked for."""
    recipe, chosen = tiny(**({"epochs": 4} | changes))

    def lose_power(event):
        if isinstance(event, EpochEnd) and event.epoch == 3:
            raise InterruptedError("the power is gone")

    with pytest.raises(InterruptedError):
        train(recipe, squares, hyperparameters=chosen, on_event=lose_power, folder=folder)
    return recipe, chosen


def test_a_training_that_was_cut_off_goes_on_after_its_last_epoch(squares, tmp_path):
    recipe, chosen = cut_off(squares, tmp_path)
    events = []
    result = train(recipe, squares, hyperparameters=chosen, on_event=events.append, folder=tmp_path)
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == [3, 4]
    assert events[0].goes_on
    assert result.card["epochs"] == len(result.history["val_loss"]) == 4
    assert result.history["loss"] == sorted(result.history["loss"], reverse=True)


@pytest.mark.parametrize("other", ["hyperparameters", "data", "start"])
def test_another_training_does_not_go_on_where_one_was_cut_off(
    squares, tmp_path, monkeypatch, other
):
    """Regression: `train cnn --ship --epochs 2` went on with what another command had left."""
    recipe, chosen = cut_off(squares, tmp_path / "cnn")
    start_from = None
    if other == "hyperparameters":
        chosen = dataclasses.replace(chosen, learning_rate=0.002)
    elif other == "data":
        squares = dataclasses.replace(squares, digest="another")
    else:
        monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
        start_from = "dense"
        registry.save_model(registry.model_dir(start_from), recipe.build(chosen), {}, None)
    events = []
    train(recipe, squares, hyperparameters=chosen, on_event=events.append,
          folder=tmp_path / "cnn", start_from=start_from)  # fmt: skip
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == [1, 2, 3, 4]
    assert not events[0].goes_on


def test_a_training_that_was_cut_off_behind_its_last_epoch_trains_no_more(squares, tmp_path):
    """Regression: it began again from nothing, and told of every epoch twice."""
    recipe, chosen = tiny()

    def lose_power(event):
        if isinstance(event, Finished):
            raise InterruptedError("the power is gone")

    with pytest.raises(InterruptedError):
        train(recipe, squares, hyperparameters=chosen, on_event=lose_power, folder=tmp_path)
    events = []
    result = train(recipe, squares, hyperparameters=chosen, on_event=events.append, folder=tmp_path)
    assert not [event for event in events if isinstance(event, EpochEnd)]
    assert result.card["epochs"] == len(result.history["val_loss"]) == 2
    uncut = train(recipe, squares, hyperparameters=chosen).model
    for weights, wanted in zip(result.model.get_weights(), uncut.get_weights(), strict=True):
        np.testing.assert_allclose(weights, wanted, atol=1e-6)


def test_the_best_weights_from_before_a_cut_are_kept(squares, tmp_path):
    """The first epoch afterwards took their place, however bad it was."""
    recipe, chosen = cut_off(squares, tmp_path)
    best, epochs = (tmp_path / "checkpoint" / n for n in ("best.weights.h5", "epochs.json"))
    told = json.loads(epochs.read_text())
    told[1]["val_accuracy"] = 1.0
    epochs.write_text(json.dumps(told))
    kept, events = best.read_bytes(), []
    train(recipe, squares, hyperparameters=chosen, on_event=events.append, folder=tmp_path,
          should_stop=lambda: any(isinstance(event, EpochEnd) for event in events))  # fmt: skip
    assert (events[-1].stopped, events[-1].best_epoch) == (True, 2)
    assert best.read_bytes() == kept


def test_patience_knows_after_a_cut_what_was_best_before(squares, tmp_path):
    """Regression: it waited anew, and its best was that of the epochs after the cut alone."""
    recipe, chosen = cut_off(squares, tmp_path, epochs=9, patience=2)
    kept, epochs = (tmp_path / "checkpoint" / n for n in ("patience.npz", "epochs.json"))
    told = json.loads(epochs.read_text())
    told[1]["val_loss"] = 0.0  # which no epoch can better
    epochs.write_text(json.dumps(told))
    with np.load(kept) as file:
        best = [file[f"arr_{number}"] for number in range(len(file.files) - 1)]
        assert file["epoch"] == 1
    events = []
    result = train(recipe, squares, hyperparameters=chosen, on_event=events.append, folder=tmp_path)
    assert [event.epoch for event in events if isinstance(event, EpochEnd)] == [3, 4]
    for weights, wanted in zip(result.model.get_weights(), best, strict=True):
        np.testing.assert_array_equal(weights, wanted)


def test_a_training_can_begin_where_another_ended(squares, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    recipe, chosen = tiny(epochs=3)
    first = train(recipe, squares, hyperparameters=chosen)
    learnt = {"learnt_from_people": {"from": "dense"}}
    registry.save_model(
        registry.model_dir("cnn"), first.model, first.card | learnt, first.evaluation
    )
    further = train(recipe, squares, hyperparameters=chosen, start_from="cnn")
    assert further.history["loss"][0] < first.history["loss"][-1]
    begun = further.card["started_from"]
    assert (begun["epochs"], begun["recipe"], len(begun["model_sha256"])) == (3, "softmax", 64)
    assert begun.items() >= learnt.items()
    with pytest.raises(ModelError, match="other layers than this recipe"):
        train(*tiny("dense-100")[:1], squares, hyperparameters=chosen, start_from="cnn")
    with pytest.raises(ModelError):
        train(recipe, squares, hyperparameters=chosen, start_from="nobody")


def test_without_labelled_test_images_there_is_no_test_accuracy(squares):
    recipe, chosen = tiny()
    untested = dataclasses.replace(squares, x_test=squares.x_test[:0], y_test=squares.y_test[:0])
    result = train(recipe, untested, hyperparameters=chosen)
    assert result.evaluation is None
    assert result.card["test_accuracy"] is None
