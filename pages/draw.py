"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

from collections.abc import Callable

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
from pages import within_app
from pages.parts.draw.answers import ask, load_networks
from pages.parts.draw.start_from import other_ways
from pages.parts.draw.why import forget_why, more

MACHINE = Installation.instance().installation_id  # by which Streamlit tells machines apart
INK, PAPER = "#FFFFFF", "#000000"
# Room for the canvas's own tools above it; all of it fits a phone 360 px wide.
STYLE = f"""<style>{answer_view.STYLE}
.stMainBlockContainer {{padding-top: 4rem}}
.st-key-canvas {{padding-top: 1.4rem; width: 336px}}
.st-key-kept-by-the-browser {{display: none}}
.stMain:has(.blank) .st-key-more {{display: none}}
.stMain:has(.no-undo) :is(.st-key-undo, .st-key-clear) button,
.stMain:has(.no-redo) .st-key-redo button {{opacity: .4; pointer-events: none}}
@media (max-width: 640px) {{
  .stMainBlockContainer {{padding-left: .65rem; padding-right: .65rem}}
  .stMainBlockContainer h1 {{font-size: 1.5rem; padding: 0}}
}}
</style>"""


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


def canvas(state: canvas_state.CanvasState) -> dict | None:
    """Show the canvas; return what was drawn, as the canvas records it."""
    result = st_canvas(
        stroke_width=st.session_state.get("brush_px", 18),
        stroke_color=INK,
        background_color=PAPER,
        width=CANVAS_SIZE_PX,
        height=CANVAS_SIZE_PX,
        initial_drawing=state.initial,
        return_image_data=True,
        key=f"canvas-{state.version}",
        on_change=after_stroke,
    )
    picture = result.image_data
    state.see(result.json_data)
    if not state.begun and state.begin():
        st.rerun()
    if not state.objects:
        return None
    return canvas_state.render(state.objects) if picture is None else picture


def after_stroke() -> None:
    """Take explanations of the drawing as it was away; without any, only `drawing` reruns."""
    if forget_why():
        st.rerun(["drawing", "more"])


def change(action: Callable[[], None]) -> None:
    """Change the canvas; rerun what follows from it, and no more."""
    action()
    st.rerun(["drawing", "kept", "more"] if forget_why() else ["drawing", "kept"])


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
def drawing(reading: DeltaGenerator, visit: DeltaGenerator) -> None:
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
        shown = answer_view.INVITATION
    else:
        state.image = steps.image
        shown = read(steps, state)
    reading.html(Html(answer_view.reading(shown, state)))
    if state.strip:
        visit.html(Html(answer_view.strip(reversed(state.strip))))
    else:
        visit.empty()  # keeps the place


def read(steps: Steps, state: canvas_state.CanvasState) -> str:
    """Return both answers, whether they agree, and what led to them."""
    said = {slot: ask(slot, steps.image) for slot in registry.SLOTS}
    answers = {slot: answer for slot, (_, answer) in said.items()}
    image = data_url(steps.image)
    state.remember(image, answers)
    cards = "".join(card for card, _ in said.values())
    return (
        f'<div class="answers">{cards}</div>{answer_view.agreement(answers, steps.seconds)}'
        f"{answer_view.steps_in_pictures(steps, image)}"
    )


within_app()
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
reading, visit = right.container(), st.container()
with place:
    drawing(reading, visit)
with right:
    more()
other_ways()
