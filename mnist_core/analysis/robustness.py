"""How accuracy falls as digits are shifted, turned, scaled, thickened and made noisy.

What was measured is kept beside the model's other answers, with the digests of its weights and
of the images, so that a second look costs nothing and a retrained model never shows old curves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from mnist_core.analysis.own_process import Compute, here
from mnist_core.data.mnist import Dataset
from mnist_core.files import read_json_object, write_json
from mnist_core.models import registry

if TYPE_CHECKING:
    from mnist_core.models.classifier import Classifier

FILE = "robustness.json"  # in a model's folder
SEED = 20_261_121
SAMPLE = 1000
Deform = Callable[[np.ndarray, float], np.ndarray]
# Bump this when a deformation changes: what was kept before is then measured again.
_VERSION = 1


@dataclass(frozen=True)
class Deformation:
    """One way to spoil digits, and the strengths to try; one of them changes nothing."""

    name: str
    axis_title: str
    levels: tuple[float, ...]
    deform: Deform  # (n, 28, 28) float32 in [0, 1], level -> the same shape and range


def shift(images: np.ndarray, pixels: float) -> np.ndarray:
    """Return images shifted right, left, down and up in turn (image i by its place i % 4)."""
    moved = images.copy()
    for turn, (row, column) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
        by = (0, row * pixels, column * pixels)
        moved[turn::4] = ndimage.shift(images[turn::4], by, order=1)
    return moved


def turn(images: np.ndarray, degrees: float) -> np.ndarray:
    """Return images turned about their centre, counter-clockwise for degrees above 0."""
    angle = np.deg2rad(degrees)
    return _affine(images, np.array([[np.cos(angle), np.sin(angle)],
                                     [-np.sin(angle), np.cos(angle)]]))  # fmt: skip


def scale(images: np.ndarray, factor: float) -> np.ndarray:
    """Return images enlarged by a factor about their centre; what leaves the field is lost."""
    return _affine(images, np.eye(2) / factor)


def thicken(images: np.ndarray, pixels: float) -> np.ndarray:
    """Return images with strokes wider by about `pixels` on each side, thinner below 0.

    Grey-scale dilation or erosion with a 3x3 cross, once for each whole pixel; a part of a
    pixel is that share of the way to the next.
    """
    change = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    whole, part = divmod(abs(pixels), 1)
    for _ in range(int(whole)):
        images = change(images, footprint=cross)
    if not part:
        return images.copy()
    return ((1 - part) * images + part * change(images, footprint=cross)).astype(np.float32)


def add_noise(images: np.ndarray, deviation: float) -> np.ndarray:
    """Return images with Gaussian noise of that standard deviation, clipped to [0, 1]."""
    noise = np.random.default_rng(SEED).standard_normal(images.shape, np.float32)
    return np.clip(images + np.float32(deviation) * noise, 0, 1)


def _affine(images: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    stacked = np.eye(3)
    stacked[1:, 1:] = matrix
    centre = np.array([0, 13.5, 13.5])
    moved = ndimage.affine_transform(images, stacked, centre - stacked @ centre, order=1)
    return np.clip(moved, 0, 1)


DEFORMATIONS = (
    Deformation("Shift", "shifted by, in pixels", (0, 1, 2, 3, 4, 5, 6, 8), shift),
    Deformation(
        "Turn", "turned by, in degrees", (-90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 90), turn
    ),
    Deformation("Scale", "times its size", (0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.4, 1.6), scale),
    Deformation(
        "Thickness",
        "wider on each side by, in pixels",
        (-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2),
        thicken,
    ),
    Deformation(
        "Noise",
        "standard deviation of the noise",
        (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9),
        add_noise,
    ),
)


def sample_indices(images: int, most: int | None = SAMPLE) -> np.ndarray:
    """Return the same `most` indices below `images` every time, sorted; all of them for None."""
    if most is None or most >= images:
        return np.arange(images)
    chosen = np.random.default_rng(SEED).choice(images, most, replace=False)
    return np.sort(chosen)


def measure(
    probabilities: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    on_progress: Callable[[float, str], None] = lambda share, what: None,
    compute: Compute = here,
) -> dict[str, list[float]]:
    """Return the accuracy at each level of each deformation: name -> one share a level.

    probabilities: (n, 28, 28) float32 in [0, 1] -> (n, 10); images: (n, 28, 28) uint8;
    labels: (n,); on_progress hears the share done, 0 to 1, and which deformation is next; compute:
    where a level is measured, such as a process of its own.
    """
    steps = sum(len(deformation.levels) for deformation in DEFORMATIONS)
    measured: dict[str, list[float]] = {}
    done = 0
    for deformation in DEFORMATIONS:
        measured[deformation.name] = []
        for level in deformation.levels:
            on_progress(done / steps, deformation.name)
            measured[deformation.name].append(
                compute(_accuracy, probabilities, deformation.deform, level, images, labels)
            )
            done += 1
    on_progress(1.0, "done")
    return measured


def _accuracy(
    probabilities: Callable[[np.ndarray], np.ndarray],
    deform: Deform, level: float, images: np.ndarray, labels: np.ndarray,
) -> float:  # fmt: skip
    spoiled = deform(images.astype(np.float32) / 255, level)
    return float(np.mean(probabilities(spoiled).argmax(axis=1) == labels))


def kept(model: str, data_digest: str, images: int) -> dict[str, list[float]] | None:
    """Return what was measured for this model on this many images, None where nothing was."""
    try:
        content = _kept_curves(model)[_key(data_digest, images)]
        curves = {name: [float(share) for share in content[name]] for name in _lengths()}
    except (ValueError, TypeError, KeyError):
        return None
    return curves if {name: len(curves[name]) for name in curves} == _lengths() else None


def keep(model: str, data_digest: str, images: int, measured: dict[str, list[float]]) -> None:
    """Keep what was measured. Raises ModelError where it cannot be written."""
    curves = {**_kept_curves(model), _key(data_digest, images): measured}
    content = {"version": _VERSION, "weights_sha256": _weights(model), "curves": curves}
    write_json(registry.model_dir(model) / FILE, content)


def measure_and_keep(
    model: str,
    classifier: Classifier,
    dataset: Dataset,
    indices: np.ndarray,
    on_progress: Callable[[float, str], None] = lambda share, what: None,
    compute: Compute = here,
) -> dict[str, list[float]]:
    """Measure a model on these test images and keep it. Raises ModelError where it cannot."""
    images, labels = dataset.x_test[indices], dataset.y_test[indices]
    measured = measure(classifier.probabilities, images, labels, on_progress, compute)
    keep(model, dataset.digest, len(indices), measured)
    return measured


def _lengths() -> dict[str, int]:
    return {deformation.name: len(deformation.levels) for deformation in DEFORMATIONS}


def _key(data_digest: str, images: int) -> str:
    return f"{data_digest[:16]}-{images}"


def _weights(model: str) -> str:
    return registry.file_digest(registry.model_dir(model) / registry.KERAS_FILE)


def _kept_curves(model: str) -> dict[str, Any]:
    """Return what is kept of these very weights, {} where that is nothing or damaged."""
    try:
        content = read_json_object(registry.model_dir(model) / FILE)
        fits = (content["version"], content["weights_sha256"]) == (_VERSION, _weights(model))
    except (OSError, ValueError, KeyError):
        return {}
    return dict(content["curves"]) if fits and isinstance(content["curves"], dict) else {}


def evaluate_and_keep(model: str, dataset: Dataset, compute: Compute = here) -> registry.Evaluation:
    """Let a model answer the test images and store that. Raises ModelError if it cannot."""
    from mnist_core.models.classifier import Classifier

    images = dataset.x_test.astype(np.float32) / 255
    classifier = Classifier.load(model)
    probabilities, scores, _ = compute(classifier.answers, images)
    stored = registry.Evaluation(
        probabilities=probabilities,
        y_true=dataset.y_test,
        data_digest=dataset.digest,
        split="test",
        digit_scores=scores if classifier.can_tell_non_digits else None,
    )
    registry.save_evaluation(registry.model_dir(model), stored)
    return stored
