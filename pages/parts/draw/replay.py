"""Replay: the drawing draws itself again while both networks' bars move (see replay.js)."""

from pathlib import Path

import streamlit as st

from pages.parts.draw.companion import route

FOLDER = Path(__file__).parent

_mount = st.components.v2.component(
    "mnist_replay",
    html=(FOLDER / "replay.html").read_text(encoding="utf-8"),
    js=(FOLDER / "replay.js").read_text(encoding="utf-8"),
    css=(FOLDER / "replay.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def replay() -> None:
    """Offer to see the drawing come to be, with what both networks said at every moment."""
    with st.expander("Replay: when did they know?", icon=":material/replay:", key="replay"):
        _mount(key="replayed", data={"address": route("replay")})
