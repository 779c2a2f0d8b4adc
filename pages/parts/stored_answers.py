"""What models answered to the test digits, read once per server, or an offer to find out."""

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from mnist_core.analysis import robustness
from mnist_core.data import browse
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.errors import DatasetError, MnistError, ModelError
from mnist_core.models import registry
from mnist_core.words import capitalised
from pages.parts import people
from pages.parts.names import plain_title
from pages.parts.turn import piece_by_piece

ON_MNIST, ON_PEOPLE = "MNIST’s test images", "people’s drawings"

# Streamlit keeps one result for one function: the pages that load MNIST share it.
mnist = st.cache_resource(load_mnist, show_spinner="Reading the digits")


def dataset_or_reason() -> tuple[Dataset | None, str]:
    """Return the data set, or why there is none on this machine."""
    try:
        return mnist(), ""
    except DatasetError as error:
        return None, str(error)


@st.cache_resource(max_entries=20, show_spinner=False)
def stored_evaluation(name: str, written_ns: int) -> registry.Evaluation:
    """Return a model's stored answers; `written_ns` names the file's version."""
    return registry.load_evaluation(name)


def changed_ns(name: str, file: str) -> int:
    """Return when a model's file was last written, 0 where it is missing."""
    try:
        return (registry.model_dir(name) / file).stat().st_mtime_ns
    except FileNotFoundError:  # also where a run was deleted in this very moment
        return 0


def load(name: str) -> registry.Evaluation:
    """Return a model's answers, or offer to make them and stop the page.

    To people's drawings, where the page judges by those.
    """
    return load_all([name])[0]


def load_all(names: Sequence[str]) -> list[registry.Evaluation]:
    """Return each model's answers as `load` does; of people's drawings, to the same ones."""
    if st.session_state.get("judged-on") == ON_PEOPLE:
        return load_people(names)
    return [load_stored(name) for name in names]


def load_stored(name: str) -> registry.Evaluation:
    """Return a model's answers to the test images, or offer to make them and stop the page."""
    try:
        return stored_evaluation(name, changed_ns(name, registry.EVALUATION_FILE))
    except ModelError as error:
        offer_to_evaluate(name, error)


def load_people(names: Sequence[str]) -> list[registry.Evaluation]:
    """Return models' answers to the digits that people drew, or say why there are none."""
    try:
        found = people.answers(names)
    except MnistError as error:
        st.error(str(error))
        st.stop()
    if not len(found[0].y_true):
        st.info("Nobody has drawn a digit and said which it is; do so on the Draw page.")
        st.stop()
    return list(found)


def offer_to_evaluate(name: str, error: ModelError) -> NoReturn:
    """Say that there are no answers, or that they are damaged; make them at the press of a button,
    and stop the page."""
    title = capitalised(plain_title(name))
    there = (registry.model_dir(name) / registry.EVALUATION_FILE).is_file()
    st.warning(str(error) if there else f"{title} has no stored answers to the test images yet.")
    dataset, reason = dataset_or_reason()
    if dataset is None or not len(dataset.y_test):
        st.info(reason or "This data set has no labelled test images to evaluate on.")
    elif st.button("Compute it now", key="compute-evaluation", type="primary"):
        try:
            with st.spinner(f"{title} reads {len(dataset.y_test):,} digits"):
                robustness.evaluate_and_keep(name, dataset, piece_by_piece())
        except MnistError as error:
            st.error(str(error))
        else:
            st.rerun()
    st.stop()


def answers_of(dataset: Dataset) -> dict[str, registry.Evaluation]:
    """Return the stored answers about this data set's test digits, model by model."""
    found = {}
    for name in registry.available_models():
        path = registry.model_dir(name) / registry.EVALUATION_FILE
        try:
            stored = stored_evaluation(name, path.stat().st_mtime_ns)
        except (MnistError, OSError):
            continue
        if browse.fits(dataset, stored):
            found[name] = stored
    return found
