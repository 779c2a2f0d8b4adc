"""The least ink, added or taken away, that makes a network read another digit.

A greedy search, as the saliency maps of Papernot et al. (2016) led to: again and again the pixel
that by the gradient moves the answer most is filled or emptied, then what was not needed is taken
back. What it finds is small, but nobody knows whether it is the smallest.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.gradient import log_odds_gradient
from mnist_core.models.classifier import Classifier
from mnist_core.models.network import Network

LIMIT_S = 10.0  # of a search, for one network
MOST_PIXELS = 60  # a change of more is no small one
TRIED = 6  # pixels that are tried at each step
DIGITS = 3  # other digits that are aimed at, the likeliest first


@dataclass(frozen=True)
class Change:
    """A change that was found, or that none was."""

    image: np.ndarray | None  # (28, 28) float32 in [0, 1]; None: nothing was found
    before: int
    after: int | None
    added: float  # ink, in pixels' worth
    removed: float
    aimed_at: tuple[int, ...]  # the digits that were tried
    seconds: float

    @property
    def ink(self) -> float:
        """How much ink is changed, in pixels' worth: 1 is one pixel from black to white."""
        return self.added + self.removed


def smallest_change(
    network: Network, classifier: Classifier, image: np.ndarray, limit_s: float = LIMIT_S
) -> Change:
    """Return the smallest change that was found within the time; image: (28, 28) float32."""
    start = time.perf_counter()
    probabilities = classifier.probabilities(image[np.newaxis])[0]
    before, *others = np.argsort(-probabilities)[: DIGITS + 1]
    best: np.ndarray | None = None
    tried: list[int] = []
    for place, other in enumerate(others):
        # Every digit has its share of the time; what one leaves is the next one's.
        until = start + limit_s * (place + 1) / len(others)
        if time.perf_counter() >= until:
            continue
        tried.append(int(other))
        most = MOST_PIXELS if best is None else _ink(best, image)
        found = _towards(network, classifier, image, int(before), int(other), most, until)
        if found is not None and (best is None or _ink(found, image) < _ink(best, image)):
            best = found
    seconds = time.perf_counter() - start
    if best is None:
        return Change(None, int(before), None, 0.0, 0.0, tuple(tried), seconds)
    difference = best - image
    return Change(
        image=best,
        before=int(before),
        after=int(classifier.probabilities(best[np.newaxis])[0].argmax()),
        added=float(difference.clip(min=0).sum()),
        removed=float(-difference.clip(max=0).sum()),
        aimed_at=tuple(tried),
        seconds=seconds,
    )


def _ink(changed: np.ndarray, image: np.ndarray) -> float:
    return float(np.abs(changed - image).sum())


def _towards(
    network: Network, classifier: Classifier, image: np.ndarray, digit: int, other: int,
    most: float, until: float,
) -> np.ndarray | None:  # fmt: skip
    """Return an image that is not read as `digit` any more, None where none was found in time."""
    changed = image.copy()
    free = np.ones(image.shape, bool)  # a pixel is changed once
    while _ink(changed, image) < most:
        if time.perf_counter() > until:
            return None
        slope = log_odds_gradient(network, changed, digit, other)
        filled = (slope > 0).astype(np.float32)  # ink where it helps, none where it hurts
        gain = np.where(free, np.abs(slope) * np.abs(filled - changed), 0)
        candidates = np.argsort(-gain, axis=None)[:TRIED]
        attempts = np.repeat(changed[np.newaxis], len(candidates), axis=0)
        attempts.reshape(len(candidates), -1)[np.arange(len(candidates)), candidates] = (
            filled.ravel()[candidates]
        )
        said = classifier.probabilities(attempts)
        turned = said.argmax(axis=1) != digit
        odds = np.log(said[:, other] + 1e-12) - np.log(said[:, digit] + 1e-12)
        choice = int(np.argmax(odds + 1e6 * turned))
        changed = attempts[choice]
        free.ravel()[candidates[choice]] = False
        if turned[choice]:
            return _without_needless(classifier, image, changed, digit, until)
    return None


def _without_needless(
    classifier: Classifier, image: np.ndarray, changed: np.ndarray, digit: int, until: float
) -> np.ndarray:
    """Take back, as a whole and then in parts, what the other answer does not need; what the time
    does not suffice for stays."""
    for share in (1.0, 0.5, 0.25):
        for _ in range(MOST_PIXELS):
            if time.perf_counter() > until:
                return changed
            places = np.flatnonzero(np.abs(changed - image) > 1e-3)
            attempts = np.repeat(changed[np.newaxis], len(places), axis=0)
            flat, own = attempts.reshape(len(places), -1), np.arange(len(places))
            flat[own, places] += share * (image.ravel()[places] - flat[own, places])
            said = classifier.probabilities(attempts)
            still = said.argmax(axis=1) != digit
            if not still.any():
                break
            # The one after which the first digit is least likely leaves most room for the next.
            changed = attempts[int(np.argmin(said[:, digit] + 10 * ~still))]
    return changed
