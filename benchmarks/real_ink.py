"""How well the shipped networks read what people really draw.

    python -m benchmarks.real_ink

Reads the pen strokes of pendigits' test writers (`python -m mnist_core fetch pendigits`), who
chose nothing in training, draws each as the canvas would hold it (280 to 400 px, brush 8 to
32 px, 35 to 85 % of the canvas, anywhere on it), and prints for each network: accuracy on them
and on MNIST's test images, expected calibration error on both, and at what share of accepted
digits how many non-digits are turned away; then the share of numbers of two to five of their
digits, set side by side, that are read right as a whole, and how many single digits are taken for
several. Besides, and where there are no strokes alone, it
reads digits from paper that scikit-learn carries, of people who chose nothing either. `--keep`
writes the figures into the networks' cards, under "measured".

    MNIST_PATH=mnist.npz python -m benchmarks.real_ink --steps

What each step brings: the small network `fast` trained on MNIST alone, with augmentation, and
with pen strokes, each reading the test writers' drawings resized as they are, centred by their
box, and centred by their mass. Kept in artifacts/real_ink_steps.json; printed as Markdown.

    python -m benchmarks.real_ink --errors errors.png [cnn]

A picture of what the network reads wrong of the test writers' drawings, each above what it read
and what was meant. It shows other people's data, so it is written where you say and kept nowhere.

    python -m benchmarks.real_ink --fonts FOLDER

How the digits of handwriting fonts are read and let in, and how many of their letters are turned
away: of those that set the share of digits that the threshold accepts, and of all others, which
chose nothing (benchmarks.handwriting_fonts says which, and where they come from).

    MNIST_PATH=mnist.npz python -m benchmarks.real_ink --few-pixels

How MNIST's validating images, which choose, and its test images, which do not, are read and let in
when they are scanned at 7 to 16 pixels and enlarged again.

    python -m benchmarks.real_ink --photos 60 [cnn]

Made-up photos of the test writers' drawings, so many of each kind of benchmarks.photos, and as many
of numbers of two to five of their digits: the share that is read right as a whole, how many of both
are refused with a sentence, and the time that one takes to become images for the networks.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks import numbers
from benchmarks.other_writers import non_digit_images, paper_images, pen_images
from benchmarks.steps import steps_table
from benchmarks.unfamiliar import few_pixels_table, fonts_table, photos_table
from mnist_core.analysis.metrics import expected_calibration_error, wilson_interval
from mnist_core.errors import DatasetError
from mnist_core.ink.non_digits import KINDS
from mnist_core.models.classifier import Classifier
from mnist_core.models.registry import (
    load_card,
    load_evaluation,
    model_dir,
    save_card,
)
from mnist_core.training.machine import hardware


def measure_on_paper(name: str, paper: tuple[np.ndarray, np.ndarray]) -> dict[str, object]:
    """Return one network's figures on MNIST's and on others' paper; all shares are fractions."""
    classifier, (images, labels) = Classifier.load(name), paper
    probabilities = classifier.probabilities(images)
    right = probabilities.argmax(axis=1) == labels
    test = load_evaluation(name)
    test_right = test.probabilities.argmax(axis=1) == test.y_true
    return {
        "mnist_test_accuracy": float(test_right.mean()),
        "mnist_test_ece": expected_calibration_error(test.probabilities, test.y_true),
        "paper_accuracy": float(right.mean()),
        "paper_accuracy_95": wilson_interval(int(right.sum()), len(right)),
        "paper_ece": expected_calibration_error(probabilities, labels),
        "paper_digits_accepted": float(classifier.is_digit(images).mean()),
    }


def measure(name: str, ink: tuple[np.ndarray, np.ndarray], others) -> dict[str, object]:
    """Return one network's figures on pen strokes; all shares are fractions."""
    classifier = Classifier.load(name)
    images, labels = ink
    probabilities = classifier.probabilities(images)
    right = probabilities.argmax(axis=1) == labels
    accepted = classifier.is_digit(images)
    refused = ~classifier.is_digit(others[0])
    # The same question at exactly 97 % accepted, whatever the threshold in the card.
    threshold = np.quantile(classifier.digit_scores(images), 0.03)
    refused_at_97 = classifier.digit_scores(others[0]) < threshold
    return {
        "pen_accuracy": float(right.mean()),
        "pen_accuracy_95": wilson_interval(int(right.sum()), len(right)),
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


def draw_errors(name: str, path: Path) -> str:
    """Draw what a network reads wrong of the test writers' drawings; return how many."""
    images, labels = pen_images()
    answers = Classifier.load(name).probabilities(images).argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    columns, side = 10, 84
    rows = -(-len(wrong) // columns)
    sheet = Image.new("L", (columns * side, max(1, rows) * (side + 18)), 255)
    pen = ImageDraw.Draw(sheet)
    for place, index in enumerate(wrong):
        x, y = (place % columns) * side, (place // columns) * (side + 18)
        digit = Image.fromarray(np.uint8(255 - images[index] * 255))
        sheet.paste(digit.resize((side, side), Image.Resampling.BICUBIC), (x, y))
        pen.text((x + 8, y + side), f"read {answers[index]}, meant {labels[index]}", fill=0)
    sheet.save(path)
    return f"{name} misreads {len(wrong)} of {len(labels):,}; they are in {path}"


def main() -> None:
    """Print the figures of both shipped networks as JSON, or one of the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["dense", "cnn"])
    parser.add_argument("--steps", action="store_true", help="what each step brings")
    parser.add_argument("--errors", type=Path, help="a PNG for the errors of the first model")
    parser.add_argument("--fonts", type=Path, help="a folder of handwriting fonts")
    parser.add_argument("--few-pixels", action="store_true", help="MNIST scanned at 7 to 16 pixels")
    parser.add_argument("--photos", type=int, metavar="N", help="N made-up photos of each kind")
    parser.add_argument("--keep", action="store_true", help="write the figures into the cards")
    arguments = parser.parse_args()
    if arguments.steps:
        print(steps_table())
        return
    if arguments.errors:
        print(draw_errors(arguments.models[0], arguments.errors))
        return
    if arguments.fonts:
        print(fonts_table(arguments.models, arguments.fonts))
        return
    if arguments.few_pixels:
        print(few_pixels_table(arguments.models))
        return
    if arguments.photos:
        print(photos_table(arguments.photos, arguments.models))
        return
    models = arguments.models
    found: dict[str, dict[str, Any]] = {}
    paper = paper_images()
    print(f"MNIST's test images, and {len(paper[0]):,} digits of 13 other people from paper")
    for name in models:
        found[name] = measure_on_paper(name, paper)
        print(name, json.dumps(found[name], indent=1))
    try:
        ink, others = pen_images(), non_digit_images()
    except DatasetError as error:
        print(error)
        return
    print(f"{len(ink[0]):,} drawings by pendigits' 14 test writers, {len(others[0]):,} non-digits")
    print("numbers of two to five of their digits", json.dumps(numbers.measure(models), indent=1))
    for name in models:
        found[name] |= measure(name, ink, others)
        print(name, json.dumps(found[name], indent=1))
        if arguments.keep:
            about = {"command": "python -m benchmarks.real_ink --keep", "hardware": hardware()}
            save_card(model_dir(name), load_card(name) | {"measured": about | found[name]})


if __name__ == "__main__":
    main()
