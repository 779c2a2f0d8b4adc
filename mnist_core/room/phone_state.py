"""What a phone is told: where the room is, what is asked of it, what it has to show for itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from mnist_core.data.database import reading
from mnist_core.room import rules, scores, store
from mnist_core.room.store import Room, Round


def of_everyone(connection: Connection, room: Room) -> dict[str, Any]:
    """Return what all phones of a room are told: {"room", "round"}."""
    round_ = store.latest_round(connection, room)
    return {
        "room": {
            "code": room.code,
            "paused": room.paused_at is not None,
            "closed": room.closed_at is not None,
            "gate": room.gate,  # what looks like no digit waits for the host
        },
        "round": None if round_ is None else _round(connection, room, round_),
    }


def _round(connection: Connection, room: Room, round_: Round) -> dict[str, Any]:
    left_s = round_.left_s(room)
    return {
        "id": round_.id,
        "number": store.number_of(connection, round_),
        "kind": round_.kind,
        "seed": round_.seed,
        "over": round_.ended(room),
        "left_ms": None if left_s is None else round(left_s * 1000),
    }


def for_member(common: dict[str, Any], member_id: int) -> dict[str, Any]:
    """Return it as one member is told: with the digits to draw, without how they are drawn lots."""
    if common["round"] is None:
        return common
    told = {key: value for key, value in common["round"].items() if key != "seed"}
    if told["kind"] == rules.TEST:
        seed = common["round"]["seed"]
        told["digits"] = [rules.asked_digit(seed, member_id, n) for n in range(rules.TASKS)]
    return common | {"round": told}


def state(code: str, token: str) -> dict[str, Any]:
    """Return {"room", "round", "me", "score"}. Raises NoSuchRoom, NotAMember."""
    with reading() as connection:
        room = store.find_room(connection, code)
        member = store.member_of(connection, room, token)
        round_ = store.latest_round(connection, room)
        told = for_member(of_everyone(connection, room), member.id)
        told["me"] = {"name": member.name}
        told["score"] = scores.own_score(connection, room, round_, member) if round_ else {}
        return told


def pixels(code: str, token: str, round_id: int) -> list[str]:
    """Return the pictures to read in a round of "Beat it": base64 of 28 * 28 bytes each.

    Raises NoSuchRoom, NotAMember, NotNow.
    """
    with reading() as connection:
        room = store.find_room(connection, code)
        store.member_of(connection, room, token)
        round_ = store.round_of(connection, room, round_id)
        return list((round_.questions or {"pixels": []})["pixels"])
