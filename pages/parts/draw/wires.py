"""Cut the wires: filters or units switched off, and what is left of the answers."""

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.analysis import wires
from mnist_core.analysis.own_process import compute
from mnist_core.data.mnist import Dataset
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.network import Network
from mnist_core.models.temperature import apply_temperature
from mnist_core.views import insides_view
from mnist_core.views.answer_view import Html
from pages.parts.draw.insides import Networks, network_of, once
from pages.parts.stored_answers import changed_ns, dataset_or_reason

TESTED = 1000
STRONGEST, RANDOM, OWN = "the strongest here", "at random", "my choice"


@st.fragment
def show_wires(image: np.ndarray, networks: Networks) -> None:
    """Let the visitor cut, and show what follows. image: (28, 28) float32 in [0, 1]."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    slot = row.segmented_control(
        "Network", list(networks), default="cnn", required=True, key="wires-network",
        format_func=lambda slot: words.NETWORK_TITLES[slot],
    )  # fmt: skip
    network = network_of(networks[slot])
    layers = wires.layers(network)
    if not layers:
        st.info("This network has no layer before the one that answers: there is nothing to cut.")
        return
    layer = layers[
        row.selectbox(
            "Layer", range(len(layers)), key=f"wires-layer-{slot}", width=230,
            format_func=lambda place: title_of(layers[place], layers),
        )
    ]  # fmt: skip
    how = row.segmented_control(
        "Cut", [STRONGEST, RANDOM, OWN], default=STRONGEST, required=True, key="wires-how"
    )
    cut = chosen(image, network, layer, how, slot)
    temperature = float(networks[slot].card.get("temperature") or 1.0)
    before, after = (
        apply_temperature(wires.probabilities(network, image, layer, off), temperature)
        for off in (cut[:0], cut)
    )
    st.html(Html(insides_view.cut_answers(slot, before, after)))
    show_accuracy(networks[slot], layer, cut)


def title_of(layer: wires.Layer, layers: list[wires.Layer]) -> str:
    """Return what a layer is called: its number, and its column's where there are several."""
    column = f", column {layer.column}" if layers[-1].column > 1 else ""
    return f"{layer.number}{column}: {layer.filters:,} {layer.kind}"


def chosen(
    image: np.ndarray, network: Network, layer: wires.Layer, how: str, slot: str
) -> np.ndarray:
    """Show what says which filters are cut; return them."""
    place = f"{slot}-{layer.step}"
    if how == OWN:
        options = range(1, layer.filters + 1)
        picked = st.multiselect(f"Switched off ({layer.kind})", options, key=f"wires-own-{place}")
        return np.array(sorted(picked), np.int64) - 1
    order = wires.strongest(network, layer, image) if how == STRONGEST else wires.at_random(layer)
    count = st.slider(
        f"Switched off, of {layer.filters:,} {layer.kind}", 0, layer.filters, layer.filters // 4,
        key=f"wires-count-{place}-{how}",
    )  # fmt: skip
    return order[:count]


def show_accuracy(classifier: Classifier, layer: wires.Layer, cut: np.ndarray) -> None:
    """Show the accuracy on a thousand test digits, whole and cut."""
    dataset, reason = dataset_or_reason()
    if dataset is None or not len(dataset.y_test):
        st.info(reason or "This data set has no labelled test images to count on.")
        return
    tested = min(TESTED, len(dataset.y_test))
    whole, left = (
        once(
            f"cut-{classifier.name}-{layer.step}-{dataset.digest}", np.sort(off),
            lambda off=off: right(classifier, layer, dataset, off),
        )
        for off in (cut[:0], cut)
    )  # fmt: skip
    with st.container(horizontal=True):
        st.metric(f"Right, of {tested:,} test digits", words.percent(left, 1),
                  f"{(left - whole) * 100:.1f} points" if len(cut) else None)  # fmt: skip
    st.caption(
        "Above: what the cut does to this drawing. Here: what it does to everybody's digits. "
        "Compare cutting at random with cutting what this drawing excites most."
    )


def right(classifier: Classifier, layer: wires.Layer, dataset: Dataset, cut: np.ndarray) -> float:
    """Return the share of test digits that is read right."""
    written = changed_ns(classifier.name, registry.KERAS_FILE)
    key = f"{classifier.name}-{written}-{dataset.digest}-{layer.step}"
    images, labels = dataset.x_test[:TESTED], dataset.y_test[:TESTED]
    with st.spinner(f"Reading {TESTED:,} test digits"):
        return compute(
            wires.accuracy_without, key, network_of(classifier), layer, images, labels, cut
        )
