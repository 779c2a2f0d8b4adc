"""How accuracy falls as the digits are spoiled, one chart for each way to spoil them."""

import streamlit as st

from mnist_core.analysis import reports, robustness
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.views import figures
from pages.parts.chart import chart
from pages.parts.stored_answers import changed_ns, dataset_or_reason
from pages.parts.turn import own_turn


@st.cache_resource(max_entries=4, show_spinner=False)
def classifier(name: str, written_ns: int) -> Classifier:
    """Return a model that answers."""
    return Classifier.load(name)


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
                with own_turn():
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
