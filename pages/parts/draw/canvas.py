"""The canvas, what changes it, and what its browser keeps of it."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.runtime.metrics_util import Installation

from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.views import canvas_state, overlay
from mnist_core.views.answer_view import Html
from pages.parts.draw.companion import companion
from pages.parts.draw.feedback import forget_said
from pages.parts.draw.why import forget_why

MACHINE = Installation.instance().installation_id  # by which Streamlit tells machines apart
INK, PAPER = "#FFFFFF", "#000000"


@st.fragment(run_every=1)
def catch_up() -> None:
    """Look once more: a stroke drawn while its session was still to begin went by unseen."""
    if canvas_state.of(st.session_state).begun:
        st.rerun()


@st.fragment(key="kept")
def keep_in_browser() -> None:
    """Let the browser keep what the next session needs; take what it kept for this one."""
    state = canvas_state.of(st.session_state)
    kept = state.kept(MACHINE)
    if state.begun and st.session_state.get("kept") != kept:
        st.session_state["kept"] = kept
    with st.container(key="kept-by-the-browser"):
        brought = st.text_input(
            "For the next session",
            "" if state.begun else kept,
            key="kept",
            label_visibility="collapsed",
        )
        if not state.begun and brought != kept:
            state.resume(brought, MACHINE)
            catch_up()  # in here it moves nothing: a canvas that moves is a new one
        companion(state)


def canvas(state: canvas_state.CanvasState) -> np.ndarray | None:
    """Show the canvas; return its ink, (336, 336) uint8; None where nothing was drawn."""
    # It registers itself with a running server: this module can be imported without one.
    from streamlit_drawable_canvas import st_canvas

    result = st_canvas(
        stroke_width=st.session_state.get("brush_px", 18),
        stroke_color=INK,
        background_color=PAPER,
        width=CANVAS_SIZE_PX,
        height=CANVAS_SIZE_PX,
        initial_drawing=state.initial,
        key=state.key,
        on_change=after_stroke,
    )
    state.see(result.json_data)
    if not state.begun and state.begin():
        st.rerun()
    if not state.objects:
        st.html(Html(overlay.hint()))
        return None
    return canvas_state.render(state.objects)


def outdated() -> list[str]:
    """Take back what was shown about the drawing as it was; return the fragments that showed it."""
    shown = {"more": forget_why, "feedback": forget_said}
    return [name for name, forget in shown.items() if forget()]


def after_stroke() -> None:
    """Take what was said of the drawing as it was away; without any, only `drawing` reruns.

    A press that came with the stroke has looked at it already.
    """
    if canvas_state.look_again(st.session_state) and (stale := outdated()):
        st.rerun(["drawing", *stale])


def change(action: Callable[[], None]) -> None:
    """Change the canvas; rerun what follows from it, and no more."""
    canvas_state.look_again(st.session_state)
    action()
    st.rerun(["drawing", "kept", *outdated()])


def change_brush() -> None:
    """Draw with another brush from now on; the drawing so far stays as it is."""
    st.rerun("drawing")


@st.fragment
def tools(state: canvas_state.CanvasState) -> None:
    """Show what changes the canvas or its brush.

    A fragment, though it never reruns: where a widget outside of every fragment is used,
    Streamlit forgets the downloads of those that do not rerun.
    """
    with st.container(horizontal=True, key="tools"):
        for label, icon, action, keys in (
            ("Undo", ":material/undo:", state.undo, "Ctrl+Z"),
            ("Redo", ":material/redo:", state.redo, "Ctrl+Y"),
            ("Clear", ":material/delete:", state.clear, None),
        ):
            st.button(
                label, key=label.lower(), icon=icon, on_click=change, args=(action,), shortcut=keys
            )
        with st.popover("Brush", icon=":material/brush:", key="brush"):
            st.slider("Brush width (pixels)", 8, 32, 18, key="brush_px", on_change=change_brush)
