"""Waiting for one's turn at a long computation, and being told how long the line is."""

import contextlib
from collections.abc import Iterator

import streamlit as st

from mnist_core.analysis.turns import TURNS

_PLACES = ("", "next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@contextlib.contextmanager
def own_turn() -> Iterator[None]:
    """Wait until few enough others compute, then let the block run; end the run where too many
    wait. Whoever leaves the page leaves the line."""
    with TURNS.ticket() as number:
        if number is None:
            st.warning("Too many people are asking for this at once; try again in a minute.")
            st.stop()
        line = st.empty()
        while ahead := TURNS.wait(number, 0.5):
            place = _PLACES[ahead] if ahead < len(_PLACES) else f"number {ahead}"
            line.info(f"Others are computing; you are {place} in line.", icon=":material/groups:")
        line.empty()
        yield
