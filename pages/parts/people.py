"""People's labelled drawings as pages read them: once per state of the database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.analysis.opinions import Opinions
from mnist_core.analysis.own_process import compute
from mnist_core.data import people
from mnist_core.data.collection import Collection, collect
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.registry import Evaluation
from mnist_core.runs import learning
from mnist_core.views.answer_view import data_url

SPLIT = "people"
LABELLED_BY = {
    "said": "who drew it", "asked": "who asked for it", "voted": "a vote", "imported": "a file",
    "confirmed": "who looked again",
}  # fmt: skip


@st.cache_resource(max_entries=3, show_spinner="Reading people’s drawings")
def _lesson(state: str, active: tuple) -> learning.Lesson:
    return learning.lesson(compute=compute)


def lesson() -> learning.Lesson:
    """Return what can be learnt from now. Raises DatabaseError, ModelError."""
    return _lesson(people.state(), tuple(registry.active().items()))


@dataclass(frozen=True, kw_only=True)
class Answers(Evaluation):
    """A model's answers to the digits that people drew."""

    images: np.ndarray  # (n, 28, 28) uint8, what the answers are about


@st.cache_resource(max_entries=3, show_spinner="Reading people’s drawings")
def _digits(state: str) -> Collection:
    collection = compute(collect, people.listed(labelled=True))
    return collection.where(collection.labels != NOT_A_DIGIT)


@st.cache_resource(max_entries=10, show_spinner="Reading people’s drawings")
def _answers(name: str, state: str) -> Answers:
    digits = _digits(state)
    probabilities = compute(Classifier.load(name).probabilities, digits.inputs)
    return Answers(probabilities, digits.labels, digits.digest, SPLIT, images=digits.images)


def answers(names: Sequence[str]) -> list[Answers]:
    """Return each model's answers to the digits that people have drawn by now.

    Raises DatabaseError, ModelError.
    """
    state = people.state()
    return [_answers(name, state) for name in names]


def selected(table: str, ids: Sequence[int]) -> list[int]:
    """Return the ids of the drawings that are selected now; table: the key of the table of all."""
    return [ids[row] for row in st.session_state[table].selection.rows if row < len(ids)]


def with_selected(act: Callable[[list[int]], object], table: str, ids: Sequence[int]) -> None:
    """Do something with the drawings that are selected when a button is pressed."""
    act(selected(table, ids))


def rows(collection: Collection, said: Mapping[str, Opinions]) -> list[dict[str, str]]:
    """Return a table of drawings: picture, label, writer, what each network says."""
    return [
        {
            "Drawing": data_url(collection.images[i] / 255),
            "Label": words_for(int(collection.labels[i])),
            **{
                words.NETWORK_TITLES[slot]: f"{words_for(int(one.answers[i]))} "
                f"({words.chance(float(one.confidences[i]))})"
                for slot, one in said.items()
            },
            "Writer": f"person {collection.writers[i]}",
            "Label by": LABELLED_BY.get(str(collection.drawings[i].label_source), ""),
        }
        for i in range(len(collection))
    ]


def words_for(label: int) -> str:
    """Return a label as a table shows it."""
    return "no digit" if label == NOT_A_DIGIT else str(label)
