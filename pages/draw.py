"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.metrics_util import Installation
from streamlit_drawable_canvas import st_canvas

from mnist_core.errors import BlankDrawing
from mnist_core.ink.preprocessing import Steps, preprocess
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models import registry
from mnist_core.views import answer_view, canvas_state
from mnist_core.views.answer_view import Html, data_url
from pages.parts.draw.answers import ask, load_networks
from pages.parts.draw.companion import companion
from pages.parts.draw.feedback import feedback, forget_said
from pages.parts.draw.start_from import other_ways
from pages.parts.draw.why import forget_why, more

MACHINE = Installation.instance().installation_id  # by which Streamlit tells machines apart
INK, PAPER = "#FFFFFF", "#000000"
STYLE = Path(__file__).parent / "parts" / "draw" / "draw.css"


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
    result = st_canvas(
        stroke_width=st.session_state.get("brush_px", 18),
        stroke_color=INK,
        background_color=PAPER,
        width=CANVAS_SIZE_PX,
        height=CANVAS_SIZE_PX,
        initial_drawing=state.initial,
        key=f"canvas-{state.version}",
        on_change=after_stroke,
    )
    state.see(result.json_data)
    if not state.begun and state.begin():
        st.rerun()
    if not state.objects:
        return None
    return canvas_state.render(state.objects)


def outdated() -> list[str]:
    """Take back what was shown about the drawing as it was; return the fragments that showed it."""
    shown = {"more": forget_why, "feedback": forget_said}
    return [name for name, forget in shown.items() if forget()]


def after_stroke() -> None:
    """Take what was said of the drawing as it was away; without any, only `drawing` reruns."""
    if stale := outdated():
        st.rerun(["drawing", *stale])


def change(action: Callable[[], None]) -> None:
    """Change the canvas; rerun what follows from it, and no more."""
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
    buttons = st.container(horizontal=True)
    for label, icon, action in (
        ("Undo", ":material/undo:", state.undo),
        ("Redo", ":material/redo:", state.redo),
        ("Clear", ":material/delete:", state.clear),
    ):
        buttons.button(label, icon=icon, key=label.lower(), on_click=change, args=(action,))
    st.slider("Brush width (pixels)", 8, 32, 18, key="brush_px", on_change=change_brush)


@st.fragment(key="drawing")
def drawing(reading: DeltaGenerator, heard: DeltaGenerator, visit: DeltaGenerator) -> None:
    """The canvas, with what the networks read off it and the drawings of the visit elsewhere."""
    state = canvas_state.of(st.session_state)
    picture = canvas(state)
    try:
        if picture is None:
            raise BlankDrawing("nothing drawn yet")
        steps = preprocess(picture)
    except BlankDrawing:
        state.image = None
        load_networks()
        shown, spoken = answer_view.at_rest(), ""
    else:
        state.image = steps.image
        shown, spoken = read(steps, state)
    reading.html(Html(answer_view.reading(shown, state)))
    # React changes the words within this element; st.html would replace it, and a reader of the
    # screen is told of changes within an element alone.
    heard.markdown(f'<p role="status">{spoken}</p>', unsafe_allow_html=True)
    if state.strip:
        visit.html(Html(answer_view.strip(reversed(state.strip))))
    else:
        visit.empty()  # keeps the place


def read(steps: Steps, state: canvas_state.CanvasState) -> tuple[str, str]:
    """Return both answers, whether they agree, and what led to them; and the same in words."""
    said = {slot: ask(slot, steps.image) for slot in registry.SLOTS}
    answers = {slot: answer for slot, (_, answer) in said.items()}
    image = data_url(steps.image)
    state.remember(image, answers)
    cards = "".join(card for card, _ in said.values())
    agreed = answer_view.verdict(image, answer_view.agreement(answers, steps.seconds))
    pictures = answer_view.steps_in_pictures(steps, image)
    return f'<div class="answers">{cards}</div>{agreed}{pictures}', answer_view.spoken(answers)


given = st.session_state.pop("draw_image", None)
if given is not None:
    canvas_state.of(st.session_state).load_image(given["image"])
    st.toast(f"On the canvas: {given['caption']}")
state = canvas_state.of(st.session_state)
if f"canvas-{state.version}" not in st.session_state:  # its value went with a change of page
    state.arrive()
st.html(STYLE)
st.title("Draw a digit")
left, right = st.columns([5, 8], gap="medium")
with left:
    keep_in_browser()
    place = st.container(key="canvas")
    tools(state)
reading, heard, visit = right.container(), right.container(key="heard"), st.container()
with place:
    drawing(reading, heard, visit)
with right:
    feedback()
    more()
other_ways()
