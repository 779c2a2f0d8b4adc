"""A file that is made when somebody asks for it, and is still there when the browser fetches it."""

import itertools
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit import runtime

KEPT = 32  # files; the oldest goes when one more is made
_places = itertools.cycle(range(KEPT))


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
    """Make a file and have Streamlit keep it until KEPT others were made.

    By itself Streamlit 1.67 forgets it when two scripts have ended, of whatever visitors: in a
    full room that is sooner than a browser fetches it.
    """
    made = make()
    data = made.encode() if isinstance(made, str) else made
    runtime.get_instance().media_file_mgr.add(
        data, mime, f"download-{next(_places)}", file_name, is_for_static_download=True
    )
    return data
