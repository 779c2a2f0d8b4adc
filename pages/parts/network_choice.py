"""A network that is chosen in a widget, by its name in the address: its title changes with the day.

Streamlit's own binding puts what people read into the address: "fast, 12:37" today, "28 Nov, 12:37"
tomorrow, and then the link would open something else.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_core.models import registry
from pages.parts.link import once_from_address, put_in_address
from pages.parts.names import model_title

_LASTING = (*registry.SLOTS, "training")  # a run is the usual choice only until the next one


def arrive_at_network(
    key: str, options: Sequence[str], title: Callable[[str], str] = model_title
) -> None:
    """Let the widget that follows begin with the network that the visit's address names, by its
    name or its title."""
    arrived = once_from_address(key)
    for option in options:
        if arrived and arrived in (option, title(option)):
            st.session_state[key] = option


def put_network_in_address(key: str, chosen: str, usual: str) -> None:
    """Let the address name the chosen network, unless it is the usual one on every day."""
    usual_always = chosen == usual and usual in _LASTING
    put_in_address(key, None if usual_always else chosen or model_title(""))
