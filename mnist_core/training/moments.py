"""What a network was like at some moments of its training, for who wants to go back to them.

At least ten times in any training, however few its epochs, and where it is stopped, the network is
validated on a fixed sample, and what can be seen of it is written into the run's folder,
`moments/NNN.json`:

    confusion   10 x 10 on the sample, rows true
    hardest     the sample's digits that it is furthest from: index, label, ten probabilities
    filters     the first layer's kernels, scaled to bytes
    probes      for each of the visitor's own digits its ten probabilities
    flow        for as many probes as there is room for, each layer's maps, scaled to bytes; of
                a network of several columns, those of each column in turn

All of it together takes at most 2 MB a run. Between the moments, the probes are read twice a
second. Imports Keras.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mnist_core.analysis import metrics
from mnist_core.files import replacing
from mnist_core.training.batches import as_input
from mnist_core.training.events import MOMENTS, Event, MomentSeen, ProbesRead
from mnist_core.training.networks import columns

LEAST_MOMENTS, MOST_MOMENTS = 10, 40
SAMPLE = 250  # looked at so often, more would cost a short training several per cent
HARDEST_SHOWN = 12
MOST_PROBES = 8
MOST_FILTERS, MOST_MAPS, LARGEST_MAP = 24, 8, 14
BUDGET_BYTES = 2_000_000
PROBES_EVERY_S = 0.5


class Moments(keras.callbacks.Callback):
    """Looks at the network now and then; cheap enough to cost a training a few per cent.

    images: (n, 28, 28) uint8 that validate, labels: (n,), places: their indices in the training
    images; probes: (m, 28, 28) uint8. Nothing is written without a folder.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        places: np.ndarray,
        probes: np.ndarray,
        *,
        on_event: Callable[[Event], None],
        folder: Path | None,
    ) -> None:
        super().__init__()
        self.inputs = as_input(images[:SAMPLE])
        self.labels, self.places = labels[:SAMPLE], places[:SAMPLE]
        self.probes = as_input(probes[:MOST_PROBES])
        self.on_event, self.folder = on_event, folder
        self.number = 0
        self.first_step = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.begun = self.probed_at = time.perf_counter()
        self.steps, epochs = self.params["steps"], self.params["epochs"]
        self.count = min(MOST_MOMENTS, max(LEAST_MOMENTS, epochs))
        total = self.steps * epochs
        # Closer together in the beginning, where a network changes fastest.
        shares = (np.arange(1, self.count + 1) / self.count) ** 1.5
        self.at = {max(1, math.ceil(share * total)): n for n, share in enumerate(shares, 1)}
        self.columns = [_Column(one) for one in columns(self.model)] if len(self.probes) else []
        goes_on = self.folder is not None and (self.folder / MOMENTS / "000.json").exists()
        if not goes_on:
            self.look(0, 0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.first_step = epoch * self.steps

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        step = self.first_step + batch + 1
        number = self.at.get(step)
        if number is None and self.model.stop_training:  # in this very batch
            number = min(number for at, number in self.at.items() if at > step)
        if number is not None:
            self.look(number, step)
            return
        now = time.perf_counter()
        # Twice a second for a minute, then ever more seldom, so that a long run stays small.
        if len(self.probes) and now - self.probed_at >= max(
            PROBES_EVERY_S, (now - self.begun) / 120
        ):
            answers = _digits(self.model.predict_on_batch(self.probes))
            self._tell_probes(step, answers)

    def look(self, number: int, step: int) -> None:
        """Look at the network as it is after so many batches."""
        everything = np.concatenate([self.inputs, self.probes])
        probabilities = _digits(self.model.predict_on_batch(everything))
        sample, probes = np.split(probabilities, [len(self.inputs)])
        self._tell_probes(step, probes)
        loss = metrics.cross_entropy(sample, self.labels)
        share = metrics.accuracy(self.labels, sample.argmax(axis=1))
        if self.folder is not None:
            seen = {
                "confusion": metrics.confusion_matrix(self.labels, sample.argmax(axis=1)).tolist(),
                "hardest": self._hardest(sample),
                "filters": _filters(self.model),
                "probes": _rounded(probes),
            }
            seen["flow"] = self._flow(len(_compact(seen)))
            with replacing(self.folder / MOMENTS / f"{number:03}.json") as path:
                path.write_text(_compact(seen), encoding="utf-8")
        seconds = time.perf_counter() - self.begun
        self.on_event(MomentSeen(number, step / self.steps, seconds, loss, share))

    def _tell_probes(self, step: int, answers: np.ndarray) -> None:
        self.probed_at = time.perf_counter()
        if len(answers):
            self.on_event(ProbesRead(step / self.steps, _rounded(answers)))

    def _hardest(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        true = probabilities[np.arange(len(self.labels)), self.labels]
        return [
            {
                "index": int(self.places[i]),
                "label": int(self.labels[i]),
                "probabilities": [round(float(p), 5) for p in probabilities[i]],
            }
            for i in np.argsort(true, kind="stable")[:HARDEST_SHOWN]
        ]

    def _flow(self, taken_bytes: int) -> list[list[dict[str, Any]]]:
        """Return the maps of as many probes as the budget has room for, of half as many maps
        where that lets every probe in."""
        outputs = [one for column in self.columns for one in column.outputs(self.probes)]
        room = BUDGET_BYTES / (self.count + 1) - taken_bytes
        flows: list[list[dict[str, Any]]] = []
        for most in (MOST_MAPS, MOST_MAPS // 2):
            flows = [
                [
                    {"column": column} | _packed(title, _small(values[probe], most))
                    for column, title, values in outputs
                ]
                for probe in range(len(self.probes))
            ]
            if len(_compact(flows)) <= room:
                break
        while flows and len(_compact(flows)) > room:
            flows.pop()
        return flows


class _Column:
    """What is seen of a network that reads the image, one of several side by side or the only
    one: of layers in a row whose outputs have the same shape, the last."""

    def __init__(self, model: keras.Model) -> None:
        self.name = model.name
        kinds = (
            keras.layers.Activation, keras.layers.Add, keras.layers.AveragePooling2D,
            keras.layers.Conv2D, keras.layers.Dense, keras.layers.MaxPooling2D,
        )  # fmt: skip
        outputs = [layer.output for layer in model.layers if isinstance(layer, kinds)]
        several = [one for one in outputs if one.shape[-1] > 1]  # not whether it is a digit
        shown = [list(same)[-1] for _, same in groupby(several, key=lambda one: one.shape)]
        self.titles = [_title(output.shape[1:]) for output in shown]
        self.model = keras.Model(model.inputs[0], shown)

    def outputs(self, inputs: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
        """Return for each layer this column's name, a title and what it makes of the inputs."""
        # Not compiled: that takes longer than the few times it is asked.
        values = keras.tree.flatten(self.model(inputs, training=False))
        return [
            (self.name, title, np.asarray(one))
            for title, one in zip(self.titles, values, strict=True)
        ]


def _title(shape: tuple[int, ...]) -> str:
    """Return what a layer's output is, for who looks at it."""
    if len(shape) == 3:
        rows, columns, maps = shape
        return f"{maps} maps of {rows}×{columns}"
    return "ten digits" if shape == (10,) else f"{shape[0]} units"


def _digits(answers: Any) -> np.ndarray:
    """Return the ten probabilities, also of a network that says whether it is a digit at all."""
    return np.asarray(answers["digit"] if isinstance(answers, dict) else answers)


def _rounded(probabilities: np.ndarray) -> list[list[float]]:
    return [[round(float(p), 4) for p in row] for row in probabilities]


def _filters(model: keras.Model) -> dict[str, Any] | None:
    """Return the first layer's kernels (n, h, w) that read the image itself."""
    for layer in _all_layers(model):
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.asarray(layer.get_weights()[0])  # (h, w, 1, n)
            return _packed(layer.name, np.moveaxis(kernel[:, :, 0], -1, 0)[:MOST_FILTERS])
        if isinstance(layer, keras.layers.Dense):
            kernel = np.asarray(layer.get_weights()[0])
            if kernel.shape[0] == 784:
                units = kernel.T[:MOST_FILTERS].reshape(-1, 28, 28)
                return _packed(layer.name, units)
            return None
    return None


def _all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _small(values: np.ndarray, most: int) -> np.ndarray:
    """Return a layer's output as a few small maps (n, h, w), or its units as (1, 1, n)."""
    if values.ndim == 1:
        return values[np.newaxis, np.newaxis, :64]
    maps = np.moveaxis(values, -1, 0)[:most]
    every = math.ceil(maps.shape[1] / LARGEST_MAP)
    return maps[:, ::every, ::every]


def _compact(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _packed(name: str, values: np.ndarray) -> dict[str, Any]:
    """Return values as signed bytes in base64, with what one of them stands for."""
    values = np.asarray(values, np.float32)
    scale = float(np.abs(values).max()) / 127 or 1.0
    if not math.isfinite(scale):
        values, scale = np.zeros_like(values), 1.0
    content = np.rint(values / scale).astype(np.int8).tobytes()
    packed = base64.b64encode(content).decode("ascii")
    return {"layer": name, "shape": list(values.shape), "scale": round(scale, 6), "bytes": packed}
