"""Rooms, rounds and members as they are kept, and what every change of them begins with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.data.database import transaction
from mnist_core.errors import NoSuchRoom, NotAMember, NotNow, RoomPaused
from mnist_core.room import names
from mnist_core.room.tables import members, rooms, rounds

PRESENT_S = 45.0  # who was heard of in this time is in the room


@dataclass(frozen=True)
class Room:
    """A room. Times are seconds since 1970, by the server's clock."""

    id: int
    code: str
    host_hash: str
    results_key: str
    address: str
    gate: bool
    layout: str
    revision: int
    phone_revision: int
    reset_revision: int
    paused_at: float | None
    created_at: float
    closed_at: float | None


@dataclass(frozen=True)
class Round:
    """A round of a room; `kind` is one of rules.KINDS."""

    id: int
    room_id: int
    kind: str
    seed: int
    votes_needed: int
    questions: dict[str, Any] | None
    cleared_entry: int
    started_at: float
    ends_at: float | None
    stopped_at: float | None

    @property
    def last_moment(self) -> float | None:
        """Return when it ends or has ended; None: when it is stopped."""
        return min((t for t in (self.ends_at, self.stopped_at) if t is not None), default=None)

    def ended(self, room: Room, now: float | None = None) -> bool:
        """Return whether it is over. A paused room's clock stands still."""
        if self.stopped_at is not None or room.closed_at is not None:
            return True
        moment = room.paused_at or (time.time() if now is None else now)
        return self.ends_at is not None and self.ends_at <= moment

    def left_s(self, room: Room, now: float | None = None) -> float | None:
        """Return the seconds that are left; None: until it is stopped."""
        if self.ended(room, now):
            return 0.0
        moment = room.paused_at or (time.time() if now is None else now)
        return None if self.ends_at is None else max(0.0, self.ends_at - moment)


@dataclass(frozen=True)
class Member:
    """A phone in a room."""

    id: int
    name: str


def find_room(connection: Connection, code: str, also_closed: bool = False) -> Room:
    """Return the room of a code, as people type it. Raises NoSuchRoom."""
    row = connection.execute(
        sa.select(rooms).where(rooms.c.code == names.tidy_code(code))
    ).one_or_none()
    return _open(row, code, also_closed)


def changing(connection: Connection, code: str, for_phones: bool = False, **values: Any) -> Room:
    """Begin to change a room: raise its revision and return it as it is from now on.

    Whoever else changes it waits until this transaction is over. for_phones: phones have to know
    at once; values: columns to set. Raises NoSuchRoom, also for a closed room.
    """
    raised: dict[str, Any] = {"revision": rooms.c.revision + 1, **values}
    if for_phones:
        raised["phone_revision"] = rooms.c.phone_revision + 1
    row = connection.execute(
        sa.update(rooms)
        .where(rooms.c.code == names.tidy_code(code))
        .values(**raised)
        .returning(*rooms.c)
    ).one_or_none()
    return _open(row, code, also_closed="closed_at" in values)


def _open(row: Any, code: str, also_closed: bool) -> Room:
    if row is None:
        raise NoSuchRoom(
            f"There is no room {names.tidy_code(code)!r}; look at the four letters on the wall."
        )
    if row.closed_at is not None and not also_closed:
        raise NoSuchRoom(f"The room {row.code} is closed; ask its host for the results.")
    return Room(**row._mapping)


def latest_round(connection: Connection, room: Room) -> Round | None:
    """Return the round that goes on, or the last one that did."""
    row = connection.execute(
        sa.select(rounds).where(rounds.c.room_id == room.id).order_by(rounds.c.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else Round(**row._mapping)


def round_of(connection: Connection, room: Room, round_id: int) -> Round:
    """Return a round of this room, going on or over. Raises NotNow where it has none such."""
    row = connection.execute(
        sa.select(rounds).where(rounds.c.id == round_id, rounds.c.room_id == room.id)
    ).one_or_none()
    if row is None:
        raise NotNow("This room has no such round; wait for the next one.")
    return Round(**row._mapping)


def number_of(connection: Connection, round_: Round) -> int:
    """Return which round of its room it is, from 1."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(rounds)
        .where(rounds.c.room_id == round_.room_id, rounds.c.id <= round_.id)
    ).scalar_one()


def member_of(connection: Connection, room: Room, token: str) -> Member:
    """Return who holds this token in this room. Raises NotAMember."""
    row = connection.execute(
        sa.select(members.c.id, members.c.name)
        .join(people.writers, people.writers.c.id == members.c.writer_id)
        .where(
            people.writers.c.token_hash == people.token_hash(token),
            members.c.room_id == room.id,
        )
    ).one_or_none()
    if row is None:
        raise not_a_member()
    return Member(**row._mapping)


def not_a_member() -> NotAMember:
    """Return the error for a token that has not joined."""
    return NotAMember("This phone has not joined this room; scan the code on the wall again.")


def refuse_while_paused(room: Room) -> None:
    """Raise RoomPaused in a paused room; what phones hold back arrives when it goes on."""
    if room.paused_at is not None:
        raise RoomPaused("The host has paused the room; your phone sends it when it goes on.")


def members_of(connection: Connection, room: Room) -> list[Any]:
    """Return the room's members: rows with id, name, muted, seen_at; who came first is first."""
    return list(
        connection.execute(
            sa.select(members.c.id, members.c.name, members.c.muted, members.c.seen_at)
            .where(members.c.room_id == room.id)
            .order_by(members.c.id)
        )
    )


def present(connection: Connection, room: Room) -> int:
    """Return how many phones were heard of lately."""
    return connection.execute(
        sa.select(sa.func.count())
        .select_from(members)
        .where(members.c.room_id == room.id, members.c.seen_at > time.time() - PRESENT_S)
    ).scalar_one()


def seen(member_ids: list[int]) -> None:
    """Note that these phones are here."""
    with transaction() as connection:
        connection.execute(
            sa.update(members).where(members.c.id.in_(member_ids)).values(seen_at=time.time())
        )
