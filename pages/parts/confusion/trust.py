"""Whether a network is as right as it is sure."""

import streamlit as st

from mnist_core.analysis import metrics
from mnist_core.runs.report import plain
from mnist_core.views import figures
from mnist_core.words import capitalised, percent
from pages.parts.chart import chart
from pages.parts.link import offer_own_link
from pages.parts.names import chart_name, plain_title
from pages.parts.stored_answers import load_all


def show_trust(names: list[str]) -> None:
    """Show whether confidence can be trusted, and what "not sure" would buy."""
    stored = dict(zip(map(chart_name, names), load_all(names), strict=True))
    if len({one.data_digest for one in stored.values()}) > 1:
        both = capitalised(" and ".join(map(plain_title, names)))
        st.caption(f"{both} answered different data sets: their curves are not of the same digits.")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Is it as right as it is sure?")
        bins = {n: metrics.reliability_bins(s.probabilities, s.y_true) for n, s in stored.items()}
        chart(figures.reliability(bins), "reliability")
        if any(((one.counts > 0) & (one.counts < figures.FEW)).any() for one in bins.values()):
            st.caption(f"Hollow: fewer than {figures.FEW} answers, too few to tell.")
        for name, one in stored.items():
            error = metrics.expected_calibration_error(one.probabilities, one.y_true)
            st.caption(f"{plain(name)}: expected calibration error {percent(error)}, in 15 bins.")
    with right:
        st.subheader("What if it may say “not sure”?")
        curves = {
            n: metrics.accuracy_against_coverage(s.probabilities, s.y_true)
            for n, s in stored.items()
        }
        chart(figures.coverage(curves), "coverage")
        st.caption("To the left it answers only what it is surest of.")
    offer_own_link()
