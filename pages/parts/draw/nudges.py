"""Where the digit may be pushed: both networks' answers at 17 x 17 places."""

import numpy as np
import streamlit as st

from mnist_core.analysis.nudges import nudge_map
from mnist_core.analysis.own_process import compute
from mnist_core.views import insides_view
from mnist_core.views.answer_view import Html
from pages.parts.draw.insides import Networks, once

WORDS = (
    "Every cell is your digit pushed by so many pixels, up to eight each way; the white frame is "
    "where you drew it. Coloured: the same digit is read, strongly where it is sure. A number: "
    "what is read instead. The CNN looks for the same strokes everywhere, so it holds; the dense "
    "network knows each stroke only where it has learnt it."
)


def show_nudges(image: np.ndarray, networks: Networks) -> None:
    """Show the map of each network. image: (28, 28) float32 in [0, 1]."""
    maps = {
        slot: once(f"nudges-{one.name}", image, lambda one=one: compute(nudge_map, one, image))
        for slot, one in networks.items()
    }
    st.html(Html(insides_view.nudges(maps)))
    st.caption(WORDS)
