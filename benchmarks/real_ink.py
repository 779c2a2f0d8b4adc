"""How well the shipped networks read what people really draw.

    python -m benchmarks.real_ink

Reads the pen strokes of pendigits' test writers (`python -m mnist_core fetch pendigits`), who
chose nothing in training, draws each as the canvas would hold it (280 to 400 px, brush 8 to
32 px, 35 to 85 % of the canvas, anywhere on it), and prints for each network: accuracy on them
and on MNIST's test images, expected calibration error on both, and at what share of accepted
digits how many non-digits are turned away.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from mnist_core.evaluation import expected_calibration_error, wilson_interval
from mnist_core.inference import Classifier
from mnist_core.non_digits import KINDS, non_digit
from mnist_core.pen import photograph
from mnist_core.pendigits import load_pendigits
from mnist_core.registry import load_evaluation

SEED = 20_261_121
NON_DIGITS = 2_000


def pen_images(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) float32 and labels of the test writers' drawings."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)
    images = [
        photograph(pendigits.drawings[i], np.random.default_rng((seed, int(i)))) for i in chosen
    ]
    return np.stack(images), pendigits.labels[chosen]


def non_digit_images(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return images of what is not one digit, made of the test writers' strokes, and kinds."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)
    drawings, labels = [pendigits.drawings[i] for i in chosen], pendigits.labels[chosen]
    random = np.random.default_rng((seed, 1))
    made = [non_digit(drawings, labels, random) for _ in range(NON_DIGITS)]
    return np.stack([photograph(strokes, random) for _, strokes in made]), np.array(
        [kind for kind, _ in made]
    )


def measure(name: str, ink: tuple[np.ndarray, np.ndarray], others) -> dict[str, object]:
    """Return the figures of one network; all shares are fractions."""
    classifier = Classifier.load(name)
    images, labels = ink
    probabilities = classifier.probabilities(images)
    right = probabilities.argmax(axis=1) == labels
    accepted = classifier.is_digit(images)
    refused = ~classifier.is_digit(others[0])
    # The same question at exactly 97 % accepted, whatever the threshold in the card.
    threshold = np.quantile(classifier.digit_scores(images), 0.03)
    refused_at_97 = classifier.digit_scores(others[0]) < threshold
    test = load_evaluation(name)
    test_right = test.probabilities.argmax(axis=1) == test.y_true
    low, high = wilson_interval(int(right.sum()), len(right))
    return {
        "mnist_test_accuracy": float(test_right.mean()),
        "mnist_test_ece": expected_calibration_error(test.probabilities, test.y_true),
        "pen_accuracy": float(right.mean()),
        "pen_accuracy_95": [low, high],
        "pen_ece": expected_calibration_error(probabilities, labels),
        "pen_accuracy_by_digit": {
            str(digit): float(right[labels == digit].mean()) for digit in range(10)
        },
        "digits_accepted": float(accepted.mean()),
        "non_digits_refused": float(refused.mean()),
        "non_digits_refused_at_97_accepted": float(refused_at_97.mean()),
        "refused_by_kind_at_97": {
            kind: float(refused_at_97[others[1] == kind].mean()) for kind in KINDS
        },
    }


def main() -> None:
    """Print the figures of both shipped networks as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["dense", "cnn"])
    ink, others = pen_images(), non_digit_images()
    print(f"{len(ink[0]):,} drawings by pendigits' 14 test writers, {len(others[0]):,} non-digits")
    for name in parser.parse_args().models:
        print(name, json.dumps(measure(name, ink, others), indent=1))


if __name__ == "__main__":
    main()
