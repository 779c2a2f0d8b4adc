"""A trained model as a function: images in, calibrated probabilities out, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.errors import ModelError, WrongDrawing
from mnist_core.models import registry
from mnist_core.models.temperature import apply_temperature

BATCH_SIZE = 250
# (n, 28, 28, 1) float32 -> probabilities (n, 10) and digit scores (n,) or None
Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True)
class Answer:
    """What one network says of one image."""

    probabilities: np.ndarray  # (10,) float32, sums to 1, calibrated
    digit: int
    confidence: float  # the digit's probability
    digit_score: float  # 0 to 1, higher = more like one digit; 1.0 where the model cannot tell
    is_digit: bool
    seconds: float


class Classifier:
    """A model that answers; made by `load`, safe to share between threads."""

    def __init__(self, name: str, card: dict[str, Any], network: Network, runtime: str) -> None:
        self.name = name
        self.card = card
        self.runtime = runtime
        self._network = network
        self._temperature = float(card.get("temperature") or 1.0)
        threshold = card.get("digit_threshold")
        self._digit_threshold = None if threshold is None else float(threshold)

    @classmethod
    def load(cls, name: str) -> Classifier:
        """Return the classifier of "dense", "cnn" or a run id.

        LiteRT answers where `model.tflite` was made from the `model.keras` beside it (about a
        tenth of a second to load, no TensorFlow); otherwise the Keras model does, compiled.

        Raises ModelError where files are missing or damaged. A card without a temperature or a
        threshold (older runs) means: probabilities as they are, every image taken for a digit.
        """
        card = registry.load_card(name)
        registry.keras_path(name)
        litert_file = registry.litert_path(name)
        if litert_file is not None:
            try:
                return cls(name, card, LiteRTNetwork(litert_file.read_bytes()), "LiteRT")
            except (ValueError, RuntimeError):
                pass  # damaged or made for another runtime: the .keras file is the truth
        return cls(name, card, _keras_network(name), "TensorFlow")

    @property
    def can_tell_non_digits(self) -> bool:
        """Whether the model has a score, and its card a threshold, for "not a digit"."""
        return self._digit_threshold is not None

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 10) float32 calibrated probabilities, rows summing to 1.

        images: (n, 28, 28) float32 in [0, 1], white ink on black. Raises WrongDrawing.
        """
        return self._answers(images)[0]

    def digit_scores(self, images: np.ndarray) -> np.ndarray:
        """Return (n,) float32: how much each image looks like one digit, 0 to 1."""
        return self._answers(images)[1]

    def is_digit(self, images: np.ndarray) -> np.ndarray:
        """Return (n,) bool; False: this does not look like one digit."""
        return self._accepts(self.digit_scores(images))

    def answers(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `probabilities`, `digit_scores` and `is_digit` of images that are read once."""
        probabilities, scores = self._answers(images)
        return probabilities, scores, self._accepts(scores)

    def answer(self, image: np.ndarray) -> Answer:
        """Return everything the network says of one (28, 28) float32 image in [0, 1]."""
        start = time.perf_counter()
        probabilities, scores = self._answers(image[np.newaxis])
        digit = int(probabilities[0].argmax())
        return Answer(
            probabilities=probabilities[0],
            digit=digit,
            confidence=float(probabilities[0, digit]),
            digit_score=float(scores[0]),
            is_digit=bool(self._accepts(scores)[0]),
            seconds=time.perf_counter() - start,
        )

    def _answers(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _check(images)
        if not len(images):
            return np.zeros((0, 10), np.float32), np.zeros(0, np.float32)
        batch = np.ascontiguousarray(images, dtype=np.float32)[..., np.newaxis]
        parts = [
            self._network(batch[start : start + BATCH_SIZE])
            for start in range(0, len(batch), BATCH_SIZE)
        ]
        probabilities = np.concatenate([part[0] for part in parts])
        scores = [part[1] for part in parts if part[1] is not None]
        digit_scores = np.concatenate(scores) if scores else np.ones(len(batch), np.float32)
        return apply_temperature(probabilities, self._temperature), digit_scores

    def _accepts(self, digit_scores: np.ndarray) -> np.ndarray:
        if self._digit_threshold is None:
            return np.ones(len(digit_scores), dtype=bool)
        return digit_scores >= self._digit_threshold


class LiteRTNetwork:
    """A network run by LiteRT; one interpreter for single images, one for batches.

    content: of a .tflite file. It can be sent to another process.
    """

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._content = content
        self._single = Interpreter(model_content=content, num_threads=1)
        self._batch = Interpreter(model_content=content, num_threads=1)
        self._single_lock, self._batch_lock = threading.Lock(), threading.Lock()
        for interpreter in (self._single, self._batch):
            interpreter.allocate_tensors()

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (self._content,)

    def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        if len(batch) == 1:
            with self._single_lock:
                return _invoke(self._single, batch)
        with self._batch_lock:
            if tuple(self._batch.get_input_details()[0]["shape"]) != batch.shape:
                index = self._batch.get_input_details()[0]["index"]
                self._batch.resize_tensor_input(index, batch.shape)
                self._batch.allocate_tensors()
            return _invoke(self._batch, batch)


@lru_cache(maxsize=4)
def _received(content: bytes) -> LiteRTNetwork:
    """Return a network that another process sent, made once."""
    return LiteRTNetwork(content)


def _invoke(interpreter: Any, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()]
    return _by_width(outputs)


def _keras_network(name: str) -> Network:
    model = registry.load_keras(name)
    import tensorflow as tf

    signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32)]
    compiled = tf.function(lambda x: model(x, training=False), input_signature=signature)

    def network(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        return _by_width([tensor.numpy() for tensor in tf.nest.flatten(compiled(batch))])

    network(np.zeros((1, 28, 28, 1), np.float32))
    return network


def _by_width(outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    probabilities = next((o for o in outputs if o.shape[-1] == 10), None)
    if probabilities is None:
        raise ModelError("The model has no output of ten probabilities; choose another model.")
    score = next((o[:, 0] for o in outputs if o.shape[-1] == 1), None)
    return probabilities, score


def _check(images: np.ndarray) -> None:
    if not isinstance(images, np.ndarray) or images.ndim != 3 or images.shape[1:] != (28, 28):
        shape = getattr(images, "shape", type(images).__name__)
        raise WrongDrawing(f"A network reads images of the shape (n, 28, 28), not {shape}.")
    if not np.issubdtype(images.dtype, np.floating):
        raise WrongDrawing(
            f"A network reads float32 values in [0, 1], not {images.dtype}; divide by 255 first."
        )


class ClassifierPool:
    """The classifiers of one process, each loaded once, in the background."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load-model")
        self._lock = threading.Lock()
        self._loading: dict[tuple[Path, int, int], Future[Classifier]] = {}

    def request(self, name: str) -> Future[Classifier]:
        """Return the classifier of a model, loaded or loading; its errors are `Classifier.load`'s.

        A model whose files have been written anew is loaded anew.
        """
        directory = registry.model_dir(name)
        paths = (directory / registry.CARD_FILE, directory / registry.KERAS_FILE)
        card, keras_file = (path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)
        key = (directory, card, keras_file)
        with self._lock:
            loading = self._loading.get(key)
            if loading is None:
                self._loading = {k: f for k, f in self._loading.items() if k[0] != directory}
                loading = self._executor.submit(Classifier.load, name)
                self._loading[key] = loading
            return loading
