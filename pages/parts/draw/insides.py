"""What the explanations share: the network taken apart, and results kept for this drawing."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import streamlit as st

from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.keras_file import read_network
from mnist_core.models.network import Network
from pages.parts.stored_answers import changed_ns
from pages.parts.turn import own_turn

MOST_KEPT = 12  # results of one visitor
Networks = Mapping[str, Classifier]
Result = TypeVar("Result")


@st.cache_resource(max_entries=4, show_spinner=False)
def _network(name: str, written_ns: int) -> Network:
    return read_network(name)


def network_of(classifier: Classifier) -> Network:
    """Return the steps of a classifier's network. Raises ModelError."""
    return _network(classifier.name, changed_ns(classifier.name, registry.KERAS_FILE))


def once(what: str, image: np.ndarray, compute: Callable[[], Result]) -> Result:
    """Return what is computed of an image, in turn with others, once for a drawing and visitor."""
    kept: dict[str, object] = st.session_state.setdefault("explained", {})
    key = f"{what}-{hashlib.sha256(image.tobytes()).hexdigest()}"
    if key not in kept:
        with own_turn():
            found = compute()
        kept[key] = found
        for old in list(kept)[:-MOST_KEPT]:
            del kept[old]
    return kept[key]
