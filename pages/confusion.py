"""Where a network goes wrong, down to the images: from stored answers, without TensorFlow."""

import streamlit as st

from mnist_core.analysis import metrics
from mnist_core.models import registry
from mnist_core.words import percent
from pages.parts.confusion.comparison import show_comparison
from pages.parts.confusion.mistakes import show_mistakes
from pages.parts.confusion.robustness_curves import show_robustness
from pages.parts.confusion.trust import show_trust
from pages.parts.link import offer_own_link
from pages.parts.names import model_title
from pages.parts.network_choice import arrive_at_network, put_network_in_address
from pages.parts.stored_answers import ON_MNIST, ON_PEOPLE, load

VIEWS = ["Mistakes", "Trust", "Compare", "Break it"]


def choose_in_title(models: list[str]) -> tuple[str, str, str]:
    """Show a title whose words can be changed; return both models ("" for none) and the view.

    What the models are judged on stays in the session, where `load` looks for it.
    """
    with st.container(key="heard-title"):  # what is seen instead are the words that follow
        st.title("Where a network goes wrong")
    with st.container(horizontal=True, vertical_alignment="center", key="changeable-title"):
        hidden = {"label_visibility": "collapsed", "format_func": model_title, "width": 190}
        st.markdown("Where", width="content")
        arrive_at_network("model", models)
        model = st.selectbox("Network", models, key="model", **hidden)
        put_network_in_address("model", model, models[0])
        st.markdown("goes wrong on", width="content")
        st.selectbox("Judged on", [ON_MNIST, ON_PEOPLE], key="judged-on", width=220,
                     label_visibility="collapsed", on_change=forget_cell,
                     bind="query-params")  # fmt: skip
        st.markdown("against", width="content")
        others = [*(name for name in models if name != model), ""]
        arrive_at_network("other-model", others)
        other = st.selectbox("Compared with", others, key="other-model", **hidden)
        put_network_in_address("other-model", other, others[0])
        view = st.segmented_control(
            "View",
            VIEWS,
            default="Mistakes",
            key="view",
            label_visibility="collapsed",
            bind="query-params",
        )
    return model, other, view or "Mistakes"


def forget_cell() -> None:
    """Let the matrix begin at its own worst cell again: other digits, other mistakes."""
    st.session_state["cell-forgotten"] = True  # the address still names the cell
    st.session_state.pop("look-closer", None)


def show_figures(name: str) -> None:
    """Show the figures that describe the chosen model, in one line."""
    stored = load(name)
    summary = metrics.summarise(stored.probabilities, stored.y_true)
    low, high = map(percent, summary.interval)
    with st.container(key="figures"):
        st.markdown(
            f"**{summary.errors:,}** of {summary.images:,} wrong, "
            f"**{percent(summary.accuracy)}** right (95% interval {low} to {high})"
        )


models = registry.available_models()
if not models:
    st.title("Where a network goes wrong")
    st.warning("There is no model yet; make one with: python -m mnist_core train dense --ship")
    st.stop()
model, other, view = choose_in_title(models)
chosen = [name for name in (model, other) if name]
show_figures(model)
if view == "Mistakes":
    show_mistakes(model)
elif view == "Trust":
    show_trust(chosen)
elif view == "Break it":
    show_robustness(chosen)
elif not other:
    st.info("Choose a second network in the title to compare with.")
    offer_own_link()
else:
    show_comparison(model, other)
