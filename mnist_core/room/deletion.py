"""Deleting what people drew, from the walls of their rooms as well."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.data.database import transaction
from mnist_core.room import ballot
from mnist_core.room.tables import entries, members, rooms, rounds, votes


def delete(ids: Collection[int]) -> int:
    """Delete drawings, whoever's they are; return how many there were."""
    gone = 0
    with transaction() as connection:
        for part in people.parts(sorted(int(one) for one in ids)):
            _show_walls_anew(
                connection, sa.select(entries.c.room_id).where(entries.c.drawing_id.in_(part))
            )
            statement = sa.delete(people.drawings).where(people.drawings.c.id.in_(part))
            gone += connection.execute(statement).rowcount
    return gone


def forget(token: str) -> int:
    """Delete who holds the token from every room, with their drawings; return how many.

    What others drew keeps only the label that the votes of the others give it.
    """
    writer = people.writers.c.token_hash == people.token_hash(token)
    mine = sa.select(people.writers.c.id).where(writer)
    with transaction() as connection:
        _show_walls_anew(
            connection, sa.select(members.c.room_id).where(members.c.writer_id.in_(mine))
        )
        voted_on = connection.execute(
            sa.select(entries.c.id, entries.c.drawing_id, rounds.c.votes_needed)
            .join(rounds, rounds.c.id == entries.c.round_id)
            .join(votes, votes.c.entry_id == entries.c.id)
            .join(members, members.c.id == votes.c.member_id)
            .where(members.c.writer_id.in_(mine))
        ).all()
        gone = connection.execute(
            sa.delete(people.drawings).where(people.drawings.c.writer_id.in_(mine))
        ).rowcount
        connection.execute(sa.delete(people.writers).where(writer))
        for entry in voted_on:
            ballot.label_by_votes(connection, *entry)
    return gone


def _show_walls_anew(connection: Connection, room_ids: sa.Select[Any]) -> None:
    """Let the walls of these rooms begin anew: what is gone for good has no news of its own."""
    # First in its transaction, as `store.changing`.
    connection.execute(
        sa.update(rooms)
        .where(rooms.c.id.in_(room_ids))
        .values(revision=rooms.c.revision + 1, reset_revision=rooms.c.revision + 1)
    )
