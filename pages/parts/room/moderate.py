"""What the host lets onto the wall."""

import html
from urllib.parse import quote

import streamlit as st

from mnist_core import words
from mnist_core.room import host, moderation
from mnist_core.room.moderation import Overview, Shown
from pages.parts.attempt import attempt

COLUMNS, MOST = 8, 16
MOST_PHONES = 50


def switches(seen: Overview) -> None:
    """How the wall looks."""
    code, room = seen.room.code, seen.room
    _show("room-gate", room.gate)
    _show("room-layout", room.layout)
    veil, layout, clear = st.columns([2, 2, 1], vertical_alignment="bottom")
    veil.toggle(
        "Veil what does not look like a digit",
        key="room-gate",
        on_change=lambda: attempt(host.set_gate, code, bool(st.session_state["room-gate"])),
    )
    layout.segmented_control(
        "Layout",
        list(host.LAYOUTS),
        format_func={"grid": "Grid", "space": "By the CNN's answers"}.get,
        key="room-layout",
        required=True,
        on_change=lambda: attempt(host.set_layout, code, st.session_state["room-layout"]),
    )
    clear.button("Clear the wall", key="room-clear", on_click=attempt, args=[host.clear, code])


def _show(key: str, value: bool | str) -> None:
    """Let a switch show what the room has: Streamlit would keep what this browser chose last."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def drawings(seen: Overview) -> None:
    """The drawings that wait behind the veil, then the newest, each to hide or let in."""
    waiting = moderation.latest(seen.room, MOST, waiting=True)
    if waiting:
        st.markdown(f"**{moderation.count_waiting(seen.room)} behind the veil**")
        _tiles(seen, waiting)
    newest = moderation.latest(seen.room, MOST)
    for heading, on_wall in (
        ("The newest", True),
        # cleared, or of an earlier round, even where they came only now
        ("No longer on the wall, but among the results", False),
    ):
        if shown := [one for one in newest if one.on_wall == on_wall]:
            st.markdown(f"**{heading}**")
            _tiles(seen, shown)


def _tiles(seen: Overview, shown: list[Shown]) -> None:
    code = seen.room.code
    for start in range(0, len(shown), COLUMNS):
        row = st.columns(COLUMNS)
        for column, one in zip(row, shown[start : start + COLUMNS], strict=False):
            with column:
                st.html(_tile(one))
                if one.waits:
                    st.button("Let in", key=f"let-in-{one.entry}", width="stretch",
                              on_click=attempt, args=[host.let_in, code, one.entry])  # fmt: skip
                word = "Show" if one.hidden else "Hide"
                st.button(word, key=f"hide-{one.entry}-{one.waits}", width="stretch",
                          on_click=attempt,
                          args=[host.hide, code, one.entry, not one.hidden])  # fmt: skip


def _tile(one: Shown) -> str:
    read = "/".join("–" if digit is None else str(digit) for digit in one.read.values())
    return (
        f'<div class="room-tile{" room-hidden" if one.hidden else ""}">'
        f'<img src="{_picture(one)}" alt="A drawing">'
        f"<small>{html.escape(one.name)} {read}</small></div>"
    )


def phones(seen: Overview) -> None:
    """The phones, each to mute: of many the newest, the others by their names."""
    with st.expander("Phones that have joined"):  # another label would close it
        st.caption(words.count(len(seen.members), "phone"))
        found = seen.members
        if len(found) > MOST_PHONES:
            wanted = st.text_input("Find a phone by its name", key="room-find").strip().lower()
            found = [row for row in found if wanted in row.name.lower()]
        if (more := len(found) - MOST_PHONES) > 0:
            st.caption(f"The newest {MOST_PHONES}; {more:,} more are found by their names.")
        for row in found[-MOST_PHONES:]:
            name, button = st.columns([3, 1], vertical_alignment="center")
            name.markdown(row.name + (" *(muted)*" if row.muted else ""))
            button.button(
                "Unmute" if row.muted else "Mute", key=f"mute-{row.id}",
                on_click=attempt, args=[host.mute, seen.room.code, row.id, not row.muted],
                help="Hides all that this phone drew and will draw in this room.",
            )  # fmt: skip


def _picture(one: Shown) -> str:
    """Return a drawing as an address of its own: Streamlit lets no SVG into HTML."""
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        '<rect width="100" height="100"/><path d="'
        f'{one.path}" stroke-width="{one.width}" fill="none" stroke="#fff" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
    return f"data:image/svg+xml,{quote(picture)}"
