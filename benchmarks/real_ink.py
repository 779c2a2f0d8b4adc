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
away: of every second font, which set the share of digits that the threshold accepts, and of the
others, which chose nothing.

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
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits

from benchmarks import numbers
from benchmarks.handwriting_fonts import font_files, font_images
from benchmarks.photos import KINDS as KINDS_OF_PHOTO
from benchmarks.photos import photo
from mnist_core.analysis.metrics import expected_calibration_error, wilson_interval
from mnist_core.data.mnist import Dataset, load_mnist, train_validation_split
from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError, MnistError
from mnist_core.files import write_json
from mnist_core.ink.non_digits import KINDS, non_digit
from mnist_core.ink.pen import on_random_canvas, photograph, scanned_small
from mnist_core.ink.photo import on_canvas, read_photo
from mnist_core.ink.preprocessing import mnist_image, preprocess
from mnist_core.ink.several import parts_of_picture
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models.classifier import Classifier
from mnist_core.models.registry import (
    artifacts_dir,
    load_card,
    load_evaluation,
    model_dir,
    save_card,
)
from mnist_core.training.ink_pool import NOT_A_DIGIT, InkPool
from mnist_core.training.machine import hardware
from mnist_core.training.recipes import RECIPES

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


def paper_images() -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) float32 and labels of digits that people wrote on paper forms.

    The 1,797 digits of 13 people that are the test set of UCI's "Optical Recognition of
    Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, CC BY 4.0), 8x8 pixels as scikit-learn
    carries them, enlarged to a canvas with a margin.
    """
    paper = load_digits()
    framed = np.pad(np.uint8(paper.images * (255 / 16)), ((0, 0), (2, 2), (2, 2)))
    canvas = (CANVAS_SIZE_PX, CANVAS_SIZE_PX)
    enlarged = (Image.fromarray(one).resize(canvas, Image.Resampling.BICUBIC) for one in framed)
    return np.stack([mnist_image(np.asarray(one)) for one in enlarged]), paper.target


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


def steps_table() -> str:
    """Return accuracy on the test writers by preprocessing and training data, as Markdown."""
    from mnist_core.training.batches import as_input
    from mnist_core.training.fit import train
    from mnist_core.training.hyperparameters import override
    from mnist_core.training.ink_pool import ink_pool

    dataset, base = load_mnist(), RECIPES["fast"]
    ink = RECIPES["cnn"].hyperparameters.augmentation
    canvases, labels = _test_canvases()
    columns = {
        "MNIST only": (dataset, base.hyperparameters),
        "+ augmentation": (dataset, override(base.hyperparameters, augmentation=ink)),
        "+ pen strokes": (
            with_strokes(dataset, ink_pool(base.hyperparameters.seed)),
            override(base.hyperparameters, augmentation=ink),
        ),
    }
    preprocessings = {
        "resized as it is": _resized,
        "20-pixel box, box centred": _box_centred,
        "20-pixel box, mass centred": mnist_image,
    }
    figures: dict[str, dict[str, float]] = {name: {} for name in preprocessings}
    for column, (data, hyperparameters) in columns.items():
        model = train(base, data, hyperparameters=hyperparameters).model
        for name, preprocessing in preprocessings.items():
            images = np.stack([preprocessing(canvas) for canvas in canvases])
            answers = model.predict(as_input(images * 255), batch_size=500, verbose=0)
            figures[name][column] = float((answers.argmax(axis=1) == labels).mean())
    write_json(artifacts_dir() / "real_ink_steps.json", figures)
    header = f"| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}\n"
    rows = [
        f"| {name} | {' | '.join(f'{row[column]:.1%}' for column in columns)} |"
        for name, row in figures.items()
    ]
    return header + "\n".join(rows)


def _test_canvases() -> tuple[list[np.ndarray], np.ndarray]:
    """Return every second test writer's drawing on its canvas, (h, h) uint8, and the labels."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)[::2]
    canvases = []
    for index in chosen:
        random = np.random.default_rng((SEED, int(index)))
        canvases.append(on_random_canvas(pendigits.drawings[index], random))
    return canvases, pendigits.labels[chosen]


def with_strokes(dataset: Dataset, pool: InkPool) -> Dataset:
    """Return the data set with as many drawn digits as it has training images added."""
    digits = np.flatnonzero(pool.labels < 10)[: len(dataset.x_train)]
    return dataclasses.replace(
        dataset,
        x_train=np.concatenate([dataset.x_train, pool.images[digits]]),
        y_train=np.concatenate([dataset.y_train, pool.labels[digits]]),
    )


def _resized(canvas: np.ndarray) -> np.ndarray:
    """What most demos do: the whole canvas squeezed into 28x28."""
    small = Image.fromarray(canvas).resize((28, 28), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / 255


def _box_centred(canvas: np.ndarray) -> np.ndarray:
    """MNIST's box of 20 pixels, but the box in the middle instead of the mass."""
    scaled = preprocess(canvas).scaled
    image = np.zeros((28, 28), np.float32)
    top, left = (28 - scaled.shape[0]) // 2, (28 - scaled.shape[1]) // 2
    image[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return image


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


def fonts_table(models: Sequence[str], folder: Path) -> str:
    """Return how digits and letters of handwriting fonts are read, as Markdown."""
    files = font_files(folder)
    rows = []
    for words, chosen in (("setting the threshold", files[::2]), ("held out", files[1::2])):
        drawn = font_images(chosen)
        digits = drawn.labels < NOT_A_DIGIT
        for name in models:
            classifier = Classifier.load(name)
            answers = classifier.probabilities(drawn.images).argmax(axis=1)
            accepted = classifier.is_digit(drawn.images)
            right = (answers == drawn.labels)[digits].mean()
            rows.append(
                f"| {len(chosen)} {words} | {name} | {right:.1%} | {accepted[digits].mean():.1%} "
                f"| {(~accepted[~digits]).mean():.1%} |"
            )
    header = "| fonts | network | digits read right | digits let in | letters turned away |"
    return "\n".join([header, "|---|---|---:|---:|---:|", *rows])


def few_pixels_table(models: Sequence[str]) -> str:
    """Return how MNIST's images of few pixels are read and let in, as Markdown."""
    dataset, chosen = load_mnist(), RECIPES["dense"].hyperparameters
    _, validating = train_validation_split(dataset, chosen.validation_split, chosen.seed)
    rows = []
    for words, sharp, labels in (
        ("validating", dataset.x_train[validating], dataset.y_train[validating]),
        ("test", dataset.x_test, dataset.y_test),
    ):
        random = np.random.default_rng(SEED)
        images = np.stack([mnist_image(scanned_small(image, random)) for image in sharp])
        for name in models:
            classifier = Classifier.load(name)
            right = (classifier.probabilities(images).argmax(axis=1) == labels).mean()
            accepted = classifier.is_digit(images).mean()
            rows.append(f"| {len(images):,} {words} | {name} | {right:.1%} | {accepted:.1%} |")
    return "\n".join(["| images | network | read right | let in |", "|---|---|---:|---:|", *rows])


def photos_table(count: int, models: Sequence[str]) -> str:
    """Return how photos of `count` digits and numbers of each kind are read, as Markdown."""
    pendigits, classifiers = load_pendigits(), [Classifier.load(name) for name in models]
    tested = np.flatnonzero(pendigits.is_test)
    drawings, labels = [pendigits.drawings[i] for i in tested], pendigits.labels[tested]
    chosen = np.random.default_rng(SEED).choice(len(tested), count, replace=False)
    rows = []
    for number, kind in enumerate(KINDS_OF_PHOTO):
        right, refused, seconds = np.zeros((2, len(models))), [0, 0], 0.0
        for index in chosen:
            random = np.random.default_rng((SEED, number, int(tested[index])))
            second = drawings[int(random.integers(len(drawings)))]
            composed = numbers.composed(drawings, labels, random)
            for what, (strokes, text) in enumerate(
                ((drawings[index], str(labels[index])), (composed.strokes, composed.text))
            ):
                content = photo(strokes, kind, random, second)
                start = time.perf_counter()
                try:
                    images = digits_of_photo(content)
                except MnistError:
                    refused[what] += 1
                    continue
                seconds += time.perf_counter() - start
                for which, classifier in enumerate(classifiers):
                    answers = classifier.probabilities(images).argmax(axis=1)
                    right[what, which] += "".join(map(str, answers)) == text
        shares = " | ".join(f"{share:.3f}" for share in (right / count).ravel())
        each_ms = 1000 * seconds / max(1, 2 * count - sum(refused))
        rows.append(f"| {kind} | {shares} | {refused[0]}, {refused[1]} | {each_ms:.0f} |")
        print(rows[-1], flush=True)
    names = " | ".join(f"{name}, {what}" for what in ("digits", "numbers") for name in models)
    header = f"| {count} photos of each | {names} | refused | ms a photo |"
    return "\n".join([header, f"|---|{'---:|' * (2 * len(models) + 2)}", *rows])


def digits_of_photo(content: bytes) -> np.ndarray:
    """Return each digit of a photo as the networks see it, left to right: (n, 28, 28) float32."""
    ink = np.asarray(on_canvas(read_photo(content), CANVAS_SIZE_PX).convert("L"))
    inks = [part.ink for part in parts_of_picture(ink)] or [ink]
    return np.stack([mnist_image(one) for one in inks])


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
