"""Digits whose label a network contradicts."""

import streamlit as st

from mnist_core.data import browse
from mnist_core.data.mnist import Dataset
from mnist_core.errors import DatasetError
from mnist_core.training import doubtful
from mnist_core.words import heard_chance
from pages.parts.dataset.digit_grid import show_digit, show_grid
from pages.parts.dataset.other_data import link_opens
from pages.parts.fragment import drawn_with
from pages.parts.link import offer_own_link
from pages.parts.names import plain_title
from pages.parts.network_choice import arrive_at_network, put_network_in_address
from pages.parts.stored_answers import answers_of


@drawn_with("view-data")
def show_doubtful(dataset: Dataset) -> None:
    """Show digits whose label a network contradicts, with both opinions."""
    answers = answers_of(dataset)
    kinds = {"training": "training"}
    kinds |= {name: f"test, read by {plain_title(name)}" for name in answers}
    arrive_at_network("doubtful-split", list(kinds), kinds.__getitem__)
    st.session_state.setdefault("doubtful-split", "training")  # a default beside it is warned of
    kind = st.segmented_control("Split", list(kinds), key="doubtful-split", required=True,
                                format_func=kinds.__getitem__)  # fmt: skip
    put_network_in_address("doubtful-split", kind, "training")
    try:
        if kind == "training":
            found, offset = doubtful.load(dataset), 0
            how = "Each was read by a network that never saw it (5-fold cross-validation)."
        else:
            stored = answers[kind]
            found = doubtful.contradicted(stored.probabilities, stored.y_true)
            offset, how = len(dataset.y_train), "The network never saw the test digits."
    except DatasetError as error:
        st.info(str(error))
        show_digit(dataset)
        offer_own_link(link_opens())
        return
    shown = f"{found.total:,} digits"
    if found.total > len(found):
        shown = f"The {len(found):,} surest of {shown}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{shown}** that a network reads otherwise, the surest first. {how}")
        link = st.container(width="content")
    left, right = st.columns(2, gap="large")
    with left:
        last = -(-len(found) // browse.PAGE_SIZE)
        page = 1
        if last > 1:
            page = st.pagination(last, key=f"doubtful-page-{kind}", bind="query-params")
        some = slice((page - 1) * browse.PAGE_SIZE, page * browse.PAGE_SIZE)
        captions = [
            f"{label}→{opinion}"
            for label, opinion in zip(found.labels[some], found.opinions[some], strict=True)
        ]
        sure = [
            f", read as {o} with {heard_chance(s)}"
            for o, s in zip(found.opinions[some], found.scores[some], strict=True)
        ]
        st.caption("In the corner: label → opinion of the network; hover to see how sure it is.")
        show_grid(dataset, found.indices[some] + offset, f"doubtful-{kind}", captions, sure)
    with right:
        show_digit(dataset)
    with link:
        offer_own_link(link_opens())
