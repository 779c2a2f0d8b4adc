"""What every page begins and ends with."""

import gc
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


@st.cache_resource(show_spinner=False)
def spare_what_stays(page: str) -> None:
    """Exempt what a page has loaded from garbage collection, once per page.

    Otherwise collections stop everybody for a moment: with sixty people drawing, the 95th
    percentile from stroke to answer was 3.1 s instead of 0.08 s, one run each on two cores
    (`python -m benchmarks.load --seconds 75 --no-search --no-training`).
    """
    gc.collect()
    gc.freeze()


@st.fragment(run_every=3600)
def come_back() -> None:
    """Do nothing, but let every open page ask for a run when it reconnects to a new session.

    Streamlit's front end asks only where something reruns by itself; without a run, the session
    does not know the fragments that strokes belong to, and ignores them.
    """
