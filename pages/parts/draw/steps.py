"""Step by step: what both networks answer where a step to the 28x28 image is left out."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from mnist_core.ink.preprocessing import Steps, image_without, preprocess
from mnist_core.models.classifier import Classifier
from mnist_core.views import canvas_state, explanation_view
from mnist_core.views.answer_view import Html

WORDS = (
    "Whatever you draw is cropped to its ink, scaled to 20 pixels and centred before a network "
    "sees it, because MNIST's digits were. Leave a step out: the dense network knows each stroke "
    "only where its training digits had it, so it errs first."
)


def show_steps(image: np.ndarray, networks: Mapping[str, Classifier]) -> None:
    """Offer to leave steps out for the drawing on the canvas, of which `image` was made."""
    st.markdown(WORDS)
    switches(preprocess(canvas_state.render(canvas_state.of(st.session_state).objects)), networks)


@st.fragment
def switches(steps: Steps, networks: Mapping[str, Classifier]) -> None:
    """A switch for each step, and what both networks answer then."""
    toggles, outcome = st.columns([3, 2], gap="medium")
    with toggles:
        crop = st.toggle("Crop to the ink", True, key="step-crop")
        scale = st.toggle("Scale to 20 pixels", True, key="step-scale")
        centre = st.toggle("Centre by mass", True, key="step-centre")
    image = image_without(steps, crop=crop, scale=scale, centre=centre)
    said = {slot: classifier.answer(image) for slot, classifier in networks.items()}
    outcome.html(Html(explanation_view.answered(image, said, "What the networks see then")))
