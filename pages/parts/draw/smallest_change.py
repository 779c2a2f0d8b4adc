"""The least ink that turns the answer of each network."""

import numpy as np
import streamlit as st

from mnist_core.analysis.own_process import compute
from mnist_core.analysis.smallest_change import Change, smallest_change
from mnist_core.models.classifier import Classifier
from mnist_core.views import insides_view
from mnist_core.views.answer_view import Html
from pages.parts.draw.insides import Networks, network_of, once

WORDS = (
    "In colour: ink that was added; in red: ink that was taken away. A search follows the slope of "
    "the answer pixel by pixel and then takes back what was not needed. There may be smaller "
    "changes than the one it found, and where it found none there may be one."
)


def show_smallest_change(image: np.ndarray, networks: Networks) -> None:
    """Show what was found for each network. image: (28, 28) float32 in [0, 1]."""
    found = {
        slot: once(f"change-{one.name}", image, lambda one=one: search(one, image))
        for slot, one in networks.items()
    }
    st.html(Html(insides_view.changes(image, found)))
    st.caption(WORDS)


def search(classifier: Classifier, image: np.ndarray) -> Change:
    """Search for one network, saying so."""
    with st.spinner("Changing pixel after pixel"):
        return compute(smallest_change, network_of(classifier), classifier, image)
