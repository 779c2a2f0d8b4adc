"""Pen strokes as training images: real ones and prototypes, in many hands, pens and places."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError
from mnist_core.files import replacing
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.non_digits import non_digit
from mnist_core.ink.pen import another_hand, in_another_style, photograph
from mnist_core.ink.strokes import Stroke
from mnist_core.models import registry
from mnist_core.training.workers import workers

# Raise when what is drawn changes, so that kept pools are drawn again.
POOL_VERSION = 1
NOT_A_DIGIT = 10
VALIDATION = (3000, 1500)
_CHUNK = 500


@dataclass(frozen=True)
class InkPool:
    """Drawn images: uint8 0 to 255, white ink on black; label 10 = not a digit."""

    images: np.ndarray  # (n, 28, 28) uint8
    labels: np.ndarray  # (n,) uint8, 0 to 10
    validation_images: np.ndarray  # drawings of other people than `images`, as they are
    validation_labels: np.ndarray
    source: str


@dataclass(frozen=True)
class _Task:
    kind: str  # "pen", "prototype", "other", "as drawn"
    seed: tuple[int, ...]
    count: int


_drawings: list[list[Stroke]] = []
_labels = np.zeros(0, np.uint8)


def ink_pool(seed: int, size: int = 130_000, validation: tuple[int, int] = VALIDATION) -> InkPool:
    """Return the pool of `size` training images and its validation images, drawn or kept.

    validation: how many digits and how many non-digits validate.

    Pendigits' training writers where their strokes are at hand (the last 15 % of them in file
    order validate), and this project's prototypes; 30 % are not digits. Writers marked
    `is_test` are never drawn. Kept under artifacts/cache.
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
        source, digest = "this project's prototypes alone", "prototypes"
    key = f"{POOL_VERSION}-{digest}-{seed}-{size}"
    path = _kept_at(key if validation == VALIDATION else f"{key}-{validation}")
    if path.is_file():
        with np.load(path, allow_pickle=False) as file:
            return InkPool(file["x"], file["y"], file["vx"], file["vy"], source)
    held_out = int(len(drawings) * 0.85)
    shares = {"pen": 0.48, "prototype": 0.22, "other": 0.30}
    _drawings, _labels = drawings[:held_out], labels[:held_out]
    x, y = _draw({kind: int(size * share) for kind, share in shares.items()}, (seed, 0))
    _drawings, _labels = drawings[held_out:], labels[held_out:]
    vx, vy = _draw(dict(zip(("as drawn", "other"), validation, strict=True)), (seed, 1))
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, x=x, y=y, vx=vx, vy=vy)
    return InkPool(x, y, vx, vy, source=source)


def _kept_at(key: str) -> Path:
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return registry.artifacts_dir() / "cache" / f"ink-{name}.npz"


def _draw(counts: dict[str, int], seed: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    tasks = [
        _Task(kind, (*seed, number, chunk), min(_CHUNK, count - chunk))
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
    prototypes = digit_prototypes()
    images, labels = [], []
    for _ in range(task.count):
        if task.kind == "other":
            label, strokes = NOT_A_DIGIT, non_digit(_drawings, _labels, random)[1]
        elif task.kind == "prototype":
            label, strokes = prototypes[int(random.integers(len(prototypes)))]
            strokes = another_hand(strokes, random, strength=1.25)
        else:
            index = int(random.integers(len(_drawings)))
            label, strokes = int(_labels[index]), _drawings[index]
            if task.kind == "pen":
                strokes = another_hand(in_another_style(strokes, label, random), random)
        images.append(np.round(photograph(strokes, random) * 255).astype(np.uint8))
        labels.append(label)
    return np.stack(images), np.array(labels, np.uint8)
