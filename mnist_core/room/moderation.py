"""What the host sees of a room: its phones, and the drawings to let in or hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mnist_core.data import people
from mnist_core.data.database import reading
from mnist_core.models import registry
from mnist_core.room import store
from mnist_core.room.store import Room, Round
from mnist_core.room.tables import entries, members
from mnist_core.room.wall import as_path


@dataclass(frozen=True)
class Overview:
    """A room at a moment."""

    room: Room
    round: Round | None  # that goes on, or was the last
    going_on: bool
    left_s: float | None  # None: until it is stopped
    present: int
    members: list[Any]  # rows with id, name, muted, seen_at
    drawn: int  # without what is hidden


def overview(code: str) -> Overview:
    """Return what goes on in a room. Raises NoSuchRoom."""
    with reading() as connection:
        room = store.find_room(connection, code, also_closed=True)
        round_ = store.latest_round(connection, room)
        drawn = connection.execute(
            sa.select(sa.func.count())
            .select_from(entries)
            .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
            .where(entries.c.room_id == room.id, people.drawings.c.hidden.is_(False))
        ).scalar_one()
        return Overview(
            room,
            round_,
            round_ is not None and not round_.ended(room),
            None if round_ is None else round_.left_s(room),
            store.present(connection, room),
            store.members_of(connection, room),
            drawn,
        )


@dataclass(frozen=True)
class Shown:
    """A drawing as the host sees it."""

    entry: int
    member: int
    name: str
    path: str  # SVG, in a square of 100 x 100
    width: float
    hidden: bool
    waits: bool  # veiled, and not let in
    on_wall: bool  # of the newest round, and not cleared; what is not is among the results
    read: dict[str, int | None]  # network -> digit


def count_waiting(room: Room) -> int:
    """Return how many drawings of a room wait behind the veil."""
    query = (
        sa.select(sa.func.count())
        .select_from(entries)
        .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
        .where(entries.c.room_id == room.id, _undecided(room))
    )
    with reading() as connection:
        return int(connection.execute(query).scalar_one())


def latest(room: Room, most: int, waiting: bool = False) -> list[Shown]:
    """Return the newest drawings of a room that wait behind the veil, or those that do not, hidden
    ones too."""
    undecided = _undecided(room)
    with reading() as connection:
        round_ = store.latest_round(connection, room)
        found = connection.execute(
            sa.select(
                entries.c.id,
                entries.c.round_id,
                entries.c.member_id,
                members.c.name,
                *(entries.c[network] for network in registry.SLOTS),
                people.drawings.c.strokes,
                people.drawings.c.size_px,
                people.drawings.c.width_px,
                people.drawings.c.hidden,
                _veiled(room).label("waits"),
            )
            .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
            .join(members, members.c.id == entries.c.member_id)
            .where(entries.c.room_id == room.id, undecided if waiting else sa.not_(undecided))
            .order_by(entries.c.id.desc())
            .limit(most)
        )
        return [
            Shown(
                row.id,
                row.member_id,
                row.name,
                hidden=row.hidden,
                waits=bool(row.waits),
                on_wall=round_ is not None
                and row.round_id == round_.id
                and row.id > round_.cleared_entry,
                read={network: getattr(row, network) for network in registry.SLOTS},
                **as_path(row.strokes, row.width_px, row.size_px),
            )
            for row in found
        ]


def _veiled(room: Room) -> sa.ColumnElement[bool]:
    return entries.c.veiled & sa.not_(entries.c.let_in) & sa.literal(room.gate)


def _undecided(room: Room) -> sa.ColumnElement[bool]:
    """Whether a drawing is veiled, and the host has neither let it in nor hidden it."""
    return _veiled(room) & people.drawings.c.hidden.is_(False)
