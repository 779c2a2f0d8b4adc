"""Deformations do what their names say, and what was measured is found again."""

import json

import numpy as np
import pytest
from scipy import ndimage

from mnist_core.analysis import robustness
from mnist_core.models import registry

IDENTITY = {"Shift": 0, "Turn": 0, "Scale": 1, "Thickness": 0, "Noise": 0}


@pytest.fixture
def bars() -> np.ndarray:
    """Eight upright bars, a little right of the centre, as (8, 28, 28) float32."""
    images = np.zeros((8, 28, 28), np.float32)
    images[:, 6:22, 15:18] = 1
    return images


@pytest.fixture
def model(tmp_path, monkeypatch) -> str:
    """The name of a model whose weights are three bytes."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    (tmp_path / "dense").mkdir()
    (tmp_path / "dense" / registry.KERAS_FILE).write_bytes(b"one")
    return "dense"


@pytest.mark.parametrize("deformation", robustness.DEFORMATIONS, ids=lambda one: one.name)
def test_one_level_changes_nothing_and_every_level_stays_in_range(deformation, bars):
    assert IDENTITY[deformation.name] in deformation.levels
    untouched = deformation.deform(bars, IDENTITY[deformation.name])
    np.testing.assert_allclose(untouched, bars, atol=1e-6)
    for level in deformation.levels:
        spoiled = deformation.deform(bars, level)
        assert spoiled.shape == bars.shape
        assert spoiled.dtype == np.float32
        assert 0 <= spoiled.min() <= spoiled.max() <= 1
    assert bars.sum() == 8 * 16 * 3  # the images given are left alone


def test_shift_moves_the_centre_of_mass_in_four_directions(bars):
    before = ndimage.center_of_mass(bars[0])
    moved = robustness.shift(bars, 3)
    steps = [np.subtract(ndimage.center_of_mass(image), before).round(3) for image in moved[:4]]
    assert [tuple(step) for step in steps] == [(0, 3), (0, -3), (3, 0), (-3, 0)]


def test_turn_by_90_is_numpys(bars):
    turned = robustness.turn(bars, 90)
    np.testing.assert_allclose(turned[0], np.rot90(bars[0]), atol=1e-5)


def test_scale_and_thickness_change_the_ink_as_expected(bars):
    assert robustness.scale(bars, 0.5)[0].sum() == pytest.approx(bars[0].sum() / 4, rel=0.15)
    assert robustness.thicken(bars, 1)[0].sum() == 18 * 3 + 2 * 16  # a cross adds no corners
    assert robustness.thicken(bars, -1)[0].sum() == 14
    half = robustness.thicken(bars, 0.5)[0].sum()
    assert half == pytest.approx((48 + 86) / 2)


def test_measure_counts_right_answers_and_reports_progress(bars):
    heard = []

    def is_upright(images: np.ndarray) -> np.ndarray:
        upright = images.max(axis=1).sum(axis=1) < 9
        return np.stack([~upright, upright], axis=1).astype(np.float32)

    measured = robustness.measure(
        is_upright, (bars * 255).astype(np.uint8), np.ones(8), lambda *step: heard.append(step)
    )
    turns = dict(zip(robustness.DEFORMATIONS[1].levels, measured["Turn"], strict=True))
    assert (turns[0], turns[90], turns[-90]) == (1.0, 0.0, 0.0)
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_the_sample_is_the_same_every_time():
    first, second = robustness.sample_indices(10_000), robustness.sample_indices(10_000)
    assert np.array_equal(first, second)
    assert len(np.unique(first)) == robustness.SAMPLE
    assert np.array_equal(robustness.sample_indices(10_000, None), np.arange(10_000))
    assert np.array_equal(robustness.sample_indices(12), np.arange(12))


def test_what_was_kept_belongs_to_these_weights_and_this_data(model, tmp_path):
    measured = {one.name: [0.5] * len(one.levels) for one in robustness.DEFORMATIONS}
    assert robustness.kept(model, "d" * 64, 1000) is None
    robustness.keep(model, "d" * 64, 1000, measured)
    assert robustness.kept(model, "d" * 64, 1000) == measured
    assert robustness.kept(model, "e" * 64, 1000) is None
    assert robustness.kept(model, "d" * 64, 10_000) is None
    (tmp_path / "dense" / registry.KERAS_FILE).write_bytes(b"two")
    assert robustness.kept(model, "d" * 64, 1000) is None


@pytest.mark.parametrize("curves", [None, [], {"Shift": 1}, {"Shift": [1]}])
def test_damaged_curves_are_measured_again(model, tmp_path, curves):
    robustness.keep(model, "d", 10, {})
    path = tmp_path / "dense" / robustness.FILE
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"curves": {"d-10": curves}}))
    assert robustness.kept(model, "d", 10) is None
    for whole in ("", "[]", json.dumps(content | {"curves": curves})):
        path.write_text(whole)
        assert robustness.kept(model, "d", 10) is None


@pytest.mark.parametrize("name", registry.SLOTS)
def test_the_networks_that_ship_bring_their_curves(name):
    """`evaluate NAME --spoiled` was run after the last change to the network."""
    stored = registry.load_evaluation(name)
    curves = robustness.kept(name, stored.data_digest, robustness.SAMPLE)
    assert curves is not None
    assert curves["Shift"][0] > 0.98 > curves["Shift"][-1]
