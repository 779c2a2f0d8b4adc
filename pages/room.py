"""A room full of people: open it, run its rounds, moderate the wall, keep the results."""

import streamlit as st

from mnist_core.data.people import new_token
from mnist_core.errors import MnistError, NoSuchRoom
from mnist_core.room import host, moderation
from mnist_core.room import results as room_results
from mnist_core.room.moderation import Overview
from mnist_core.room.results import TITLES
from mnist_core.room.store import Room
from pages.parts.attempt import attempt, show_failure
from pages.parts.base_path import base_path
from pages.parts.permission import admin_password, may_change
from pages.parts.repeated import every
from pages.parts.room import door, moderate, rounds

STYLE = """
.room-door {display: flex; gap: 1.2rem; align-items: center; overflow-wrap: anywhere;
            padding-top: .4rem}
.room-door img {width: 11rem; background: #fff; border-radius: .6rem}
.room-path {white-space: nowrap}
.room-code {font-size: 3.2rem; letter-spacing: .12em; line-height: 1.2; white-space: nowrap}
@media (max-width: 1023px) {
  .st-key-room-halves > * > .stHorizontalBlock {flex-wrap: wrap}
  .st-key-room-halves > * > .stHorizontalBlock > .stColumn {min-width: 100%}
}
.room-tile img {display: block; width: 100%; border-radius: .4rem}
.room-tile small {display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis}
.room-hidden {opacity: .25}
"""


def page() -> None:
    """The page, from top to bottom."""
    st.html(f"<style>{STYLE}</style>")
    st.title("Room")
    show_failure()
    body = st.container()
    allowed = may_change("Opening and running rooms", "open and run rooms")
    with body:
        room = mine() if allowed or admin_password() else None
        if room is None:
            invite(allowed)
        elif allowed:
            run(room)


def mine() -> Room | None:
    """Return the room of this browser: kept in its address, so that a reload finds it."""
    for name in ("room", "host"):
        if name in st.query_params:
            st.session_state[f"{name}-key"] = st.query_params[name]
    code = st.session_state.get("room-key")
    if not code:
        return None
    try:
        room = host.room(code)
    except MnistError as error:
        st.warning(str(error))
        return None
    key = st.session_state.get("host-key", "")
    if not (st.session_state.get("is_admin") or host.is_host(room, key)):
        st.warning("Another browser opened this room; only its host runs it.")
        return None
    enter(room, key)
    return room


def enter(room: Room, key: str) -> None:
    """Make a room this browser's, whatever room its address named before."""
    st.session_state["room-key"], st.session_state["host-key"] = room.code, key
    st.query_params.update({"room": room.code, "host": key})


def invite(allowed: bool) -> None:
    """Say what a room is, and open one."""
    st.markdown(
        "People scan a code with their phones, draw together and beat the networks; the wall is "
        "for the projector. No app, no account: phones get made-up names."
    )
    st.button("Open a room", key="room-open", type="primary", disabled=not allowed,
              on_click=attempt, args=[open_room])  # fmt: skip
    st.markdown("\n".join(f"- **{title}**: {rounds.ABOUT[kind]}" for kind, title in TITLES.items()))
    if allowed and st.session_state.get("is_admin"):
        try:
            rooms = host.open_rooms()
        except MnistError as error:
            st.error(str(error))
            return
        for room in rooms:
            st.button(f"Run {room.code}", key=f"run-{room.code}", on_click=enter, args=[room, ""])


def open_room() -> None:
    """Open a room for this browser."""
    key = new_token()
    enter(host.open_room(key, door.guessed_address()), key)


def run(room: Room) -> None:
    """Run an open room, or show what is left of a closed one."""
    if room.closed_at is None:
        try:
            seen = moderation.overview(room.code)
        except MnistError:  # watch says why, and redraws the page when it is over
            watch(room.code, None)
            return
        with st.container(key="room-halves"):
            entrance, stage = st.columns([2, 3], gap="large")
        with entrance:
            door.show_door(room)
        with stage:
            watch(room.code, state_of(seen))
            rounds.choose_round(seen)
            moderate.switches(seen)
        watch_drawings(room.code)
    results(room)


def state_of(seen: Overview) -> tuple[object, ...]:
    """Return what the page's buttons and switches depend on: which round, whether it goes on,
    paused, closed, veil, layout."""
    room = seen.room
    paused, closed = room.paused_at is not None, room.closed_at is not None
    return rounds.latest(seen), seen.going_on, paused, closed, room.gate, room.layout


@every(1)
def watch(code: str, shown: tuple[object, ...] | None) -> None:
    """Say what goes on, every second; what another tab or the clock has changed redraws the page.

    shown: the state that the page was drawn with; None where it could not be read.
    """
    try:
        seen = moderation.overview(code)
    except NoSuchRoom:  # erased
        st.rerun()
    except MnistError as error:  # the database is away: the next look may find it
        st.error(str(error))
        return
    rounds.say_state(seen)
    if state_of(seen) != shown:
        st.rerun()


@every(2)
def watch_drawings(code: str) -> None:
    """Show what comes in."""
    try:
        seen = moderation.overview(code)
        moderate.drawings(seen)
        moderate.phones(seen)
    except NoSuchRoom:
        st.rerun()
    except MnistError:  # `watch` says why
        return


def results(room: Room) -> None:
    """What stays: a link to share, the picture, the drawings; and the ways to end it."""
    at = f"{base_path()}/r/results/{room.results_key}"
    st.subheader("Results" if room.closed_at else "End")
    page_of, png, csv, fourth, fifth = st.columns(5)
    page_of.link_button("Results to share", at, width="stretch")
    png.link_button("Wall as PNG", f"{at}/wall.png", width="stretch")
    csv.link_button("Drawings as CSV", f"{at}/drawings.csv", width="stretch")
    if room.closed_at is None:
        with fourth.popover("Close the room", width="stretch"):
            st.caption("For everybody, and for good. The results stay.")
            st.button("Close it", key="room-close", type="primary",
                      on_click=attempt, args=[host.close, room.code])  # fmt: skip
        return
    # Where "Close the room" was, is nothing that a second press could harm.
    fourth.button("Open another", key="room-another", width="stretch", on_click=leave)
    with fifth.popover("Delete everything", width="stretch"):
        st.caption("What was drawn here, and the results, for good.")
        st.button("Delete it", key="room-erase", type="primary",
                  on_click=attempt, args=[erase, room.code])  # fmt: skip
    try:
        report = room_results.report(room)
    except MnistError as error:
        st.error(str(error))
        return
    for shown in report:
        lines = "\n".join(f"- {fact}" for fact in room_results.facts(shown))
        st.markdown(f"**{shown['round']['number']}. {shown['title']}**\n\n{lines}")


def erase(code: str) -> None:
    """Delete a closed room with all its drawings."""
    host.erase(code)
    leave()


def leave() -> None:
    """Forget this browser's room; it stays as it is."""
    for name in ("room-key", "host-key"):
        st.session_state.pop(name, None)
    st.query_params.clear()


page()
