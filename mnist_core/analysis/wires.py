"""How much of a network one can cut away: filters and units switched off.

What a cut does not change is computed once and kept: of a thousand digits, only the steps behind
the cut are taken again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.models.network import CHUNK, Network

SEED = 20_261_125


@dataclass(frozen=True)
class Layer:
    """A layer whose filters or units can be switched off."""

    step: int
    filters: int  # or units
    kind: str  # "filters" or "units"
    number: int  # counts the layers of its column, from 1
    column: int  # from 1; the network's columns read the image side by side


def layers(network: Network) -> list[Layer]:
    """Return the layers that can be cut, those that answer left out."""
    found: list[Layer] = []
    column = number = 0
    for index, step in enumerate(network.steps):
        if step.kind not in ("convolution", "dense") or _answers(network, index):
            continue
        first = not any(_reads(network, index, one.step) for one in found)
        column, number = (column + 1, 1) if first else (column, number + 1)
        kind = "filters" if step.kind == "convolution" else "units"
        found.append(Layer(index, step.shape[-1], kind, number, column))
    return found


def strongest(network: Network, layer: Layer, image: np.ndarray) -> np.ndarray:
    """Return a layer's filters, the one that this image excites most first.

    image: (28, 28) float32 in [0, 1]; how much is the mean over all places.
    """
    output = network.run(image[np.newaxis], wanted=[layer.step])[layer.step][0]
    excitement = np.maximum(output, 0).reshape(-1, layer.filters).mean(axis=0)
    return np.argsort(-excitement, kind="stable")


def at_random(layer: Layer) -> np.ndarray:
    """Return a layer's filters in an order that is random, but the same every time."""
    return np.random.default_rng(SEED).permutation(layer.filters)


def probabilities(network: Network, image: np.ndarray, layer: Layer, cut: np.ndarray) -> np.ndarray:
    """Return the (10,) float32 probabilities of an image, not calibrated, without some filters.

    image: (28, 28) float32 in [0, 1]; cut: which filters give nothing.
    """
    outputs = network.run(image[np.newaxis], {layer.step: cut}, wanted=[network.digit])
    return outputs[network.digit][0]


class CutAccuracy:
    """The accuracy on some digits with a layer's filters cut, quick from the second time on."""

    def __init__(
        self, network: Network, layer: Layer, images: np.ndarray, labels: np.ndarray
    ) -> None:
        """images: (n, 28, 28) uint8; labels: (n,)."""
        self._network, self._layer, self._labels = network, layer, labels
        kept = _kept_before(network, layer.step)
        self._known: list[tuple[np.ndarray, dict[int, np.ndarray]]] = []
        for start in range(0, len(images), CHUNK):
            chunk = images[start : start + CHUNK].astype(np.float32) / 255
            outputs = network.run(chunk, wanted=kept)
            self._known.append((chunk, {index: outputs[index] for index in kept}))

    def without(self, cut: np.ndarray) -> float:
        """Return the share of digits that is read right without these filters."""
        network, step = self._network, self._layer.step
        right = start = 0
        for chunk, known in self._known:
            outputs = network.run(chunk, {step: cut}, known, [network.digit])
            read = outputs[network.digit].argmax(axis=1)
            right += int((read == self._labels[start : start + len(read)]).sum())
            start += len(read)
        return right / len(self._labels)


_last: dict[str, CutAccuracy] = {}


def accuracy_without(
    key: str,
    network: Network,
    layer: Layer,
    images: np.ndarray,
    labels: np.ndarray,
    cut: np.ndarray,
) -> float:
    """Return the share of digits that is read right with a layer's filters cut.

    What lies before the cut is kept for the next cut with the same key: of one layer and these
    digits alone, it is some thirty megabytes. images: (n, 28, 28) uint8; labels: (n,).
    """
    if key not in _last:
        _last.clear()
        _last[key] = CutAccuracy(network, layer, images, labels)
    return _last[key].without(cut)


def _answers(network: Network, index: int) -> bool:
    """Whether a step is one that answers, or whose answer is averaged with others."""
    return network.steps[index].shape[-1] in (1, 10) and not any(
        index in step.inputs and step.kind != "average" for step in network.steps
    )


def _reads(network: Network, index: int, earlier: int) -> bool:
    """Whether a step's output depends on an earlier step's."""
    return index == earlier or any(
        _reads(network, one, earlier) for one in network.steps[index].inputs if one >= earlier
    )


def _kept_before(network: Network, cut: int) -> list[int]:
    """Return the steps to keep: the cut one, and what later ones read beside what it changes.

    A first layer's output is larger than the image and quickly made anew, so it is not kept.
    """
    changed = {i for i in range(cut, len(network.steps)) if _reads(network, i, cut)}
    read = {one for index in changed - {cut} for one in network.steps[index].inputs} - changed
    own = set() if network.steps[cut].inputs == (0,) else {cut}
    return sorted((read | own) - {0})
