"""Why a network answers what it answers: the ink it rests on, how far the digit may move, and
what its first layers make of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.models.classifier import Classifier
from mnist_core.models.network import Network, Step

SIZE = 28
PATCH, STRIDE = 6, 2  # pixels; of the square that covers ink
FARTHEST = 8  # pixels; from there on the frame cuts most digits
_DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # right, left, down, up


def occlusion(classifier: Classifier, image: np.ndarray) -> np.ndarray:
    """Return how much each pixel's surroundings speak for the digit that is answered.

    Occlusion sensitivity (Zeiler & Fergus 2014): a black square is laid over every place with
    ink, and the fall of the log odds between the digit and the next best is shared by the pixels
    under it; the mean over all squares that cover a pixel. image: (28, 28) float32 in [0, 1].
    Returns (28, 28) float32; above 0 speaks for the digit, below 0 against, 0 without ink nearby.
    """
    corners = [
        (row, column)
        for row in range(0, SIZE - PATCH + 1, STRIDE)
        for column in range(0, SIZE - PATCH + 1, STRIDE)
        if image[row : row + PATCH, column : column + PATCH].any()
    ]
    covered = np.repeat(image[np.newaxis], len(corners) + 1, axis=0)  # the last one is whole
    for picture, (row, column) in zip(covered, corners, strict=False):
        picture[row : row + PATCH, column : column + PATCH] = 0
    odds = _log_odds(classifier.probabilities(covered))
    total, count = np.zeros((2, SIZE, SIZE), np.float32)
    for fall, (row, column) in zip(odds[-1] - odds[:-1], corners, strict=True):
        total[row : row + PATCH, column : column + PATCH] += fall
        count[row : row + PATCH, column : column + PATCH] += 1
    return total / np.maximum(count, 1)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return (n,) log odds of the last row's digit against the best of the others."""
    digit = int(probabilities[-1].argmax())
    logarithms = np.log(np.maximum(probabilities, 1e-12))
    return logarithms[:, digit] - np.delete(logarithms, digit, axis=1).max(axis=1)


def push(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the image moved by whole pixels; what leaves the frame is lost.

    image: (28, 28) float32 in [0, 1]; at most 28 pixels either way.
    """
    padded = np.pad(image, SIZE)
    return padded[SIZE - down : 2 * SIZE - down, SIZE - right : 2 * SIZE - right]


def reach(classifier: Classifier, image: np.ndarray) -> float:
    """Return how many pixels the digit can be pushed before the answer changes.

    The mean over right, left, down and up, each tried up to `FARTHEST`. image: (28, 28) float32.
    """
    steps = range(FARTHEST + 1)
    pushed = [push(image, down * n, right * n) for down, right in _DIRECTIONS for n in steps]
    digits = classifier.probabilities(np.array(pushed)).argmax(axis=1)
    same = (digits == digits[0]).reshape(len(_DIRECTIONS), len(steps))
    return float((np.cumprod(same, axis=1).sum(axis=1) - 1).mean())


@dataclass(frozen=True)
class Inside:
    """What the first layers of a network make of one image; empty where there is no such layer.

    A convolution's maps are (n, h, w) float32, 0 and above: where in the image a detector found
    what it looks for. A dense layer's weights are (n, 28, 28) float32: how much each pixel's ink
    excites (above 0) or calms (below 0) one unit. Both are ordered, what this image excites most
    first.
    """

    early_maps: np.ndarray
    later_maps: np.ndarray
    weights: np.ndarray


def look_inside(network: Network, image: np.ndarray) -> Inside:
    """Return what a network's first layers make of an image: (28, 28) float32 in [0, 1].

    Early maps are those of a convolution of the image, later ones those of a convolution of other
    maps. Of a network of several columns, they are those of the column with the widest ones.
    """
    steps = network.steps
    convolutions = [i for i, step in enumerate(steps) if step.kind == "convolution"]
    early = _widest(steps, [i for i in convolutions if steps[i].inputs == (0,)])[:1]
    later = _widest(steps, [i for i in convolutions if steps[i].inputs != (0,)])[-1:]
    dense = [] if convolutions else [i for i, step in enumerate(steps) if step.kind == "dense"][:1]
    outputs = network.run(image[np.newaxis], wanted=[*early, *later, *dense])
    return Inside(
        _strongest_maps(outputs[early[0]]) if early else _none(),
        _strongest_maps(outputs[later[0]]) if later else _none(),
        _strongest_weights(steps[dense[0]], outputs[dense[0]]) if dense else _none(),
    )


def _widest(steps: Sequence[Step], places: list[int]) -> list[int]:
    width = max((steps[i].shape[1] for i in places), default=0)
    return [i for i in places if steps[i].shape[1] == width]


def _none() -> np.ndarray:
    return np.zeros((0, SIZE, SIZE), np.float32)


def _strongest_maps(outputs: np.ndarray) -> np.ndarray:
    """Order (1, h, w, n) activations by how much they vary over the image."""
    maps = np.maximum(np.moveaxis(outputs[0], -1, 0), 0)
    return maps[np.argsort(-maps.std(axis=(1, 2)))]


def _strongest_weights(step: Step, excitement: np.ndarray) -> np.ndarray:
    """Order a dense layer's (784, units) weights by (1, units), how excited its units are."""
    return step.kernel.T.reshape(-1, SIZE, SIZE)[np.argsort(-excitement[0])]
