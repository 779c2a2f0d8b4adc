"""Draw a digit; a dense network and a CNN read it side by side, after every stroke."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.errors import BlankDrawing
from mnist_core.ink.preprocessing import Steps, mnist_image, preprocess
from mnist_core.ink.several import Part
from mnist_core.models import registry
from mnist_core.models.reading import number
from mnist_core.views import answer_view, canvas_state, number_view
from mnist_core.views.answer_view import Html, data_url
from pages.parts.draw.answers import ask, load_networks
from pages.parts.draw.canvas import canvas, keep_in_browser, tools
from pages.parts.draw.feedback import feedback
from pages.parts.draw.link import arrive_by_link, leave_link
from pages.parts.draw.replay import replay
from pages.parts.draw.start_from import examples, pictures
from pages.parts.draw.why import more

STYLE = Path(__file__).parent / "parts" / "draw" / "draw.css"


@st.fragment(key="drawing")
def drawing(reading: DeltaGenerator, visit: DeltaGenerator) -> None:
    """The canvas, with what the networks read off it and the drawings of the visit elsewhere."""
    state = canvas_state.of(st.session_state)
    picture = canvas(state)
    leave_link(state)
    try:
        if picture is None:
            raise BlankDrawing("nothing drawn yet")
        steps = preprocess(picture)
    except BlankDrawing:
        state.image, parts = None, []
        load_networks()
        shown, spoken, before = answer_view.at_rest(), "", ""
    else:
        state.image, parts = steps.image, canvas_state.parts(state.objects)
        shown, spoken, before = read_each(parts, steps, state) if parts else read(steps, state)
    st.html(Html(number_view.boxes([part.box for part in parts])))
    reading.html(Html(answer_view.reading(shown, state, max(1, len(parts)))))
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
    answers = {slot: given[0] if given else None for slot, (_, given) in said.items()}
    image = data_url(steps.image)
    state.remember(image, {slot: str(a.digit) for slot, a in answers.items() if a})
    cards = "".join(card for card, _ in said.values())
    agreed = answer_view.verdict(image, answer_view.agreement(answers, steps.seconds))
    return (
        f'<div class="answers">{cards}</div>{agreed}',
        answer_view.spoken(answers),
        answer_view.steps_in_pictures(steps, image),
    )


def read_each(
    parts: list[Part], steps: Steps, state: canvas_state.CanvasState
) -> tuple[str, str, str]:
    """Return what `read` does, of several digits side by side."""
    images = [mnist_image(part.ink) for part in parts]
    said = {slot: ask(slot, steps.image, images) for slot in registry.SLOTS}
    numbers = {slot: number(given) for slot, (_, given) in said.items() if given}
    state.remember(data_url(steps.image), numbers)
    cards = "".join(card for card, _ in said.values())
    agreed = number_view.verdict(
        [data_url(image) for image in images], number_view.agreement(numbers)
    )
    return (
        f'<div class="answers">{cards}</div>{agreed}',
        number_view.spoken(numbers),
        number_view.what_they_see(),
    )


given = st.session_state.pop("draw_image", None)
if given is not None:
    canvas_state.of(st.session_state).load_image(given["image"])
    what = "On the canvas" if given["image"].any() else "There is no ink to show"
    st.toast(f"{what}: {given['caption']}")
state = canvas_state.of(st.session_state)
arrive_by_link(state)
if state.key not in st.session_state:  # its value went with a change of page
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
