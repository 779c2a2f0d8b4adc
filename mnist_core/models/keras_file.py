"""The network inside a `model.keras`, read without TensorFlow: a zip of JSON and an HDF5 file.

Dropout does nothing once a network is trained and is left out; batch normalisation becomes a
multiplication and an addition, in the weights of the layer before it where nothing stands between.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from mnist_core.files import opened_zip, parse_json, read_member
from mnist_core.models import checks, registry
from mnist_core.models.network import Network, Step

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "softmax")
_CONFIG, _WEIGHTS = checks.MEMBERS[0], checks.MEMBERS[2]


def read_network(name: str) -> Network:
    """Return the network of "dense", "cnn" or a run id.

    Raises ModelError where the file is missing, damaged, or has a layer that is not known here.
    """
    path = registry.keras_path(name)
    try:
        checks.check_keras(path)
        with opened_zip(path) as archive:
            config = parse_json(read_member(archive, _CONFIG, checks.MOST_CONFIG_BYTES))
            content = read_member(archive, _WEIGHTS, checks.MOST_KERAS_BYTES)
        return _Reader(content).read(config)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise registry.damaged(path, name, error) from None


class _Reader:
    """Takes the layers of a configuration one after the other and makes steps of them."""

    def __init__(self, weights: bytes) -> None:
        import h5py

        self._file = h5py.File(io.BytesIO(weights), "r")
        self._steps: list[Step] = [Step("image")]

    def read(self, config: dict[str, Any]) -> Network:
        outputs = self._model(config, [0], "layers")
        by_width = {self._steps[one].shape[-1]: one for one in outputs}
        return Network(tuple(self._steps), by_width[10], by_width.get(1))

    def _model(self, config: dict[str, Any], inputs: list[int], folder: str) -> list[int]:
        """Take a model's layers; return the steps that are its outputs."""
        sequential = config["class_name"] == "Sequential"
        counted: Counter[str] = Counter()
        made: dict[str, list[int]] = {}
        last = inputs
        for layer in config["config"]["layers"]:
            kind = layer["class_name"]
            # As Keras names groups of weights: by class, counted in the order of the layers.
            group = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
            number, counted[group] = counted[group], counted[group] + 1
            place = f"{folder}/{group}{f'_{number}' if number else ''}"
            if kind == "InputLayer":
                last = inputs
            else:
                given = last if sequential else _origins(layer["inbound_nodes"], made)
                if kind in ("Functional", "Sequential"):
                    last = self._model(layer, given, f"{place}/layers")
                else:
                    last = [self._layer(kind, layer["config"], given, place)]
            made[layer["config"]["name"]] = last
        if sequential:
            return last
        return [made[name][at] for name, at in _references(config["config"]["output_layers"])]

    def _layer(self, kind: str, config: dict[str, Any], given: list[int], place: str) -> int:
        """Take one layer; return the step that it ends in."""
        before = self._steps[given[0]]
        if kind == "Dropout":
            return given[0]
        if kind == "Activation":
            return self._replace_or_append(given[0], activation=_activation(config))
        if kind == "BatchNormalization":
            return self._normalise(given[0], *self._normalisation(config, place))
        step = Step("", tuple(given), before.shape, config["name"])
        if kind in ("Conv2D", "DepthwiseConv2D"):
            step = _convolution(kind, config, step, self._array(place, 0))
        elif kind == "MaxPooling2D":
            how = [config[key] for key in ("pool_size", "strides", "padding")]
            if how != [[2, 2], [2, 2], "valid"]:
                raise ValueError("it pools otherwise than by the largest of 2x2")
            rows, columns, channels = before.shape
            step = replace(step, kind="pooling", shape=(rows // 2, columns // 2, channels))
        elif kind == "Dense":
            weights = self._array(place, 0)
            step = replace(step, kind="dense", shape=(weights.shape[1],), weights=weights)
        elif kind == "Flatten":
            step = replace(step, kind="flatten", shape=(int(np.prod(before.shape)),))
        elif kind in ("Add", "Average"):
            step = replace(step, kind=kind.lower())
        else:
            raise ValueError(f"its layer {kind} cannot be read without Keras")
        if config.get("use_bias"):
            step = replace(step, bias=self._array(place, 1))
        if "activation" in config:
            step = replace(step, activation=_activation(config))
        self._steps.append(step)
        return len(self._steps) - 1

    def _replace_or_append(self, index: int, activation: str) -> int:
        """Let the activation be the last part of a step that has none; return its place."""
        step = self._steps[index]
        if step.activation == "linear" and step.weights is not None and not self._is_read(index):
            self._steps[index] = replace(step, activation=activation)
            return index
        ones = np.ones(step.shape[-1], np.float32)
        self._steps.append(Step("scale", (index,), step.shape, activation, activation, ones))
        return len(self._steps) - 1

    def _normalise(self, index: int, factor: np.ndarray, offset: np.ndarray) -> int:
        step = self._steps[index]
        if step.weights is None or step.activation != "linear" or self._is_read(index):
            single, plus = factor.astype(np.float32), offset.astype(np.float32)
            self._steps.append(
                Step("scale", (index,), step.shape, "scale", weights=single, bias=plus)
            )
            return len(self._steps) - 1
        shaped = factor.reshape(step.weights.shape[2:]) if step.kind == "depthwise" else factor
        weights = (step.weights * shaped).astype(np.float32)
        offset = offset if step.bias is None else step.bias * factor + offset
        self._steps[index] = replace(step, weights=weights, bias=offset.astype(np.float32))
        return index

    def _is_read(self, index: int) -> bool:
        return any(index in step.inputs for step in self._steps)

    def _normalisation(self, config: dict[str, Any], place: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what batch normalisation multiplies by and what it adds, float64."""
        if not (config["center"] and config["scale"]):
            raise ValueError("its batch normalisation has no scale or no centre")
        arrays = (self._array(place, number).astype(np.float64) for number in range(4))
        gamma, beta, mean, variance = arrays
        factor = gamma / np.sqrt(variance + config["epsilon"])
        return factor, beta - mean * factor

    def _array(self, place: str, number: int) -> np.ndarray:
        return np.asarray(self._file[f"{place}/vars/{number}"], np.float32)


def _convolution(kind: str, config: dict[str, Any], step: Step, weights: np.ndarray) -> Step:
    """Return a step for Keras's Conv2D or DepthwiseConv2D; weights as Keras keeps them."""
    stride = config["strides"][0]
    if config["strides"] != [stride, stride] or config["dilation_rate"] != [1, 1]:
        raise ValueError("it has a convolution with other steps down than across, or with gaps")
    if config.get("groups", 1) != 1 or config["data_format"] != "channels_last":
        raise ValueError("it has a convolution of another kind than this app's")
    sizes, padding = [], []
    for size, kernel in zip(step.shape[:2], weights.shape[:2], strict=True):
        if config["padding"] == "same":
            out = -(-size // stride)
            zeros = max((out - 1) * stride + kernel - size, 0)
        else:
            out, zeros = (size - kernel) // stride + 1, 0
        sizes.append(out)
        padding.append((zeros // 2, zeros - zeros // 2))
    depthwise = kind == "DepthwiseConv2D"
    channels = weights.shape[2] * weights.shape[3] if depthwise else weights.shape[3]
    return replace(
        step,
        kind="depthwise" if depthwise else "convolution",
        shape=(sizes[0], sizes[1], channels),
        weights=weights,
        stride=stride,
        padding=(padding[0], padding[1]),
    )


def _activation(config: dict[str, Any]) -> str:
    name = config["activation"]
    if name not in ACTIVATIONS:
        raise ValueError(f"its activation {name} cannot be read without Keras")
    return str(name)


def _origins(nodes: list[dict[str, Any]], made: dict[str, list[int]]) -> list[int]:
    """Return the steps that a layer of a functional model reads."""
    (node,) = nodes
    (given,) = node["args"]
    tensors = given if isinstance(given, list) else [given]
    histories = [tensor["config"]["keras_history"] for tensor in tensors]
    return [made[name][at] for name, _, at in histories]


def _references(outputs: Any) -> list[tuple[str, int]]:
    """Return the layers that a functional model ends in, in the order of its outputs."""
    if isinstance(outputs, dict):  # Keras orders them by their names
        return [ref for name in sorted(outputs) for ref in _references(outputs[name])]
    if outputs and isinstance(outputs[0], str):
        name, _, at = outputs
        return [(name, at)]
    return [ref for output in outputs for ref in _references(output)]
