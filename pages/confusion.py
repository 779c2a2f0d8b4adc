"""Where a network goes wrong, down to the images: from stored answers, without TensorFlow."""

from typing import NoReturn

import numpy as np
import streamlit as st

from mnist_core import evaluation, figures, registry, reports, robustness
from mnist_core.datasets import Dataset, load_mnist
from mnist_core.errors import DatasetError, MnistError, ModelError
from mnist_core.inference import Classifier
from pages import within_app

SHARES = {
    "Counts": "count",
    "% of the true digit": "true",
    "% of what it read": "predicted",
    "% of all": "all",
}
TILES = 24


# Streamlit keeps one result for one function: the pages that load MNIST share it.
mnist = st.cache_resource(load_mnist, show_spinner="Reading the digits")


def dataset_or_reason() -> tuple[Dataset | None, str]:
    """Return the data set, or why there is none on this machine."""
    try:
        return mnist(), ""
    except DatasetError as error:
        return None, str(error)


@st.cache_resource(max_entries=20, show_spinner=False)
def stored_evaluation(name: str, changed_ns: int) -> registry.Evaluation:
    """Return a model's stored answers; `changed_ns` names the file's version."""
    return registry.load_evaluation(name)


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier(name: str, changed_ns: int) -> Classifier:
    """Return a model that answers."""
    return Classifier.load(name)


def changed_ns(name: str, file: str) -> int:
    """Return when a model's file was last written, 0 where it is missing."""
    path = registry.model_dir(name) / file
    return path.stat().st_mtime_ns if path.is_file() else 0


def load(name: str) -> registry.Evaluation:
    """Return a model's answers, or offer to make them and stop the page."""
    try:
        return stored_evaluation(name, changed_ns(name, registry.EVALUATION_FILE))
    except ModelError as error:
        offer_to_evaluate(name, str(error))


def offer_to_evaluate(name: str, missing: str) -> NoReturn:
    """Say what is missing, make it at the press of a button, and stop the page."""
    st.warning(missing)
    dataset, reason = dataset_or_reason()
    if dataset is None or not len(dataset.y_test):
        st.info(reason or "This data set has no labelled test images to evaluate on.")
    elif st.button("Compute it now", key="compute-evaluation", type="primary"):
        try:
            with st.spinner(f"{name} reads {len(dataset.y_test):,} digits"):
                robustness.evaluate_and_keep(name, dataset)
        except MnistError as error:
            st.error(str(error))
        else:
            st.rerun()
    st.stop()


def pictures_of(stored: registry.Evaluation) -> tuple[np.ndarray | None, str]:
    """Return the (n, 28, 28) uint8 images that the answers are about, or why there are none."""
    dataset, reason = dataset_or_reason()
    if dataset is None:
        return None, f"No pictures: {reason}"
    if dataset.digest != stored.data_digest or len(dataset.y_test) != len(stored.y_true):
        return None, (
            f"No pictures: these {len(stored.y_true):,} answers belong to another data set "
            f"than the one on this machine ({dataset.source})."
        )
    return dataset.x_test, ""


def choose_cell(chart: str) -> None:
    """Take over the cell that was clicked; a click that unselects changes nothing."""
    if points := st.session_state[chart].selection.points:
        st.session_state["true-digit"], st.session_state["read-as"] = points[0]["customdata"]


def choose_digit(chart: str) -> None:
    """Take over the digit that was clicked."""
    if points := st.session_state[chart].selection.points:
        st.session_state["look-closer"] = points[0]["customdata"][0]


def chart(figure, key: str, **options) -> None:
    """Show a figure whose button saves it in the format chosen on this page."""
    save = {"format": st.session_state.get("format", "PNG").lower(), "scale": 2, "filename": key}
    hidden = ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d", "zoomIn2d", "zoomOut2d"]
    config = {
        "displaylogo": False,
        "displayModeBar": "tiles" not in key,
        "toImageButtonOptions": save,
        "modeBarButtonsToRemove": hidden,
    }
    st.plotly_chart(figure, key=key, config=config, **options)


def show_tiles(key: str, indices: np.ndarray, answers: dict[str, np.ndarray], stored) -> None:
    """Show digits with their index and probabilities; a click on one opens it below."""
    probabilities = next(iter(answers.values()))
    # A new set of digits is a new chart: a click on the same place is a click again.
    tiles_key = f"{key}-tiles-{indices[0]}-{len(indices)}"
    shown = indices[:TILES]
    if len(indices) > TILES:
        last = -(-len(indices) // TILES)
        page = st.number_input(f"Page, of {last}", 1, last, key=f"{tiles_key}-page") - 1
        shown = indices[page * TILES : (page + 1) * TILES]
    images, reason = pictures_of(stored)
    if reason:
        st.info(reason)
    tiles = figures.digit_tiles(
        None if images is None else images[shown],
        figures.tile_captions(probabilities, stored.y_true, shown),
        shown,
    )
    chart(
        tiles,
        tiles_key,
        on_select=lambda: choose_digit(tiles_key),
        selection_mode="points",
    )
    index = st.session_state.get("look-closer")
    if index in indices:
        show_closer(key, int(index), answers, stored, images)


def show_closer(key: str, index: int, answers, stored, images) -> None:
    """Show one digit large, with every network's ten probabilities."""
    with st.container(border=True, key=f"{key}-closer"):
        label = int(stored.y_true[index])
        st.markdown(f"**Test digit {index}, labelled {label}**")
        picture, bars = st.columns([2, 5])
        if images is not None:
            picture.image(figures.png_uri(images[index], times=6), width=150)
            if picture.button(
                "Draw page",
                key=f"{key}-send",
                icon=":material/edit:",
                help="Send this digit to the Draw page",
            ):
                caption = f"test digit {index}, labelled {label}"
                st.session_state["draw_image"] = {"image": images[index], "caption": caption}
                st.switch_page("pages/draw.py")
        with bars:
            each = {name: probabilities[index] for name, probabilities in answers.items()}
            chart(figures.probability_bars(each, label), f"{key}-bars")


@st.fragment
def show_mistakes(name: str) -> None:
    """Show the matrix and the digits behind the cell that was clicked."""
    stored = load(name)
    probabilities, y_true = stored.probabilities, stored.y_true
    y_pred = probabilities.argmax(axis=1)
    matrix = evaluation.confusion_matrix(y_true, y_pred)
    left, right = st.columns([11, 9], gap="large")
    with left, st.container(horizontal=True, vertical_alignment="bottom"):
        shares = st.selectbox("Cells show", list(SHARES), key="cells-show", width=210)
        mute = st.toggle("Mute right answers", True, key="mute-diagonal")
    pairs = evaluation.most_confused_pairs(matrix)
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
            evaluation.shares(matrix, of),
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
    indices = evaluation.cell_indices(probabilities, y_true, true, predicted)
    with right, st.container(key="cell-examples"):
        st.markdown(f"**{len(indices):,} × {true} read as {predicted}**, the surest first")
        if len(indices):
            show_tiles("cell", indices, {name: probabilities}, stored)
        else:
            st.caption("No digit landed in this cell. Click another one.")
    show_lists(name, stored, matrix, pairs)


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
        "Confidently wrong": evaluation.confidently_wrong,
        "Hardest (least probability for their own digit)": evaluation.hardest,
    }
    kind = st.segmented_control("Which", list(kinds), default="Confidently wrong", key="worst-kind")
    most = 24
    chosen = kinds[kind or "Confidently wrong"](stored.probabilities, stored.y_true, most)
    if len(chosen):
        show_tiles("worst", chosen, {name: stored.probabilities}, stored)
    else:
        st.caption("It reads every digit right.")
    summary = evaluation.summarise(stored.probabilities, stored.y_true)
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


def show_trust(names: list[str]) -> None:
    """Show whether confidence can be trusted, and what "not sure" would buy."""
    stored = {name: load(name) for name in names}
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Is it as right as it is sure?")
        bins = {
            n: evaluation.reliability_bins(s.probabilities, s.y_true) for n, s in stored.items()
        }
        chart(figures.reliability(bins), "reliability")
        for name, one in stored.items():
            error = evaluation.expected_calibration_error(one.probabilities, one.y_true)
            st.caption(f"{name}: expected calibration error {error:.2%}, in 15 bins.")
    with right:
        st.subheader("What if it may say “not sure”?")
        curves = {
            n: evaluation.accuracy_against_coverage(s.probabilities, s.y_true)
            for n, s in stored.items()
        }
        chart(figures.coverage(curves), "coverage")
        st.caption("To the left it answers only what it is surest of.")


@st.fragment
def show_comparison(first: str, second: str) -> None:
    """Show what two models do differently on the same digits."""
    one, two = load(first), load(second)
    if one.data_digest != two.data_digest or not np.array_equal(one.y_true, two.y_true):
        st.warning(f"{first} and {second} answered different data sets, so they are not compared.")
        return
    result = evaluation.compare(one.probabilities, two.probabilities, one.y_true)
    st.markdown(
        f"**{result.test.in_words(first, second)}** Neither gets {len(result.both_wrong):,}."
    )
    for column, (name, stored) in zip(
        st.columns(2, gap="large"), ((first, one), (second, two)), strict=True
    ):
        matrix = evaluation.confusion_matrix(stored.y_true, stored.probabilities.argmax(axis=1))
        with column:
            st.subheader(name)
            chart(figures.confusion_heatmap(matrix, matrix), f"matrix-of-{name}")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(f"{second} minus {first}")
        chart(figures.difference_heatmap(result.difference, first, second), "difference")
    with right:
        st.subheader("Digits that set them apart")
        groups = {
            f"Only {first} gets ({len(result.only_first)})": (result.only_first, second),
            f"Only {second} gets ({len(result.only_second)})": (result.only_second, first),
            f"Neither gets ({len(result.both_wrong)})": (result.both_wrong, first),
        }
        group = st.selectbox("Show", list(groups), key="apart")
        indices, wrong = groups[group]
        answers = {first: one.probabilities, second: two.probabilities}
        ordered = {wrong: answers[wrong], **answers}
        st.caption(f"Under each digit: its index, and what {wrong} says.")
        if len(indices):
            show_tiles("apart", indices, ordered, one)


@st.fragment
def show_robustness(names: list[str]) -> None:
    """Show how accuracy falls as the digits are spoiled; measure it once, then keep it."""
    dataset, reason = dataset_or_reason()
    if dataset is None or not len(dataset.y_test):
        st.info(reason or "This data set has no labelled test images to spoil.")
        return
    st.markdown(
        "The networks read the test digits as they are, without the centring that the Draw page "
        "does first. A convolution looks for the same stroke everywhere; a dense layer knows it "
        "only where it was trained."
    )
    everything = st.toggle(f"All {len(dataset.y_test):,} digits (slower)", key="all-digits")
    indices = robustness.sample_indices(
        len(dataset.y_test), None if everything else robustness.SAMPLE
    )
    curves = {n: robustness.kept(n, dataset.digest, len(indices)) for n in names}
    missing = [name for name, measured in curves.items() if measured is None]
    if missing and st.button(f"Measure {' and '.join(missing)}", key="measure", type="primary"):
        bar = st.progress(0.0)
        for name in missing:
            try:
                measured = robustness.measure(
                    classifier(name, changed_ns(name, registry.KERAS_FILE)).probabilities,
                    dataset.x_test[indices],
                    dataset.y_test[indices],
                    lambda share, what, name=name: bar.progress(share, f"{name}: {what}"),
                )
                robustness.keep(name, dataset.digest, len(indices), measured)
            except MnistError as error:
                st.error(str(error))
                return
        st.rerun(scope="fragment")
    known = {name: measured for name, measured in curves.items() if measured is not None}
    if known:
        show_curves(known, len(indices))


def show_curves(known: dict[str, dict[str, list[float]]], digits: int) -> None:
    """Show one chart for each way to spoil digits."""
    columns = st.columns(2, gap="large")
    for place, one in enumerate(robustness.DEFORMATIONS):
        with columns[place % 2]:
            st.subheader(one.name)
            accuracies = {name: measured[one.name] for name, measured in known.items()}
            figure = figures.robustness_curve(one.levels, accuracies, one.axis_title)
            chart(figure, f"curve-{one.name}")
    st.caption(f"Measured on {digits:,} test digits, the same ones for every model.")
    levels = {one.name: list(one.levels) for one in robustness.DEFORMATIONS}
    st.download_button("Curves as CSV", reports.curves_csv(known, levels), "robustness.csv")


def show_figures(name: str) -> None:
    """Show the figures that describe the chosen model."""
    stored = load(name)
    summary = evaluation.summarise(stored.probabilities, stored.y_true)
    low, high = summary.interval
    with st.container(horizontal=True, key="figures"):
        st.metric("Accuracy", f"{summary.accuracy:.2%}", width="content")
        st.metric("95 % interval", f"{low:.2%} – {high:.2%}", width="content")
        st.metric("Errors", f"{summary.errors:,} of {summary.images:,}", width="content")
        st.metric("Cross-entropy", f"{summary.cross_entropy:.4f}", width="content")
        st.metric("Macro F1", f"{summary.macro_f1:.4f}", width="content")


within_app()
st.title("Where a network goes wrong")
models = registry.available_models()
if not models:
    st.warning("There is no model yet; make one with: python -m mnist_core train dense --ship")
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    model = st.selectbox("Model", models, key="model", width=260)
    others = [name for name in models if name != model]
    other = st.selectbox("Compared with", [*others, "nothing"], key="other-model", width=260)
    VIEWS = ["Mistakes", "Trust", "Compare", "Break it"]
    view = st.segmented_control("View", VIEWS, default="Mistakes", key="view") or "Mistakes"
    st.segmented_control("Charts save as", ["PNG", "SVG"], default="PNG", key="format")
chosen = [model] if other == "nothing" else [model, other]
show_figures(model)
if view == "Mistakes":
    show_mistakes(model)
elif view == "Trust":
    show_trust(chosen)
elif view == "Break it":
    show_robustness(chosen)
elif other == "nothing":
    st.info("Choose a second model above to compare with.")
else:
    show_comparison(model, other)
