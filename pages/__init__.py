"""What every page ends with."""

import gc

import streamlit as st


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
