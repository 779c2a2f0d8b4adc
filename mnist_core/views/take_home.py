"""A trained network as one HTML file that reads digits anywhere: canvas, rule, weights, answers.

The page's parts are files of their own in `take_home/`; `network.js` takes the steps of
`models.network`, `ink.js` is `ink.preprocessing`.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from mnist_core.data.mnist import judged_by_mnist
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import CANVAS_SIZE_PX, draw_strokes, place
from mnist_core.models import registry
from mnist_core.models.keras_file import read_network
from mnist_core.models.network import Network, Step
from mnist_core.models.temperature import apply_temperature
from mnist_core.views.answer_view import SLOT_COLOURS

PARTS = Path(__file__).parent / "take_home"
SCRIPTS = ("ink.js", "network.js", "page.js")
# Probabilities may differ by so much before halving the weights' precision is too dear.
MOST_DIFFERENCE = 0.0005


def take_home(name: str) -> str:
    """Return the HTML file of "dense", "cnn" or a run id.

    Raises ModelError where the model is missing, damaged, or has a layer that `read_network`
    does not know.
    """
    card, network = registry.load_card(name), read_network(name)
    style = (PARTS / "page.css").read_text(encoding="utf-8")
    convolves = any(step.kind == "convolution" for step in network.steps)
    scripts = [(PARTS / script).read_text(encoding="utf-8") for script in SCRIPTS]
    recipe = str(card.get("recipe", name))
    accuracy, weights = card.get("test_accuracy"), _numbers(network)
    whose = "MNIST's" if judged_by_mnist(card) else "its"
    facts = f"{weights:,} numbers were learnt from handwritten digits." + (
        "" if accuracy is None else f" {accuracy:.2%} of {whose} test images are read right."
    )
    return Template((PARTS / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(f"The network “{recipe}”"),
        summary=html.escape(str(card.get("summary", "A network that reads handwritten digits."))),
        style=style.replace("COLOUR", SLOT_COLOURS["cnn" if convolves else "dense"]),
        bars="\n".join(
            f'<div class="bar"><b>{digit}</b><span><i></i></span><em></em></div>'
            for digit in range(10)
        ),
        facts=html.escape(facts),
        network=json.dumps(pack(network, card)).replace("<", "\\u003c"),
        script="\n".join(scripts),
    )


def pack(network: Network, card: dict[str, Any]) -> dict[str, Any]:
    """Return a network and its calibration as `unpackNetwork` of network.js reads them.

    The numbers have 16 bits where that changes no probability of a hundred drawings by more
    than `MOST_DIFFERENCE`, otherwise 32.
    """
    temperature = float(card.get("temperature") or 1.0)
    images = drawn_digits()
    exact, rounded = (
        apply_temperature(one.probabilities(images), temperature)
        for one in (network, in_16_bits(network))
    )
    fits = float(np.abs(exact - rounded).max()) <= MOST_DIFFERENCE
    numbers: list[np.ndarray] = []
    steps = [_packed_step(step, numbers, fits) for step in network.steps]
    everything = np.concatenate(numbers).astype("<i2" if fits else "<f4")
    return {
        "bits": 16 if fits else 32,
        "numbers": base64.b64encode(everything.tobytes()).decode("ascii"),
        "steps": steps,
        "digit": network.digit,
        "isDigit": None if card.get("digit_threshold") is None else network.is_digit,
        "temperature": temperature,
        "threshold": card.get("digit_threshold"),
    }


def in_16_bits(network: Network) -> Network:
    """Return the network with its numbers rounded as `pack` would."""

    def rounded(numbers: np.ndarray | None) -> np.ndarray | None:
        if numbers is None:
            return None
        whole, scale = _whole_numbers(numbers)
        return (whole * scale).astype(np.float32)

    steps = [
        dataclasses.replace(step, weights=rounded(step.weights), bias=rounded(step.bias))
        for step in network.steps
    ]
    return dataclasses.replace(network, steps=tuple(steps))


def _whole_numbers(numbers: np.ndarray) -> tuple[np.ndarray, float]:
    """Return whole numbers of 16 bits, and what they have to be multiplied by.

    Even steps suit weights, whose errors add up, better than float16's: a tenth of the error.
    """
    scale = float(np.abs(numbers).max()) / 32_767 or 1.0
    return np.round(numbers / scale), scale


def drawn_digits() -> np.ndarray:
    """Return (n, 28, 28) float32 images: each of our prototypes, drawn by two hands."""
    random = np.random.default_rng(1)
    margin = CANVAS_SIZE_PX * 0.2
    return np.array([
        mnist_image(draw_strokes(place(another_hand(strokes, random), margin, margin,
                                       CANVAS_SIZE_PX - 2 * margin)))
        for _, strokes in digit_prototypes() for _ in range(2)
    ])  # fmt: skip


def _packed_step(step: Step, numbers: list[np.ndarray], fits: bool) -> dict[str, Any]:
    """Return a step as JSON, its numbers added to `numbers`; fits: 16 bits are enough."""
    kernel = None
    if step.weights is not None and step.kind in ("convolution", "depthwise"):
        kernel = step.weights.shape[:2]
    packed = {
        "kind": step.kind,
        "inputs": step.inputs,
        "shape": step.shape,
        "activation": step.activation,
        "stride": step.stride,
        "padding": [before for before, _ in step.padding],
        "kernel": kernel,
    }
    for part, array in (("weights", step.weights), ("bias", step.bias)):
        first = sum(one.size for one in numbers)
        packed[part] = None
        if array is not None:
            whole, scale = _whole_numbers(array) if fits else (array, 1.0)
            packed[part] = [first, array.size, scale]
            numbers.append(whole.ravel())
    return packed


def _numbers(network: Network) -> int:
    arrays = [array for step in network.steps for array in (step.weights, step.bias)]
    return sum(array.size for array in arrays if array is not None)
