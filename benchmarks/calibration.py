"""Can the networks' confidence be believed? Expected calibration error and its diagram.

    python -m benchmarks.calibration [--figure reliability.html]

On MNIST's test images (from the stored answers) and on pendigits' test writers (drawn as in
benchmarks.real_ink): the error in 15 bins of equal width, and for each bin how many answers
fell into it, how sure they were, and how many were right.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.other_writers import pen_images
from mnist_core.analysis.metrics import expected_calibration_error, reliability_bins
from mnist_core.models.classifier import Classifier
from mnist_core.models.registry import load_evaluation
from mnist_core.views.figures import reliability


def report(words: str, probabilities: np.ndarray, y_true: np.ndarray) -> None:
    """Print the error and the bins that hold at least one answer."""
    error = expected_calibration_error(probabilities, y_true)
    print(f"{words}: expected calibration error {error:.4f}")
    bins = reliability_bins(probabilities, y_true)
    for count, sure, right in zip(bins.counts, bins.confidence, bins.accuracy, strict=True):
        if count:
            print(f"  {count:6,} answers, {sure:.1%} sure, {right:.1%} right")


def main() -> None:
    """Print both networks' figures; write the diagram where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", help="an .html file for the CNN's diagram on the test writers")
    arguments = parser.parse_args()
    images, labels = pen_images()
    for name in ("dense", "cnn"):
        stored = load_evaluation(name)
        report(f"{name}, MNIST test images", stored.probabilities, stored.y_true)
        probabilities = Classifier.load(name).probabilities(images)
        report(f"{name}, pendigits test writers", probabilities, labels)
    if arguments.figure:
        bins = {"cnn, pendigits test writers": reliability_bins(probabilities, labels)}
        reliability(bins).write_html(arguments.figure)


if __name__ == "__main__":
    main()
