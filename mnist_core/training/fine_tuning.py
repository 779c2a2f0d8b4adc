"""The last layers of a trained network, taught a little more: from features that stay as they are.

What a network makes of an image before its last layers is computed once for each image; then the
last layers learn from that in seconds, and from those of other people again, which a
cross-validation needs. What they knew is kept by replay: beside what is new they see images
whose answers by the network as it was are the target (learning without forgetting, Li & Hoiem
2016). Imports Keras, and so TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mnist_core.errors import LearningError
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry
from mnist_core.training.batches import as_input, one_hot
from mnist_core.training.hyperparameters import Hyperparameters
from mnist_core.training.networks import columns
from mnist_core.training.reporter import read_logs

PEOPLE_SHARE, MNIST_SHARE = 0.30, 0.35  # of a batch; the rest is pen strokes and non-digits
KEPT_SHARES = (1.0, 0.75, 0.5, 0.25, 0.1)  # of what was learnt (as Wortsman et al. 2022)
_AT_ONCE = 500

Features = list[np.ndarray]  # what one or two columns make of n images, float16


@dataclass(frozen=True)
class Replay:
    """Images of what a network knows, as features, with what it answered to them."""

    features: Features
    digits: np.ndarray  # (n, 10) float32
    scores: np.ndarray  # (n,) float32, how much of a digit
    weights: np.ndarray  # (n,) float32: 0 where which digit it is does not matter


class Pupil:
    """A trained network whose last layers learn."""

    def __init__(self, name: str) -> None:
        """Read the model; raises ModelError."""
        self.name, self.card = name, registry.load_card(name)
        self.model = registry.load_keras(name)
        self.body, self.head = cut(self.model)
        self.tells_non_digits = isinstance(self.head.output, dict)
        self._before = self.head.get_weights()

    def features(self, images: np.ndarray) -> Features:
        """Return what the first layers make of images, (n, 28, 28) uint8."""
        parts = []
        for start in range(0, len(images), _AT_ONCE):
            batch = as_input(images[start : start + _AT_ONCE])
            found = self.body.predict_on_batch(batch) if self.body is not None else batch
            parts.append([np.asarray(one, np.float16) for one in _listed(found)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def answer(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (n, 10) and digit scores (n,) (1 where it has none)."""
        digits, scores = [], []
        for start in range(0, len(features[0]), _AT_ONCE):
            chosen = slice(start, start + _AT_ONCE)
            found = self.head.predict_on_batch(taken(features, chosen))
            if self.tells_non_digits:
                digits.append(np.asarray(found["digit"]))
                scores.append(np.asarray(found["is_digit"])[:, 0])
            else:
                digits.append(np.asarray(found))
                scores.append(np.ones(len(digits[-1]), np.float32))
        return np.concatenate(digits), np.concatenate(scores)

    def forget(self) -> None:
        """Be again as before any lesson."""
        self.head.set_weights(self._before)

    def replay(self, features: Features, labels: np.ndarray) -> Replay:
        """Return what the network, as it is now, answers to images with these labels (n,)."""
        digits, scores = self.answer(features)
        weights = (labels != NOT_A_DIGIT).astype(np.float32)
        return Replay(features, digits, scores, weights)

    def learn(
        self,
        features: Features,
        labels: np.ndarray,
        replays: tuple[Replay, Replay],
        chosen: Hyperparameters,
        steps: int,
        on_batch: Callable[[int, float, float], bool],
    ) -> bool:
        """Teach the last layers labels (n,), 0 to 10; return False where it was stopped.

        replays: of MNIST and of pen strokes; on_batch(step, loss, accuracy) says whether to stop.
        Raises LearningError where the network diverges.
        """
        lessons = Lessons(features, labels, replays, steps, chosen, self.tells_non_digits)
        schedule = keras.optimizers.schedules.CosineDecay(chosen.learning_rate, steps)
        crossentropy = keras.losses.CategoricalCrossentropy()
        accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
        loss: Any = crossentropy
        weighted: Any = [accuracy]
        if self.tells_non_digits:
            loss = {"digit": crossentropy, "is_digit": "binary_crossentropy"}
            weighted = {"digit": [accuracy], "is_digit": []}
        self.head.compile(keras.optimizers.Adam(schedule), loss=loss, weighted_metrics=weighted)
        watch = _Watch(on_batch)
        self.head.fit(lessons, epochs=1, shuffle=False, verbose=0, callbacks=[watch])
        if not all(np.isfinite(weights).all() for weights in self.head.get_weights()):
            raise LearningError(
                "The candidate diverged: its weights are no numbers any more. "
                "Learn with a smaller learning rate."
            )
        return not watch.stopped


class Lessons(keras.utils.PyDataset):
    """Batches of people's drawings among what the network knows."""

    def __init__(
        self,
        features: Features,
        labels: np.ndarray,
        replays: tuple[Replay, Replay],
        steps: int,
        chosen: Hyperparameters,
        tells_non_digits: bool,
    ) -> None:
        super().__init__(workers=1)
        is_digit = (labels != NOT_A_DIGIT).astype(np.float32)
        self.sources = (Replay(features, one_hot(labels), is_digit, is_digit), *replays)
        people, mnist = (round(chosen.batch_size * s) for s in (PEOPLE_SHARE, MNIST_SHARE))
        self.counts = (people, mnist, chosen.batch_size - people - mnist)
        self.steps, self.seed, self.tells_non_digits = steps, chosen.seed, tells_non_digits

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int):
        random = np.random.default_rng((self.seed, step))
        picked = [random.integers(0, len(source.weights), count)
                  for source, count in zip(self.sources, self.counts, strict=True)]  # fmt: skip
        both = list(zip(self.sources, picked, strict=True))
        inputs = [
            np.concatenate([source.features[i][indices] for source, indices in both])
            for i in range(len(self.sources[0].features))
        ]
        digits, scores, weights = (
            np.concatenate([getattr(source, name)[indices] for source, indices in both])
            for name in ("digits", "scores", "weights")
        )
        given = [one.astype(np.float32) for one in inputs]
        images = tuple(given) if len(given) > 1 else given[0]  # a list would be no signature
        if not self.tells_non_digits:
            return images, digits, weights
        weighed = {"digit": weights, "is_digit": np.full(len(weights), 0.5, np.float32)}
        return images, {"digit": digits, "is_digit": scores[:, np.newaxis]}, weighed


class _Watch(keras.callbacks.Callback):
    def __init__(self, on_batch: Callable[[int, float, float], bool]) -> None:
        super().__init__()
        self._on_batch, self._told, self.stopped = on_batch, 0.0, False

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        is_last = batch + 1 == self.params["steps"]
        if time.monotonic() - self._told < 0.2 and not is_last:
            return
        self._told = time.monotonic()
        if self._on_batch(batch + 1, *read_logs(logs or {})):
            self.stopped = self.model.stop_training = True


def keep_statistics(model: keras.Model) -> None:
    """Let batch normalisation stay as it is in what follows, in each column."""
    for part in columns(model):
        for layer in part.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False


def keep_what_costs_nothing(
    model: keras.Model,
    before: list[np.ndarray],
    errors: Callable[[], Sequence[int]],
    standing: Sequence[int],
) -> float | None:
    """Move a network's weights back towards those before until nothing has more errors than then.

    errors: counts those of the network as it is, on each set that validates; standing: as many
    before. Returns the share of the way that is kept; None where even the least costs something,
    and the network stays with that.
    """
    after = model.get_weights()
    for share in KEPT_SHARES:
        model.set_weights([a + share * (b - a) for a, b in zip(before, after, strict=True)])
        if all(n <= b for n, b in zip(errors(), standing, strict=True)):
            return share
    return None


def cut(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """Return a network's first layers, which stay, and its last ones, which learn, as two models.

    They share the network's weights, so what the last ones learn the network knows. A network of
    columns is cut in each of them. Batch normalisation keeps its statistics: there are too few
    new images to take any from.
    """
    keep_statistics(model)
    parts = columns(model)
    if parts == [model]:
        seam = _seam(model)
        return keras.Model(model.inputs[0], seam), keras.Model(seam, _output(model))
    image = keras.Input(model.inputs[0].shape[1:])
    seams = [_seam(column) for column in parts]
    body = keras.Model(
        image, [keras.Model(c.inputs[0], s)(image) for c, s in zip(parts, seams, strict=True)]
    )
    inputs = [keras.Input(seam.shape[1:]) for seam in seams]
    answers = [
        keras.Model(seam, column.output)(given)
        for seam, column, given in zip(seams, parts, inputs, strict=True)
    ]
    both = {name: keras.layers.Average(name=name)([answer[name] for answer in answers])
            for name in model.output}  # fmt: skip
    return body, keras.Model(inputs, both)


def _output(model: keras.Model) -> Any:
    return model.outputs[0] if isinstance(model, keras.Sequential) else model.output


def _seam(model: keras.Model) -> Any:
    """Return the tensor between the layers that stay and those that learn: ahead of the layer
    that weighs the last cells by place, or of the last hidden layer."""
    deep = [one for one in model.layers if isinstance(one, keras.layers.DepthwiseConv2D)]
    dense = [one for one in model.layers if isinstance(one, keras.layers.Dense)]
    hidden = [one for one in dense if one.units not in (1, 10)]
    answers = [one for one in dense if one.units in (1, 10)]
    return (deep[-1:] or hidden[-1:] or answers[:1])[0].input


def _listed(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


def taken(features: Features, chosen: Any) -> Any:
    """Return some of the features as a network takes them, float32."""
    some = [one[chosen].astype(np.float32) for one in features]
    return some if len(some) > 1 else some[0]
