"""Browse MNIST: a grid of all digits, one digit closely, statistics, a map, doubtful labels."""

from functools import partial

import numpy as np
import streamlit as st

from mnist_core.data import browse
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.errors import DatasetError, MnistError
from pages.parts.dataset.dataset_map import show_map
from pages.parts.dataset.digit_filter import read_filter
from pages.parts.dataset.digit_grid import arrive_at_digit, forget_digit, show_digit
from pages.parts.dataset.digit_statistics import show_statistics
from pages.parts.dataset.digit_wall import show_wall
from pages.parts.dataset.doubtful_labels import show_doubtful
from pages.parts.dataset.other_data import link_opens, show_upload
from pages.parts.dataset.people_drawings import show_people
from pages.parts.download import download
from pages.parts.first_visit import first_visit
from pages.parts.fragment import drawn_with
from pages.parts.link import put_in_address, show_own_link
from pages.parts.stored_answers import answers_of

VIEWS = ["Digits", "Statistics", "Map", "Doubtful labels", "People", "Other data"]

mnist = st.cache_resource(load_mnist, show_spinner="Reading the digits")


@drawn_with("view-data")
def show_digits(dataset: Dataset) -> None:
    """Show all digits that the filter lets through; the chosen one beside or over them."""
    answers = answers_of(dataset)
    with st.container(horizontal=True, vertical_alignment="center", key="filter-line"):
        told = st.container(key="what-is-shown")
        try:
            places, network, sentence = read_filter(dataset, answers)
        except DatasetError as error:
            told.warning(str(error))
            return
        if len(places):
            with st.popover("Save", icon=":material/download:"):
                show_downloads(dataset, places)
    told.markdown(f"**{sentence}**")
    if problem := st.session_state.pop("go-problem", None):
        st.warning(problem)
    with st.container(key="digits-split"):
        left, right = st.columns([7, 5], gap="small")
        with left, st.container(key="digit-grid"):
            if len(places):
                show_wall(dataset, places, network, answers.get(network))
                first_visit("dataset", "Click a digit: see how the networks read it.")
            else:
                st.info("No digit fits this filter.")
                if network and st.session_state["split"] == "training":
                    st.caption("Networks' answers are kept for test digits only.")
        with right:
            show_digit(dataset)


def show_downloads(dataset: Dataset, places: np.ndarray) -> None:
    """Offer the digits of the filter as files; each is made when asked for."""
    kinds = (
        ("PNG sheet", browse.sheet_png, "png", "image/png"),
        (".npz", browse.as_npz, "npz", "application/octet-stream"),
        ("CSV", browse.as_csv, "csv", "text/csv"),
    )
    for label, make, ending, mime in kinds:
        download(label, partial(make, dataset, places), f"digits-{len(places)}.{ending}", mime,
                 key=f"download-{ending}")  # fmt: skip
    show_own_link(link_opens())


with st.container(horizontal=True, vertical_alignment="center", key="dataset-head"):
    st.title("Browse the digits", width="content")
    views = st.container(width="content")
try:
    data = st.session_state.get("uploaded_dataset") or mnist()
except MnistError as error:
    st.error(str(error))
    show_upload()
    st.stop()
view = views.segmented_control(
    "View",
    VIEWS,
    default=VIEWS[0],
    key="view-data",
    required=True,
    wrap=True,
    on_change=forget_digit,
    label_visibility="collapsed",
    bind="query-params",
)
arrive_at_digit(data)
for choice, its_view in (("network", "Digits"), ("doubtful-split", "Doubtful labels")):
    if view != its_view:  # a bound widget's is taken out by Streamlit
        put_in_address(choice, None)
if view == "Digits":
    show_digits(data)
elif view == "Statistics":
    show_statistics(data)
elif view == "Map":
    show_map(data)
elif view == "Doubtful labels":
    show_doubtful(data)
elif view == "People":
    show_people()
else:
    show_upload()
if data.is_sample:
    st.info(
        "MNIST itself could not be reached: these are 5,000 of its training digits, a fifth of "
        "them set apart as test. “Other data” says how to get the rest."
    )
if view != "People":
    st.caption(f"Shown: {data.source}.")
