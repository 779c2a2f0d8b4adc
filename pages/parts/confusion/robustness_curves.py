"""How accuracy falls as the digits are spoiled, one chart for each way to spoil them."""

import numpy as np
import streamlit as st

from mnist_core.analysis import reports, robustness
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.registry import Evaluation
from mnist_core.views import figures
from mnist_core.words import capitalised
from pages.parts import people
from pages.parts.chart import chart
from pages.parts.fragment import drawn_with
from pages.parts.link import offer_own_link
from pages.parts.names import chart_name, plain_title
from pages.parts.stored_answers import changed_ns, dataset_or_reason, load
from pages.parts.turn import piece_by_piece


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier(name: str, written_ns: int) -> Classifier:
    """Return a model that answers."""
    return Classifier.load(name)


@drawn_with("view", "model", "other-model", "judged-on")
def show_robustness(names: list[str]) -> None:
    """Show how accuracy falls as the digits are spoiled; measure what nobody has, then keep it."""
    st.markdown(
        "The networks read the test digits as they are, without the centring that the Draw page "
        "does first. A convolution looks for the same stroke everywhere; a dense layer knows it "
        "only where it was trained."
    )
    stored = load(names[0])
    if stored.split == people.SPLIT:
        st.info("Only MNIST’s test images are spoiled here; choose them in the title.")
        offer_own_link()
        return
    digits = len(stored.y_true)
    everything = st.toggle(f"All {digits:,} digits (slower)", key="all-digits", bind="query-params")
    indices = robustness.sample_indices(digits, None if everything else robustness.SAMPLE)
    curves = {name: robustness.kept(name, stored.data_digest, len(indices)) for name in names}
    known = {name: measured for name, measured in curves.items() if measured is not None}
    if len(known) < len(names):
        offer_to_measure([name for name in names if name not in known], stored, indices)
    if known:
        show_curves({chart_name(name): one for name, one in known.items()}, len(indices))
    else:
        offer_own_link()


def offer_to_measure(missing: list[str], stored: Evaluation, indices: np.ndarray) -> None:
    """Measure these networks at the press of a button, where their test images are at hand."""
    dataset, reason = dataset_or_reason()
    if dataset is None or dataset.digest != stored.data_digest:
        st.info(reason or "The stored answers belong to another data set than this machine's.")
        return
    told = " and ".join(map(plain_title, missing))
    if not st.button(f"Measure {told}", key="measure", type="primary"):
        return
    bar, compute = st.progress(0.0), piece_by_piece()
    for name in missing:
        try:
            robustness.measure_and_keep(
                name,
                classifier(name, changed_ns(name, registry.KERAS_FILE)),
                dataset,
                indices,
                lambda share, what, name=name: bar.progress(
                    share, f"{capitalised(plain_title(name))}: {what}"
                ),
                compute,
            )
        except MnistError as error:
            st.error(str(error))
            return
    st.rerun(scope="fragment")


def show_curves(known: dict[str, dict[str, list[float]]], digits: int) -> None:
    """Show one chart for each way to spoil digits."""
    columns = st.columns(3, gap="medium")
    for place, one in enumerate(robustness.DEFORMATIONS):
        with columns[place % 3]:
            st.subheader(one.name)
            accuracies = {name: measured[one.name] for name, measured in known.items()}
            figure = figures.robustness_curve(one.levels, accuracies, one.axis_title)
            chart(figure, f"curve-{one.name}")
    st.caption(f"Measured on {digits:,} test digits, the same ones for every model.")
    levels = {one.name: list(one.levels) for one in robustness.DEFORMATIONS}
    with st.container(horizontal=True):
        st.download_button("Curves as CSV", reports.curves_csv(known, levels), "robustness.csv")
        offer_own_link()
