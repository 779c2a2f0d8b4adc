"""All digits that a filter lets through, scrolled with a finger; a click opens one."""

import zlib

import numpy as np
import streamlit as st

from mnist_core.data import browse
from mnist_core.data.mnist import Dataset
from mnist_core.models import registry
from mnist_core.views import digit_wall
from pages.parts.first_visit import did
from pages.parts.screen import on_phone

ON_PHONE, ON_DESKTOP = (0,), (0, 1, 2)  # the chunks that are in sight at once
wall = st.components.v2.component(
    "digit_wall", html=digit_wall.HTML, css=digit_wall.CSS, js=digit_wall.JS
)


@st.cache_data(max_entries=64, show_spinner=False)
def chunk(
    selection: str,
    number: int,
    _dataset: Dataset,
    _places: np.ndarray,
    _stored: registry.Evaluation | None,
) -> dict:
    """Return one chunk of a selection, the same for whoever asks for it."""
    some = _places[number * digit_wall.CHUNK : (number + 1) * digit_wall.CHUNK]
    titles = [browse.title_of(_dataset, int(place)) for place in some]
    captions = browse.captions_of(_dataset, some, _stored)
    return digit_wall.chunk(number, browse.images_of(_dataset, some), titles, captions)


def show_wall(
    dataset: Dataset, places: np.ndarray, name: str, stored: registry.Evaluation | None
) -> None:
    """Show the digits at these places; name: whose answers `stored` holds, "" for nobody's."""
    selection = f"{dataset.digest[:16]}-{zlib.crc32(places.tobytes()):08x}-{name}"
    position = np.flatnonzero(places == st.session_state.get("digit", -1))
    turn, shown = st.session_state.get("wall-turn", (0, None))
    found = np.flatnonzero(places == shown) if shown is not None else ()
    numbers = st.session_state.pop("wall-wanted", None)
    if numbers is None:
        numbers = ON_PHONE if on_phone() else ON_DESKTOP
    last = (len(places) - 1) // digit_wall.CHUNK
    chunks = [
        chunk(selection, int(number), dataset, places, stored)
        for number in numbers
        if 0 <= number <= last
    ]
    data = digit_wall.wall_data(
        selection,
        len(places),
        chunks,
        chosen=int(position[0]) if len(position) else None,
        show=int(found[0]) if len(found) else None,
        turn=turn,
    )

    def choose() -> None:
        clicked = st.session_state["wall"].clicked
        st.session_state["wall-wanted"] = ()  # it has what it shows
        if isinstance(clicked, int) and 0 <= clicked < len(places):
            st.session_state["digit"] = int(places[clicked])
            did("dataset")

    def fetch() -> None:
        wanted = st.session_state["wall"].wanted
        if isinstance(wanted, list):
            st.session_state["wall-wanted"] = [n for n in wanted[:6] if isinstance(n, int)]

    wall(key="wall", data=data, on_clicked_change=choose, on_wanted_change=fetch)


def show_in_wall(place: int) -> None:
    """Let the wall scroll to a digit when it is shown next."""
    turn, _ = st.session_state.get("wall-turn", (0, None))
    st.session_state["wall-turn"] = (turn + 1, place)
