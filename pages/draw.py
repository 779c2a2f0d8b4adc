"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

import streamlit as st
from streamlit.runtime.metrics_util import Installation
from streamlit_drawable_canvas import st_canvas

from mnist_core import answer_view, canvas_state, registry
from mnist_core.answer_view import Html, data_url
from mnist_core.errors import BlankDrawing
from mnist_core.preprocessing import Steps, preprocess
from mnist_core.strokes import CANVAS_SIZE_PX
from pages import within_app
from pages.parts.answers import active_models, agreement, network_answer, pool
from pages.parts.start_from import other_ways
from pages.parts.why import why

MACHINE = Installation.instance().installation_id  # by which Streamlit tells machines apart
INK, PAPER = "#FFFFFF", "#000000"
# Room for the canvas's own tools above it; all of it fits a phone 360 px wide.
STYLE = f"""<style>{answer_view.STYLE}
.stMainBlockContainer {{padding-top: 4rem}}
.st-key-canvas {{padding-top: 1.4rem; width: 336px}}
.st-key-kept-by-the-browser {{display: none}}
.st-key-answer-dense, .st-key-answer-cnn {{min-width: 9.5rem; flex: 1 1 0}}
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


def keep_in_browser(state: canvas_state.CanvasState) -> None:
    """Let the browser keep what the next session needs; take what it kept for this one."""
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


def canvas() -> dict | None:
    """Show the canvas and its buttons; return what was drawn, as the canvas records it."""
    state = canvas_state.of(st.session_state)
    keep_in_browser(state)
    with st.container(key="canvas"):
        result = st_canvas(
            stroke_width=st.session_state.get("brush_px", 18),
            stroke_color=INK,
            background_color=PAPER,
            width=CANVAS_SIZE_PX,
            height=CANVAS_SIZE_PX,
            initial_drawing=state.initial,
            return_image_data=True,
            key=f"canvas-{state.version}",
        )
    picture = result.image_data
    state.see(result.json_data)
    if not state.begun and state.begin():
        st.rerun()
    buttons = st.container(horizontal=True)
    for label, icon, action, possible in (
        ("Undo", ":material/undo:", state.undo, state.objects),
        ("Redo", ":material/redo:", state.redo, state.undone),
        ("Clear", ":material/delete:", state.clear, state.objects),
    ):
        buttons.button(label, icon=icon, key=label.lower(), on_click=action, disabled=not possible)
    st.slider("Brush width (pixels)", 8, 32, 18, key="brush_px")
    if not state.objects:
        return None
    return canvas_state.render(state.objects) if picture is None else picture


def network_input(steps: Steps, image: str) -> None:
    """Show the 28x28 image that the networks read, and how the drawing became it."""
    with st.container(key="network-input"):
        st.html(Html(answer_view.steps_in_pictures(steps, image)))
        st.download_button(
            "Download 28x28 PNG",
            data=lambda: answer_view.png_bytes(steps.image),
            file_name="digit-28x28.png",
            mime="image/png",
            icon=":material/download:",
        )


@st.fragment
def read_drawing() -> None:
    """The canvas and everything that follows from it; reruns alone after a stroke."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        picture = canvas()
    with right:
        try:
            if picture is None:
                raise BlankDrawing("nothing drawn yet")
            steps = preprocess(picture)
        except BlankDrawing:
            st.markdown(
                "### Draw a digit, 0 to 9\nWith mouse, pen or finger. Two networks answer "
                "after every stroke: one sees 784 numbers, the other a picture."
            )
            for slot in registry.SLOTS:
                pool().request(active_models()[slot][0])
        else:
            show_answers(steps)
    if seen := canvas_state.of(st.session_state).strip:
        st.html(Html(answer_view.strip(reversed(seen))))


def show_answers(steps: Steps) -> None:
    """Show both answers, whether they agree, and what led to them."""
    side_by_side = st.container(horizontal=True)
    answered = {}
    for slot in registry.SLOTS:
        with side_by_side:
            answered[slot] = network_answer(slot, steps.image)
    answers = {slot: pair and pair[1] for slot, pair in answered.items()}
    agreement(answers, steps.seconds)
    image = data_url(steps.image)
    canvas_state.of(st.session_state).remember(image, answers)
    network_input(steps, image)
    if all(answered.values()):
        why(steps.image, answered)


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
read_drawing()
other_ways()
