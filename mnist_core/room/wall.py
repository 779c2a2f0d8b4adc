"""What the wall shows: all of it at first, then what has changed since."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data import people
from mnist_core.data.database import reading
from mnist_core.data.mnist import judged_by_mnist
from mnist_core.errors import ModelError
from mnist_core.models import registry
from mnist_core.room import rules, scores, store
from mnist_core.room.store import Room, Round
from mnist_core.room.tables import entries, members, readings

MOST_AT_ONCE = 120  # drawings in one message; the foremost, a wall shows no more
MOST_CURIOSITIES = 12


def state(code: str, since: int = 0, also_closed: bool = False) -> dict[str, Any]:
    """Return what a wall has to show that has seen revision `since` (0: nothing yet).

    {"revision", "reset": forget what was shown before, "room", "round", "drawings", how many
    were "drawn" and how many of them nobody has cleared ("on_wall"), and under the kind of the
    round what it counts}. Labels and readings of "Beat it" come when it is over.
    Raises NoSuchRoom.
    """
    with reading() as connection:
        room = store.find_room(connection, code, also_closed)
        return state_of(connection, room, store.latest_round(connection, room), since)


def state_of(
    connection: Connection, room: Room, round_: Round | None, since: int = 0
) -> dict[str, Any]:
    """Return the same of a room and a round at hand."""
    shown: dict[str, Any] = {
        "revision": room.revision,
        "reset": since < room.reset_revision or since == 0,
        "room": {
            "code": room.code,
            "paused": room.paused_at is not None,
            "closed": room.closed_at is not None,
            "gate": room.gate,
            "layout": room.layout,
            "address": room.address,
            "present": store.present(connection, room),
        },
        "round": None,
        "drawings": [],
    }
    if round_ is None:
        return shown
    if shown["reset"]:
        since = 0
    left_s = round_.left_s(room)
    shown["round"] = {
        "id": round_.id,
        "number": store.number_of(connection, round_),
        "kind": round_.kind,
        "over": round_.ended(room),
        "left_ms": None if left_s is None else round(left_s * 1000),
    }
    if round_.kind == rules.BEAT:
        shown["beat"] = _beat(connection, room, round_)
        return shown
    shown["drawings"] = _drawings(connection, room, round_, since)
    shown["drawn"], shown["on_wall"] = connection.execute(
        sa.select(sa.func.count(), sa.func.count().filter(entries.c.id > round_.cleared_entry))
        .select_from(_shown())
        .where(entries.c.round_id == round_.id)
    ).one()
    if round_.kind == rules.TEST:
        shown["test"] = _test(connection, room, round_)
    if round_.kind == rules.FOOL:
        _add_votes(connection, round_, shown)
    return shown


def _shown() -> sa.FromClause:
    """Return entries that nobody has hidden; the others are in no count either."""
    on = (people.drawings.c.id == entries.c.drawing_id) & people.drawings.c.hidden.is_(False)
    return sa.join(entries, people.drawings, on)


def _drawings(
    connection: Connection, room: Room, round_: Round, since: int
) -> list[dict[str, Any]]:
    first = _fooled_most(connection, round_) if since == 0 and round_.kind == rules.FOOL else []
    found = connection.execute(
        sa.select(
            entries,
            members.c.name,
            people.drawings.c.strokes,
            people.drawings.c.size_px,
            people.drawings.c.width_px,
            people.drawings.c.answers,
            people.drawings.c.hidden,
        )
        .join(people.drawings, people.drawings.c.id == entries.c.drawing_id)
        .join(members, members.c.id == entries.c.member_id)
        .where(
            entries.c.round_id == round_.id,
            entries.c.id > round_.cleared_entry,
            entries.c.revision > since,
            entries.c.revision <= room.revision,
            *([people.drawings.c.hidden.is_(False)] if since == 0 else []),
        )
        .order_by(entries.c.id.in_(first).desc(), entries.c.id.desc())
        .limit(MOST_AT_ONCE)
    ).all()
    return [drawing(row, room) for row in sorted(found, key=lambda row: row.id)]


def _fooled_most(connection: Connection, round_: Round) -> list[int]:
    """Return which drawings stay in front of the newest: those that fooled the most networks."""
    fools = [one for one in scores.fools(connection, round_) if one[0] > round_.cleared_entry]
    ranked = sorted(fools, key=lambda one: (-one[2], -one[0]))
    return [entry for entry, *_ in ranked[:MOST_AT_ONCE]]


def unveiled(room: Room) -> sa.ColumnElement[bool]:
    """Return the condition that an entry is shown as it is, not small and blurred."""
    return sa.not_(entries.c.veiled) | entries.c.let_in | sa.literal(not room.gate)


def drawing(row: Any, room: Room) -> dict[str, Any]:
    """Return an entry, in a row with its member's name and its drawing, as a wall shows it."""
    if row.hidden:
        return {"id": row.id, "gone": True}
    return {
        "id": row.id,
        "member": row.member_id,
        "name": row.name,
        **as_path(row.strokes, row.width_px, row.size_px),
        "veiled": bool(room.gate and row.veiled and not row.let_in),
        "asked": row.asked,
        "read": {
            network: {
                "digit": answer["digit"],
                "confidence": round(answer["confidence"], 4),
                "is_digit": answer["is_digit"],
                "probabilities": [round(p, 3) for p in answer["probabilities"]],
            }
            for network, answer in row.answers.items()
        },
    }


def as_path(strokes: list[list[list[float]]], width_px: float, size_px: float) -> dict[str, Any]:
    """Return strokes as an SVG path in a square of 100 x 100, and its width: {"path", "width"}."""
    scale = 100 / size_px
    parts = []
    for stroke in strokes:
        points = [f"{x * scale:.0f} {y * scale:.0f}" for x, y, *_ in stroke]
        kept = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
        # A line of no length with round ends is a dot.
        parts.append("M" + "L".join(kept if len(kept) > 1 else kept * 2))
    return {"path": "".join(parts), "width": round(scale * width_px, 1)}


def _test(connection: Connection, room: Room, round_: Round) -> dict[str, Any]:
    counted = connection.execute(
        sa.select(
            entries.c.asked, *(entries.c[n] for n in registry.SLOTS), sa.func.count().label("many")
        )
        .select_from(_shown())
        .where(entries.c.round_id == round_.id, entries.c.asked.is_not(None))
        .group_by(entries.c.asked, *(entries.c[n] for n in registry.SLOTS))
    ).all()
    shown: dict[str, Any] = {}
    for network in registry.SLOTS:
        matrix = [[0] * 10 for _ in range(10)]
        for row in counted:
            digit = getattr(row, network)
            if digit is not None:
                matrix[row.asked][digit] += row.many
        right = sum(matrix[digit][digit] for digit in range(10))
        share = rules.Share(right, sum(map(sum, matrix)))
        shown[network] = {**share_of(share), "matrix": matrix, "mnist": _on_mnist(network)}
    shown["only_one"] = _only_one_right(connection, room, round_)
    return shown


def share_of(share: rules.Share) -> dict[str, Any]:
    """Return a share as a wall shows it."""
    low, high = share.interval
    return {"right": share.right, "of": share.of, "share": share.share, "interval": [low, high]}


def _on_mnist(network: str) -> float | None:
    """Return the accuracy on MNIST's test images of the model that answers as this network."""
    try:
        card = registry.load_card(registry.active()[network])
    except ModelError:
        return None
    found = card.get("test_accuracy")
    return float(found) if isinstance(found, int | float) and judged_by_mnist(card) else None


def _only_one_right(connection: Connection, room: Room, round_: Round) -> list[dict[str, Any]]:
    dense, cnn, asked = entries.c.dense, entries.c.cnn, entries.c.asked
    found = connection.execute(
        sa.select(
            entries.c.id,
            asked,
            dense,
            cnn,
            people.drawings.c.strokes,
            people.drawings.c.size_px,
            people.drawings.c.width_px,
        )
        .select_from(_shown())
        .where(
            entries.c.round_id == round_.id,
            entries.c.id > round_.cleared_entry,
            ((dense == asked) & (cnn != asked)) | ((dense != asked) & (cnn == asked)),
            unveiled(room),
        )
        .order_by(entries.c.id.desc())
        .limit(MOST_CURIOSITIES)
    )
    return [
        {
            "id": row.id,
            "asked": row.asked,
            "dense": row.dense,
            "cnn": row.cnn,
            **as_path(row.strokes, row.width_px, row.size_px),
        }
        for row in found
    ]


def _add_votes(connection: Connection, round_: Round, shown: dict[str, Any]) -> None:
    said = scores.said_of(connection, round_)
    for drawing in shown["drawings"]:
        if "gone" in drawing:
            continue
        counts = said.get(drawing["id"])
        verdict = rules.verdict(counts.elements(), round_.votes_needed) if counts else None
        drawing["votes"] = dict(counts or {})
        drawing["verdict"] = verdict
        drawing["fooled"] = rules.fooled(drawing["read"], verdict)
    points = scores.fool_points(connection, round_)
    names = {row.id: row.name for row in connection.execute(
        sa.select(members.c.id, members.c.name).where(members.c.room_id == round_.room_id)
    )}  # fmt: skip
    shown["fool"] = {
        "needed": round_.votes_needed,
        "votes": sum(counts.total() for counts in said.values()),
        "board": [
            {"member": member, "name": names[member], "points": score}
            for member, score in rules.board(points)
            if member in names
        ],
    }


def _beat(connection: Connection, room: Room, round_: Round) -> dict[str, Any]:
    questions = round_.questions or {"labels": []}
    found = connection.execute(
        sa.select(readings.c.member_id, readings.c.question, readings.c.digit).where(
            readings.c.round_id == round_.id, readings.c.in_time.is_(True)
        )
    ).all()
    by_member: dict[int, int] = {}
    for row in found:
        by_member[row.member_id] = by_member.get(row.member_id, 0) + 1
    shown: dict[str, Any] = {
        "questions": len(questions["labels"]),
        "readings": len(found),
        "readers": len(by_member),
        "finished": sum(n == len(questions["labels"]) for n in by_member.values()),
    }
    if not round_.ended(room):
        return shown
    labels = questions["labels"]
    networks = {network: questions[network] for network in registry.SLOTS}
    contest = rules.contest(labels, networks, [(row.question, row.digit) for row in found])
    shown |= {
        "source": questions["source"],
        "labels": labels,
        "pixels": questions["pixels"],
        "said": contest.said,
        "people": share_of(contest.people),
        "room": share_of(contest.room),
        "networks": {
            network: {**share_of(contest.networks[network]), "digits": digits}
            for network, digits in networks.items()
        },
    }
    return shown
