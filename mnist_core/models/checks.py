"""Is what lies in a model's folder what this app wrote there? Asked before anything relies on it.

Keras's safe mode refuses Python code in a model, but still imports, builds and allocates what the
file says. This app's networks are made of a handful of layers, and have no more numbers than their
file holds, so everything else is refused.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.files import finite, opened_zip, parse_json, read_member

if TYPE_CHECKING:
    import keras

MOST_KERAS_BYTES = 200_000_000  # the largest that ships has 5 million
MOST_CONFIG_BYTES = 1_000_000
MOST_NODES = 100_000  # of the configuration's tree
MOST_OBJECTS = 5000  # groups and arrays of the weights
ANSWERS = ({(None, 10)}, {(None, 10), (None, 1)})  # a digit; a digit and whether it is one
LARGEST_NUMBER = 1_000_000  # of the configuration, but for these
NO_SIZES = {"seed", "shared_object_id"}
MEMBERS = ["config.json", "metadata.json", "model.weights.h5"]
CLASSES = {
    "Activation", "Add", "Average", "BatchNormalization", "Conv2D", "DTypePolicy", "Dense",
    "DepthwiseConv2D", "Dropout", "Flatten", "Functional", "GlorotUniform", "InputLayer", "L2",
    "MaxPooling2D", "Ones", "Rescaling", "Sequential", "Zeros", "__keras_tensor__",
}  # fmt: skip
# What the weights of a layer are as many as, times the channels of its input.
WEIGHTS_OF: dict[str, list[str]] = {
    "Conv2D": ["kernel_size", "filters"],
    "DepthwiseConv2D": ["kernel_size", "depth_multiplier"],
    "Dense": ["units"],
    "BatchNormalization": [],
}
# Numbers on a card that something is computed from: the least and the most they can be.
NUMBERS_OF_A_CARD = (
    ("temperature", 0.01, 100.0),
    ("digit_threshold", 0.0, 1.0),
    ("test_accuracy", 0.0, 1.0),
    ("validation_digits_accepted", 0.0, 1.0),
)
MODULES = {
    None, "keras", "keras.initializers", "keras.layers", "keras.models", "keras.regularizers",
    "keras.src.models.functional", "keras.src.models.sequential",
}  # fmt: skip


def check_keras(path: Path) -> None:
    """Raise ValueError, in a few words, for a model that this app did not write."""
    if path.stat().st_size > MOST_KERAS_BYTES:
        raise ValueError(f"it has more than {MOST_KERAS_BYTES:,} bytes")
    promised = 0
    with opened_zip(path) as archive:
        if sorted(archive.namelist()) != MEMBERS:
            raise ValueError(f"it does not hold {', '.join(MEMBERS)} and nothing else")
        for name in MEMBERS[:2]:
            content = parse_json(read_member(archive, name, MOST_CONFIG_BYTES))
            if not isinstance(content, dict):
                raise ValueError(f"{name} is no JSON object")
            content.pop("compile_config", None)  # not read: answering needs no optimizer
            promised += sum(_numbers_of(node) for node in _checked_nodes(content))
        held = _checked_weights(read_member(archive, MEMBERS[2], MOST_KERAS_BYTES))
    if promised > held:
        raise ValueError(f"it asks for {promised:,} numbers but holds {held:,}")


def check_model(model: keras.Model) -> None:
    """Raise ValueError for a network that reads something else than digits or answers otherwise."""
    outputs = model.output_shape if isinstance(model.output_shape, list) else [model.output_shape]
    if model.input_shape != (None, 28, 28, 1) or {*outputs} not in ANSWERS:
        raise ValueError(f"it makes {outputs} of {model.input_shape}")


def check_card(card: dict[str, Any]) -> None:
    """Raise ValueError where a value that something is computed from cannot be one."""
    for key, least, most in NUMBERS_OF_A_CARD:
        if card.get(key) is not None and finite(card[key], least, most) is None:
            raise ValueError(f"its {key} is no number from {least} to {most}")
    for key in ("tflite_of", "tflite_sha256"):
        if not isinstance(card.get(key, ""), str):
            raise ValueError(f"its {key} is no text")


def check_evaluation(arrays: dict[str, np.ndarray]) -> None:
    """Raise ValueError where stored answers are not what `registry.Evaluation` says."""
    images = arrays["y_true"].size
    shapes = {"probabilities": (images, 10), "y_true": (images,), "digit_scores": (images,)}
    for name, array in arrays.items():
        kind, most = {"y_true": ("u", 9)}.get(name, ("f", 1.0001))
        if array.shape != shapes.get(name, ()):
            raise ValueError(f"{name} has the shape {array.shape}")
        if array.dtype.kind != (kind if name in shapes else "U"):
            raise ValueError(f"{name} has the type {array.dtype}")
        if name in shapes and not ((array >= 0) & (array <= most)).all():
            raise ValueError(f"{name} has values that cannot be")


def _checked_nodes(config: dict[str, Any]) -> list[Any]:
    """Return every part of a configuration, once it names nothing that none of ours has."""
    nodes: list[Any] = [config]
    for count, node in enumerate(nodes):
        if count > MOST_NODES:
            raise ValueError("its configuration is too large")
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, dict):
            nodes.extend(value for key, value in node.items() if key not in NO_SIZES)
            for key, known in (("class_name", CLASSES), ("module", MODULES)):
                name = node.get(key)
                if key in node and not isinstance(name, str | None):
                    raise ValueError(f"its {key} is no name")
                if key in node and name not in known:
                    raise ValueError(f"it names the {key} {name}")
        elif isinstance(node, int | float) and not -LARGEST_NUMBER <= node <= LARGEST_NUMBER:
            raise ValueError(f"it asks for a size of {str(node)[:20]}")
    return nodes


def _numbers_of(node: object) -> int:
    """Return how many weights Keras will make room for when it builds a layer (biases apart)."""
    if not isinstance(node, dict) or node.get("class_name") not in WEIGHTS_OF:
        return 0
    try:
        channels = node["build_config"]["input_shape"][-1]
        sizes = [node["config"][key] for key in WEIGHTS_OF[node["class_name"]]]
    except (KeyError, TypeError, IndexError):
        raise ValueError(f"a {node['class_name']} does not say its sizes") from None
    flat = [one for size in sizes for one in (size if isinstance(size, list) else [size])]
    if not all(isinstance(one, int) and one > 0 for one in [channels, *flat]):
        raise ValueError(f"a {node['class_name']} has sizes that cannot be")
    return channels * math.prod(flat)


def _checked_weights(content: bytes) -> int:
    """Return how many numbers a file of weights holds, once they are plain arrays inside it."""
    import h5py

    held = 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            groups = [file]
            for count, group in enumerate(groups):  # grows; a group inside itself ends it
                if count > MOST_OBJECTS:
                    raise ValueError("its weights are nested too deep")
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise ValueError("its weights are elsewhere")
                    item = group[name]
                    if isinstance(item, h5py.Dataset):
                        held += _checked_size(item, len(content))
                    else:
                        groups.append(item)
    except (OSError, RuntimeError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise ValueError(f"its weights are damaged: {error}") from None
    if held > len(content):  # the same array under several names
        raise ValueError("its weights are more than the file holds")
    return held


def _checked_size(array: Any, most_bytes: int) -> int:
    plain = array.dtype.kind in "iuf" and array.chunks is None
    if not plain or array.external or array.is_virtual or array.nbytes > most_bytes:
        raise ValueError("its weights are no plain arrays")
    return int(array.size)
