"""A data set in numbers: counts, mean and spread, pixel values and centres of mass."""

import streamlit as st

from mnist_core.data import browse
from mnist_core.data.mnist import Dataset
from mnist_core.views import figures_dataset


@st.cache_resource(max_entries=3, show_spinner="Counting")
def statistics(digest: str, _dataset: Dataset) -> browse.Statistics:
    """Return a data set's statistics; its digest names it."""
    return browse.statistics(_dataset)


def show_statistics(dataset: Dataset) -> None:
    """Show counts, mean and spread, pixel values and centres of mass."""
    found = statistics(dataset.digest, dataset)
    plain = {"config": {"displayModeBar": False}}
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("How many of each")
        st.plotly_chart(figures_dataset.digit_counts(found.counts), key="counts", **plain)
        st.subheader("Pixel values")
        st.caption("As stored, and divided by 255 as a network gets them: the same shape, "
                   "0 to 1. The scale is logarithmic.")  # fmt: skip
        for divided in (False, True):
            figure = figures_dataset.pixel_histogram(found, divided)
            st.plotly_chart(figure, key=f"pixels-{divided}", **plain)
    with right:
        st.subheader("The mean digit")
        st.image(browse.enlarged(browse.sprite_of_floats(found.means, 5)), width="stretch")
        st.subheader("The spread of each class")
        st.caption("Bright where digits of a class differ most (standard deviation).")
        st.image(browse.enlarged(browse.sprite_of_floats(found.spreads, 5)), width="stretch")
        st.subheader("Where the ink’s centre of mass lies")
        if len(found.centres_of_ink):
            figure = figures_dataset.centre_map(found.centres_of_ink)
            st.plotly_chart(figure, key="centres", **plain)
        st.caption(
            f"{found.centres_in_words()} What a network has never seen it need not know: "
            "so the Draw page centres a drawing in the same way first."
        )
