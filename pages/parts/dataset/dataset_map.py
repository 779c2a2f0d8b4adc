"""Digits in two dimensions, laid out by PCA or t-SNE, and what a lasso holds."""

import numpy as np
import streamlit as st

from mnist_core.analysis import projection
from mnist_core.data import browse
from mnist_core.data.mnist import Dataset
from mnist_core.errors import MnistError
from mnist_core.views import figures_dataset
from pages.parts.dataset.digit_grid import show_digit, show_grid
from pages.parts.dataset.other_data import link_opens
from pages.parts.fragment import drawn_with
from pages.parts.link import offer_own_link
from pages.parts.turn import piece_by_piece


@st.cache_resource(max_entries=10, show_spinner=False)
def pca_map(digest: str, digits: int, _dataset: Dataset) -> np.ndarray:
    """Return the map of a share of the digits by principal components."""
    return projection.pca_map(_dataset, projection.share_of(_dataset, digits))


@drawn_with("view-data")
def show_map(dataset: Dataset) -> None:
    """Show digits in two dimensions; a lasso lists what it holds."""
    if len(dataset.x_train) < projection.LEAST:
        st.info(f"A map takes {projection.LEAST} training digits or more.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sizes = projection.sizes(dataset)
        digits = sizes[-1]
        if len(sizes) > 1:
            key = f"map-digits-{sizes[-1]}"
            digits = st.select_slider(
                "Digits", sizes, sizes[1], key=key, width=220, bind="query-params"
            )
        indices = projection.share_of(dataset, digits)
        if "layout" not in st.session_state and "layout" not in st.query_params:
            there = projection.kept_tsne(dataset, indices) is not None
            st.session_state["layout"] = "t-SNE" if there else "PCA"
        kind = st.segmented_control("Laid out by", ["t-SNE", "PCA"], key="layout", required=True,
                                    bind="query-params")  # fmt: skip
        link = st.container(width="content")
    if kind == "PCA":
        positions = pca_map(dataset.digest, digits, dataset)
    else:
        positions = projection.kept_tsne(dataset, indices)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if positions is None:
            positions = compute_tsne(dataset, indices)
        held = None
        if positions is not None:
            held = show_positions(dataset, indices, positions, f"map-{kind}-{digits}")
    with right:
        if held is not None:
            show_lasso(dataset, held)
        show_digit(dataset)
    with link:
        offer_own_link(link_opens())


def show_positions(
    dataset: Dataset, indices: np.ndarray, positions: np.ndarray, key: str
) -> np.ndarray:
    """Show the map of these training digits; return those (n,) int64 that the lasso holds."""
    pictures = projection.braille(dataset.x_train[indices])
    figure = figures_dataset.digit_map(positions, dataset.y_train[indices], indices, pictures)
    event = st.plotly_chart(
        figure, key=key, on_select="rerun", selection_mode=("lasso", "box", "points"),
        config={
            "displaylogo": False,
            "displayModeBar": "hover",
            "modeBarButtonsToRemove": ["toImage", "autoScale2d"],
        },
    )  # fmt: skip
    return np.array([p["customdata"][0] for p in event.selection.points], dtype=np.int64)


def compute_tsne(dataset: Dataset, indices: np.ndarray) -> np.ndarray | None:
    """Offer to compute t-SNE; return it when it is there."""
    st.info("t-SNE of these digits has not been computed here yet; it takes a minute or two.")
    if not st.button("Compute it now", key="compute-tsne", type="primary"):
        return None
    bar = st.progress(0.0, "Neighbours first, then four rounds")
    try:
        positions = projection.compute_tsne(
            dataset, indices, bar.progress, compute=piece_by_piece()
        )
    except MnistError as error:
        st.error(str(error))
        return None
    bar.empty()
    return positions


def show_lasso(dataset: Dataset, held: np.ndarray) -> None:
    """List what the lasso holds."""
    with st.container(key="lasso"):
        if not len(held):
            st.info("Draw a lasso around some digits to see which they are.")
            return
        counts = np.bincount(dataset.y_train[held], minlength=10)
        parts = ", ".join(f"{n:,} × {digit}" for digit, n in enumerate(counts) if n)
        st.markdown(f"**{len(held):,} digits** in the lasso: {parts}")
        shown = held[: browse.PAGE_SIZE]
        show_grid(dataset, shown, "held", browse.captions_of(dataset, shown))
