"""“Right”, or “No, it's a ...”: what a visitor says of the answers, kept to learn from."""

import hashlib
import json
from dataclasses import dataclass

import streamlit as st

from mnist_core.data import people
from mnist_core.data.drawing import Drawing, agreed_label, checked_strokes, record
from mnist_core.errors import BlankDrawing, MnistError, WrongDrawing
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.room import deletion
from mnist_core.views import canvas_state
from mnist_core.words import article
from pages.parts import writer
from pages.parts.draw.answers import active_models, classifiers
from pages.parts.draw.why import forget_why

NO_DIGIT = "not a digit"
SEVERAL = "Several digits cannot be kept as one; draw one alone."
MESSAGES = ("feedback-problem", "forgotten")
PROMISE = (
    "What you say is kept with your strokes, without your name, and the networks may learn "
    "from it. You can take it back."
)


@dataclass(frozen=True)
class Said:
    """What a visitor said of the drawing on the canvas."""

    drawing_id: int  # in the database
    label: int
    drawing: int  # the canvas's count


@st.fragment(key="feedback")
def feedback() -> None:
    """Ask whether the answers are right; say what was kept, and offer to take it back."""
    with st.container(key="feedback"):
        said = st.session_state.get("said")
        if said is None:
            ask()
        else:
            acknowledge(said)
        if problem := st.session_state.get("feedback-problem"):
            st.warning(problem)
        if forgotten := st.session_state.get("forgotten"):
            st.success(forgotten)


def ask() -> None:
    """Ask what the drawing is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Right", key="say-right", icon=":material/check:", on_click=agree)
        turn = st.session_state.get("feedback-turn", 0)
        st.pills(
            "No, it’s a …", [*range(10), NO_DIGIT], key=f"say-{turn}", on_change=correct,
            args=(f"say-{turn}",), wrap=True,
        )  # fmt: skip
    st.caption(PROMISE)
    if writer.is_known():
        offer_to_forget()


def agree() -> None:
    """Keep the drawing as what both networks read, where that is one digit."""
    redrawn = begin_to_say()
    state = canvas_state.of(st.session_state)
    try:
        if canvas_state.parts(state.objects):  # the stroke that came with the press began another
            raise WrongDrawing(SEVERAL)
        image = mnist_image(canvas_state.render(state.objects))
        found = [classifier.answer(image) for classifier in classifiers().values()]
        keep(agreed_label([(answer.digit, answer.is_digit) for answer in found]))
    except (BlankDrawing, WrongDrawing) as error:
        st.session_state["feedback-problem"] = str(error)
    if redrawn:
        st.rerun(redrawn)


def correct(key: str) -> None:
    """Keep the drawing as what the visitor chose."""
    redrawn = begin_to_say()
    chosen = st.session_state.get(key)
    if chosen is not None:
        keep(NOT_A_DIGIT if chosen == NO_DIGIT else int(chosen))
    st.session_state["feedback-turn"] = st.session_state.get("feedback-turn", 0) + 1
    if redrawn:
        st.rerun(redrawn)


def begin_to_say() -> list[str]:
    """Take messages away; return the fragments to rerun where a stroke came with the press."""
    forget_messages()
    if not canvas_state.look_again(st.session_state):
        return []
    return ["drawing", "feedback", *(["more"] if forget_why() else [])]


def keep(label: int) -> None:
    """Put the drawing on the canvas into the people's database."""
    state = canvas_state.of(st.session_state)
    try:
        strokes, width_px = state.handwriting()
        points = checked_strokes([stroke.tolist() for stroke in strokes])
        digest = hashlib.sha256(json.dumps(points).encode()).hexdigest()[:16]
        drawing = Drawing(
            f"{state.session}-{state.drawing}-{digest}", points, width_px, CANVAS_SIZE_PX,
            label, "said",
        )  # fmt: skip
        image, named = drawing.image(), active_models()
        for slot, classifier in classifiers().items():
            drawing.answers[slot] = record(named[slot][0], classifier.answer(image))
        earlier = st.session_state.get("kept-drawing")
        if earlier is not None and earlier.drawing == state.drawing:  # it had fewer strokes then
            people.take_back(earlier.drawing_id, writer.token())
        said = Said(people.add(drawing, writer.token()), label, state.drawing)
    except MnistError as error:
        st.session_state["feedback-problem"] = str(error)
    else:
        st.session_state["said"] = st.session_state["kept-drawing"] = said


def acknowledge(said: Said) -> None:
    """Say what was kept, and offer ways back."""
    writer.remember()
    digit = f"{article(said.label)} {said.label}"
    what = "this is not a digit" if said.label == NOT_A_DIGIT else f"this is {digit}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check_circle: Kept with your strokes: **{what}**. Thank you.")
        st.button("Take it back", key="take-back", on_click=take_back, args=(said,))
        offer_to_forget()


def offer_to_forget() -> None:
    """Offer to delete what this browser has given."""
    with st.popover("Forget me", type="tertiary"):
        st.write("Everything this browser has given is deleted from the database.")
        st.button("Forget all I gave", key="forget-me", type="primary", on_click=forget_all)


def take_back(said: Said) -> None:
    """Delete the drawing that was just kept."""
    forget_messages()
    try:
        people.take_back(said.drawing_id, writer.token())
    except MnistError as error:
        st.session_state["feedback-problem"] = str(error)
    else:
        st.session_state["said"] = st.session_state["kept-drawing"] = None


def forget_all() -> None:
    """Delete everything that this browser has given."""
    forget_messages()
    try:
        gone = deletion.forget(writer.token())
    except MnistError as error:
        st.session_state["feedback-problem"] = str(error)
    else:
        st.session_state["said"] = st.session_state["kept-drawing"] = None
        drawings = "1 drawing is" if gone == 1 else f"{gone:,} drawings are"
        st.session_state["forgotten"] = f"{drawings} forgotten."


def forget_messages() -> bool:
    """Take what went wrong, or was done, off the page; return whether anything was shown."""
    shown = [st.session_state.pop(name, None) for name in MESSAGES]
    return any(shown)


def forget_said() -> bool:
    """Take what was said of an earlier drawing off the page; return whether it was shown."""
    messages = forget_messages()
    return st.session_state.pop("said", None) is not None or messages
