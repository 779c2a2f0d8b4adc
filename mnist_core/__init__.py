"""Handwritten digits: from a drawing to the answer of a trained network.

The public names are here, each loaded when it is first asked for:

    mnist_image      a drawing -> the 28x28 image that the networks read
    Classifier       a trained model that answers: Classifier.load("cnn").probabilities(images)
    load_mnist       the data set, from wherever it can be had
    RECIPES          what can be trained, by name
    BlankDrawing     raised for a drawing without ink
    MnistError       the base of every error that this package raises on purpose

Neither importing the package nor asking for a name imports TensorFlow; the functions that need
it do so when they are called. The rooms: ink, data, models, analysis, training, views, room, runs,
web, cli.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_core.data.mnist import load_mnist
    from mnist_core.errors import BlankDrawing, MnistError
    from mnist_core.ink.preprocessing import mnist_image
    from mnist_core.models.classifier import Classifier
    from mnist_core.training.recipes import RECIPES

__all__ = ["RECIPES", "BlankDrawing", "Classifier", "MnistError", "load_mnist", "mnist_image"]

_HOMES = {
    "BlankDrawing": "errors",
    "Classifier": "models.classifier",
    "MnistError": "errors",
    "RECIPES": "training.recipes",
    "load_mnist": "data.mnist",
    "mnist_image": "ink.preprocessing",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its room (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
