"""Which digits the grid shows: the filter, and where to type an index."""

import numpy as np
import streamlit as st

from mnist_core.data import browse
from mnist_core.data.browse import Filter
from mnist_core.data.mnist import Dataset
from mnist_core.errors import DatasetError
from mnist_core.models import registry

ALL = "both"
ANY = "anything"


def read_filter(dataset: Dataset, answers: dict[str, registry.Evaluation]):
    """Show the filter; return the places that it lets through, and the answers it asks for."""
    again = {"on_change": turn_to}
    with st.container(horizontal=True, vertical_alignment="bottom", key="filter"):
        splits = [ALL, *browse.SPLITS]
        split = st.segmented_control(
            "Split", splits, default=ALL, key="split", required=True, **again
        )
        digits = st.pills(
            "Digit", range(10), selection_mode="multi", key="digits", wrap=True, **again
        )
        answer = st.selectbox(
            "Read by a network as", [ANY, *browse.ANSWERS], key="answer", width=170, **again,
            help=f"Test digits only. Unsure: the answer has less than {browse.UNSURE_BELOW:.0%}.",
        )  # fmt: skip
        name = None
        if answer != ANY:
            name = st.selectbox("Network", list(answers), key="network", width=140, **again)
        seed = None
        if st.toggle("Shuffle", key="shuffle", **again):
            seed = st.number_input("Seed", 0, 2**32 - 1, 1, key="seed", width=130, **again)
    chosen = Filter(
        browse.SPLITS if split == ALL else (split,),
        tuple(digits),
        None if answer == ANY else answer,
        seed,
    )
    return browse.select(dataset, chosen, answers.get(name)), answers.get(name)


def show_jump(dataset: Dataset, places: np.ndarray) -> None:
    """Show where to type an index."""
    split = st.session_state.get("split")
    split = "test" if split == "test" else "training"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            f"Go to {split} index", 0, None, None, key="go-index", width=190,
            on_change=lambda: go_to(dataset, split, places, st.session_state["go-index"]),
        )  # fmt: skip
        if len(dataset.y_train) > 500:
            st.button(
                "Training digit 500: is that a three?", key="go-500", type="tertiary",
                on_click=go_to, args=(dataset, "training", places, 500),
            )  # fmt: skip
    if problem := st.session_state.pop("go-problem", None):
        st.warning(problem)


def go_to(dataset: Dataset, split: str, places: np.ndarray, index: int | None) -> None:
    """Open a digit by its index and turn to the page that shows it."""
    try:
        place = browse.place_of(dataset, split, 0 if index is None else int(index))
    except DatasetError as error:
        st.session_state["go-problem"] = str(error)
        return
    st.session_state["digit"] = place
    page = browse.page_with(places, place)
    if page is None:
        st.session_state["go-problem"] = "It is open, but the filter hides it in the grid."
    else:
        turn_to(page)


def turn_to(page: int = 1) -> None:
    """Turn to a page, with a new pagination widget that begins there."""
    turn, _ = st.session_state.get("page-start", (0, 1))
    st.session_state["page-start"] = (turn + 1, page)
