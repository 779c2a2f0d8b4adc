"""What the two networks say of a drawing, or why they do not yet."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.models.classifier import Answer, Classifier
from mnist_core.models.serving import active_models, pool
from mnist_core.views import answer_view, number_view
from pages.parts.names import model_title

LOADING_WAIT_S = 0.3


@st.fragment(run_every=1)
def answer_when_ready(name: str) -> None:
    """Ask now and then whether a network has been loaded; answer as soon as it has."""
    if pool().request(name).done():
        st.rerun()


def load_networks() -> None:
    """Begin to load both networks, in the background."""
    for name, _ in active_models().values():
        pool().request(name)


def classifiers() -> dict[str, Classifier]:
    """Return the networks that are there by slot; one that is loading or damaged is left out."""
    loading = {slot: pool().request(name) for slot, (name, _) in active_models().items()}
    return {
        slot: network.result()
        for slot, network in loading.items()
        if network.done() and network.exception() is None
    }


def ask(slot: str, image: np.ndarray, each: Sequence[np.ndarray] = ()) -> tuple[str, list[Answer]]:
    """Return what one network says as HTML, and of each image as it is; none: it does not answer.

    image: (28, 28) float32 in [0, 1], of the whole drawing; each: of its digits, where it holds
    several, which are read instead.
    """
    name, remark = active_models()[slot]
    try:
        classifier = pool().request(name).result(LOADING_WAIT_S)
    except TimeoutError:
        answer_when_ready(name)
        sentence = "This network is still loading; the canvas is ready, keep drawing."
        return answer_view.card_without_answer(slot, "waiting", sentence), []
    except MnistError as error:
        return answer_view.card_without_answer(slot, "problem", str(error)), []
    answers = [classifier.answer(one) for one in each or [image]]
    run = "" if classifier.name == slot else model_title(classifier.name)
    if each:
        return number_view.card(slot, answers, run), answers
    return answer_view.card(slot, answers[0], classifier, remark, run), answers
