"""Browse MNIST: a grid of all digits, one digit closely, statistics, a map, doubtful labels."""

import numpy as np
import streamlit as st

from mnist_core.data import browse
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.errors import DatasetError, MnistError
from pages.parts.dataset.dataset_map import show_map
from pages.parts.dataset.digit_filter import read_filter, show_jump
from pages.parts.dataset.digit_grid import show_digit, show_grid
from pages.parts.dataset.digit_statistics import show_statistics
from pages.parts.dataset.doubtful_labels import show_doubtful
from pages.parts.dataset.other_data import show_upload
from pages.parts.stored_answers import answers_of

VIEWS = ["Digits", "Statistics", "Map", "Doubtful labels", "Other data"]

mnist = st.cache_resource(load_mnist, show_spinner="Reading the digits")


@st.fragment
def show_digits(dataset: Dataset) -> None:
    """Show the grid with its filter, and the chosen digit beside it."""
    answers = answers_of(dataset)
    try:
        places, stored = read_filter(dataset, answers)
    except DatasetError as error:
        st.warning(str(error))
        return
    left, right = st.columns(2, gap="large")
    with left:
        show_jump(dataset, places)
        last = browse.pages(places)
        turn, start = st.session_state.get("page-start", (0, 1))
        st.markdown(f"**{len(places):,} digits**, {browse.PAGE_SIZE} a page")
        page = st.pagination(last, default=min(start, last), key=f"page-{turn}-of-{last}")
        shown = browse.page_of(places, page)
        with st.container(key="digit-grid"):
            if len(shown):
                show_grid(dataset, shown, "grid", browse.captions_of(dataset, shown, stored))
            else:
                st.info("No digit fits this filter.")
        if len(places):
            show_downloads(dataset, places)
    with right:
        show_digit(dataset)


def show_downloads(dataset: Dataset, places: np.ndarray) -> None:
    """Offer the digits of the filter as files; each is made when asked for."""
    kinds = {"PNG sheet": (browse.sheet_png, "png"), ".npz": (browse.as_npz, "npz")}
    kinds |= {"CSV": (browse.as_csv, "csv")}
    with st.container(horizontal=True):
        for label, (make, ending) in kinds.items():
            st.download_button(
                label, lambda make=make: make(dataset, places), f"digits-{len(places)}.{ending}",
                key=f"download-{ending}", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


st.html("<style>.stMainBlockContainer {padding-top: 4rem}</style>")
st.title("Browse the digits")
try:
    data = st.session_state.get("uploaded_dataset") or mnist()
except MnistError as error:
    st.error(str(error))
    show_upload()
    st.stop()
if data.is_sample:
    st.info(
        "MNIST itself could not be reached: these are 5,000 of its training digits, a fifth of "
        "them set apart as test. “Other data” says how to get the rest."
    )
st.caption(f"Shown: {data.source}.")
view = st.segmented_control("View", VIEWS, default=VIEWS[0], key="view-data", required=True)
if view == "Digits":
    show_digits(data)
elif view == "Statistics":
    show_statistics(data)
elif view == "Map":
    show_map(data)
elif view == "Doubtful labels":
    show_doubtful(data)
else:
    show_upload()
