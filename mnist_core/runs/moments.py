"""The moments of a run that can be gone back to: what `training.moments` wrote, read with
suspicion, and the visitor's digits that a run is watched with."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.errors import RunError
from mnist_core.files import finite, read_json_object
from mnist_core.runs import checked
from mnist_core.runs.folder import read_json
from mnist_core.training.events import MOMENTS

MOST_PROBES = 8
_MOST_VALUES = 100_000  # of one layer's maps


@dataclass(frozen=True)
class Maps:
    """A layer's kernels or maps."""

    layer: str
    values: np.ndarray  # (n, h, w) float32
    column: str = ""  # of those that a network has side by side


@dataclass(frozen=True)
class Moment:
    """What a network was like at one moment."""

    confusion: list[list[int]]  # 10 x 10 on a sample of the validation images, rows true
    hardest: list[dict[str, Any]]  # index in the training images, label, ten probabilities
    filters: Maps | None  # kernels of the first layer
    probes: np.ndarray  # (m, 10) float32: the answers to the visitor's digits
    flow: list[list[Maps]]  # for each probe, as many as there was room for, every layer's maps


def load_moment(folder: Path, number: int) -> Moment:
    """Return one moment of a run. Raises RunError where it is gone or damaged."""
    try:
        told = read_json_object(folder / MOMENTS / f"{int(number):03}.json")
        filters = told.get("filters")
        return Moment(
            checked.confusion(told["confusion"]),
            [checked.example(one) for one in told["hardest"][:100]],
            None if filters is None else _maps(filters),
            _answers(told["probes"][:MOST_PROBES]),
            [[_maps(one) for one in flow[:50]] for flow in told["flow"][:MOST_PROBES]],
        )
    except FileNotFoundError:
        raise RunError("This moment of the run was not kept.") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RunError(f"This moment of the run is damaged: {error}.") from None


def probes_of(folder: Path) -> np.ndarray:
    """Return the digits that a run is watched with: (n, 28, 28) uint8, white ink on black."""
    try:
        told = read_json(folder / "config.json").get("probes", [])[:MOST_PROBES]
        images = [_bytes(one, 784).view(np.uint8).reshape(28, 28) for one in told]
    except (ValueError, LookupError, TypeError, AttributeError, OSError):
        images = []
    return np.array(images, np.uint8).reshape(-1, 28, 28)


def as_config(probes: np.ndarray) -> Mapping[str, Any]:
    """Return what a run's config.json says of its probes, (n, 28, 28) uint8."""
    packed = [base64.b64encode(one.tobytes()).decode("ascii") for one in probes[:MOST_PROBES]]
    return {"probes": packed} if packed else {}


def _maps(told: dict[str, Any]) -> Maps:
    shape = [checked.whole(size, 1, _MOST_VALUES) for size in told["shape"]]
    scale = finite(told["scale"], 0, 1e12)
    if len(shape) != 3 or np.prod(shape) > _MOST_VALUES or scale is None:
        raise ValueError("a layer's maps are no maps")
    values = _bytes(told["bytes"], int(np.prod(shape))).astype(np.float32) * scale
    return Maps(str(told["layer"])[:60], values.reshape(shape), str(told.get("column", ""))[:60])


def _bytes(packed: str, length: int) -> np.ndarray:
    try:
        content = base64.b64decode(packed, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if len(content) != length:
        raise ValueError(f"it has {len(content)} bytes instead of {length}")
    return np.frombuffer(content, np.int8)


def _answers(told: Any) -> np.ndarray:
    return np.array([checked.probabilities(row) for row in told], np.float32).reshape(-1, 10)
