"""What the pages call a network."""

from mnist_core.runs import report
from mnist_core.words import NETWORK_TITLES


def model_title(name: str) -> str:
    """Return what a network is called within a sentence: "the CNN", "fast, 12:37"; "nothing"."""
    return report.model_title(name) if name else "nothing"


def plain_title(name: str) -> str:
    """Return `model_title` for Markdown, which would see links and icons in a visitor's words."""
    return report.plain(model_title(name))


def chart_name(name: str) -> str:
    """Return what a network is called in a chart: "CNN", "fast, 12:37"."""
    return NETWORK_TITLES.get(name) or model_title(name)
