"""Test digits side by side with what a network says of each, and one of them closely."""

import numpy as np
import streamlit as st

from mnist_core.data.browse import enlarged
from mnist_core.models import registry
from mnist_core.views import figures
from mnist_core.views.answer_view import Html, answers_to_one
from mnist_core.views.png import png_address
from mnist_core.views.sprite_grid import grid_data, tile_words
from pages.parts import people
from pages.parts.names import chart_name
from pages.parts.sprite_grid import sprite_grid
from pages.parts.stored_answers import dataset_or_reason

TILES = 24


def show_tiles(
    key: str, indices: np.ndarray, answers: dict[str, np.ndarray], stored, columns: int = 5
) -> None:
    """Show digits with their index and probabilities; a click on one opens it below."""
    probabilities = next(iter(answers.values()))
    shown = indices[:TILES]
    if len(indices) > TILES:
        last = -(-len(indices) // TILES)
        # Another list begins at its first page.
        page_key = f"{key}-page-{indices[0]}-{len(indices)}"
        page = st.number_input(f"Page, of {last}", 1, last, key=page_key) - 1
        shown = indices[page * TILES : (page + 1) * TILES]
    images, reason = pictures_of(stored)
    if reason:
        st.info(reason)
    clicked_in, index = st.session_state.get("look-closer", ("", None))
    opened = np.flatnonzero(shown == index) if clicked_in == key else ()
    lines, titles = tile_words(probabilities[shown], stored.y_true[shown])
    what = what_is(stored).lower()
    data = grid_data(
        np.zeros((len(shown), 28, 28), np.uint8) if images is None else images[shown],
        [f"{what} {place}, {title}" for place, title in zip(shown, titles, strict=True)],
        [f"#{place}" for place in shown],
        int(opened[0]) if len(opened) else None,
        columns,
        lines,
    )

    def choose() -> None:
        clicked = st.session_state[f"{key}-tiles"].clicked
        if isinstance(clicked, int) and 0 <= clicked < len(shown):
            st.session_state["look-closer"] = key, int(shown[clicked])

    sprite_grid(key=f"{key}-tiles", data=data, on_clicked_change=choose)
    if clicked_in == key and index in indices:
        show_closer(key, int(index), answers, stored, images)


def what_is(stored: registry.Evaluation) -> str:
    """Return what the answers are about, one by one."""
    return "Drawing" if stored.split == people.SPLIT else "Test digit"


def pictures_of(stored: registry.Evaluation) -> tuple[np.ndarray | None, str]:
    """Return the (n, 28, 28) uint8 images that the answers are about, or why there are none."""
    if isinstance(stored, people.Answers):
        return stored.images, ""
    dataset, reason = dataset_or_reason()
    if dataset is None:
        return None, f"No pictures: {reason}"
    if dataset.digest != stored.data_digest or len(dataset.y_test) != len(stored.y_true):
        return None, (
            f"No pictures: these {len(stored.y_true):,} answers belong to another data set "
            f"than the one on this machine ({dataset.source})."
        )
    return dataset.x_test, ""


def show_closer(key: str, index: int, answers, stored, images) -> None:
    """Show one digit large, with every network's ten probabilities."""
    with st.container(border=True, key=f"{key}-closer"):
        label = int(stored.y_true[index])
        what = what_is(stored)
        st.markdown(f"**{what} {index}, labelled {label}**")
        with st.container(horizontal=True, vertical_alignment="center"):
            if images is not None:
                st.image(png_address(enlarged(images[index], times=6)), width=150)
            each = {chart_name(name): one[index] for name, one in answers.items()}
            st.html(Html(answers_to_one(each, figures.colours(each), label)))
        if images is not None and st.button(
            "Send to the Draw page", key=f"{key}-send", icon=":material/edit:"
        ):
            caption = f"{what.lower()} {index}, labelled {label}"
            st.session_state["draw_image"] = {"image": images[index], "caption": caption}
            st.switch_page("draw.py")
