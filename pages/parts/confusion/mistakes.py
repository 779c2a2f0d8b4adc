"""The confusion matrix, the digits behind its cells, and the worst mistakes."""

from functools import partial

import numpy as np
import streamlit as st

from mnist_core.analysis import metrics, reports
from mnist_core.runs.report import plain
from mnist_core.views import figures
from mnist_core.words import count
from pages.parts.chart import chart, choose_format
from pages.parts.digit_tiles import TILES, show_tiles
from pages.parts.download import download
from pages.parts.first_visit import did, first_visit
from pages.parts.fragment import drawn_with
from pages.parts.link import show_own_link
from pages.parts.names import chart_name
from pages.parts.stored_answers import load

SHARES = {
    "Counts": "count",
    "% of the true digit": "true",
    "% of what it read": "predicted",
    "% of all": "all",
}
WORST = {
    "Confidently wrong": metrics.confidently_wrong,
    "Hardest (least probability for their own digit)": metrics.hardest,
}


@drawn_with("view", "model", "other-model", "judged-on")
def show_mistakes(name: str) -> None:
    """Show the matrix and the digits behind the cell that was clicked."""
    stored = load(name)
    probabilities, y_true = stored.probabilities, stored.y_true
    matrix = metrics.confusion_matrix(y_true, probabilities.argmax(axis=1))
    pairs = metrics.most_confused_pairs(matrix)
    if st.session_state.pop("cell-forgotten", False) or (
        "true-digit" not in st.session_state and "true-digit" not in st.query_params
    ):
        st.session_state["true-digit"], st.session_state["read-as"] = (
            pairs[0][:2] if pairs else (0, 0)
        )
    left, right = st.columns([11, 9], gap="medium")
    with left:
        place = st.container(key="confusion-matrix")
        with st.container(horizontal=True):
            shares, mute, true, predicted = choose_cells()
            offer_downloads(name, stored, matrix)
        with place:
            show_matrix(matrix, SHARES[shares], mute, (true, predicted))
    indices = metrics.cell_indices(probabilities, y_true, true, predicted)
    with right, st.container(key="cell-examples"):
        st.markdown(f"**{len(indices):,} × {true} read as {predicted}**, the surest first")
        first_visit("confusion", "Click a cell: these are the digits it counts.")
        if len(indices):
            show_tiles("cell", indices, {name: probabilities}, stored)
        else:
            st.caption("No digit landed in this cell. Click another one.")
    show_lists(name, stored, pairs)


def show_matrix(matrix: np.ndarray, of: str, mute: bool, chosen: tuple[int, int]) -> None:
    """Show the matrix with the chosen cell framed; a click on another one chooses that."""
    figure = figures.confusion_heatmap(
        matrix,
        metrics.shares(matrix, of),
        as_percent=of != "count",
        mute_diagonal=mute,
        chosen=chosen,
    )
    chart(
        figure,
        "matrix",
        height="stretch",
        on_select=lambda: choose_cell("matrix"),
        selection_mode="points",
        alt="The confusion matrix: rows are true digits, columns what the network read",
    )


def choose_cells() -> tuple[str, bool, int, int]:
    """Show what cells hold and which is chosen, for who does not click; return all of it."""
    with st.popover("Cells", icon=":material/tune:"):
        shares = st.selectbox("Cells show", list(SHARES), key="cells-show")
        mute = st.toggle("Mute right answers", True, key="mute-diagonal")
        true = st.selectbox("True digit", range(10), key="true-digit", bind="query-params")
        predicted = st.selectbox("Read as", range(10), key="read-as", bind="query-params")
    return shares, mute, true, predicted


def choose_cell(chart: str) -> None:
    """Take over the cell that was clicked; a click that unselects changes nothing."""
    if points := st.session_state[chart].selection.points:
        st.session_state["true-digit"], st.session_state["read-as"] = points[0]["customdata"]
        did("confusion")


def offer_downloads(name: str, stored, matrix: np.ndarray) -> None:
    """Offer the answers as files, and the format of charts."""
    y_pred = stored.probabilities.argmax(axis=1)
    summary = metrics.summarise(stored.probabilities, stored.y_true)
    data = f"the {stored.split} split of data set {stored.data_digest[:12]}"
    title = plain(chart_name(name))
    with st.popover("Save", icon=":material/download:"):
        choose_format()
        st.download_button("Matrix as CSV", reports.matrix_csv(matrix), f"{name}-confusion.csv")
        download(
            "All answers as CSV",
            partial(reports.answers_csv, stored.probabilities, stored.y_true),
            f"{name}-answers.csv",
            "text/csv",
            icon=None,
        )
        st.download_button(
            "Summary as Markdown",
            reports.summary_markdown(title, summary, stored.y_true, y_pred, data),
            f"{name}-summary.md",
        )
        show_own_link()


def show_lists(name: str, stored, pairs) -> None:
    """Show the hardest digits, then the figures digit by digit and the worst pairs."""
    st.subheader("Look at the worst")
    kind = st.segmented_control(
        "Which", list(WORST), default="Confidently wrong", key="worst-kind",
        label_visibility="collapsed",
    )  # fmt: skip
    chosen = WORST[kind or "Confidently wrong"](stored.probabilities, stored.y_true, TILES)
    if len(chosen):
        show_tiles("worst", chosen, {name: stored.probabilities}, stored, columns=12)
    else:
        st.caption("It reads every digit right.")
    table, worst = st.columns([11, 9], gap="medium")
    with table:
        st.subheader("Digit by digit")
        y_pred = stored.probabilities.argmax(axis=1)
        st.dataframe(reports.per_digit_table(stored.y_true, y_pred), hide_index=True)
    with worst:
        st.subheader("Most confused")
        rows = [{"true": t, "read as": read, "times": times} for t, read, times in pairs]
        st.dataframe(rows, hide_index=True)
    summary = metrics.summarise(stored.probabilities, stored.y_true)
    st.caption(
        f"From {count(len(stored.y_true), 'stored answer')}: macro F1 {summary.macro_f1:.4f}, "
        f"cross-entropy {summary.cross_entropy:.4f}."
    )
