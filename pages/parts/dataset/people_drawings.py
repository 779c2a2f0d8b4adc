"""What people drew, as a collection: filters, who disagrees, deletion, files in and out."""

import numpy as np
import streamlit as st

from mnist_core import words
from mnist_core.data import collection as files
from mnist_core.data import people as people_data
from mnist_core.data.collection import Collection
from mnist_core.data.drawing import Drawing
from mnist_core.errors import MnistError
from mnist_core.room import deletion
from mnist_core.runs.learning import Lesson
from pages.parts import people
from pages.parts.attempt import attempt, show_failure
from pages.parts.download import download
from pages.parts.permission import may_change

ALL = "all"
SHOWN = {
    ALL: "all drawings",
    "both": "both networks contradict the label",
    "dense": "the dense network contradicts it",
    "cnn": "the CNN contradicts it",
    "each other": "the networks contradict each other",
}
MOST_SHOWN = 300
MOST_UPLOAD_MB = 100


def show_people() -> None:
    """Show people's labelled drawings, and what can be done with them."""
    show_failure()
    drawings, who = st.container(key="people-drawings"), st.container()
    with who:
        allowed = may_change("Deleting and adding drawings", "add and delete drawings")
    try:
        now = people.lesson()
    except MnistError as error:
        st.error(str(error))
        return
    with drawings:
        if len(now.collection):
            show_collection(now, allowed)
        else:
            st.info("Nobody has said yet what a drawing is; do so on the Draw page, or in a room.")
        upload(allowed)


def show_collection(now: Lesson, allowed: bool) -> None:
    """Show the drawings that the filter lets through; delete those that are selected."""
    chosen = filtered(now)
    some = now.collection.where(chosen)
    said = {slot: one.where(chosen) for slot, one in now.said.items()}
    writers = words.count(len(np.unique(some.writers)), "person", "people")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words.count(len(some), 'drawing')}** by {writers}")
        actions = st.container(horizontal=True, width="content")
    if not len(some):
        return
    shown = np.arange(len(some))[::-1][:MOST_SHOWN]  # the latest first
    told = {slot: one.where(shown) for slot, one in said.items()}
    table = f"people-table-{hash(tuple(some.ids.tolist()))}"
    st.dataframe(
        people.rows(some.where(shown), told), key=table,
        on_select="rerun", selection_mode="multi-row", hide_index=True, row_height=60, height=480,
        column_config={"Drawing": st.column_config.ImageColumn(width="small")},
    )  # fmt: skip
    if len(some) > MOST_SHOWN:
        st.caption(f"The latest {MOST_SHOWN} are shown; the files hold all of them.")
    ids = some.ids[shown].tolist()
    with actions:
        st.button("Delete the selected", key="delete-people", icon=":material/delete:",
                  disabled=not allowed or not people.selected(table, ids), on_click=attempt,
                  args=[people.with_selected, deletion.delete, table, ids])  # fmt: skip
        downloads(some)


def filtered(now: Lesson) -> np.ndarray:
    """Show the filter; return the indices (n,) that it lets through."""
    collection, labels = now.collection, now.collection.labels.astype(np.int64)
    with st.container(horizontal=True, vertical_alignment="bottom", key="people-filter"):
        digits = st.pills("Labelled", range(11), selection_mode="multi", key="people-digits",
                          wrap=True, format_func=files.in_words)  # fmt: skip
        who = st.selectbox("By", [ALL, *np.unique(collection.writers).tolist()], width=140,
                           key="people-writer", format_func=lambda w: f"person {w}" if w != ALL
                           else "anybody")  # fmt: skip
        against = st.selectbox("Show", list(SHOWN), key="people-against", width=310,
                               format_func=SHOWN.get)  # fmt: skip
    keep = np.ones(len(collection), bool)
    if digits:
        keep &= np.isin(labels, digits)
    if who != ALL:
        keep &= collection.writers == who
    wrong = {slot: one.answers != labels for slot, one in now.said.items()}
    if against in wrong:
        keep &= wrong[against]
    elif against == "both":
        keep &= np.logical_and.reduce(list(wrong.values()))
    elif against == "each other":
        keep &= now.said["dense"].answers != now.said["cnn"].answers
    return np.flatnonzero(keep)


def downloads(some: Collection) -> None:
    """Offer the drawings as files, each made when asked for, of those that are there then."""
    ids = frozenset(some.ids.tolist())
    download(".npz", lambda: files.as_npz(still_there(ids)), "people.npz",
             "application/octet-stream", key="people-npz",
             help="What the command `import people` and the upload below read.")  # fmt: skip
    download("CSV of the strokes", lambda: files.as_csv(still_there(ids)), "people.csv",
             "text/csv", key="people-csv")  # fmt: skip


def still_there(ids: frozenset[int]) -> list[Drawing]:
    """Return those of the drawings that nobody has deleted, hidden or taken back meanwhile."""
    return [one for one in people_data.listed(labelled=True) if one.id in ids]


def upload(allowed: bool) -> None:
    """Take in a file that was exported elsewhere."""
    file = st.file_uploader("People’s drawings from another machine (.npz)", type="npz",
                            max_upload_size=MOST_UPLOAD_MB, key="people-upload",
                            disabled=not allowed)  # fmt: skip
    if file is None or not allowed or st.session_state.get("seen-people") == file.file_id:
        return
    st.session_state["seen-people"] = file.file_id
    try:
        found = files.from_npz(file.getvalue())
        new = people_data.add_all(found)
    except MnistError as error:
        st.error(str(error))
        return
    st.toast(f"{words.count(new, 'new drawing')} of {len(found):,}")
    st.rerun()
