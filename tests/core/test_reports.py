"""Tables and summaries say what was counted."""

import csv
import io

import numpy as np

from mnist_core.analysis import metrics, reports

Y_TRUE = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 4])
Y_PRED = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9])


def test_the_matrix_survives_csv():
    matrix = metrics.confusion_matrix(Y_TRUE, Y_PRED)
    rows = list(csv.reader(io.StringIO(reports.matrix_csv(matrix))))
    assert np.array_equal(np.array(rows)[1:, 1:].astype(int), matrix)


def test_every_answer_is_in_its_csv():
    probabilities = np.eye(10, dtype=np.float32)[Y_PRED]
    rows = list(csv.DictReader(io.StringIO(reports.answers_csv(probabilities, Y_TRUE))))
    assert [int(row["label"]) for row in rows] == Y_TRUE.tolist()
    assert [int(row["predicted"]) for row in rows] == Y_PRED.tolist()
    assert float(rows[10]["p9"]) == 1.0


def test_curves_have_a_row_for_each_level():
    text = reports.curves_csv({"dense": {"Turn": [0.5, 1.0]}}, {"Turn": [-30, 0]})
    assert text.splitlines()[1:] == ["dense,Turn,-30,0.5000", "dense,Turn,0,1.0000"]


def test_a_name_with_a_comma_stays_one_column_of_curves():
    text = reports.curves_csv({"fast, 12:37": {"Turn": [0.5]}}, {"Turn": [0]})
    assert list(csv.reader(text.splitlines()))[1] == ["fast, 12:37", "Turn", "0", "0.5000"]


def test_the_summary_names_accuracy_pairs_and_data():
    probabilities = np.eye(10, dtype=np.float32)[Y_PRED]
    summary = metrics.summarise(probabilities, Y_TRUE)
    text = reports.summary_markdown("dense", summary, Y_TRUE, Y_PRED, "twelve digits")
    assert "Accuracy 83.33%" in text
    assert "- 4 read as 9: 2" in text
    assert "12 images: twelve digits" in text
    assert "| 4 | 100.00% | 33.33% | 50.00% | 3 |" in text
