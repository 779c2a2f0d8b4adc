"""What was answered a moment ago: a drawing that is sent has just been read while it was drawn."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np

from mnist_core.models import serving
from mnist_core.models.classifier import Answer

MOST = 1000  # about a megabyte

Width = float | Sequence[float]  # of the brush; one for all strokes, or one each

_lock = threading.Lock()
_answers: OrderedDict[bytes, dict[str, Answer]] = OrderedDict()


def remember(
    strokes: Sequence[np.ndarray],
    width_px: Width,
    size_px: float,
    answers: Mapping[str, Answer],
    models: Mapping[str, str],
) -> None:
    """Keep what networks have said of these strokes, for as long as it is among the last thousand;
    nothing where one of them did not answer.

    models: by slot, the name of who answered: another may have been activated meanwhile.
    """
    if len(answers) < len(serving.active_models()):
        return
    key = _key(strokes, width_px, size_px, models)
    with _lock:
        _answers[key] = dict(answers)
        _answers.move_to_end(key)
        if len(_answers) > MOST:
            _answers.popitem(last=False)


def recall(
    strokes: Sequence[np.ndarray], width_px: Width, size_px: float
) -> tuple[dict[str, Answer], dict[str, str]] | None:
    """Return what the networks that are active now have said of these very strokes, and their
    names, both by slot; or None."""
    models = {slot: name for slot, (name, _) in serving.active_models().items()}
    with _lock:
        found = _answers.get(_key(strokes, width_px, size_px, models))
    return None if found is None else (found, models)


def _key(
    strokes: Sequence[np.ndarray], width_px: Width, size_px: float, models: Mapping[str, str]
) -> bytes:
    widths_px = np.asarray(width_px, np.float64).tolist()
    about = (widths_px, float(size_px), sorted(models.items()))
    key = hashlib.blake2b(repr(about).encode(), digest_size=16)
    for stroke in strokes:
        points = np.ascontiguousarray(np.asarray(stroke, np.float64)[:, :2])
        key.update(len(points).to_bytes(4, "big"))
        key.update(points.tobytes())
    return key.digest()
