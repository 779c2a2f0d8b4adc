"""Pen strokes as training images: real ones and prototypes, in many hands, pens and places."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError
from mnist_core.files import replacing
from mnist_core.ink.glyphs import Style, digit_prototypes, digit_styles
from mnist_core.ink.non_digits import NOT_A_DIGIT, non_digit
from mnist_core.ink.pen import (
    Random,
    another_hand,
    between,
    in_another_style,
    on_random_canvas,
    scanned_small,
    under_pressure,
)
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import Stroke
from mnist_core.models import registry
from mnist_core.training.workers import workers

# Raise when what is drawn changes, so that kept pools are drawn again.
POOL_VERSION = 3
VALIDATION = (3000, 1500)
OWN = "this project's prototypes alone"  # where no pendigits are at hand
_CHUNK = 500


@dataclass(frozen=True)
class InkPool:
    """Drawn images: uint8 0 to 255, white ink on black; label 10 = not a digit."""

    images: np.ndarray  # (n, 28, 28) uint8
    labels: np.ndarray  # (n,) uint8, 0 to 10
    validation_images: np.ndarray  # drawings of other people than `images`, as they are
    validation_labels: np.ndarray
    source: str

    @property
    def of_others(self) -> bool:
        """Whether people drew what validates, of whom `images` has nothing; else it is this
        project's prototypes, which `images` are drawn from, too."""
        return self.source != OWN


@dataclass(frozen=True)
class _Task:
    kind: str  # "pen", "style", "other", "as drawn"
    seed: tuple[int, ...]
    count: int
    without: tuple[tuple[int, str], ...]  # styles that are left out, as (digit, name)


_drawings: list[list[Stroke]] = []
_labels = np.zeros(0, np.uint8)


def ink_pool(
    seed: int,
    size: int = 130_000,
    validation: tuple[int, int] = VALIDATION,
    without: tuple[tuple[int, str], ...] = (),
) -> InkPool:
    """Return the pool of `size` training images and its validation images, drawn or kept.

    validation: how many digits and how many non-digits validate.

    Pendigits' training writers where their strokes are at hand (the last 15 % of them in file
    order validate), and this project's styles, except those named by digit and name in
    `without`; 30 % are not digits. Writers marked `is_test` are never drawn. Kept under
    artifacts/cache.
    """
    global _drawings, _labels
    try:
        pendigits = load_pendigits()
        training = np.flatnonzero(~pendigits.is_test)
        drawings, labels = [pendigits.drawings[i] for i in training], pendigits.labels[training]
        source, digest = f"{len(training):,} pendigits drawings by 30 writers", pendigits.digest
    except DatasetError:
        prototypes = digit_prototypes()
        drawings = [strokes for _, strokes in prototypes] * 20
        labels = np.array([label for label, _ in prototypes] * 20, np.uint8)
        source, digest = OWN, "prototypes"
    key = f"{POOL_VERSION}-{digest}-{seed}-{size}"
    for changed, usual in ((validation, VALIDATION), (without, ())):
        key += "" if changed == usual else f"-{changed}"
    path = _kept_at(key)
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            return InkPool(file["x"], file["y"], file["vx"], file["vy"], source)
    held_out = int(len(drawings) * 0.85)
    shares = {"pen": 0.40, "style": 0.30, "other": 0.30}
    _drawings, _labels = drawings[:held_out], labels[:held_out]
    counts = {kind: int(size * share) for kind, share in shares.items()}
    x, y = _draw(counts, (seed, 0), without)
    _drawings, _labels = drawings[held_out:], labels[held_out:]
    vx, vy = _draw(dict(zip(("as drawn", "other"), validation, strict=True)), (seed, 1), without)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, x=x, y=y, vx=vx, vy=vy)
    return InkPool(x, y, vx, vy, source=source)


def _kept_at(key: str) -> Path:
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return registry.artifacts_dir() / "cache" / f"ink-{name}.npz"


def _draw(
    counts: dict[str, int], seed: tuple[int, int], without: tuple[tuple[int, str], ...]
) -> tuple[np.ndarray, np.ndarray]:
    tasks = [
        _Task(kind, (*seed, number, chunk), min(_CHUNK, count - chunk), without)
        for number, (kind, count) in enumerate(counts.items())
        for chunk in range(0, count, _CHUNK)
    ]
    # Forked workers see the drawings without a copy; each task has a seed of its own, so the
    # number of workers changes nothing.
    with workers() as pool:
        parts = pool.map(_draw_task, tasks)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _draw_task(task: _Task) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(task.seed)
    images, labels = [], []
    for _ in range(task.count):
        label, strokes = _drawing(task, random)
        canvas = on_random_canvas(strokes, random)
        if task.kind != "as drawn":
            fate = random.random()
            if fate < 0.12:
                canvas = under_pressure(strokes, random)
            if 0.08 < fate < 0.24:
                canvas = scanned_small(canvas, random)
        images.append(np.round(mnist_image(canvas) * 255).astype(np.uint8))
        labels.append(label)
    return np.stack(images), np.array(labels, np.uint8)


def _drawing(task: _Task, random: Random) -> tuple[int, list[Stroke]]:
    if task.kind == "other":
        return NOT_A_DIGIT, non_digit(_drawings, _labels, random)[1]
    if task.kind == "style":
        label = int(random.integers(10))
        styles = [s for s in digit_styles() if s.digit == label]
        return label, drawn_in(
            [s for s in styles if (label, s.name) not in task.without] or styles, random
        )
    index = int(random.integers(len(_drawings)))
    label, strokes = int(_labels[index]), _drawings[index]
    if task.kind == "as drawn":
        return label, strokes
    if random.random() < 0.25:
        other = int(random.choice(np.flatnonzero(_labels == label)))
        strokes = between(strokes, _drawings[other], random)
    if label not in {digit for digit, _ in task.without}:
        strokes = in_another_style(strokes, label, random)
    return label, another_hand(strokes, random)


def drawn_in(styles: list[Style], random: Random) -> list[Stroke]:
    """Return a drawing in one of the styles of one digit, chosen by their shares."""
    shares = np.array([style.share for style in styles])
    style = styles[int(random.choice(len(styles), p=shares / shares.sum()))]
    first, second = random.integers(len(style.prototypes), size=2)
    strokes = list(style.prototypes[first])
    if random.random() < 0.5:
        strokes = between(strokes, style.prototypes[second], random)
    if style.digit == 0 and style.name in ("slashed", "barred") and random.random() < 0.4:
        strokes = in_another_style(strokes[:1], 0, random)
    return another_hand(strokes, random, strength=1.25)
