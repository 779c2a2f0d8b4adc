"""The training digits that each network finds most like the drawing."""

import numpy as np
import streamlit as st

from mnist_core.analysis import resembles
from mnist_core.data.mnist import Dataset
from mnist_core.errors import ModelError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.views import insides_view
from mnist_core.views.answer_view import Html
from mnist_core.words import capitalised
from pages.parts.draw.insides import Networks, network_of
from pages.parts.names import plain_title
from pages.parts.repeated import every
from pages.parts.stored_answers import changed_ns, dataset_or_reason

SHOWN = 10
Key = tuple[str, int, str]  # a model's name, when it was written, the data's digest


def show_lookalikes(image: np.ndarray, networks: Networks) -> None:
    """Show the nearest training digits of each network. image: (28, 28) float32 in [0, 1]."""
    dataset, reason = dataset_or_reason()
    if dataset is None:
        st.info(reason)
        return
    found = {slot: index_of(classifier, dataset) for slot, classifier in networks.items()}
    making = {
        networks[slot].name: one for slot, one in found.items() if isinstance(one, resembles.Making)
    }
    if making:
        watch(making)
        return
    for slot, index in found.items():
        features = resembles.last_features(network_of(networks[slot]), image[np.newaxis])[0]
        places, likeness = index.nearest(features, SHOWN)
        pictures, labels = dataset.x_train[places], dataset.y_train[places]
        st.html(Html(insides_view.lookalikes(image, slot, pictures, labels, likeness)))
    st.caption(
        f"Of {len(index.places):,} of the {len(dataset.x_train):,} training digits, those whose "
        "last features are most like your drawing’s: the numbers from which a network makes its "
        "answer. 100% means that they point the same way. Where the labels differ, it hesitates."
    )


@every(0.5)
def watch(making: dict[str, resembles.Making]) -> None:
    """Show how far the indices are, by model; show the lookalikes when they are there.

    The page itself waits for none: a stroke and another explanation would have to wait for it.
    """
    for name, one in making.items():
        title = capitalised(plain_title(name))
        st.progress(one.share, f"{title} looks at the training digits, once for everybody")
    if all(one.done.is_set() for one in making.values()):
        st.rerun()


def index_of(classifier: Classifier, dataset: Dataset) -> resembles.Index | resembles.Making:
    """Return a network's index, from memory or from disk, or its making. Raises ModelError."""
    kept, begun = indices(), makings()
    key = (classifier.name, changed_ns(classifier.name, registry.KERAS_FILE), dataset.digest)
    if key in kept:
        return kept[key]
    making = begun.get(key)
    if making is None:
        found = resembles.kept(classifier.name, dataset.digest)
        if found is None:
            new = resembles.Making(classifier.name, network_of(classifier), dataset)
            making = begun.setdefault(key, new)
            if making is new:
                new.start()
            return making
    elif not making.done.is_set():
        return making
    else:
        begun.pop(key, None)
        found = making.index
        if found is None:
            raise ModelError(making.problem or "The training digits could not be looked at.")
        if making.problem:
            st.warning(making.problem)
    kept[key] = found
    for old in list(kept)[:-4]:
        del kept[old]
    return found


@st.cache_resource
def indices() -> dict[Key, resembles.Index]:
    """Return the indices that this server holds."""
    return {}


@st.cache_resource
def makings() -> dict[Key, resembles.Making]:
    """Return what this server is making, or has made and nobody has fetched yet."""
    return {}
