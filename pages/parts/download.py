"""A file that is made when somebody asks for it, and is still there when the browser fetches it."""

import itertools
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime

KEPT, KEPT_LARGE = 32, 2  # files; the oldest of its kind goes when one more is made
LARGE_BYTES = 1_000_000
_places = itertools.cycle(f"download-{number}" for number in range(KEPT))
_large_places = itertools.cycle(f"large-download-{number}" for number in range(KEPT_LARGE))


def download(
    label: str, make: Callable[[], bytes | str], file_name: str, mime: str, **look: Any
) -> None:
    """Offer a file that `make` makes at the press; the page is not run again for it.

    look: how the button looks, as for `st.download_button`.
    """
    st.download_button(
        label, lambda: kept(make, file_name, mime), file_name, mime, on_click="ignore",
        **{"icon": ":material/download:"} | look,
    )  # fmt: skip


def kept(make: Callable[[], bytes | str], file_name: str, mime: str) -> bytes:
    """Make a file and have Streamlit keep it until KEPT others were made, KEPT_LARGE large ones.

    By itself Streamlit 1.67 forgets it when two scripts have ended, of whatever visitors: in a
    full room that is sooner than a browser fetches it.
    """
    made = make()
    data = made.encode() if isinstance(made, str) else made
    place = next(_places if len(data) < LARGE_BYTES else _large_places)
    runtime.get_instance().media_file_mgr.add(
        data, mime, place, file_name, is_for_static_download=True
    )
    return data
