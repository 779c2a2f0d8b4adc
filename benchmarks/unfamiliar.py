"""How the networks read material that is made otherwise than what they learnt from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import numbers
from benchmarks.handwriting_fonts import font_files, font_images, group
from benchmarks.other_writers import SEED
from benchmarks.photos import KINDS as KINDS_OF_PHOTO
from benchmarks.photos import photo
from mnist_core.data.mnist import load_mnist, train_validation_split
from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import MnistError
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.ink.pen import scanned_small
from mnist_core.ink.photo import on_canvas, read_photo
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.several import parts_of_picture
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models.classifier import Classifier
from mnist_core.training.recipes import RECIPES


def fonts_table(models: Sequence[str], folder: Path) -> str:
    """Return how digits and letters of handwriting fonts are read, as Markdown."""
    groups: dict[str, list[Path]] = {}
    for path in font_files(folder):
        groups.setdefault(group(path), []).append(path)
    rows = []
    for words, chosen in sorted(groups.items(), reverse=True):
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
