"""How phones vote on drawings ("Fool it") and read digits ("Beat it").

Each is one transaction, and doing it twice is the same as once.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.data.database import insert_once, reading, transaction
from mnist_core.errors import NotNow, RoomError
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.room import rules, store
from mnist_core.room.store import Room, Round
from mnist_core.room.tables import entries, readings, votes


def candidate(code: str, token: str) -> dict[str, Any] | None:
    """Return a drawing of another phone to vote on, {"entry", "strokes", "size_px", "width_px"};
    None where there is none left. Raises NoSuchRoom, NotAMember, NotNow outside "Fool it".
    """
    with reading() as connection:
        room = store.find_room(connection, code)
        member = store.member_of(connection, room, token)
        round_ = _voting(connection, room)
        mine = sa.select(votes.c.entry_id).where(votes.c.member_id == member.id)
        counted = (
            sa.select(entries.c.id, sa.func.count(votes.c.id))
            .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
            .outerjoin(votes, votes.c.entry_id == entries.c.id)
            .where(
                entries.c.round_id == round_.id,
                entries.c.id > round_.cleared_entry,
                entries.c.member_id != member.id,
                entries.c.id.not_in(mine),
                people.drawings.c.hidden.is_(False),
                *([sa.not_(entries.c.veiled) | entries.c.let_in] if room.gate else []),
            )
            .group_by(entries.c.id)
        )
        chosen = rules.next_to_vote(
            [(entry, count) for entry, count in connection.execute(counted)],
            round_.votes_needed,
            store.present(connection, room),
            member.id,
        )
        if chosen is None:
            return None
        row = connection.execute(
            sa.select(
                people.drawings.c.strokes, people.drawings.c.size_px, people.drawings.c.width_px
            )
            .join(entries, entries.c.drawing_id == people.drawings.c.id)
            .where(entries.c.id == chosen)
        ).one_or_none()
        return None if row is None else {"entry": chosen, **row._mapping}


def _voting(connection: Connection, room: Room) -> Round:
    round_ = store.latest_round(connection, room)
    if round_ is None or round_.kind != rules.FOOL or round_.ended(room):
        raise NotNow("There is nothing to vote on at the moment.")
    return round_


def vote(code: str, token: str, entry_id: int, digit: int) -> None:
    """Say what another's drawing is, 0 to 9 or 10 for "not a digit"; the first vote stands.

    Raises NoSuchRoom, NotAMember, NotNow after the round, and RoomError for one's own drawing.
    """
    if digit not in range(NOT_A_DIGIT + 1) or isinstance(digit, bool):
        raise RoomError(f"A vote is 0 to 9, or {NOT_A_DIGIT} for “not a digit”.")
    with transaction() as connection:
        room = store.changing(connection, code)
        member = store.member_of(connection, room, token)
        store.refuse_while_paused(room)
        entry = connection.execute(
            sa.select(entries.c.member_id, entries.c.round_id, entries.c.drawing_id).where(
                entries.c.id == entry_id, entries.c.room_id == room.id
            )
        ).one_or_none()
        if entry is None:
            raise NotNow("That drawing is not there any more; vote on another one.")
        if entry.member_id == member.id:
            raise RoomError("Nobody votes on a drawing of their own.")
        round_ = store.round_of(connection, room, entry.round_id)
        if round_.kind != rules.FOOL or not _in_time(room, round_):
            raise NotNow("This round is over; its votes are counted.")
        values = {
            "entry_id": entry_id,
            "member_id": member.id,
            "digit": digit,
            "created_at": time.time(),
        }
        if insert_once(connection, votes, [values], ["entry_id", "member_id"]):
            _settle(connection, room, round_, entry_id, entry.drawing_id)


def _settle(
    connection: Connection, room: Room, round_: Round, entry_id: int, drawing_id: int
) -> None:
    """Let the wall show a drawing's votes, and the drawing carry what the room says it is."""
    connection.execute(
        sa.update(entries).where(entries.c.id == entry_id).values(revision=room.revision)
    )
    label_by_votes(connection, entry_id, drawing_id, round_.votes_needed)


def label_by_votes(connection: Connection, entry_id: int, drawing_id: int, needed: int) -> None:
    """Let a drawing carry what the votes on it say, unless its label comes from elsewhere."""
    said = connection.execute(sa.select(votes.c.digit).where(votes.c.entry_id == entry_id))
    label = rules.verdict(said.scalars(), needed)
    source = people.drawings.c.label_source
    connection.execute(
        sa.update(people.drawings)
        .where(people.drawings.c.id == drawing_id, source.is_(None) | (source == "voted"))
        .values(label=label, label_source=None if label is None else "voted")
    )


def read(code: str, token: str, round_id: int, question: int, digit: int) -> None:
    """Say what a hard digit is; the first reading stands, one after the round does not count.

    Raises NoSuchRoom, NotAMember, NotNow, and RoomError for what is no question or digit.
    """
    with transaction() as connection:
        room = store.changing(connection, code)
        member = store.member_of(connection, room, token)
        store.refuse_while_paused(room)
        round_ = store.round_of(connection, room, round_id)
        if round_.kind != rules.BEAT or round_.questions is None:
            raise RoomError("In this round there is nothing to read.")
        if question not in range(len(round_.questions["labels"])) or digit not in range(10):
            raise RoomError("A reading is a digit, 0 to 9, of one of the round's questions.")
        values = {
            "round_id": round_id,
            "member_id": member.id,
            "question": question,
            "digit": digit,
            "in_time": _in_time(room, round_),
            "created_at": time.time(),
        }
        insert_once(connection, readings, [values], ["round_id", "member_id", "question"])


def _in_time(room: Room, round_: Round) -> bool:
    now = time.time()
    return not round_.ended(room, now) or rules.counts_in_time(now, round_.last_moment)
