"""Which digits are shown: the filter behind one line in words, and where to type an index."""

import numpy as np
import streamlit as st

from mnist_core.data import browse
from mnist_core.data.browse import Filter
from mnist_core.data.mnist import Dataset
from mnist_core.errors import DatasetError
from mnist_core.models import registry
from mnist_core.words import percent
from pages.parts.dataset.digit_wall import show_in_wall
from pages.parts.link import put_in_address
from pages.parts.names import model_title, plain_title
from pages.parts.network_choice import arrive_at_network, put_network_in_address

ALL = "both"
ANY = "anything"


def read_filter(
    dataset: Dataset, answers: dict[str, registry.Evaluation]
) -> tuple[np.ndarray, str, str]:
    """Show the filter; return the places that it lets through, whose answers it asks for (""
    for nobody's), and what it shows in words, as Markdown."""
    with st.popover("Filter", icon=":material/tune:"):
        splits = [ALL, *browse.SPLITS]
        split = st.segmented_control("Split", splits, default=ALL, key="split", required=True,
                                     bind="query-params")  # fmt: skip
        digits = st.pills("Digit", range(10), selection_mode="multi", key="digits", wrap=True,
                          bind="query-params")  # fmt: skip
        unsure = percent(browse.UNSURE_BELOW, 0)
        answer = st.selectbox(
            "Read by a network as", [ANY, *browse.ANSWERS], key="answer", bind="query-params",
            help=f"Test digits only. Unsure: the answer has less than {unsure}.",
        )  # fmt: skip
        name, names = "", list(answers)
        if answer != ANY:
            arrive_at_network("network", names)
            name = st.selectbox("Network", names, key="network", format_func=model_title)
        if name:
            put_network_in_address("network", name, names[0])
        else:
            put_in_address("network", None)
        seed = None
        if st.toggle("Shuffle", key="shuffle", bind="query-params"):
            seed = st.number_input("Seed", 0, 2**32 - 1, 1, key="seed", bind="query-params")
        chosen = Filter(
            browse.SPLITS if split == ALL else (split,),
            tuple(digits),
            None if answer == ANY else answer,
            seed,
        )
        places = browse.select(dataset, chosen, answers.get(name))
        show_jump(dataset, places)
    return places, name or "", browse.in_words(chosen, len(places), plain_title(name or ""))


def show_jump(dataset: Dataset, places: np.ndarray) -> None:
    """Show where to type an index."""
    split = st.session_state.get("split")
    split = "test" if split == "test" else "training"
    st.number_input(
        f"Go to {split} index", 0, None, None, key="go-index",
        on_change=go_to_typed, args=(dataset, split, places),
    )  # fmt: skip
    if len(dataset.y_train) > 500:
        st.button(
            "Training digit 500: is that a three?", key="go-500", type="tertiary",
            on_click=go_to, args=(dataset, "training", places, 500),
        )  # fmt: skip


def go_to_typed(dataset: Dataset, split: str, places: np.ndarray) -> None:
    """Open the digit whose index was typed; the field empties, so that it can be typed again."""
    index = st.session_state["go-index"]
    st.session_state["go-index"] = None
    go_to(dataset, split, places, index)


def go_to(dataset: Dataset, split: str, places: np.ndarray, index: int | None) -> None:
    """Open a digit by its index and scroll to it; None: the index was taken back."""
    if index is None:
        return
    try:
        place = browse.place_of(dataset, split, int(index))
    except DatasetError as error:
        st.session_state["go-problem"] = str(error)
        return
    st.session_state["digit"] = place
    if place in places:
        show_in_wall(place)
    else:
        st.session_state["go-problem"] = "It is open, but the filter hides it among the digits."
