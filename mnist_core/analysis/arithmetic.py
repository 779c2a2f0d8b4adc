"""The first layers, whose sums are shown number by number (see `views.arithmetic_view`).

The numbers are the network's own, with batch normalisation folded into kernel and bias.
"""

from __future__ import annotations

import numpy as np

from mnist_core.models.network import Network, Step


def first_convolutions(network: Network) -> list[int]:
    """Return the steps that slide kernels over the image itself; none in a dense network."""
    return [
        index
        for index, step in enumerate(network.steps)
        if step.kind == "convolution" and step.inputs == (0,)
    ]


def first_units(network: Network) -> int | None:
    """Return the step whose units weigh the image's 784 pixels, None in a CNN."""
    for index, step in enumerate(network.steps):
        if step.kind == "dense" and step.kernel.shape[0] == 784:
            return index
    return None


def strongest_units(step: Step, image: np.ndarray, count: int) -> np.ndarray:
    """Return the units that an image excites most, the most excited first."""
    biases = np.zeros(step.shape[-1], np.float32) if step.bias is None else step.bias
    return np.argsort(-(image.reshape(1, -1) @ step.kernel + biases)[0])[:count]
