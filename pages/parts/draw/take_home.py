"""The networks as files that read digits by themselves."""

from functools import partial

import numpy as np
import streamlit as st

from mnist_core.views.take_home import take_home
from mnist_core.words import capitalised
from pages.parts.download import download
from pages.parts.draw.insides import Networks
from pages.parts.names import plain_title


def offer_to_take_home(image: np.ndarray, networks: Networks) -> None:
    """Offer each network as one HTML file; the drawing plays no part in it."""
    st.write(
        "One file with a canvas and the whole network in it: it opens in any browser and reads "
        "digits without this server, without a connection. Send it to your phone."
    )
    with st.container(horizontal=True):
        for classifier in networks.values():
            name = classifier.name
            download(capitalised(plain_title(name)), partial(take_home, name),
                     f"{name}.html", "text/html", key=f"take-home-{name}")  # fmt: skip
