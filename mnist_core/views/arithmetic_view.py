"""What the component that shows sums is made of, and the numbers that it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.analysis import arithmetic
from mnist_core.models.network import Network
from mnist_core.views.answer_view import COLOURS_ON_BLACK

PARTS = Path(__file__).parent / "arithmetic"
HTML, CSS, JS = (
    (PARTS / f"arithmetic.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")
)
UNITS = 12  # of a dense network's hundreds: those that this drawing excites most


def layers(network: Network, image: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return what can be shown of a network's first layers, by name: each what the component
    takes as `layer`. image: (28, 28) float32 in [0, 1]."""
    found = {}
    steps = arithmetic.first_convolutions(network)
    for place, index in enumerate(steps):
        step = network.steps[index]
        rows, columns, _, filters = step.kernel.shape
        name = f"{filters} filters of {rows} × {columns}" + (
            f" (column {place + 1})" if len(steps) > 1 else ""
        )
        found[name] = _layer(
            step, "cnn", list(range(filters)),
            [step.kernel[:, :, 0, one] for one in range(filters)],
            f"A filter is a little pattern of {rows} × {columns} weights, its kernel. It is laid "
            "on the drawing at every place in turn; each time, the ink below is multiplied by the "
            "weights and added up. The same kernel everywhere: that is why a pushed digit gives "
            "the same findings, only pushed.",
        )  # fmt: skip
    units = arithmetic.first_units(network)
    if units is not None:
        step = network.steps[units]
        shown = [int(one) for one in arithmetic.strongest_units(step, image, UNITS)]
        found[f"{step.shape[0]:,} units"] = _layer(
            step, "dense", shown, [step.kernel[:, one].reshape(28, 28) for one in shown],
            "A unit has one weight for each of the 784 pixels, so it waits for ink at fixed "
            "places. Push the digit two pixels aside and the ink meets other weights: all sums "
            "are different ones.",
        )  # fmt: skip
    return found


def _layer(
    step: Any, slot: str, numbers: list[int], weights: list[np.ndarray], words: str
) -> dict[str, Any]:
    slides = step.kind == "convolution"
    biases = np.zeros(step.shape[-1]) if step.bias is None else step.bias
    return {
        "kind": step.kind,
        "words": words,
        "colour": COLOURS_ON_BLACK[slot],
        "stride": step.stride if slides else 1,
        "padding": [before for before, _ in step.padding],
        "activation": step.activation,
        "weights": [one.ravel().tolist() for one in weights],
        "biases": [float(biases[one]) for one in numbers],
        "numbers": numbers,
        "rows": weights[0].shape[0],
        "columns": weights[0].shape[1],
        "size": step.shape[0] if slides else 1,
    }
