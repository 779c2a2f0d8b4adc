"""A trained network as what it is: a short list of steps on arrays, in NumPy.

LiteRT and Keras answer faster; this is for whoever wants to look inside, take a network apart or
carry it elsewhere. `keras_file.read_network` reads one off `model.keras`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

CHUNK = 50  # images whose patches are in memory at once


@dataclass(frozen=True)
class Step:
    """One step: what it does to the outputs of earlier ones.

    Shapes leave the batch out. kind: "image", "convolution", "depthwise", "pooling" (largest of
    2x2), "dense", "scale" (times weights plus bias), "add", "average" or "flatten". weights:
    (rows, columns, channels in, filters) of a convolution, (rows, columns, channels,
    multiplier) of a depthwise one, (inputs, units) of a dense layer, (features,) of a scale;
    float32. Batch normalisation is folded into the step before it where that can be.
    """

    kind: str
    inputs: tuple[int, ...] = ()
    shape: tuple[int, ...] = (28, 28, 1)
    name: str = "image"
    activation: str = "linear"  # or "relu", "tanh", "sigmoid", "softmax"
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    stride: int = 1
    # Rows of zeros above and below, columns of zeros left and right.
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    @property
    def kernel(self) -> np.ndarray:
        """The weights. Raises ValueError where the step has none."""
        if self.weights is None:
            raise ValueError(f"The step {self.name!r} ({self.kind}) has no weights.")
        return self.weights


@dataclass(frozen=True)
class Network:
    """Steps in an order in which they can be taken; the first is the image."""

    steps: tuple[Step, ...]
    digit: int  # the step whose output are the ten probabilities, before calibration
    is_digit: int | None  # the step that says how much this looks like one digit

    def run(
        self,
        images: np.ndarray,
        cuts: Mapping[int, np.ndarray] | None = None,
        known: Mapping[int, np.ndarray] | None = None,
        wanted: Sequence[int] | None = None,
    ) -> dict[int, np.ndarray]:
        """Return the steps' outputs, (n, *shape) float32, by their places in `steps`.

        images: (n, 28, 28) float32 in [0, 1]. cuts: by step, the channels or units (indices) whose
        output is 0. known: outputs that need not be computed again, by step. wanted: the steps
        that matter, so that only these and what they need is computed; None for all.
        """
        _leave_a_core()
        outputs: dict[int, np.ndarray] = dict(known or {})
        outputs[0] = np.asarray(images, np.float32)[..., np.newaxis]
        needed = set(range(len(self.steps)) if wanted is None else wanted)
        for index in range(len(self.steps) - 1, 0, -1):
            if index in needed and index not in outputs:
                needed.update(self.steps[index].inputs)
        for index, step in enumerate(self.steps):
            if index not in needed:
                continue
            if index not in outputs:
                outputs[index] = take(step, [outputs[one] for one in step.inputs])
            if cuts is not None and index in cuts:
                kept = outputs[index].copy()
                kept[..., cuts[index]] = 0
                outputs[index] = kept
        return outputs

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 10) float32 probabilities, not calibrated; images: (n, 28, 28) float32."""
        parts = [
            self.run(images[start : start + CHUNK], wanted=[self.digit])[self.digit]
            for start in range(0, len(images), CHUNK)
        ]
        return np.concatenate(parts)


@cache
def _leave_a_core() -> None:
    """Let matrix products use one core from now on: on a busy machine, OpenBLAS's threads wait
    for each other, and one image took half a second instead of ten milliseconds."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")


def take(step: Step, inputs: list[np.ndarray]) -> np.ndarray:
    """Return what a step makes of its inputs: (n, ...) float32 each."""
    (x, *others) = inputs
    if step.kind == "convolution":
        x = patches(step, x) @ step.kernel.transpose(2, 0, 1, 3).reshape(-1, step.shape[-1])
        x = x.reshape(-1, *step.shape)
    elif step.kind == "depthwise":
        # (n, rows, columns, channels, kernel rows, kernel columns) x kernel, channel by channel
        windows = _windows(step, x)
        x = np.einsum("nxycij,ijcm->nxycm", windows, step.kernel, optimize=True)
        x = np.ascontiguousarray(x, np.float32).reshape(-1, *step.shape)
    elif step.kind == "pooling":
        rows, columns, _ = step.shape
        corners = [x[:, i : 2 * rows : 2, j : 2 * columns : 2] for i in (0, 1) for j in (0, 1)]
        x = np.maximum(np.maximum(*corners[:2]), np.maximum(*corners[2:]))
    elif step.kind == "dense":
        x = x @ step.weights
    elif step.kind == "scale":
        x = x * step.weights
    elif step.kind == "flatten":
        x = x.reshape(len(x), -1)
    for other in others:  # "add" and "average"
        x = x + other
    if step.kind == "average":
        x = x / np.float32(len(inputs))
    if step.bias is not None:
        x = x + step.bias
    return activate(step.activation, x)


def activate(name: str, x: np.ndarray) -> np.ndarray:
    """Return an activation function's values: "linear", "relu", "tanh", "sigmoid", "softmax"."""
    if name == "relu":
        return np.maximum(x, 0)
    if name == "tanh":
        return np.tanh(x)
    if name == "sigmoid":
        return (1 + np.tanh(x / 2)) / 2  # cannot overflow
    if name == "softmax":
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
    return x


def patches(step: Step, x: np.ndarray) -> np.ndarray:
    """Return what a convolution's kernel lies on at each place, one row each.

    x: (n, rows, columns, channels). Returns (n * places, channels * kernel rows * kernel columns).
    """
    return _windows(step, x).reshape(len(x) * step.shape[0] * step.shape[1], -1)


def _windows(step: Step, x: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), *step.padding, (0, 0)))
    sizes = step.kernel.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(padded, sizes, axis=(1, 2))
    return windows[:, :: step.stride, :: step.stride]
