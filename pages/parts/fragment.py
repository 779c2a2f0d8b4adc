"""Fragments that notice what has changed outside of them."""

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st


def drawn_with(*keys: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a fragment that redraws the page where these widgets of it have changed.

    Streamlit's front end sends what changes in one instant as one rerun, of the first fragment
    concerned: a view that is chosen while a number in the fragment is typed would not be shown.
    """

    def now() -> list[Any]:
        return [st.session_state.get(key) for key in keys]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @st.fragment
        @functools.wraps(function)
        def fragment(before: list[Any], *arguments: Any) -> None:
            if now() != before:
                st.rerun()
            function(*arguments)

        @functools.wraps(function)
        def drawn(*arguments: Any) -> None:
            fragment(now(), *arguments)

        return drawn

    return decorate
