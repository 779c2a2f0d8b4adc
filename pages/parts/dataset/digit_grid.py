"""Digits of a data set as one picture, and the one that was clicked, closely."""

from itertools import zip_longest

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.analysis.neighbours import neighbours_among
from mnist_core.data import browse
from mnist_core.data.mnist import Dataset
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.serving import pool
from mnist_core.views import figures, figures_dataset
from mnist_core.views.answer_view import Html, answers_to_one
from mnist_core.views.sprite_grid import grid_data
from pages.parts.dataset.digit_wall import show_in_wall
from pages.parts.link import once_from_address, put_in_address
from pages.parts.sprite_grid import sprite_grid


@st.cache_resource(max_entries=2, show_spinner="Looking for lookalikes")
def neighbours(digest: str, _dataset: Dataset):
    """Return the index of a data set's training digits."""
    return neighbours_among(_dataset.x_train)


def show_grid(
    dataset: Dataset, places: np.ndarray, key: str, captions: list[str], remarks: list[str] = ()
) -> None:
    """Show digits as one picture, captions in their corners; a click on one opens it."""

    def choose() -> None:
        clicked = st.session_state[f"{key}-sprite"].clicked
        if clicked is not None and 0 <= clicked < len(places):
            st.session_state["digit"] = int(places[clicked])

    chosen = np.flatnonzero(places == st.session_state.get("digit", -1))
    titles = [browse.title_of(dataset, int(place)) for place in places]
    titles = [title + more for title, more in zip_longest(titles, remarks, fillvalue="")]
    data = grid_data(
        browse.images_of(dataset, places),
        titles,
        captions,
        int(chosen[0]) if len(chosen) else None,
    )
    sprite_grid(key=f"{key}-sprite", data=data, on_clicked_change=choose)


def arrive_at_digit(dataset: Dataset) -> None:
    """Open the digit of the address that the visit began with, and have the wall scroll to it."""
    place = once_from_address("place")
    if place.isdecimal() and int(place) < len(dataset.y_train) + len(dataset.y_test):
        st.session_state["digit"] = int(place)
        show_in_wall(int(place))


def show_digit(dataset: Dataset) -> None:
    """Show the chosen digit large, what the networks make of it, and its lookalikes."""
    place = st.session_state.get("digit")
    put_in_address("place", None if place is None else str(place))
    if place is None:
        return
    with st.container(border=True, key="digit-closer"):
        one = np.array([place])
        image, label = browse.images_of(dataset, one)[0], int(browse.labels_of(dataset, one)[0])
        title = browse.title_of(dataset, place)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title.capitalize()}**")
            st.button("Close", key="close-digit", icon=":material/close:", type="tertiary",
                      on_click=close_digit)  # fmt: skip
        with st.container(horizontal=True, key="digit-and-answers"):
            figure = figures_dataset.digit_values(image)
            st.plotly_chart(figure, key="digit-values", config={"displayModeBar": False})
            show_answers(image, label)
        if st.button("Send to the Draw page", key="send", icon=":material/edit:"):
            st.session_state["draw_image"] = {"image": image, "caption": title}
            st.switch_page("draw.py")
        if len(dataset.x_train) < 2:  # nothing to compare by
            return
        split, index = browse.split_and_index(dataset, place)
        own = index if split == "training" else None
        nearest = neighbours(dataset.digest, dataset).of(image, 10, without=own)
        st.markdown("Nearest training digits")
        show_grid(dataset, nearest, "nearest", browse.captions_of(dataset, nearest))


def forget_digit() -> None:
    """Let no digit be open, as in a view in which none was picked yet."""
    st.session_state.pop("digit", None)
    put_in_address("place", None)


def close_digit() -> None:
    """Leave the digits to themselves again."""
    forget_digit()
    st.session_state["wall-wanted"] = ()  # the wall has what it shows


def show_answers(image: np.ndarray, label: int) -> None:
    """Show what the two active networks make of one digit."""
    answers = {}
    for slot, name in registry.active().items():
        try:
            classifier = pool().request(name).result()
            answers[slot] = classifier.probabilities(image[np.newaxis].astype(np.float32) / 255)[0]
        except MnistError as error:
            st.warning(str(error))
    named = {words.NETWORK_TITLES[slot]: one for slot, one in answers.items()}
    st.html(Html(answers_to_one(named, figures.colours(named), label)))
