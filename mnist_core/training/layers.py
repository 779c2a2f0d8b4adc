"""The layers of every recipe, known without TensorFlow: `artifacts/layers.json`, in git.

A page that shows a network's diagram shall not wait for TensorFlow, so the file is made once
from the recipes themselves, with `python -m mnist_core recipes --write-layers`; a test keeps
it true.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core.files import write_json
from mnist_core.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import keras

LAYERS_FILE = Path(__file__).resolve().parents[2] / "artifacts" / "layers.json"
# Drawn as part of the layer before them.
_SILENT = ("BatchNormalization", "Activation", "InputLayer")


@cache
def all_layers() -> dict[str, list[dict[str, Any]]]:
    """Return each recipe's layers: dicts of kind, text, shape and parameters; {} if unknown."""
    try:
        return json.loads(LAYERS_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_layers() -> Path:
    """Build every recipe and write its layers down; return where."""
    write_json(LAYERS_FILE, {name: describe(recipe) for name, recipe in RECIPES.items()})
    return LAYERS_FILE


def describe(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the layers of a recipe's network, the image first."""
    return _describe(recipe.build(), "white on black")


def _describe(model: keras.Model, image: str) -> list[dict[str, Any]]:
    described = [{"kind": "image", "text": image, "shape": [28, 28, 1], "parameters": 0}]
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Functional":  # a column that reads the image beside others
            column = _describe(layer, f"{layer.name} column")
            described = column if len(described) == 1 else described + column
            continue
        if kind in _SILENT:
            described[-1]["parameters"] += layer.count_params()
            continue
        name, text = _in_words(layer)
        shape = list(layer.output.shape[1:])
        entry = {"kind": name, "text": text, "shape": shape, "parameters": layer.count_params()}
        described.append(entry)
    return described


def _in_words(layer: keras.Layer) -> tuple[str, str]:
    kind, config = type(layer).__name__, layer.get_config()
    if kind in ("Conv2D", "DepthwiseConv2D"):
        rows, columns = config["kernel_size"]
        stride = config["strides"][0]
        each = ", by place" if kind == "DepthwiseConv2D" else ""
        return "convolution", f"{rows}×{columns}{f', step {stride}' if stride > 1 else ''}{each}"
    if kind == "MaxPooling2D":
        return "pooling", "largest of 2×2"
    if kind == "Dropout":
        return "dropout", f"{config['rate']:.0%} off"
    if kind == "Dense":
        if config["name"] == "is_digit":
            return "dense", "a digit at all?"
        activation = config["activation"]
        return "dense", "the answer" if activation == "softmax" else str(activation)
    what = "answers" if config["name"] == "digit" else "digit scores"
    return {
        "Flatten": ("flatten", "to one row"),
        "Add": ("add", "adds what was"),
        "Average": ("average", f"of the columns' {what}"),
    }.get(kind, (kind, ""))
