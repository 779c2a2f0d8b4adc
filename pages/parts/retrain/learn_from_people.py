"""Learn from people: what will be learnt from, what is kept apart, and the button."""

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.analysis import gate
from mnist_core.data import people as people_data
from mnist_core.data.browse import png, sprite
from mnist_core.data.collection import check_lesson
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.room import deletion
from mnist_core.runs import learning
from mnist_core.runs.learning import Lesson
from pages.parts import people
from pages.parts.attempt import attempt
from pages.parts.permission import guest
from pages.parts.stored_answers import dataset_or_reason

BLOCK = "learn-from-people"
SHOWN = 20  # drawings of a group
HOW = (
    "A candidate starts at the network that answers now, or at what that was before people taught "
    "it, and learns from all their drawings, drawn anew in other sizes and brushes, among digits "
    "that it knows already. It takes over only if "
    "it reads **people it has not learnt from** better than before, by more than chance, and "
    "**MNIST’s test images** and **pen strokes** no worse than noise."
)


def learn_from_people(allowed: bool, busy: bool) -> None:
    """Offer to learn from people, folded: reading all drawings takes a while.

    A press on the button in it is only noted, and acted on here: Streamlit may hear it twice.
    """
    if st.session_state.pop("asked_to_learn", False) and allowed:
        start()
        st.rerun()
    block = st.expander("Learn from people", icon=":material/school:", key=BLOCK, on_change="rerun")
    if block.open:
        with block:
            show_and_start(allowed, busy)


def show_and_start(allowed: bool, busy: bool) -> None:
    """Show what there is to learn from; start it."""
    try:
        now = people.lesson()
    except MnistError as error:
        st.error(str(error))
        return
    try:
        dataset, reason = dataset_or_reason()
        if dataset is None:
            st.info(reason)
            return
        st.markdown(HOW)
        check_lesson(now.learnt, dataset)
    except MnistError as error:
        st.info(str(error))
        st.button("Learn from people", key="learn-start", disabled=True)
    else:
        show_groups(now)
        choose_and_start(allowed, busy)
    show_doubted(now, allowed)


def choose_and_start(allowed: bool, busy: bool) -> None:
    """Let a person choose who learns, and start it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Who learns", list(registry.SLOTS), default=list(registry.SLOTS), key="who-learns",
            selection_mode="multi", format_func=lambda slot: words.NETWORK_TITLES[slot],
        )  # fmt: skip
        st.button(
            "Join the queue" if busy else "Learn from people", key="learn-start", type="primary",
            icon=":material/school:", disabled=not allowed or not chosen,
            on_click=st.session_state.update, kwargs={"asked_to_learn": True},
        )  # fmt: skip


def start() -> None:
    """Ask for the runs, and fold the block: what happens now is shown above it."""
    slots = sorted(st.session_state["who-learns"], key=registry.SLOTS.index)
    attempt(learning.request, slots, guest())
    st.session_state[BLOCK] = False


def show_groups(now: Lesson) -> None:
    """Show in words and pictures who is judged by a network that has not learnt from them."""
    collection, doubted = now.learnt, int(now.doubted.sum())
    fold = gate.folds(collection.writers)
    count = int(fold.max()) + 1
    drawings = words.count(len(collection), "drawing")
    writers = words.count(len(np.unique(collection.writers)), "person", "people")
    st.markdown(
        f"**{drawings} by {writers}**, dealt into {count} groups of people. Each group is kept "
        "apart once and judged by a network that learnt from the others alone; then one learns "
        "from everybody, and wants to take over."
        + (f" **{words.count(doubted, 'more label looks', 'more labels look')} wrong** and will "
           "be left out: see below." if doubted else "")
    )  # fmt: skip
    for number, column in enumerate(st.columns(count)):
        group = collection.where(fold == number)
        who = words.count(len(np.unique(group.writers)), "person", "people")
        column.image(png(sprite(group.images[:SHOWN])), width="stretch")
        column.caption(f"Group {number + 1}: {who}, {words.count(len(group), 'drawing')}")


def show_doubted(now: Lesson, allowed: bool) -> None:
    """Show labels that both networks contradict; they are left out unless somebody confirms."""
    doubted = now.collection.where(now.doubted)
    if not len(doubted):
        return
    said = {slot: one.where(now.doubted) for slot, one in now.said.items()}
    number = words.count(len(doubted), "label looks", "labels look")
    with st.container(border=True, key="doubted"):
        st.markdown(
            f"**{number} wrong**: both networks say something else, and are sure. They are left "
            "out, unless you say that the label is right."
        )
        table = f"doubted-{'-'.join(map(str, doubted.ids[:50]))}"
        st.dataframe(
            people.rows(doubted, said), key=table,
            on_select="rerun", selection_mode="multi-row", hide_index=True, row_height=60,
            column_config={"Drawing": st.column_config.ImageColumn(width="small")},
        )  # fmt: skip
        everything = [int(one) for one in doubted.ids]
        chosen = people.selected(table, everything)
        with st.container(horizontal=True):
            st.button("The selected labels are right", key="confirm-some", on_click=attempt,
                      disabled=not allowed or not chosen,
                      args=[people.with_selected, confirm, table, everything])  # fmt: skip
            st.button("All of them are right", key="confirm-all", on_click=attempt,
                      disabled=not allowed, args=[confirm, everything])  # fmt: skip
            st.button("Delete the selected", key="delete-doubted", on_click=attempt,
                      disabled=not allowed or not chosen,
                      args=[people.with_selected, deletion.delete, table, everything])  # fmt: skip


def confirm(ids: list[int]) -> None:
    """Say that labels are right, whatever the networks say."""
    for drawing in people_data.listed(ids=ids):
        people_data.set_label(drawing.id, drawing.label, "confirmed")
