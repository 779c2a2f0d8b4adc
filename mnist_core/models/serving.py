"""The networks that answer right now: loaded once a process, for the pages and for HTTP alike."""

from __future__ import annotations

import functools
import threading
import time
from pathlib import Path

from mnist_core.errors import MnistError, ModelError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier, ClassifierPool

ACTIVE_FOR_S = 2.0  # how long a choice of models is taken for current without another look
LOADING_LIMIT_S = 20.0

pool = functools.cache(ClassifierPool)

_lock = threading.Lock()
_looked: tuple[Path, float, dict[str, tuple[str, str | None]]] | None = None
# The look that they belong to, and the networks: files are not looked at for every stroke.
_answering: tuple[float, dict[str, Classifier | MnistError]] | None = None


def active_models() -> dict[str, tuple[str, str | None]]:
    """Return `registry.active_with_reasons()`, at most two seconds old."""
    return _look()[1]


def _look() -> tuple[float, dict[str, tuple[str, str | None]]]:
    """Return when was looked last, which names that look, and what was seen."""
    global _looked
    folder, now = registry.artifacts_dir(), time.monotonic()
    with _lock:
        if _looked is None or _looked[0] != folder or now - _looked[1] > ACTIVE_FOR_S:
            _looked = (folder, now, registry.active_with_reasons())
        return _looked[1], dict(_looked[2])


def networks(wait_s: float = LOADING_LIMIT_S) -> dict[str, Classifier | MnistError]:
    """Return for each slot the classifier that answers there, or why none does.

    wait_s: how long to wait for one that is still loading.
    """
    global _answering
    looked_at, active = _look()
    answering = _answering
    if answering is not None and answering[0] == looked_at:
        return dict(answering[1])
    loading = {slot: pool().request(name) for slot, (name, _) in active.items()}
    found: dict[str, Classifier | MnistError] = {}
    for slot, network in loading.items():
        try:
            found[slot] = network.result(wait_s)
        except TimeoutError:
            found[slot] = ModelError("This network is still loading; ask again in a second.")
        except MnistError as error:
            found[slot] = error
    if all(isinstance(network, Classifier) for network in found.values()):
        _answering = (looked_at, dict(found))
    return found
