"""Waiting for one's turn at a long computation, and being told how long the line is."""

import contextlib
from collections.abc import Iterator
from typing import Any

import streamlit as st

from mnist_core.analysis.own_process import Compute, compute
from mnist_core.analysis.turns import TURNS

_PLACES = ("", "next", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@contextlib.contextmanager
def own_turn(begun: bool = False) -> Iterator[None]:
    """Wait until few enough others compute, then let the block run; end the run where too many
    wait, unless something that was begun goes on. Whoever leaves the page leaves the line."""
    with TURNS.ticket(begun) as number:
        if number is None:
            st.warning("Too many people are asking for this at once; try again in a minute.")
            st.stop()
        line = st.empty()
        while ahead := TURNS.wait(number, 0.5):
            place = _PLACES[ahead] if ahead < len(_PLACES) else f"number {ahead}"
            line.info(f"Others are computing; you are {place} in line.", icon=":material/groups:")
        line.empty()
        yield


def piece_by_piece() -> Compute:
    """Return what computes a piece of something long in the process for such things, each when its
    turn has come: nobody waits for more than a piece. Where in line is told here on the page; only
    the first piece is refused where too many wait, before there is anything to lose."""
    place, begun = st.empty(), False

    def in_turn(function: Any, *arguments: Any) -> Any:
        nonlocal begun
        with place, own_turn(begun):
            begun = True
            return compute(function, *arguments)

    return in_turn
