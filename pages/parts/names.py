"""What the pages call a network."""

from collections import Counter
from pathlib import Path

import streamlit as st

from mnist_core.models import registry
from mnist_core.runs import report
from mnist_core.words import NETWORK_TITLES


@st.cache_data(ttl=2, max_entries=2, show_spinner=False)
def _titles(folder: Path) -> dict[str, str]:
    """Return what each network in the artifacts' folder is called, no two of them the same: the
    second run of a title and minute is "fast, 12:37 (2)"."""
    titles, times = {}, Counter[str]()
    for name in reversed(registry.available_models()):  # the oldest run first
        title = report.model_title(name)
        times[title] += 1
        titles[name] = title if times[title] == 1 else f"{title} ({times[title]})"
    return titles


def model_title(name: str) -> str:
    """Return what a network is called within a sentence: "the CNN", "fast, 12:37"; "nothing"."""
    if not name:
        return "nothing"
    return _titles(registry.artifacts_dir()).get(name) or report.model_title(name)


def plain_title(name: str) -> str:
    """Return `model_title` for Markdown, which would see links and icons in a visitor's words."""
    return report.plain(model_title(name))


def chart_name(name: str) -> str:
    """Return what a network is called in a chart: "CNN", "fast, 12:37"."""
    return NETWORK_TITLES.get(name) or model_title(name)
