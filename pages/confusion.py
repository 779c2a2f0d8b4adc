"""Where a network goes wrong, down to the images: from stored answers, without TensorFlow."""

import streamlit as st

from mnist_core.analysis import metrics
from mnist_core.models import registry
from mnist_core.words import percent
from pages.parts.confusion.comparison import show_comparison
from pages.parts.confusion.mistakes import show_mistakes
from pages.parts.confusion.robustness_curves import show_robustness
from pages.parts.confusion.trust import show_trust
from pages.parts.stored_answers import load

VIEWS = ["Mistakes", "Trust", "Compare", "Break it"]


def show_figures(name: str) -> None:
    """Show the figures that describe the chosen model."""
    stored = load(name)
    summary = metrics.summarise(stored.probabilities, stored.y_true)
    low, high = summary.interval
    with st.container(horizontal=True, key="figures"):
        st.metric("Accuracy", percent(summary.accuracy), width="content")
        st.metric("95% interval", f"{percent(low)} – {percent(high)}", width="content")
        st.metric("Errors", f"{summary.errors:,} of {summary.images:,}", width="content")
        st.metric("Cross-entropy", f"{summary.cross_entropy:.4f}", width="content")
        st.metric("Macro F1", f"{summary.macro_f1:.4f}", width="content")


st.title("Where a network goes wrong")
models = registry.available_models()
if not models:
    st.warning("There is no model yet; make one with: python -m mnist_core train dense --ship")
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    model = st.selectbox("Model", models, key="model", width=260)
    others = [name for name in models if name != model]
    other = st.selectbox("Compared with", [*others, "nothing"], key="other-model", width=260)
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
