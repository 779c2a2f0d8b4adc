"""Why the networks answer what they answer, for a visitor of the Draw page who asks."""

import zlib
from collections.abc import Mapping

import numpy as np
import streamlit as st

from mnist_core import explanation, explanation_view, registry, robustness
from mnist_core.answer_view import Html
from mnist_core.inference import Answer, Classifier


def why(image: np.ndarray, answered: Mapping[str, tuple[Classifier, Answer]]) -> None:
    """Show, once asked, which ink counts, how far the digit may move, and the layers' insides.

    It takes as long as fifty answers, so the next stroke has to be asked about anew: a room full
    of people would not be answered otherwise.
    image: (28, 28) float32 in [0, 1]; answered: each slot's network and its answer to the image.
    """
    drawing = zlib.crc32(image.tobytes())
    st.button(
        "Why do they answer that?",
        key="why",
        icon=":material/psychology_alt:",
        on_click=st.session_state.update,
        kwargs={"asked_why_of": drawing},
    )
    if st.session_state.get("asked_why_of") != drawing:
        return
    classifiers = {slot: classifier for slot, (classifier, _) in answered.items()}
    answers = {slot: answer for slot, (_, answer) in answered.items()}
    with st.container(key="explanation"):
        st.subheader("The ink that counts")
        importances = {
            slot: explanation.occlusion(classifier, image)
            for slot, classifier in classifiers.items()
        }
        st.html(Html(explanation_view.ink_that_counts(image, importances, answers)))
        st.subheader("Move it")
        reaches = {
            slot: explanation.reach(classifier, image) for slot, classifier in classifiers.items()
        }
        st.markdown(explanation_view.reach_in_words(reaches, answers))
        push(image, classifiers)
        st.subheader("What the layers look for")
        for slot, classifier in classifiers.items():
            inside(slot, classifier, image)


@st.fragment
def push(image: np.ndarray, classifiers: Mapping[str, Classifier]) -> None:
    """Let the visitor push and turn what the networks read, without centring it again."""
    sliders, outcome = st.columns([3, 2], gap="medium")
    right = sliders.slider("Push it right (pixels of 28)", -10, 10, 6, key="push-right")
    down = sliders.slider("Push it down", -10, 10, 0, key="push-down")
    degrees = sliders.slider("Turn it (degrees)", -90, 90, 0, key="push-turn")
    turned = robustness.turn(image[np.newaxis], degrees)[0] if degrees else image
    moved = explanation.push(turned, down, right)
    said = {slot: classifier.answer(moved) for slot, classifier in classifiers.items()}
    outcome.html(Html(explanation_view.pushed(moved, said)))


def inside(slot: str, classifier: Classifier, image: np.ndarray) -> None:
    """Show what the first layers of one network make of the image."""
    path = registry.litert_path(classifier.name)
    try:
        if path is not None:
            st.html(Html(explanation_view.inside(slot, explanation.look_inside(path, image))))
            return
    except (ValueError, RuntimeError):
        pass  # damaged: the classifier answers from the .keras file
    st.caption(f"The model {classifier.name!r} has no LiteRT file to look into.")
