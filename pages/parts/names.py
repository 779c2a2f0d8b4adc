"""What the pages call a network."""

import streamlit as st

from mnist_core.runs import report
from mnist_core.words import NETWORK_TITLES

_titles = st.cache_data(ttl=2, max_entries=500, show_spinner=False)(report.model_title)


def model_title(name: str) -> str:
    """Return what a network is called within a sentence: "the CNN", "fast, 12:37"; "nothing"."""
    return _titles(name) if name else "nothing"


def chart_name(name: str) -> str:
    """Return what a network is called in a chart: "CNN", "fast, 12:37"."""
    return NETWORK_TITLES.get(name) or _titles(name)
