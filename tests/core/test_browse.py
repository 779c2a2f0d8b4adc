"""Filters, statistics, neighbours and files of the Dataset page, against independent references."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.neighbors import NearestNeighbors

from mnist_core import browse, doubtful, neighbours, projection, sprite_grid
from mnist_core.browse import Filter, select
from mnist_core.datasets import read_upload
from mnist_core.errors import DatasetError
from mnist_core.registry import Evaluation


@pytest.fixture(scope="module")
def evaluation(mnist):
    """Made-up answers to MNIST's test digits: some wrong, some unsure."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (len(mnist.y_test), 10))
    logits[np.arange(len(mnist.y_test)), mnist.y_test] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Evaluation(probabilities.astype(np.float32), mnist.y_test, mnist.digest, "test")


def test_no_filter_shows_all_seventy_thousand_in_order(mnist):
    np.testing.assert_array_equal(select(mnist, Filter()), np.arange(70_000))


@pytest.mark.parametrize("splits", [("training",), ("test",), ("training", "test")])
@pytest.mark.parametrize("digits", [(), (3,), (0, 9)])
def test_filters_agree_with_a_plain_loop(mnist, splits, digits):
    expected = [
        place
        for split, labels, first in (
            ("training", mnist.y_train, 0), ("test", mnist.y_test, 60_000),
        )
        if split in splits
        for place, label in enumerate(labels.tolist(), start=first)
        if not digits or label in digits
    ]  # fmt: skip
    np.testing.assert_array_equal(select(mnist, Filter(splits, digits)), expected)


def test_answers_split_the_test_digits(mnist, evaluation):
    read = evaluation.probabilities.argmax(axis=1)
    wrong = select(mnist, Filter(answer="wrong"), evaluation)
    right = select(mnist, Filter(answer="right"), evaluation)
    unsure = select(mnist, Filter(answer="unsure"), evaluation)
    np.testing.assert_array_equal(wrong - 60_000, np.flatnonzero(read != mnist.y_test))
    assert len(wrong) > 100
    assert len(wrong) + len(right) == 10_000
    top = evaluation.probabilities.max(axis=1)
    np.testing.assert_array_equal(unsure - 60_000, np.flatnonzero(top < 0.9))
    assert not len(select(mnist, Filter(("training",), answer="wrong"), evaluation))


def test_answers_about_other_digits_are_refused(mnist, evaluation):
    stranger = Evaluation(evaluation.probabilities, evaluation.y_true, "other", "test")
    for stored in (None, stranger):
        with pytest.raises(DatasetError):
            select(mnist, Filter(answer="wrong"), stored)


def test_a_seed_shuffles_the_same_way_every_time(mnist):
    some = Filter(("test",), (4,), seed=7)
    first = select(mnist, some)
    np.testing.assert_array_equal(first, select(mnist, some))
    ordered = select(mnist, Filter(("test",), (4,)))
    assert not np.array_equal(first, ordered)
    np.testing.assert_array_equal(np.sort(first), ordered)
    assert not np.array_equal(first, select(mnist, Filter(("test",), (4,), seed=8)))


def test_places_lead_to_images_and_labels_of_both_splits(mnist):
    places = np.array([69_999, 500, 60_000, 0])
    images = browse.images_of(mnist, places)
    expected = [mnist.x_test[9999], mnist.x_train[500], mnist.x_test[0], mnist.x_train[0]]
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(
        browse.labels_of(mnist, places),
        [mnist.y_test[9999], mnist.y_train[500], mnist.y_test[0], mnist.y_train[0]],
    )
    assert browse.title_of(mnist, 500) == "training digit 500, labelled 3"
    assert browse.split_and_index(mnist, 60_000) == ("test", 0)
    assert browse.place_of(mnist, "test", 9999) == 69_999


@pytest.mark.parametrize(("split", "index"), [("training", 60_000), ("test", 10_000), ("test", -1)])
def test_an_index_that_is_not_there_is_one_sentence(mnist, split, index):
    with pytest.raises(DatasetError, match=split):
        browse.place_of(mnist, split, index)


@pytest.mark.parametrize(("digits", "last"), [(0, 1), (1, 1), (100, 1), (101, 2), (70_000, 700)])
def test_pages_hold_every_digit_once(digits, last):
    places = np.random.default_rng(1).permutation(digits)
    assert browse.pages(places) == last
    held = np.concatenate([browse.page_of(places, page) for page in range(1, last + 1)])
    np.testing.assert_array_equal(held, places)
    for place in places[:: max(1, digits // 7)]:
        assert place in browse.page_of(places, browse.page_with(places, place))
    assert browse.page_with(places, digits) is None


@pytest.mark.parametrize("digits", [0, 1, 9, 10, 11, 100])
def test_a_sprite_holds_each_digit_at_its_place(mnist, digits):
    picture = browse.sprite(mnist.x_train[:digits], 10)
    for i in range(digits):
        top, left = 28 * (i // 10), 28 * (i % 10)
        cell = picture[top : top + 28, left : left + 28]
        np.testing.assert_array_equal(cell, mnist.x_train[i])
    assert picture.sum(dtype=int) == mnist.x_train[:digits].sum(dtype=int)


def test_the_grid_is_one_small_picture(mnist):
    labels = mnist.y_train[:100].astype(str)
    data = sprite_grid.grid_data(mnist.x_train[:100], labels, labels, chosen=3)
    assert data["picture"].startswith("data:image/png;base64,")
    assert len(data["picture"]) < 40_000
    assert len(data["titles"]) == 100


def test_downloads_hold_exactly_the_filtered_digits(mnist):
    places = select(mnist, Filter(digits=(7,), seed=1))[:250]
    images, labels = browse.images_of(mnist, places), browse.labels_of(mnist, places)
    sheet = np.asarray(Image.open(io.BytesIO(browse.sheet_png(mnist, places))))
    assert sheet.sum(dtype=int) == images.sum(dtype=int)
    in_train = places < 60_000
    again = read_upload({"digits.npz": browse.as_npz(mnist, places)})
    np.testing.assert_array_equal(again.x_train, images[in_train])
    np.testing.assert_array_equal(again.x_test, images[~in_train])
    table = read_upload({"digits.csv": browse.as_csv(mnist, places)})
    np.testing.assert_array_equal(table.x_train, images)
    np.testing.assert_array_equal(table.y_train, labels)


def test_statistics_agree_with_numpy_and_scipy(mnist):
    found = browse.statistics(mnist)
    assert found.counts.sum() == 70_000
    assert found.counts[0].tolist() == [int((mnist.y_train == digit).sum()) for digit in range(10)]
    threes = mnist.x_train[mnist.y_train == 3].astype(np.float64)
    np.testing.assert_allclose(found.means[3], threes.mean(axis=0))
    np.testing.assert_allclose(found.spreads[3], threes.std(axis=0), atol=0.01)
    values, counts = np.unique(mnist.x_train, return_counts=True)
    np.testing.assert_array_equal(found.pixel_counts[values], counts)
    assert found.pixel_counts.sum() == mnist.x_train.size
    for index in (0, 500, 59_999):
        expected = ndimage.center_of_mass(mnist.x_train[index].astype(np.float64))
        np.testing.assert_allclose(found.centres[index], expected)
    np.testing.assert_allclose(found.mean_centre, (13.996, 14.007), atol=5e-4)


def test_a_blank_image_has_no_centre():
    blank = np.zeros((1, 28, 28), np.uint8)
    assert np.isnan(browse.centres_of_mass(blank)).all()


def test_neighbours_are_close_to_those_by_all_pixels(mnist):
    """On principal components half of a digit's ten nearest, or more, are its nearest by pixels."""
    x_train = mnist.x_train[:5000]
    index = neighbours.neighbours_among(x_train)
    exact = NearestNeighbors(n_neighbors=10).fit(x_train.reshape(-1, 784).astype(np.float32))
    queries = mnist.x_test[:20]
    expected = exact.kneighbors(queries.reshape(-1, 784), return_distance=False)
    shared = [
        len(set(index.of(image, 10)) & set(row))
        for image, row in zip(queries, expected, strict=True)
    ]
    assert np.mean(shared) > 5
    assert 7 not in index.of(x_train[7], 10, without=7)
    assert index.of(x_train[7], 1)[0] == 7


def test_few_digits_have_few_neighbours(mnist):
    index = neighbours.neighbours_among(mnist.x_train[:3])
    assert len(index.of(mnist.x_train[0], 10, without=0)) == 2


def test_a_share_is_the_same_every_time_and_no_larger_than_the_data(mnist):
    share = projection.share_of(mnist, 1000)
    np.testing.assert_array_equal(share, projection.share_of(mnist, 1000))
    assert len(np.unique(share)) == 1000
    assert len(projection.share_of(mnist, 10**6)) == 60_000


def test_braille_shows_the_middle_of_the_field():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4, 4] = 255
    lines = projection.braille(image)[0].split("<br>")
    assert lines[0] == "⠁" + "⠀" * 9
    assert lines[1:] == ["⠀" * 10] * 4


def test_contradicted_lists_the_surest_contradiction_first():
    probabilities = np.full((4, 10), 0.01)
    for row, (digit, probability) in enumerate([(1, 0.6), (2, 0.9), (3, 0.8), (4, 0.99)]):
        probabilities[row, digit] = probability
    found = doubtful.contradicted(probabilities, np.array([7, 7, 3, 7]))
    assert found.indices.tolist() == [3, 1, 0]
    assert found.opinions.tolist() == [4, 2, 1]
    assert found.labels.tolist() == [7, 7, 7]
    np.testing.assert_allclose(found.scores, [0.99, 0.9, 0.6])


def test_the_kept_doubtful_labels_belong_to_mnist(mnist):
    found = doubtful.load(mnist)
    assert len(found) > 100
    np.testing.assert_array_equal(mnist.y_train[found.indices], found.labels)
    assert (found.opinions != found.labels).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"data_digest": "x", "rows": [[1]]}'])
def test_doubtful_labels_that_cannot_be_read_are_one_sentence(mnist, tmp_path, content):
    path = tmp_path / "doubtful.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match="python -m mnist_core doubtful"):
        doubtful.load(mnist, path)
