"""What a page looks at again and again by itself."""

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st


def every(seconds: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a function run again so often, as a fragment in a container of its own.

    While a press redraws the page, Streamlit 1.67 may lose the place of a fragment that runs at
    that moment and put it over what comes next in the same container: a widget is then gone until
    the page is redrawn.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        fragment = st.fragment(run_every=seconds)(function)

        @functools.wraps(function)
        def alone(*arguments: Any) -> None:
            with st.container():
                fragment(*arguments)

        return alone

    return decorate
