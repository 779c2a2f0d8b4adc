"""The sums behind the first layers, to be touched."""

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.views import arithmetic_view
from pages.parts.draw.insides import Networks, network_of

sums = st.components.v2.component(
    "sums", html=arithmetic_view.HTML, css=arithmetic_view.CSS, js=arithmetic_view.JS
)


@st.fragment
def show_arithmetic(image: np.ndarray, networks: Networks) -> None:
    """Show a first layer, number by number. image: (28, 28) float32 in [0, 1]."""
    layers = {}
    for slot in ("cnn", "dense"):
        named = arithmetic_view.layers(network_of(networks[slot]), image)
        title = words.capitalised(words.network(slot))
        layers |= {f"{title}: {name}": layer for name, layer in named.items()}
    chosen = st.selectbox("First layer of", list(layers), key="sums-of", width=330)
    sums(key="sums", data={"image": image.ravel().tolist(), "layer": layers[chosen]})
