"""Moments of a training, the visitor's digits in it, and the training curve's moving average."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mnist_core.data.mnist import load_sample
from mnist_core.errors import RunError
from mnist_core.runs import moments, progress
from mnist_core.views import figures_training, moment_view


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder and the events of a tiny training that is watched with three digits."""
    from mnist_core.training import fit
    from mnist_core.training.hyperparameters import override
    from mnist_core.training.recipes import RECIPES

    folder, events = tmp_path_factory.mktemp("run"), []
    recipe, dataset = RECIPES["fast"], load_sample()

    def tell(event) -> None:
        events.append(event)
        progress.append_event(folder, event.as_dict())

    chosen = override(recipe.hyperparameters, epochs=2, share=0.5)
    result = fit.train(recipe, dataset, hyperparameters=chosen, on_event=tell, folder=folder,
                       probes=dataset.x_test[:3])  # fmt: skip
    return folder, events, result, dataset


def test_two_epochs_are_looked_at_ten_times_and_from_the_beginning(trained):
    folder, events, _, _ = trained
    looked = [event for event in events if type(event).__name__ == "MomentSeen"]
    assert [event.number for event in looked] == list(range(11))
    assert looked[0].position == 0
    assert looked[-1].position == 2
    assert sum(f.stat().st_size for f in (folder / "moments").iterdir()) < 2_000_000
    read = progress.Progress(folder)
    read.update()
    assert [one["number"] for one in read.moments] == list(range(11))
    assert np.shape(read.probes) == (3, 10)
    assert read.damaged_lines == 0


def test_the_last_moment_is_what_the_model_itself_answers(trained):
    from mnist_core.training.moments import SAMPLE

    folder, events, result, dataset = trained
    last = moments.load_moment(folder, 10)
    inputs = dataset.x_test[:3].astype(np.float32)[..., np.newaxis] / 255
    own = np.asarray(result.model(inputs, training=False))
    np.testing.assert_allclose(last.probes, own, atol=2e-3)
    assert np.sum(last.confusion) == min(SAMPLE, events[0].validation_images)
    kernel = result.model.layers[0].get_weights()[0]
    shown = last.filters.values
    np.testing.assert_allclose(shown, np.moveaxis(kernel[:, :, 0], -1, 0), atol=shown.max() / 100)
    assert len(last.flow) == 3
    final = last.flow[0][-1].values[0, 0]
    np.testing.assert_allclose(final, own[0], atol=0.01)


def test_the_hardest_digits_are_those_whose_label_has_least_probability(trained):
    folder, _, _, dataset = trained
    hardest = moments.load_moment(folder, 10).hardest
    told = [one["probabilities"][one["label"]] for one in hardest]
    assert told == sorted(told)
    assert all(dataset.y_train[one["index"]] == one["label"] for one in hardest)


def test_a_moment_is_shown(trained):
    folder, _, _, dataset = trained
    moment = moments.load_moment(folder, 3)
    assert moment_view.kernels(moment.filters.values).count("<img") == len(moment.filters.values)
    layers = [(one.column, one.layer, one.values) for one in moment.flow[0]]
    shown = moment_view.flow(dataset.x_test[0], layers, moment.probes[0])
    assert f">{moment.probes[0].argmax()}</b>" in shown
    assert "16 maps of 14×14" in shown
    assert "ten digits" in shown
    assert moment_view.probes(dataset.x_test[:3], [], "cnn").count("not read yet") == 3


def test_what_is_written_fits_into_the_budget(tmp_path, random, monkeypatch):
    from mnist_core.training import moments as writing
    from mnist_core.training.recipes import RECIPES

    monkeypatch.setattr(writing, "BUDGET_BYTES", 1_000_000)
    images = random.integers(0, 256, (10, 28, 28), np.uint8)
    looking = writing.Moments(images, np.arange(10), np.arange(10), images[:8],
                              on_event=lambda event: None, folder=tmp_path)  # fmt: skip
    looking.set_model(RECIPES["cnn"].build())
    looking.set_params({"steps": 10, "epochs": 44})
    looking.on_train_begin()
    assert (tmp_path / "moments" / "000.json").stat().st_size * 41 <= 1_000_000
    assert 3 <= len(moments.load_moment(tmp_path, 0).flow) < 8


def test_what_flows_is_kept_of_every_column_and_of_every_digit(tmp_path, random):
    """Regression: nothing was, of a network of two columns."""
    from mnist_core.training.moments import Moments
    from mnist_core.training.recipes import RECIPES

    images = random.integers(0, 256, (10, 28, 28), np.uint8)
    labels = np.arange(10)
    looking = Moments(images, labels, labels, images[:8], on_event=lambda event: None,
                      folder=tmp_path)  # fmt: skip
    looking.set_model(RECIPES["cnn"].build())
    looking.set_params({"steps": 10, "epochs": 44})
    looking.on_train_begin()
    assert (tmp_path / "moments" / "000.json").stat().st_size * 41 < 2_000_000
    moment = moments.load_moment(tmp_path, 0)
    assert len(moment.flow) == 8
    for flow, answer in zip(moment.flow, moment.probes, strict=True):
        ten = {one.column: one.values[0, 0] for one in flow if one.layer == "ten digits"}
        assert list(ten) == ["narrow", "broad"]
        np.testing.assert_allclose(np.mean(list(ten.values()), axis=0), answer, atol=0.01)
    layers = [(one.column, one.layer, one.values) for one in moment.flow[0]]
    shown = moment_view.flow(images[0], layers, moment.probes[0])
    assert shown.index("narrow") < shown.index("12×12") < shown.index("broad")


def test_probes_go_into_a_run_and_come_out_as_they_were(tmp_path, random):
    images = random.integers(0, 256, (9, 28, 28), np.uint8)
    (tmp_path / "config.json").write_text(json.dumps(moments.as_config(images)))
    np.testing.assert_array_equal(moments.probes_of(tmp_path), images[:8])
    (tmp_path / "config.json").write_text('{"probes": ["AAAA", 3]}')
    assert moments.probes_of(tmp_path).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "content",
    [
        "{}", "[]", "not JSON", '{"confusion": [[1]], "hardest": [], "probes": [], "flow": []}',
        '{"confusion": %s, "hardest": [], "probes": [["x"]], "flow": []}' % ([[1] * 10] * 10),
        '{"confusion": %s, "hardest": [], "probes": [], "flow": [], "filters": {"layer": "a", '
        '"shape": [1000, 1000, 1000], "scale": 1, "bytes": ""}}' % ([[1] * 10] * 10),
    ],
)  # fmt: skip
def test_a_damaged_moment_is_said(tmp_path, content):
    (tmp_path / "moments").mkdir()
    (tmp_path / "moments" / "004.json").write_text(content)
    with pytest.raises(RunError, match="damaged"):
        moments.load_moment(tmp_path, 4)
    with pytest.raises(RunError, match="not kept"):
        moments.load_moment(tmp_path, 5)


def test_the_training_curve_does_not_jump_where_an_epoch_begins():
    from mnist_core.training.reporter import MovingAverage

    average = MovingAverage(over_batches=5)
    losses = np.linspace(2, 1, 40)
    curve = []
    for epoch in losses.reshape(2, 20):
        average.begin_epoch()
        for batch in range(1, 21):
            loss, accuracy = average.update(batch, epoch[:batch].mean(), 0.5)
            curve.append(loss)
    assert (np.diff(curve) <= 1e-9).all()
    assert np.abs(np.diff(curve)).max() < 0.03
    assert curve[-1] == pytest.approx(losses[-10:].mean(), abs=0.02)
    assert accuracy == pytest.approx(0.5)


def test_curves_show_the_moments_between_the_epochs():
    batches = {"epoch": [0.5], "loss": [1.0], "accuracy": [0.5]}
    looked = [{"position": 0.3, "val_loss": 1.2, "val_accuracy": 0.4},
              {"position": 1.0, "val_loss": 0.9, "val_accuracy": 0.6}]  # fmt: skip
    epochs = [{"position": 1.0, "val_loss": 0.91, "val_accuracy": 0.61}]
    figure = figures_training.live_curves("loss", batches, epochs, looked)
    assert [list(trace.x) for trace in figure.data] == [[0.5], [1.0], [0.3]]


def test_a_training_that_is_stopped_ends_where_it_was_stopped(tmp_path):
    """Regression: its validation stood at the end of the epoch, its last moment before the stop."""
    from mnist_core.training import fit
    from mnist_core.training.hyperparameters import override
    from mnist_core.training.recipes import RECIPES

    recipe, stopping = RECIPES["fast"], iter([False] * 3)
    chosen = override(recipe.hyperparameters, epochs=2, share=0.5)
    fit.train(recipe, load_sample(), hyperparameters=chosen, folder=tmp_path,
              on_event=lambda event: progress.append_event(tmp_path, event.as_dict()),
              should_stop=lambda: next(stopping, True))  # fmt: skip
    read = progress.Progress(tmp_path)
    read.update()
    position = 4 / read.last_batch["steps"]
    assert [one["position"] for one in read.epochs] == pytest.approx([position])
    assert read.moments[-1]["position"] == pytest.approx(position)
    figure = figures_training.live_curves("loss", read.batches, read.epochs, read.moments)
    ends = [trace.x[-1] for trace in figure.data[:2]]
    assert ends == pytest.approx([position] * 2, abs=1e-3)
    assert max(figure.data[2].x) < position
