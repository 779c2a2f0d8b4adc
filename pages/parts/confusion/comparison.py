"""Two networks on the same digits: both matrices, and the digits that set them apart."""

import numpy as np
import streamlit as st

from mnist_core.analysis import metrics
from mnist_core.views import figures
from mnist_core.words import capitalised
from pages.parts.chart import chart
from pages.parts.digit_tiles import show_tiles
from pages.parts.fragment import drawn_with
from pages.parts.link import offer_own_link
from pages.parts.names import model_title, plain_title
from pages.parts.stored_answers import load_all


@drawn_with("view", "model", "other-model", "judged-on")
def show_comparison(first: str, second: str) -> None:
    """Show what two models do differently on the same digits."""
    one, two = load_all([first, second])
    if one.data_digest != two.data_digest or not np.array_equal(one.y_true, two.y_true):
        both = capitalised(f"{plain_title(first)} and {plain_title(second)}")
        st.warning(f"{both} answered different data sets, so they are not compared.")
        offer_own_link()
        return
    names = [model_title(first), model_title(second)]
    plain = [plain_title(first), plain_title(second)]
    result = metrics.compare(one.probabilities, two.probabilities, one.y_true)
    st.markdown(f"**{result.test.in_words(*plain)}** Neither gets {len(result.both_wrong):,}.")
    for column, (name, stored) in zip(
        st.columns(2, gap="large"), ((first, one), (second, two)), strict=True
    ):
        matrix = metrics.confusion_matrix(stored.y_true, stored.probabilities.argmax(axis=1))
        with column:
            st.subheader(capitalised(plain_title(name)))
            chart(figures.confusion_heatmap(matrix, matrix), f"matrix-of-{name}")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(f"{capitalised(plain[1])} minus {plain[0]}")
        chart(figures.difference_heatmap(result.difference, *names), "difference")
    with right:
        st.subheader("Digits that set them apart")
        groups = {
            f"Only {names[0]} gets ({len(result.only_first)})": (result.only_first, second),
            f"Only {names[1]} gets ({len(result.only_second)})": (result.only_second, first),
            f"Neither gets ({len(result.both_wrong)})": (result.both_wrong, first),
        }
        group = st.selectbox("Show", list(groups), key="apart")
        indices, wrong = groups[group]
        answers = {first: one.probabilities, second: two.probabilities}
        ordered = {wrong: answers[wrong], **answers}
        st.caption(f"Under each digit: its index, and what {plain_title(wrong)} says.")
        if len(indices):
            show_tiles("apart", indices, ordered, one)
    offer_own_link()
