"""Metrics against scikit-learn and SciPy, a published matrix, and hand-counted cases."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as reference

from mnist_core.analysis import metrics
from mnist_core.models.temperature import apply_temperature

# M. Soorya's single-layer network on MNIST's 10,000 test digits, as published: the row of the
# digit 0 and the diagonal. Row sums are the test split's own.
SOORYA_ROW_0 = [965, 0, 0, 2, 0, 4, 5, 2, 2, 0]
SOORYA_DIAGONAL = [965, 1109, 905, 930, 906, 772, 909, 943, 867, 935]
TEST_SUPPORT = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture
def soorya() -> tuple[np.ndarray, np.ndarray]:
    """Labels and answers rebuilt from the published matrix.

    Where only the diagonal is published the mistakes go to the next digit.
    """
    matrix = np.diag(SOORYA_DIAGONAL)
    matrix[0] = SOORYA_ROW_0
    for digit in range(1, 10):
        matrix[digit, (digit + 1) % 10] = TEST_SUPPORT[digit] - SOORYA_DIAGONAL[digit]
    cells = np.repeat(np.arange(100), matrix.ravel())
    return cells // 10, cells % 10


def answers(seed: int, images: int, digits: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Random probabilities, right more often than chance, and labels below `digits`."""
    random = np.random.default_rng(seed)
    y_true = random.integers(0, digits, images).astype(np.uint8)
    logits = random.normal(0, 2, (images, 10)) + 3 * np.eye(10)[y_true]
    return softmax(logits, axis=1).astype(np.float32), y_true


def test_the_published_matrix_gives_its_published_accuracy(soorya):
    y_true, y_pred = soorya
    matrix = metrics.confusion_matrix(y_true, y_pred)
    assert metrics.accuracy(y_true, y_pred) == 0.9241
    assert matrix[0].tolist() == SOORYA_ROW_0
    assert matrix.diagonal().tolist() == SOORYA_DIAGONAL
    by_digit = metrics.per_digit(y_true, y_pred)
    assert by_digit.support.tolist() == TEST_SUPPORT
    np.testing.assert_allclose(by_digit.recall, np.divide(SOORYA_DIAGONAL, TEST_SUPPORT))
    low, high = metrics.wilson_interval(9241, 10_000)
    assert (round(low, 4), round(high, 4)) == (0.9187, 0.9291)


labels = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=200)


@given(labels)
def test_counting_is_scikit_learns(pairs):
    y_true, y_pred = np.array(pairs, np.uint8).T
    everything = {"labels": range(10), "zero_division": 0}
    assert np.array_equal(
        metrics.confusion_matrix(y_true, y_pred),
        reference.confusion_matrix(y_true, y_pred, labels=range(10)),
    )
    expected = reference.precision_recall_fscore_support(y_true, y_pred, **everything)
    ours = metrics.per_digit(y_true, y_pred)
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(getattr(ours, name), column, err_msg=name)
    assert metrics.macro_f1(y_true, y_pred) == pytest.approx(
        reference.f1_score(y_true, y_pred, average="macro", zero_division=0)
    )
    assert metrics.accuracy(y_true, y_pred) == reference.accuracy_score(y_true, y_pred)


@pytest.mark.parametrize(("images", "digits"), [(1, 10), (50, 1), (3000, 10)])
def test_cross_entropy_is_scikit_learns(images, digits):
    probabilities, y_true = answers(1, images, digits)
    exact = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    expected = reference.log_loss(y_true, exact, labels=range(10))
    assert metrics.cross_entropy(probabilities, y_true) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("of", "normalize"), [("true", "true"), ("predicted", "pred")])
def test_shares_are_scikit_learns(of, normalize):
    probabilities, y_true = answers(2, 400, digits=7)
    y_pred = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(y_true, y_pred)
    with np.errstate(invalid="ignore"):
        expected = reference.confusion_matrix(y_true, y_pred, labels=range(10), normalize=normalize)
    np.testing.assert_allclose(metrics.shares(matrix, of), expected)


def test_shares_refuses_an_unknown_way():
    with pytest.raises(ValueError, match="'rows' is no way"):
        metrics.shares(np.eye(10), "rows")


def test_no_images_at_all_is_no_error():
    nothing = metrics.summarise(np.zeros((0, 10), np.float32), np.zeros(0, np.uint8))
    assert (nothing.images, nothing.errors, nothing.accuracy) == (0, 0, 0.0)
    assert nothing.interval == (0.0, 1.0)


def test_summary_counts_what_it_says():
    probabilities, y_true = answers(3, 500)
    summary = metrics.summarise(probabilities, y_true)
    wrong = int((probabilities.argmax(axis=1) != y_true).sum())
    assert (summary.images, summary.errors) == (500, wrong)
    assert summary.interval[0] < summary.accuracy == 1 - wrong / 500 < summary.interval[1]


def test_reliability_and_its_error_by_hand():
    probabilities = np.full((4, 10), 0.0)
    for row, confidence in enumerate((0.95, 0.95, 0.65, 1.0)):
        probabilities[row] = (1 - confidence) / 9
        probabilities[row, 5] = confidence
    y_true = np.array([5, 4, 5, 5])
    bins = metrics.reliability_bins(probabilities, y_true, bins=10)
    assert bins.counts.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 3]
    assert bins.accuracy[9] == pytest.approx(2 / 3)
    assert bins.confidence[9] == pytest.approx((0.95 + 0.95 + 1) / 3)
    expected = (1 * abs(0.65 - 1) + 3 * abs(2.9 / 3 - 2 / 3)) / 4
    assert metrics.expected_calibration_error(probabilities, y_true, 10) == pytest.approx(expected)


@pytest.mark.parametrize("sharpened", [0.4, 1.0, 2.5])
def test_temperature_undoes_a_known_one(sharpened):
    random = np.random.default_rng(5)
    honest = softmax(random.normal(0, 2, (20_000, 10)), axis=1)
    y_true = (honest.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    distorted = apply_temperature(honest, 1 / sharpened)
    fitted = metrics.fit_temperature(distorted, y_true)
    assert fitted == pytest.approx(sharpened, rel=0.03)
    repaired = apply_temperature(distorted, fitted)
    assert metrics.expected_calibration_error(repaired, y_true) < 0.015
    assert np.array_equal(repaired.argmax(axis=1), distorted.argmax(axis=1))


def test_temperature_holds_with_probabilities_of_exactly_0_and_1():
    certain = np.eye(10, dtype=np.float32)
    fitted = metrics.fit_temperature(certain, np.arange(10))
    assert 0.05 <= fitted <= 20
    softened = apply_temperature(certain, 20.0)
    assert np.isfinite(softened).all()
    np.testing.assert_allclose(softened.sum(axis=1), 1, rtol=1e-6)
    with pytest.raises(ValueError, match="above 0"):
        apply_temperature(certain, 0.0)


def test_coverage_ends_at_everything_and_ties_fall_together():
    probabilities, y_true = answers(6, 300)
    probabilities = probabilities.round(1) + 1e-3 * np.eye(10)[probabilities.argmax(axis=1)]
    curve = metrics.accuracy_against_coverage(probabilities, y_true)
    confidence = probabilities.max(axis=1)
    assert len(curve.threshold) == len(np.unique(confidence))
    for threshold, coverage, accuracy in zip(
        curve.threshold, curve.coverage, curve.accuracy, strict=True
    ):
        given_answer = confidence >= threshold
        right = probabilities[given_answer].argmax(axis=1) == y_true[given_answer]
        assert coverage == pytest.approx(given_answer.mean())
        assert accuracy == pytest.approx(right.mean())
    assert curve.coverage[-1] == 1.0


def test_every_cell_lists_exactly_what_it_counts_and_the_surest_first():
    probabilities, y_true = answers(7, 2000)
    matrix = metrics.confusion_matrix(y_true, probabilities.argmax(axis=1))
    seen = []
    for true in range(10):
        for predicted in range(10):
            indices = metrics.cell_indices(probabilities, y_true, true, predicted)
            assert len(indices) == matrix[true, predicted]
            assert (y_true[indices] == true).all()
            assert (np.diff(probabilities[indices, predicted]) <= 0).all()
            seen.extend(indices)
    assert sorted(seen) == list(range(2000))


def test_pairs_hardest_and_confidently_wrong():
    probabilities, y_true = answers(8, 2000)
    matrix = metrics.confusion_matrix(y_true, probabilities.argmax(axis=1))
    pairs = metrics.most_confused_pairs(matrix, 5)
    off = matrix - np.diag(matrix.diagonal())
    assert [count for *_, count in pairs] == np.sort(off.ravel())[::-1][:5].tolist()
    assert all(matrix[i, j] == count and i != j for i, j, count in pairs)
    assert metrics.most_confused_pairs(np.eye(10, dtype=int)) == []
    of_true = probabilities[np.arange(2000), y_true]
    assert of_true[metrics.hardest(probabilities, y_true, 3)].tolist() == sorted(of_true)[:3]
    wrong = metrics.confidently_wrong(probabilities, y_true, 4)
    assert (probabilities[wrong].argmax(axis=1) != y_true[wrong]).all()
    assert (np.diff(probabilities[wrong].max(axis=1)) <= 0).all()


def test_comparison_splits_the_images_and_the_test_is_exact():
    (first, y_true), (second, _) = answers(9, 1000), answers(10, 1000)
    comparison = metrics.compare(first, second, y_true)
    first_right = first.argmax(axis=1) == y_true
    second_right = second.argmax(axis=1) == y_true
    assert set(comparison.only_first) == set(np.flatnonzero(first_right & ~second_right))
    assert set(comparison.only_second) == set(np.flatnonzero(~first_right & second_right))
    assert set(comparison.both_wrong) == set(np.flatnonzero(~first_right & ~second_right))
    assert comparison.difference.sum() == 0
    assert comparison.test.only_first == len(comparison.only_first)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value", "words"),
    [
        (10, 1, 24 / 2**11, "Dense is better by more than chance"),  # 2 * (C(11,0) + C(11,1))
        (3, 5, 186 / 2**8, "may well be chance"),  # 2 * (1 + 8 + 28 + 56)
        (0, 0, 1.0, "exactly the same digits"),
        (1, 0, 1.0, "They differ on 1 digit: dense alone"),
    ],
)
def test_mcnemar_by_hand(only_first, only_second, p_value, words):
    y_true = np.zeros(20, int)
    first, second = np.zeros(20, int), np.zeros(20, int)
    second[:only_first] = 1
    first[only_first : only_first + only_second] = 1
    test = metrics.mcnemar_exact(y_true, first, second)
    assert (test.only_first, test.only_second) == (only_first, only_second)
    assert test.p_value == pytest.approx(p_value)
    assert words in test.in_words("dense", "cnn")


def test_docstring_examples():
    assert doctest.testmod(metrics).failed == 0
