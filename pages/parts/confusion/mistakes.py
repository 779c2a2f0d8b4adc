"""The confusion matrix, the digits behind its cells, and the worst mistakes."""

import numpy as np
import streamlit as st

from mnist_core.analysis import metrics, reports
from mnist_core.views import figures
from pages.parts.chart import chart
from pages.parts.digit_tiles import TILES, show_tiles
from pages.parts.stored_answers import load

SHARES = {
    "Counts": "count",
    "% of the true digit": "true",
    "% of what it read": "predicted",
    "% of all": "all",
}


@st.fragment
def show_mistakes(name: str) -> None:
    """Show the matrix and the digits behind the cell that was clicked."""
    stored = load(name)
    probabilities, y_true = stored.probabilities, stored.y_true
    y_pred = probabilities.argmax(axis=1)
    matrix = metrics.confusion_matrix(y_true, y_pred)
    left, right = st.columns([11, 9], gap="large")
    with left, st.container(horizontal=True, vertical_alignment="bottom"):
        shares = st.selectbox("Cells show", list(SHARES), key="cells-show", width=210)
        mute = st.toggle("Mute right answers", True, key="mute-diagonal")
    pairs = metrics.most_confused_pairs(matrix)
    if "true-digit" not in st.session_state:
        st.session_state["true-digit"], st.session_state["read-as"] = (
            pairs[0][:2] if pairs else (0, 0)
        )
    with right, st.container(horizontal=True):
        true = st.selectbox("True digit", range(10), key="true-digit", width=120)
        predicted = st.selectbox("Read as", range(10), key="read-as", width=120)
    with left, st.container(key="confusion-matrix"):
        of = SHARES[shares]
        figure = figures.confusion_heatmap(
            matrix,
            metrics.shares(matrix, of),
            as_percent=of != "count",
            mute_diagonal=mute,
            chosen=(true, predicted),
        )
        chart(
            figure,
            "matrix",
            on_select=lambda: choose_cell("matrix"),
            selection_mode="points",
        )
    indices = metrics.cell_indices(probabilities, y_true, true, predicted)
    with right, st.container(key="cell-examples"):
        st.markdown(f"**{len(indices):,} × {true} read as {predicted}**, the surest first")
        if len(indices):
            show_tiles("cell", indices, {name: probabilities}, stored)
        else:
            st.caption("No digit landed in this cell. Click another one.")
    show_lists(name, stored, matrix, pairs)


def choose_cell(chart: str) -> None:
    """Take over the cell that was clicked; a click that unselects changes nothing."""
    if points := st.session_state[chart].selection.points:
        st.session_state["true-digit"], st.session_state["read-as"] = points[0]["customdata"]


def show_lists(name: str, stored, matrix: np.ndarray, pairs) -> None:
    """Show the figures digit by digit, the worst pairs, the hardest digits, and downloads."""
    y_pred = stored.probabilities.argmax(axis=1)
    table, worst = st.columns([11, 9], gap="large")
    with table:
        st.subheader("Digit by digit")
        st.dataframe(reports.per_digit_table(stored.y_true, y_pred), hide_index=True)
    with worst:
        st.subheader("Most confused")
        rows = [{"true": true, "read as": read, "times": times} for true, read, times in pairs]
        st.dataframe(rows, hide_index=True)
    st.subheader("Look at the worst")
    kinds = {
        "Confidently wrong": metrics.confidently_wrong,
        "Hardest (least probability for their own digit)": metrics.hardest,
    }
    kind = st.segmented_control("Which", list(kinds), default="Confidently wrong", key="worst-kind")
    chosen = kinds[kind or "Confidently wrong"](stored.probabilities, stored.y_true, TILES)
    if len(chosen):
        show_tiles("worst", chosen, {name: stored.probabilities}, stored)
    else:
        st.caption("It reads every digit right.")
    summary = metrics.summarise(stored.probabilities, stored.y_true)
    data = f"the {stored.split} split of data set {stored.data_digest[:12]}"
    with st.container(horizontal=True):
        st.download_button("Matrix as CSV", reports.matrix_csv(matrix), f"{name}-confusion.csv")
        st.download_button(
            "All answers as CSV",
            lambda: reports.answers_csv(stored.probabilities, stored.y_true),
            f"{name}-answers.csv",
        )
        st.download_button(
            "Summary as Markdown",
            reports.summary_markdown(name, summary, stored.y_true, y_pred, data),
            f"{name}-summary.md",
        )
