"""What every page begins with."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def within_app() -> None:
    """Run app.py first, where this page runs without it.

    Streamlit takes a folder named pages for an app of its older kind until app.py has said
    otherwise, once in every server's life. Whoever asks a fresh server for a subpage, or comes
    back to one after a restart, would get it without its frame, in a menu that lists app.py.
    """
    context = get_script_run_ctx()
    pages = context.pages_manager.get_pages().values() if context else ()
    if any(Path(page["script_path"]).name == "app.py" for page in pages):
        PagesManager.uses_pages_directory = False
        st.rerun()
