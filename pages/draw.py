"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.errors import BlankDrawing
from mnist_core.ink.preprocessing import Steps, preprocess
from mnist_core.models import registry
from mnist_core.views import answer_view, canvas_state
from mnist_core.views.answer_view import Html, data_url
from pages.parts.draw.answers import ask, load_networks
from pages.parts.draw.canvas import canvas, keep_in_browser, tools
from pages.parts.draw.feedback import feedback
from pages.parts.draw.link import arrive_by_link
from pages.parts.draw.replay import replay
from pages.parts.draw.start_from import examples, pictures
from pages.parts.draw.why import more

STYLE = Path(__file__).parent / "parts" / "draw" / "draw.css"


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
        shown, spoken, before = answer_view.at_rest(), "", ""
    else:
        state.image = steps.image
        shown, spoken, before = read(steps, state)
    reading.html(Html(answer_view.reading(shown, state)))
    # React changes the words within this element; st.html would replace it, and a reader of the
    # screen is told of changes within an element alone.
    reading.markdown(f'<p role="status">{spoken}</p>', unsafe_allow_html=True)
    if before or state.strip:
        visit.html(Html(before + answer_view.strip(reversed(state.strip))))
    else:
        visit.empty()  # keeps the place


def read(steps: Steps, state: canvas_state.CanvasState) -> tuple[str, str, str]:
    """Return both answers and whether they agree; the same in words; and what led to them."""
    said = {slot: ask(slot, steps.image) for slot in registry.SLOTS}
    answers = {slot: answer for slot, (_, answer) in said.items()}
    image = data_url(steps.image)
    state.remember(image, answers)
    cards = "".join(card for card, _ in said.values())
    agreed = answer_view.verdict(image, answer_view.agreement(answers, steps.seconds))
    return (
        f'<div class="answers">{cards}</div>{agreed}',
        answer_view.spoken(answers),
        answer_view.steps_in_pictures(steps, image),
    )


given = st.session_state.pop("draw_image", None)
if given is not None:
    canvas_state.of(st.session_state).load_image(given["image"])
    st.toast(f"On the canvas: {given['caption']}")
state = canvas_state.of(st.session_state)
arrive_by_link(state)
if f"canvas-{state.version}" not in st.session_state:  # its value went with a change of page
    state.arrive()
st.html(STYLE)
st.title("Draw a digit")
with st.container(key="board"):
    hand, said = st.container(key="hand"), st.container(key="said")
with hand:
    keep_in_browser()
    place = st.container(key="canvas", gap=None)
    tools(state)
    examples()
reading = said.container(key="reading", gap=None)
with said:
    feedback()
    more()
    replay()
    visit = st.container()
    pictures()
with place:
    drawing(reading, visit)
