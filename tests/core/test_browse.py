"""Filters, layout, downloads, statistics, neighbours, maps and doubtful labels."""

from __future__ import annotations

import base64
import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.neighbors import NearestNeighbors

from mnist_core.analysis import projection
from mnist_core.analysis.neighbours import neighbours_among
from mnist_core.data import browse
from mnist_core.data.browse import Filter, select
from mnist_core.data.mnist import Dataset, load_sample, read_upload
from mnist_core.errors import DatasetError
from mnist_core.models.registry import Evaluation
from mnist_core.training import doubtful
from mnist_core.views.sprite_grid import ROOM_PX, grid_data, tile_words


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_sample()


@pytest.fixture(scope="module")
def evaluation(sample) -> Evaluation:
    """Answers of which test digits 0 to 9 are wrong and 5 to 19 are unsure."""
    answers = sample.y_test.astype(int)
    answers[:10] = (answers[:10] + 1) % 10
    sure = np.full(len(answers), 0.99)
    sure[5:20] = 0.6
    probabilities = np.repeat((1 - sure)[:, None] / 9, 10, axis=1)
    probabilities[np.arange(len(answers)), answers] = sure
    return Evaluation(probabilities.astype(np.float32), sample.y_test, sample.digest, "test")


def test_filters_agree_with_numpy_on_full_mnist(mnist):
    assert len(select(mnist, Filter())) == 70_000
    labels = np.concatenate([mnist.y_train, mnist.y_test])
    found = select(mnist, Filter(digits=(3, 8)))
    np.testing.assert_array_equal(found, np.flatnonzero((labels == 3) | (labels == 8)))
    found = select(mnist, Filter(("test",), (5,)))
    np.testing.assert_array_equal(found - 60_000, np.flatnonzero(mnist.y_test == 5))
    np.testing.assert_array_equal(browse.images_of(mnist, found), mnist.x_test[mnist.y_test == 5])


def test_training_digit_500_is_labelled_3(mnist):
    assert browse.title_of(mnist, 500) == "training digit 500, labelled 3"
    assert browse.title_of(mnist, 60_000) == "test digit 0, labelled 7"


def test_a_runs_digits_are_shown_only_from_the_data_that_it_learnt_from(sample):
    labels = sample.y_train[[5, 9]].tolist()
    shown = browse.training_pictures(sample, [5, 9], labels)
    np.testing.assert_array_equal(shown, sample.x_train[[5, 9]])
    assert browse.training_pictures(sample, [5, 43_452], labels) is None
    assert browse.training_pictures(sample, [5, 9], [labels[0], (labels[1] + 1) % 10]) is None
    assert len(browse.training_pictures(sample, [], [])) == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("wrong", range(10)), ("unsure", range(5, 20)), ("right", range(10, 1000))],
)
def test_filter_by_what_a_network_answers(sample, evaluation, answer, expected):
    found = select(sample, Filter(answer=answer), evaluation)
    np.testing.assert_array_equal(found - len(sample.y_train), list(expected))


def test_captions_show_label_and_answer_where_they_differ(sample, evaluation):
    places = np.array([3, 4000, 4015])
    labels = [str(label) for label in browse.labels_of(sample, places)]
    assert browse.captions_of(sample, places) == labels
    labels[1] += f"→{(int(labels[1]) + 1) % 10}"
    assert browse.captions_of(sample, places, evaluation) == labels


def test_answers_about_other_digits_are_refused(sample, evaluation):
    other = dataclasses.replace(evaluation, data_digest="f" * 64)
    for wrong in (None, other):
        with pytest.raises(DatasetError, match="choose another network"):
            select(sample, Filter(answer="wrong"), wrong)


def test_a_seed_shuffles_the_same_way_again(sample):
    plain = select(sample, Filter())
    first = select(sample, Filter(seed=7))
    np.testing.assert_array_equal(first, select(sample, Filter(seed=7)))
    assert not np.array_equal(first, select(sample, Filter(seed=8)))
    np.testing.assert_array_equal(np.sort(first), plain)


def test_a_filter_is_said_in_words():
    assert browse.in_words(Filter(), 70_000) == "All images: 70,000"
    assert browse.in_words(Filter(("test",), (4, 9, 7)), 12) == "Test images of 4, 7 and 9: 12"
    wrong = Filter(digits=(4,), answer="wrong", seed=3)
    told = "Test images of 4 that the CNN reads wrong, shuffled: 2"
    assert browse.in_words(wrong, 2, "the CNN") == told
    none = Filter(("training",), answer="wrong")
    assert browse.in_words(none, 0, "the CNN") == "Training images that the CNN reads wrong: 0"


def test_an_index_beyond_the_split(sample):
    assert browse.split_and_index(sample, browse.place_of(sample, "test", 3)) == ("test", 3)
    with pytest.raises(DatasetError, match="no test digit 1,000; this split has 0 to 999"):
        browse.place_of(sample, "test", 1000)
    with pytest.raises(DatasetError, match="no training digit -1"):
        browse.place_of(sample, "training", -1)


def test_a_sprite_holds_each_digit_in_its_cell(sample):
    images = sample.x_train[:23]
    laid_out = browse.sprite(images, columns=10)
    assert laid_out.shape == (84, 280)
    for i, image in enumerate(images):
        row, column = divmod(i, 10)
        cell = laid_out[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        np.testing.assert_array_equal(cell, image)
    assert not laid_out[56:, 84:].any()


def test_a_page_of_100_digits_is_one_small_picture(sample):
    data = grid_data(sample.x_train[:100], ["a digit"] * 100)
    assert len(json.dumps(data)) < 45_000
    assert data["picture"].startswith("data:image/png;base64,")


def test_digits_have_room_for_what_stands_below_them(sample):
    data = grid_data(sample.x_train[:7], ["a digit"] * 7, columns=5, lines=["7: 99%"] * 7)
    picture = base64.b64decode(data["picture"].removeprefix("data:image/png;base64,"))
    laid_out = np.asarray(Image.open(io.BytesIO(picture)))
    assert laid_out.shape == (7 * (28 + ROOM_PX), 28)
    np.testing.assert_array_equal(laid_out[6 * (28 + ROOM_PX) :][:28], sample.x_train[6])
    assert not laid_out[28 : 28 + ROOM_PX].any()
    assert data["lines"] == ["7: 99%"] * 7


def test_a_tile_says_what_a_network_gave_its_answer_and_the_true_digit():
    probabilities = np.array([[0.0004] + [0] * 6 + [0.9996, 0, 0], [0.8, 0.2] + [0] * 8])
    lines, titles = tile_words(probabilities, np.array([0, 0]))
    assert lines == ["7: >99%\n0: <1%", "0: 80%"]
    assert titles == [
        "labelled 0, read as 7 with more than 99 percent; 0 got less than 1 percent",
        "labelled 0, read as 0 with 80 percent",
    ]


def test_downloads_hold_the_selection(sample):
    places = np.array([0, 4000, 7, 4999])
    sheet = np.asarray(Image.open(io.BytesIO(browse.sheet_png(sample, places))))
    np.testing.assert_array_equal(sheet[:28, 28:56], sample.x_test[0])
    again = read_upload({"digits.npz": browse.as_npz(sample, places)})
    np.testing.assert_array_equal(again.x_train, sample.x_train[[0, 7]])
    np.testing.assert_array_equal(again.y_test, sample.y_test[[0, 999]])
    with np.load(io.BytesIO(browse.as_npz(sample, places))) as file:
        assert file["index_test"].tolist() == [0, 999]
    again = read_upload({"digits.csv": browse.as_csv(sample, places)})
    np.testing.assert_array_equal(again.x_train, browse.images_of(sample, places))
    np.testing.assert_array_equal(again.y_train, browse.labels_of(sample, places))


def test_statistics_agree_with_numpy_and_scipy(sample):
    found = browse.statistics(sample)
    assert found.counts.tolist() == [[400] * 10, [100] * 10]
    threes = sample.x_train[sample.y_train == 3].astype(np.float64)
    np.testing.assert_allclose(found.means[3], threes.mean(axis=0))
    np.testing.assert_allclose(found.spreads[3], threes.std(axis=0), atol=1e-3)
    expected, _ = np.histogram(sample.x_train, bins=np.arange(257))
    np.testing.assert_array_equal(found.pixel_counts, expected)
    for i in range(0, 4000, 500):
        expected = ndimage.center_of_mass(sample.x_train[i].astype(float))
        np.testing.assert_allclose(found.centres[i], expected)


def test_the_ink_of_full_mnist_is_centred(mnist):
    words = browse.statistics(mnist).centres_in_words()
    assert "row 13.996, column 14.007" in words
    assert "any digit more than 0.52 pixels off" in words


def test_a_digit_without_ink_has_no_centre_and_does_not_disturb_the_others(sample):
    images = np.concatenate([np.zeros((1, 28, 28), np.uint8), sample.x_train[:50]])
    some = dataclasses.replace(sample, x_train=images, y_train=np.zeros(51, np.uint8))
    found = browse.statistics(some)
    assert np.isnan(found.centres[0]).all()
    np.testing.assert_array_equal(found.centres_of_ink, found.centres[1:])
    blank = dataclasses.replace(sample, x_train=images[:1], y_train=np.zeros(1, np.uint8))
    assert browse.statistics(blank).centres_in_words() == "There is no ink in these images."


def test_neighbours_agree_with_brute_force_on_pixels(sample):
    index = neighbours_among(sample.x_train)
    flat = sample.x_train.reshape(-1, 784).astype(float)
    exact = NearestNeighbors(algorithm="brute").fit(flat)
    shared = 0
    for i in range(0, 4000, 200):
        found = index.of(sample.x_train[i], 10, without=i)
        assert i not in found
        assert len(found) == 10
        expected = exact.kneighbors(flat[i : i + 1], 11, return_distance=False)[0]
        shared += len(np.intersect1d(found, expected))
    assert shared > 0.7 * 200


def test_neighbours_among_three_digits(sample):
    index = neighbours_among(sample.x_train[:3])
    assert len(index.of(sample.x_train[0], 10, without=0)) == 2


def test_the_pca_map_is_that_of_plain_linear_algebra(sample):
    assert projection.sizes(sample) == [1000, 2000, 4000]
    assert projection.sizes(dataclasses.replace(sample, y_train=sample.y_train[:1500])) == [
        1000,
        1500,
    ]
    indices = projection.share_of(sample, 1000)
    positions = projection.pca_map(sample, indices)
    centred = sample.x_train.reshape(-1, 784) / 255
    centred = centred - centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    expected = centred[indices] @ axes[:, :-3:-1]
    np.testing.assert_allclose(np.abs(positions), np.abs(expected), atol=1e-3)


def test_tsne_is_computed_once_and_keeps_classes_together(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(projection, "STEPS", 2)
    indices = projection.share_of(sample, 300)
    assert projection.kept_tsne(sample, indices) is None
    heard: list[float] = []
    pieces: list[np.ndarray] = []

    def compute(function, *arguments):
        pieces.append(function(*arguments))
        return pieces[-1]

    positions = projection.compute_tsne(sample, indices, heard.append, compute=compute)
    assert heard == [0.0, 0.5, 1.0]
    assert len(pieces) == 2
    np.testing.assert_array_equal(projection.kept_tsne(sample, indices), positions)
    assert projection.kept_tsne(sample, indices[:200]) is None
    labels = sample.y_train[indices]
    found = NearestNeighbors().fit(positions).kneighbors(n_neighbors=1, return_distance=False)
    assert (labels[found[:, 0]] == labels).mean() > 0.7
    for broken in (b"broken", b"PK\3\4 broken"):  # the second one looks like a zip
        projection._path(sample, indices).write_bytes(broken)
        assert projection.kept_tsne(sample, indices) is None


def test_braille_has_a_dot_for_each_inked_pixel():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4, 4] = image[0, 7, 5] = 255
    text = projection.braille(image)[0]
    assert text.split("<br>")[0] == chr(0x2800 + 0x01 + 0x80) + chr(0x2800) * 9
    assert len(text.split("<br>")) == 5


def test_the_most_confident_contradiction_comes_first():
    probabilities = np.full((4, 10), 0.01)
    for i, (digit, sure) in enumerate([(3, 0.9), (5, 0.6), (5, 0.8), (1, 0.99)]):
        probabilities[i, digit] = sure
    found = doubtful.contradicted(probabilities, np.array([3, 1, 1, 1]))
    assert found.indices.tolist() == [2, 1]
    assert found.opinions.tolist() == [5, 5]
    assert found.labels.tolist() == [1, 1]
    np.testing.assert_allclose(found.scores, [0.8, 0.6])


def test_the_kept_doubtful_labels_are_mnists(mnist):
    found = doubtful.load(mnist)
    assert (len(found), found.total) == (400, 566)
    np.testing.assert_array_equal(found.labels, mnist.y_train[found.indices])
    assert (found.opinions != found.labels).all()
    assert (np.diff(found.scores) <= 0).all()


def test_doubtful_labels_that_do_not_fit_are_refused(sample, tmp_path):
    def told(digest: str, rows: list) -> str:
        return json.dumps({"data_digest": digest, "out_of_sample_accuracy": 0.9, "rows": rows})

    path = tmp_path / "doubtful.json"
    with pytest.raises(DatasetError, match="python -m mnist_core doubtful"):
        doubtful.load(sample, path)
    for content, said in [
        ("{", "damaged"),
        ('{"data_digest": "x", "rows": [[1, 2]]}', "damaged"),
        ('{"data_digest": "x", "rows": []}', "damaged"),
        (told("x", []), "another data set"),
        (told(sample.digest, [[9999, 1, 2, 0.5]]), "not there"),
    ]:
        path.write_text(content)
        with pytest.raises(DatasetError, match=said):
            doubtful.load(sample, path)


def test_cross_validation_answers_each_digit_by_a_network_that_never_saw_it(
    sample, tmp_path, monkeypatch
):
    from types import SimpleNamespace

    seen = []

    def train(recipe, fold):
        seen.append((fold.x_train, fold.x_test))
        answers = np.eye(10, dtype=np.float32)[fold.y_test]
        return SimpleNamespace(evaluation=SimpleNamespace(probabilities=answers))

    monkeypatch.setattr("mnist_core.training.fit.train", train)
    probabilities = doubtful.cross_validate(sample)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), sample.y_train)
    assert [len(held_out) for _, held_out in seen] == [800] * 5
    assert "0 of 4,000" in doubtful.store(sample, probabilities, tmp_path / "doubtful.json")
    assert len(doubtful.load(sample, tmp_path / "doubtful.json")) == 0
