"""How a network's answer changes with each pixel: backpropagation through its steps, in NumPy."""

from __future__ import annotations

import numpy as np

from mnist_core.models.network import Network, Step

LEAST_PROBABILITY = 1e-20


def log_odds_gradient(network: Network, image: np.ndarray, digit: int, other: int) -> np.ndarray:
    """Return how fast log(p(other) / p(digit)) grows with each pixel's ink: (28, 28) float32.

    image: (28, 28) float32 in [0, 1].
    """
    outputs = network.run(image[np.newaxis], wanted=[network.digit])
    probabilities = np.maximum(outputs[network.digit].astype(np.float64), LEAST_PROBABILITY)
    slope = np.zeros_like(probabilities)
    slope[0, other], slope[0, digit] = 1 / probabilities[0, other], -1 / probabilities[0, digit]
    slopes: dict[int, np.ndarray] = {network.digit: slope}
    for index in range(network.digit, 0, -1):
        if index not in slopes:
            continue
        step = network.steps[index]
        inputs = [outputs[one] for one in step.inputs]
        given = back(step, inputs, outputs[index], slopes.pop(index))
        for one, part in zip(step.inputs, given, strict=True):
            slopes[one] = slopes[one] + part if one in slopes else part
    return slopes[0][0, :, :, 0].astype(np.float32)


def back(
    step: Step, inputs: list[np.ndarray], output: np.ndarray, slope: np.ndarray
) -> list[np.ndarray]:
    """Return the slopes by each input of a step, from those by its output."""
    slope = _through_activation(step.activation, output, slope)
    x = inputs[0]
    if step.kind == "convolution":
        return [_back_convolution(step, x, slope)]
    if step.kind == "depthwise":
        channels = step.kernel.shape[2]
        by_channel = slope.reshape(*slope.shape[:3], channels, -1)
        parts = np.einsum("nxycm,ijcm->nxyijc", by_channel, step.kernel, optimize=True)
        return [_scatter(step, x, parts)]
    if step.kind == "pooling":
        return [_back_pooling(x, output, slope)]
    if step.kind == "dense":
        return [slope @ step.kernel.T]
    if step.kind == "scale":
        return [slope * step.kernel]
    if step.kind == "flatten":
        return [slope.reshape(x.shape)]
    share = len(inputs) if step.kind == "average" else 1
    return [slope / share for _ in inputs]


def _through_activation(name: str, output: np.ndarray, slope: np.ndarray) -> np.ndarray:
    if name == "relu":
        return slope * (output > 0)
    if name == "tanh":
        return slope * (1 - output**2)
    if name == "sigmoid":
        return slope * output * (1 - output)
    if name == "softmax":
        return output * (slope - (slope * output).sum(axis=-1, keepdims=True))
    return slope


def _back_convolution(step: Step, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    rows, columns, channels, filters = step.kernel.shape
    parts = slope.astype(np.float32) @ step.kernel.reshape(-1, filters).T
    return _scatter(step, x, parts.reshape(*slope.shape[:3], rows, columns, channels))


def _scatter(step: Step, x: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Add up, for each input cell, what the kernel's cells that lay on it say.

    parts: (n, rows, columns, kernel rows, kernel columns, channels).
    """
    (top, bottom), (left, right) = step.padding
    padded = np.zeros((len(x), x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]),
                      np.float32)  # fmt: skip
    down, across = parts.shape[1] * step.stride, parts.shape[2] * step.stride
    for i in range(parts.shape[3]):
        for j in range(parts.shape[4]):
            padded[:, i : i + down : step.stride, j : j + across : step.stride] += parts[
                :, :, :, i, j
            ]
    return padded[:, top : top + x.shape[1], left : left + x.shape[2]]


def _back_pooling(x: np.ndarray, output: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Give each slope to the largest of its four cells; to the first of equals."""
    given = np.zeros_like(x, dtype=np.float32)
    free = np.ones(output.shape, bool)
    rows, columns = output.shape[1:3]
    for i in (0, 1):
        for j in (0, 1):
            place = np.s_[:, i : 2 * rows : 2, j : 2 * columns : 2]
            largest = free & (x[place] == output)
            given[place] = slope * largest
            free &= ~largest
    return given
