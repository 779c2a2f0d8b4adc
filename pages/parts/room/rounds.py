"""Starting and stopping rounds."""

import streamlit as st

from mnist_core.errors import RoomError
from mnist_core.room import hard_digits, host, rules
from mnist_core.room.moderation import Overview
from mnist_core.room.results import TITLES
from pages.parts.attempt import attempt
from pages.parts.stored_answers import dataset_or_reason

ABOUT = {
    rules.DRAW: "Drawings fly onto the wall with what both networks read.",
    rules.TEST: "Each phone is asked for digits; the wall counts how both networks read this room.",
    rules.FOOL: "Readable for people, not for a network; the room votes what a drawing is.",
    rules.BEAT: "Everybody reads the twenty hardest test digits against the clock.",
}
MINUTES = {"1 minute": 1, "2 minutes": 2, "3 minutes": 3, "5 minutes": 5, "Until stopped": None}


def choose_round(seen: Overview) -> None:
    """Choose a round and start it, or stop the one that goes on."""
    code = seen.room.code
    kind = st.segmented_control(
        "Round",
        list(TITLES),
        format_func=TITLES.get,
        default=rules.DRAW,
        key="room-kind",
        required=True,
        wrap=True,
    )
    st.caption(ABOUT[kind])
    st.selectbox("How long", list(MINUTES), index=2, key="room-minutes")
    start, pause, stop = st.columns(3)
    start.button(
        "Start" if not seen.going_on else "Start the next",
        key="room-start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=attempt,
        args=[_start, code, latest(seen)],
    )
    paused = seen.room.paused_at is not None
    pause.button(
        "Go on" if paused else "Pause",
        key="room-pause",
        width="stretch",
        on_click=attempt,
        args=[host.go_on if paused else host.pause, code],
    )
    stop.button(
        "Stop",
        key="room-stop",
        width="stretch",
        disabled=not seen.going_on,
        on_click=attempt,
        args=[host.stop_round, code],
    )


def latest(seen: Overview) -> int:
    """Return the id of the round that goes on, or was the last; 0: there was none."""
    return 0 if seen.round is None else seen.round.id


def _start(code: str, after: int) -> None:
    # What was chosen in the moment before the press counts, and a press that Streamlit hears
    # twice is one.
    kind, minutes = st.session_state["room-kind"], MINUTES[st.session_state["room-minutes"]]
    questions = None
    if kind == rules.BEAT:
        dataset, reason = dataset_or_reason()
        if dataset is None:
            raise RoomError(reason)
        questions = hard_digits.questions(dataset)
    host.start_round(code, kind, None if minutes is None else minutes * 60, questions, after)


def say_state(seen: Overview) -> None:
    """Say in one line what goes on."""
    here = f"{seen.present} phone{'' if seen.present == 1 else 's'} here, {seen.drawn:,} drawn"
    if seen.room.paused_at is not None:
        told = "Paused"
    elif seen.round is None:
        told = "No round yet"
    elif not seen.going_on:
        told = f"{TITLES[seen.round.kind]} is over"
    elif seen.left_s is None:
        told = f"{TITLES[seen.round.kind]}, until you stop it"
    else:
        minutes, seconds = divmod(round(seen.left_s), 60)
        told = f"{TITLES[seen.round.kind]}, {minutes}:{seconds:02} left"
    st.markdown(f"**{told}** · {here}")
