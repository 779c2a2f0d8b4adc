"""What phones do: join, draw; how they vote and read is in `ballot`, leave for good in `deletion`.

Each is one transaction, and doing it twice is the same as once: phones send again what they do
not know to have arrived.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.data.database import transaction
from mnist_core.data.drawing import Drawing
from mnist_core.errors import MnistError, NotAMember, NotNow, RoomError
from mnist_core.models import registry
from mnist_core.room import names, rules, store
from mnist_core.room.store import Member, Room, Round
from mnist_core.room.tables import entries, members, readings, votes

MOST_MEMBERS = 1000  # in a room at once
MOST_TASKS = 1000
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,64}")


@dataclass(frozen=True)
class Sent:
    """A drawing as a phone sends it."""

    key: str  # the phone's own, up to 40 characters; the same twice is one drawing
    round_id: int
    task: int | None  # which of the digits that it is asked for, from 0
    strokes: Sequence[Sequence[Sequence[float]]]
    width_px: float
    size_px: float


def join(code: str, token: str) -> Member:
    """Let whoever holds the token into a room; who is in stays as they are.

    The token is the phone's own: 22 letters and digits or more, drawn at random. Raises
    NoSuchRoom, NotAMember for a token that is none, and RoomError in a full room.
    """
    if not _TOKEN.fullmatch(token):
        raise NotAMember("That is no token of a phone; open the room's address anew.")
    with transaction() as connection:
        room = store.find_room(connection, code)
        try:
            return store.member_of(connection, room, token)
        except NotAMember:
            room = store.changing(connection, code)
        now = time.time()
        there = store.members_of(connection, room)
        if len(there) >= MOST_MEMBERS:
            there = _make_place(connection, room, now)
        name = names.new_name({row.name for row in there})
        connection.execute(
            sa.insert(members).values(
                room_id=room.id,
                writer_id=people.writer_of(connection, token, name),
                name=name,
                muted=False,
                joined_at=now,
                seen_at=now,
            )
        )
        return store.member_of(connection, room, token)


def _make_place(connection: Connection, room: Room, now: float) -> list[Any]:
    """Strike out who is gone and has left nothing; return who remains.

    A script joins a thousand times in a minute: who is gone or muted takes nobody's place. Raises
    RoomError where as many as a room holds are here.
    """
    left_something = [
        sa.exists().where(table.c.member_id == members.c.id) for table in (entries, votes, readings)
    ]
    gone = members.c.seen_at <= now - store.PRESENT_S
    connection.execute(
        sa.delete(members).where(
            members.c.room_id == room.id, gone, sa.not_(sa.or_(*left_something))
        )
    )
    there = store.members_of(connection, room)
    here = [row for row in there if row.seen_at > now - store.PRESENT_S and not row.muted]
    if len(here) >= MOST_MEMBERS:
        raise RoomError(f"The room is full: {MOST_MEMBERS:,} phones are in it.")
    return there


def rename(code: str, token: str) -> str:
    """Roll another name for a member; return it. Raises NoSuchRoom, NotAMember."""
    with transaction() as connection:
        room = store.changing(connection, code)
        member = store.member_of(connection, room, token)
        name = names.new_name({row.name for row in store.members_of(connection, room)})
        connection.execute(sa.update(members).where(members.c.id == member.id).values(name=name))
        connection.execute(
            sa.update(entries)
            .where(entries.c.member_id == member.id)
            .values(revision=room.revision)
        )
        people.writer_of(connection, token, name)
        return name


def draw(code: str, token: str, sent: Sent, answers: dict[str, dict[str, Any]]) -> int:
    """Keep a drawing with what the networks said of it; return the number of its entry.

    One that comes after its round is kept in that round all the same. answers: network ->
    {"model", "digit", "confidence", "probabilities", "is_digit"}, worked out here, not by the
    phone. Raises NoSuchRoom, NotAMember, NotNow, RoomPaused, RoomError, WrongDrawing.
    """
    (kept,) = draw_all(code, [Drawn(token, sent, answers)])
    if isinstance(kept, MnistError):
        raise kept
    return kept


@dataclass(frozen=True)
class Drawn:
    """A drawing on its way: who sent what, and what the networks said of it."""

    token: str
    sent: Sent
    answers: dict[str, dict[str, Any]]


def draw_all(code: str, arrived: Sequence[Drawn]) -> list[int | MnistError]:
    """Keep drawings of one room in one transaction; return what `draw` returns or raises of each.

    A full room sends a hundred a second, and a transaction costs as much as the drawings in it.
    Raises NoSuchRoom for all of them.
    """
    with transaction() as connection:
        room = store.changing(connection, code)
        senders = _senders(connection, room, {one.token for one in arrived})
        # A key is the phone's own, so nobody meets another's drawing by guessing its key.
        keys = [
            f"room/{senders[one.token].id}/{one.sent.key}" if one.token in senders else ""
            for one in arrived
        ]
        there = _entries_of(connection, keys)
        rounds: dict[int, Round | NotNow] = {}
        new: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        refused: dict[int, MnistError] = {}
        for place, (one, key) in enumerate(zip(arrived, keys, strict=True)):
            try:
                if not key:
                    raise store.not_a_member()
                if key in there or key in new:
                    continue
                store.refuse_while_paused(room)
                round_ = _round(connection, room, one.sent.round_id, rounds)
                new[key] = _rows(room, round_, senders[one.token], key, one)
            except MnistError as error:
                refused[place] = error
        there |= _enter(connection, new)
        return [refused[p] if p in refused else there[key] for p, key in enumerate(keys)]


def _senders(connection: Connection, room: Room, tokens: set[str]) -> dict[str, Any]:
    """Return the members among these tokens: rows with id, writer_id, muted."""
    hashes = {people.token_hash(token): token for token in tokens}
    found = connection.execute(
        sa.select(people.writers.c.token_hash, members.c.id, members.c.writer_id, members.c.muted)
        .join(members, members.c.writer_id == people.writers.c.id)
        .where(members.c.room_id == room.id, people.writers.c.token_hash.in_(list(hashes)))
    )
    return {hashes[row.token_hash]: row for row in found}


def _entries_of(connection: Connection, keys: list[str]) -> dict[str, int]:
    """Return the entries that are there already, by key."""
    found = connection.execute(
        sa.select(people.drawings.c.client_key, entries.c.id)
        .join(entries, entries.c.drawing_id == people.drawings.c.id)
        .where(people.drawings.c.client_key.in_(keys))
    )
    return {row.client_key: row.id for row in found}


def _round(
    connection: Connection, room: Room, round_id: int, known: dict[int, Round | NotNow]
) -> Round:
    if round_id not in known:
        try:
            known[round_id] = store.round_of(connection, room, round_id)
        except NotNow as error:
            known[round_id] = error
    found = known[round_id]
    if isinstance(found, NotNow):
        raise found
    if found.kind == rules.BEAT:
        raise RoomError("In this round there are digits to read, none to draw.")
    return found


def _rows(
    room: Room, round_: Round, member: Any, key: str, one: Drawn
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the rows of a drawing and of its entry. Raises RoomError, WrongDrawing."""
    asked = _asked(round_, member, one.sent)
    drawing = Drawing(
        client_key=key,
        strokes=one.sent.strokes,
        width_px=one.sent.width_px,
        size_px=one.sent.size_px,
        label=asked,
        label_source=None if asked is None else "asked",
        answers=one.answers,
        room_code=room.code,
        round_id=round_.id,
        hidden=member.muted,
    )
    entry = {
        "room_id": room.id,
        "round_id": round_.id,
        "member_id": member.id,
        "asked": asked,
        "veiled": not rules.looks_like_a_digit(one.answers),
        "let_in": False,
        "revision": room.revision,
        **_read(one.answers),
    }
    return people.checked_row(drawing, member.writer_id), entry


def _enter(
    connection: Connection, new: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> dict[str, int]:
    """Write drawings and their entries; return the entries by key."""
    if not new:
        return {}
    kept = people.insert_within(connection, [drawing for drawing, _ in new.values()])
    keys = {drawing_id: key for key, drawing_id in kept.items()}
    inserted = connection.execute(
        sa.insert(entries).returning(entries.c.drawing_id, entries.c.id),
        [entry | {"drawing_id": kept[key]} for key, (_, entry) in new.items()],
    )
    return {keys[row.drawing_id]: row.id for row in inserted}


def _asked(round_: Round, member: Any, sent: Sent) -> int | None:
    if round_.kind != rules.TEST:
        return None
    if sent.task is None or not 0 <= sent.task < MOST_TASKS:
        raise RoomError("In this round a drawing says which of the digits asked for it is.")
    return rules.asked_digit(round_.seed, member.id, sent.task)


def _read(answers: rules.Answers) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for network in registry.SLOTS:
        answer = answers.get(network)
        columns[network] = None if answer is None else int(answer["digit"])
        columns[f"{network}_is_digit"] = answer is not None and bool(answer["is_digit"])
    return columns
