"""What went wrong with something that a button asked for."""

from typing import Any

import streamlit as st

from mnist_core.errors import MnistError


def attempt(action: Any, *arguments: Any) -> bool:
    """Do something that was asked for with a button; keep what went wrong for the next run.

    Returns whether it was done.
    """
    try:
        action(*arguments)
    except MnistError as error:
        st.session_state["failure"] = str(error)
        return False
    return True


def show_failure() -> None:
    """Show what went wrong since the last run of the page, once."""
    if error := st.session_state.pop("failure", None):
        st.error(error)
        st.toast(error, icon=":material/error:")  # seen wherever the page is scrolled to
