"""The training digits that each network finds most like the drawing."""

from functools import partial

import numpy as np
import streamlit as st

from mnist_core.analysis import resembles
from mnist_core.analysis.own_process import compute
from mnist_core.data.mnist import Dataset
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.views import insides_view
from mnist_core.views.answer_view import Html
from mnist_core.words import capitalised
from pages.parts.draw.insides import Networks, network_of
from pages.parts.names import plain_title
from pages.parts.stored_answers import changed_ns, dataset_or_reason
from pages.parts.turn import own_turn

SHOWN = 10


def show_lookalikes(image: np.ndarray, networks: Networks) -> None:
    """Show the nearest training digits of each network. image: (28, 28) float32 in [0, 1]."""
    dataset, reason = dataset_or_reason()
    if dataset is None:
        st.info(reason)
        return
    for slot, classifier in networks.items():
        index = index_of(classifier, dataset)
        features = resembles.last_features(network_of(classifier), image[np.newaxis])[0]
        places, likeness = index.nearest(features, SHOWN)
        pictures, labels = dataset.x_train[places], dataset.y_train[places]
        st.html(Html(insides_view.lookalikes(image, slot, pictures, labels, likeness)))
    st.caption(
        f"Of {len(index.places):,} of the {len(dataset.x_train):,} training digits, those whose "
        "last features are most like your drawing’s: the numbers from which a network makes its "
        "answer. 100% means that they point the same way. Where the labels differ, it hesitates."
    )


def index_of(classifier: Classifier, dataset: Dataset) -> resembles.Index:
    """Return a network's index, from memory, from disk, or made now."""
    kept = indices()
    key = (classifier.name, changed_ns(classifier.name, registry.KERAS_FILE), dataset.digest)
    if key not in kept:
        found = resembles.kept(classifier.name, dataset.digest)
        if found is None:
            with own_turn():  # somebody before may have made it
                found = resembles.kept(classifier.name, dataset.digest)
                found = make(classifier, dataset) if found is None else found
        kept[key] = found
        for old in list(kept)[:-4]:
            del kept[old]
    return kept[key]


@st.cache_resource
def indices() -> dict[tuple[str, int, str], resembles.Index]:
    """Return the indices that this server holds."""
    return {}


def make(classifier: Classifier, dataset: Dataset) -> resembles.Index:
    """Make an index, showing how it goes, and keep it."""
    title = capitalised(plain_title(classifier.name))
    words = f"{title} looks at the training digits, once for everybody"
    bar = st.progress(0.0, words)
    index = resembles.make_index(
        network_of(classifier), dataset, lambda share: bar.progress(share, words),
        partial(compute, resembles.last_features),
    )  # fmt: skip
    bar.empty()
    try:
        resembles.keep(classifier.name, dataset.digest, index)
    except MnistError as error:
        st.warning(str(error))
    return index
