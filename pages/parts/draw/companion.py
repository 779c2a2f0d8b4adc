"""The pen's companion: moves both answers while the pen moves (see companion.js, showing.js)."""

from pathlib import Path

import streamlit as st

from mnist_core.views.canvas_state import CanvasState
from pages.parts.base_path import base_path

FOLDER = Path(__file__).parent

_mount = st.components.v2.component(
    "mnist_companion",
    js="\n".join(
        (FOLDER / name).read_text(encoding="utf-8") for name in ("companion.js", "showing.js")
    ),
    css=(FOLDER / "companion.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def route(name: str) -> str:
    """Return the address of a route beside the pages, on this page's own server."""
    return f"{base_path()}/api/{name}"


def companion(state: CanvasState) -> None:
    """Let the browser ask while the pen moves, from what is on the canvas now."""
    _mount(key="companion", data={"address": route("read"), **state.told()})
