"""What phones and walls are told of points: worked out from what is kept, each time anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.models import registry
from mnist_core.room import rules
from mnist_core.room.store import Member, Room, Round
from mnist_core.room.tables import entries, readings, votes


def own_score(connection: Connection, room: Room, round_: Round, member: Member) -> dict[str, int]:
    """Return what a phone has to show for itself in a round.

    {"drawn"}, with "dense" and "cnn" (read right) in the test set, "points" and "votes" in
    "Fool it"; {"read"}, and "in_time" and "right" of these once it is over, in "Beat it".
    """
    if round_.kind == rules.BEAT:
        return _own_readings(connection, room, round_, member)
    mine = (entries.c.round_id == round_.id, entries.c.member_id == member.id)
    right = [
        sa.func.coalesce(
            sa.func.sum(sa.case((entries.c[network] == entries.c.asked, 1), else_=0)), 0
        )
        for network in registry.SLOTS
    ]
    drawn, dense, cnn = connection.execute(sa.select(sa.func.count(), *right).where(*mine)).one()
    score = {"drawn": drawn}
    if round_.kind == rules.TEST:
        score |= {"dense": dense, "cnn": cnn}
    if round_.kind == rules.FOOL:
        cast = (
            sa.select(sa.func.count())
            .select_from(votes)
            .join(entries, entries.c.id == votes.c.entry_id)
            .where(entries.c.round_id == round_.id, votes.c.member_id == member.id)
        )
        points = fool_points(connection, round_)
        score |= {"points": points[member.id], "votes": connection.execute(cast).scalar_one()}
    return score


def _own_readings(
    connection: Connection, room: Room, round_: Round, member: Member
) -> dict[str, int]:
    mine = connection.execute(
        sa.select(readings.c.question, readings.c.digit, readings.c.in_time).where(
            readings.c.round_id == round_.id, readings.c.member_id == member.id
        )
    ).all()
    score = {"read": len(mine)}
    if round_.ended(room) and round_.questions is not None:
        labels = round_.questions["labels"]
        in_time = [r for r in mine if r.in_time]
        score["in_time"] = len(in_time)
        score["right"] = sum(labels[r.question] == r.digit for r in in_time)
    return score


def fool_points(connection: Connection, round_: Round) -> Counter[int]:
    """Return each member's points: one for every network that one of their drawings fooled."""
    points: Counter[int] = Counter()
    for _, member, networks in fools(connection, round_):
        points[member] += networks
    return points


def fools(connection: Connection, round_: Round) -> list[tuple[int, int, int]]:
    """Return the drawings that fooled a network: entry, its member, how many networks."""
    fooled = []
    said = said_of(connection, round_)
    found = connection.execute(
        sa.select(
            entries.c.id,
            entries.c.member_id,
            *(entries.c[n] for n in registry.SLOTS),
            *(entries.c[f"{n}_is_digit"] for n in registry.SLOTS),
        )
        .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
        .where(entries.c.round_id == round_.id, people.drawings.c.hidden.is_(False))
    )
    for row in found:
        room_says = rules.verdict(said[row.id].elements(), round_.votes_needed)
        if networks := rules.fooled(answers_of(row), room_says):
            fooled.append((row.id, row.member_id, len(networks)))
    return fooled


def said_of(connection: Connection, round_: Round) -> dict[int, Counter[int]]:
    """Return the votes on each drawing of a round that nobody has hidden.

    Entry -> how often each digit was said.
    """
    said: dict[int, Counter[int]] = defaultdict(Counter)
    for entry, digit, count in connection.execute(
        sa.select(votes.c.entry_id, votes.c.digit, sa.func.count())
        .join(entries, entries.c.id == votes.c.entry_id)
        .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
        .where(entries.c.round_id == round_.id, people.drawings.c.hidden.is_(False))
        .group_by(votes.c.entry_id, votes.c.digit)
    ):
        said[entry][digit] = count
    return said


def answers_of(row: Any) -> dict[str, dict[str, Any]]:
    """Return what the networks said, in the form of the rules, from the columns of an entry."""
    return {
        network: {"digit": getattr(row, network), "is_digit": getattr(row, f"{network}_is_digit")}
        for network in registry.SLOTS
        if getattr(row, network) is not None
    }
