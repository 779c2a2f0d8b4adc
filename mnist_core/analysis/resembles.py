"""The training digits that a network finds most like a drawing: neighbours by its last features.

The features are what the answering layer reads. They are computed once for a model and kept under
`artifacts/cache`, named after its weights and the data.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.analysis import own_process
from mnist_core.analysis.turns import TURNS
from mnist_core.data.mnist import Dataset
from mnist_core.errors import MnistError
from mnist_core.files import opened_zip, read_array, replacing
from mnist_core.models import registry
from mnist_core.models.network import CHUNK, Network

MOST = 10_000  # digits of an index; all 60,000 would take minutes
MOST_BYTES = 200_000_000
MOST_KEPT = 10  # indexes, those that were used last; each takes some megabytes
_VERSION = 1


@dataclass(frozen=True)
class Index:
    """Features of training digits, as one network sees them."""

    places: np.ndarray  # (n,) int64: which training digits
    features: np.ndarray  # (n, features) float16

    def nearest(self, features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest digits' places in the training split, and how like they are.

        features: (features,) of one drawing. How like: the cosine between them, 1 at most.
        """
        known = self.features.astype(np.float32)
        lengths = np.linalg.norm(known, axis=1) * np.linalg.norm(features)
        likeness = known @ features / np.maximum(lengths, 1e-9)
        nearest = np.argsort(-likeness, kind="stable")[:count]
        return self.places[nearest], likeness[nearest]


def last_features(network: Network, images: np.ndarray) -> np.ndarray:
    """Return what the answering layers read: (n, features) float32.

    images: (n, 28, 28) float32 in [0, 1]. Of several columns, their features side by side.
    """
    last = _last_steps(network)
    parts = []
    for start in range(0, len(images), CHUNK):
        outputs = network.run(images[start : start + CHUNK], wanted=last)
        parts.append(np.concatenate([outputs[one].reshape(len(outputs[0]), -1) for one in last], 1))
    return np.concatenate(parts)


def make_index(
    network: Network,
    dataset: Dataset,
    on_progress: Callable[[float], None] = lambda share: None,
    features: Callable[[Network, np.ndarray], np.ndarray] = last_features,
) -> Index:
    """Return an index over at most `MOST` training digits, evenly spread over the split.

    features: computes the last features, here or in another process.
    """
    places = np.unique(np.linspace(0, len(dataset.x_train) - 1, MOST).astype(np.int64))
    step = 10 * CHUNK
    parts = []
    for start in range(0, len(places), step):
        on_progress(start / len(places))
        images = dataset.x_train[places[start : start + step]].astype(np.float32) / 255
        parts.append(features(network, images).astype(np.float16))
    on_progress(1.0)
    return Index(places, np.concatenate(parts))


class Making(threading.Thread):
    """The making of a model's index, beside what else goes on, piece by piece in turn with others.

    share: how much is done, in [0, 1]; problem: why it could not be made, or kept; index: None
    until it is made; done: set when nothing more will happen.
    """

    def __init__(self, model: str, network: Network, dataset: Dataset) -> None:
        super().__init__(daemon=True)
        self.share, self.problem = 0.0, ""
        self.index: Index | None = None
        self.done = threading.Event()
        self._of = model, network, dataset

    def run(self) -> None:
        model, network, dataset = self._of
        try:
            self.index = make_index(network, dataset, self._tell, _features_in_turn)
            keep(model, dataset.digest, self.index)
        except MnistError as error:
            self.problem = str(error)
        finally:
            self.done.set()

    def _tell(self, share: float) -> None:
        self.share = share


def _features_in_turn(network: Network, images: np.ndarray) -> np.ndarray:
    with TURNS.ticket(begun=True) as number:
        while number is not None and TURNS.wait(number, 1.0):
            pass
        return own_process.compute(last_features, network, images)


def kept(model: str, data_digest: str) -> Index | None:
    """Return the index that was kept for this model and data, None where there is none."""
    path = _path(model, data_digest)
    try:
        with opened_zip(path) as archive:
            places = read_array(archive, "places", MOST_BYTES)
            features = read_array(archive, "features", MOST_BYTES)
    except (FileNotFoundError, ValueError, KeyError):
        return None
    with contextlib.suppress(OSError):  # a folder that cannot be written to
        os.utime(path)
    fits = features.ndim == 2 and places.shape == (len(features),) and features.dtype == np.float16
    return Index(places, features) if fits else None


def keep(model: str, data_digest: str, index: Index) -> None:
    """Keep an index, and no more than `MOST_KEPT`. Raises ModelError where it cannot be written."""
    path = _path(model, data_digest)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, places=index.places, features=index.features)
    with contextlib.suppress(OSError):  # another process may do the same
        used_last = sorted(path.parent.glob("features-*.npz"), key=lambda one: one.stat().st_mtime)
        for old in used_last[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def _last_steps(network: Network) -> list[int]:
    """Return the steps that the layers of ten probabilities read."""
    return [
        step.inputs[0]
        for step in network.steps
        if step.kind == "dense" and step.shape == (10,) and step.activation == "softmax"
    ]


def _path(model: str, data_digest: str) -> Path:
    weights = registry.file_digest(registry.model_dir(model) / registry.KERAS_FILE)
    name = f"features-v{_VERSION}-{weights[:16]}-{data_digest[:16]}-{MOST}.npz"
    return registry.artifacts_dir() / "cache" / name
