"""A model's evaluation as text to take away: CSV tables and a Markdown summary."""

from __future__ import annotations

import csv
import io

import numpy as np

from mnist_core.analysis import metrics


def matrix_csv(matrix: np.ndarray) -> str:
    """Return a (10, 10) confusion matrix as CSV, rows true, columns predicted."""
    lines = ["true\\predicted," + ",".join(str(digit) for digit in range(10))]
    lines += [f"{digit}," + ",".join(str(n) for n in row) for digit, row in enumerate(matrix)]
    return "\n".join(lines) + "\n"


def answers_csv(probabilities: np.ndarray, y_true: np.ndarray) -> str:
    """Return every answer as CSV: index, label, prediction, and the ten probabilities."""
    header = "index,label,predicted," + ",".join(f"p{digit}" for digit in range(10))
    rows = (
        f"{index},{label},{p.argmax()}," + ",".join(f"{value:.6f}" for value in p)
        for index, (label, p) in enumerate(zip(y_true, probabilities, strict=True))
    )
    return "\n".join((header, *rows)) + "\n"


def curves_csv(curves: dict[str, dict[str, list[float]]], levels: dict[str, list[float]]) -> str:
    """Return robustness curves as CSV; curves: model -> deformation -> accuracy by level."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")  # quotes: names of models hold commas
    rows.writerow(["model", "deformation", "level", "accuracy"])
    for model, measured in curves.items():
        for name, accuracies in measured.items():
            pairs = zip(levels[name], accuracies, strict=True)
            rows.writerows([model, name, level, f"{accuracy:.4f}"] for level, accuracy in pairs)
    return written.getvalue()


def per_digit_table(y_true: np.ndarray, y_pred: np.ndarray) -> list[dict[str, int | str]]:
    """Return one row for each digit: its support and its metrics in per cent."""
    by_digit = metrics.per_digit(y_true, y_pred)
    return [
        {
            "digit": digit,
            "precision": f"{by_digit.precision[digit]:.2%}",
            "recall": f"{by_digit.recall[digit]:.2%}",
            "F1": f"{by_digit.f1[digit]:.2%}",
            "support": int(by_digit.support[digit]),
        }
        for digit in range(10)
    ]


def summary_markdown(
    title: str, summary: metrics.Summary, y_true: np.ndarray, y_pred: np.ndarray, data: str
) -> str:
    """Return a report of one model in Markdown; `data` says what images were read.

    title: what the model is called, as Markdown.
    """
    low, high = summary.interval
    matrix = metrics.confusion_matrix(y_true, y_pred)
    by_digit = metrics.per_digit(y_true, y_pred)
    table = [
        f"| {digit} | {by_digit.precision[digit]:.2%} | {by_digit.recall[digit]:.2%} "
        f"| {by_digit.f1[digit]:.2%} | {by_digit.support[digit]:,} |"
        for digit in range(10)
    ]
    pairs = [
        f"- {true} read as {predicted}: {count}"
        for true, predicted, count in metrics.most_confused_pairs(matrix)
    ]
    cells = [f"| **{digit}** | " + " | ".join(map(str, row)) + " |" for digit, row in
             enumerate(matrix)]  # fmt: skip
    return "\n".join([
        f"# {title}", "", f"{summary.images:,} images: {data}", "",
        f"- Accuracy {summary.accuracy:.2%} (95% interval {low:.2%} to {high:.2%}, Wilson)",
        f"- Errors {summary.errors:,}",
        f"- Cross-entropy {summary.cross_entropy:.4f} nats",
        f"- Macro F1 {summary.macro_f1:.4f}",
        f"- Expected calibration error {summary.calibration_error:.4f} (15 bins)", "",
        "## Confusion matrix", "", "Rows true, columns predicted.", "",
        "| | " + " | ".join(map(str, range(10))) + " |", "|" + "--:|" * 11, *cells, "",
        "## By digit", "", "| digit | precision | recall | F1 | support |",
        "|--:|--:|--:|--:|--:|", *table, "",
        "## Most confused", "", *(pairs or ["No mistakes."]), "",
    ])  # fmt: skip
