"""The sums behind one cell of a feature map, or one unit of a dense network, number by number.

The numbers are the network's own, with batch normalisation folded into kernel and bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.models.network import Network, Step, activate


@dataclass(frozen=True)
class Sum:
    """A weighted sum, written out: output = activation(products.sum() + bias)."""

    inputs: np.ndarray  # (rows, columns) float32: the image's pixels below the weights
    weights: np.ndarray  # (rows, columns) float32
    products: np.ndarray  # (rows, columns) float64, inputs x weights
    bias: float
    total: float  # the products' sum and the bias
    output: float  # what the activation function makes of it


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


def cell(step: Step, image: np.ndarray, kernel: int, row: int, column: int) -> Sum:
    """Return the sum behind a cell of one kernel's feature map.

    step: one of `first_convolutions`; image: (28, 28) float32 in [0, 1].
    """
    padded = np.pad(image, step.padding)
    rows, columns = step.kernel.shape[:2]
    top, left = row * step.stride, column * step.stride
    patch = padded[top : top + rows, left : left + columns]
    return _written_out(step, patch, step.kernel[:, :, 0, kernel], kernel)


def unit(step: Step, image: np.ndarray, number: int) -> Sum:
    """Return the sum behind one unit; step: that of `first_units`; image: (28, 28) float32."""
    return _written_out(step, image, step.kernel[:, number].reshape(28, 28), number)


def strongest_units(step: Step, image: np.ndarray, count: int) -> np.ndarray:
    """Return the units that an image excites most, the most excited first."""
    excitement = image.reshape(1, -1) @ step.kernel + _biases(step)
    return np.argsort(-excitement[0])[:count]


def _written_out(step: Step, inputs: np.ndarray, weights: np.ndarray, number: int) -> Sum:
    products = inputs.astype(np.float64) * weights
    bias = float(_biases(step)[number])
    total = float(products.sum() + bias)
    output = float(activate(step.activation, np.array([total]))[0])
    return Sum(inputs, weights, products, bias, total, output)


def _biases(step: Step) -> np.ndarray:
    return np.zeros(step.shape[-1], np.float32) if step.bias is None else step.bias
