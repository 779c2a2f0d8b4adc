"""Why the networks answer what they answer, for a visitor of the Draw page who asks."""

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from mnist_core.analysis import explanation, robustness
from mnist_core.analysis.own_process import compute
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.views import answer_view, canvas_state, explanation_view
from mnist_core.views.answer_view import Html
from pages.parts.download import download
from pages.parts.draw.answers import classifiers
from pages.parts.draw.arithmetic import show_arithmetic
from pages.parts.draw.insides import network_of
from pages.parts.draw.link import offer_link
from pages.parts.draw.nudges import show_nudges
from pages.parts.draw.resembles import show_lookalikes
from pages.parts.draw.smallest_change import show_smallest_change
from pages.parts.draw.steps import show_steps
from pages.parts.draw.take_home import offer_to_take_home
from pages.parts.draw.wires import show_wires
from pages.parts.turn import own_turn

Explanation = Callable[[np.ndarray, Mapping[str, Classifier]], None]
BLANK = np.zeros((28, 28), np.float32)


@st.fragment(key="more")
def more() -> None:
    """Offer the networks' input as a file, and, once asked, what their answers rest on.

    That takes as long as fifty answers, so the next stroke has to be asked about anew: a room
    full of people would not be answered otherwise.
    """
    state = canvas_state.of(st.session_state)
    with st.container(horizontal=True, key="more"):
        st.button(
            "Why do they answer that?",
            key="why",
            icon=":material/psychology_alt:",
            on_click=st.session_state.update,
            kwargs={"asked_why": True},
        )
        download(
            "Download 28x28 PNG",
            lambda: answer_view.png_bytes(BLANK if state.image is None else state.image),
            "digit-28x28.png",
            "image/png",
        )
    if not st.session_state.get("asked_why") or state.image is None:
        return
    networks = classifiers()
    if len(networks) == len(registry.SLOTS):
        explain(state.image, networks)
    else:
        st.info("Both networks have to answer first; ask again as soon as both do.")


def forget_why() -> bool:
    """Take back what a visitor asked for an earlier drawing; return whether it was shown."""
    return st.session_state.pop("asked_why", False)


def explain(image: np.ndarray, networks: Mapping[str, Classifier]) -> None:
    """Let the visitor choose an explanation; show it. image: (28, 28) float32 in [0, 1]."""
    ways: dict[str, Explanation] = {
        "Why": why,
        "Step by step": show_steps,
        "Arithmetic": show_arithmetic,
        "Cut the wires": show_wires,
        "Nudge": show_nudges,
        "Lookalikes": show_lookalikes,
        "Smallest change": show_smallest_change,
        "Take it home": offer_to_take_home,
    }
    # Kept beside the widget, which is gone while nothing is explained.
    before = st.session_state.get("explained-last")
    before = before if before in ways else "Why"
    shown = st.segmented_control(
        "Explain it by", list(ways), default=before, required=True, key="explanation-shown",
        label_visibility="collapsed",
    )  # fmt: skip
    st.session_state["explained-last"] = shown
    try:
        ways[shown](image, networks)
    except MnistError as error:
        st.error(str(error))
    offer_link(image, shown)


def why(image: np.ndarray, networks: Mapping[str, Classifier]) -> None:
    """Show which ink counts, how far the digit may move, and the layers' insides.

    image: (28, 28) float32 in [0, 1].
    """
    answers = {slot: classifier.answer(image) for slot, classifier in networks.items()}
    with st.container(key="explanation"):
        st.subheader("The ink that counts")
        with own_turn():
            importances = {
                slot: compute(explanation.occlusion, network, image)
                for slot, network in networks.items()
            }
            reaches = {
                slot: compute(explanation.reach, network, image)
                for slot, network in networks.items()
            }
        st.html(Html(explanation_view.ink_that_counts(image, importances, answers)))
        st.subheader("Move it")
        st.markdown(explanation_view.reach_in_words(reaches, answers))
        push(image, networks)
        st.subheader("What the layers look for")
        for slot, classifier in networks.items():
            found = explanation.look_inside(network_of(classifier), image)
            st.html(Html(explanation_view.inside(slot, found)))


@st.fragment
def push(image: np.ndarray, networks: Mapping[str, Classifier]) -> None:
    """Let the visitor push and turn what the networks read, without centring it again."""
    sliders, outcome = st.columns([3, 2], gap="medium")
    right = sliders.slider("Push it right (pixels of 28)", -10, 10, 6, key="push-right")
    down = sliders.slider("Push it down", -10, 10, 0, key="push-down")
    degrees = sliders.slider("Turn it (degrees)", -90, 90, 0, key="push-turn")
    turned = robustness.turn(image[np.newaxis], degrees)[0] if degrees else image
    moved = explanation.push(turned, down, right)
    said = {slot: classifier.answer(moved) for slot, classifier in networks.items()}
    outcome.html(Html(explanation_view.answered(moved, said, "The pushed image")))
