"""What a drawing is, said by who drew it on a phone: kept as what is said on the Draw page."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from mnist_core.data import people
from mnist_core.data.database import reading
from mnist_core.data.drawing import agreed_label
from mnist_core.errors import NotNow, RoomError
from mnist_core.room import rules, store
from mnist_core.room.tables import entries, rounds


def say(code: str, token: str, entry_id: int, said: int | Literal["right"] | None) -> int | None:
    """Keep what a member says that a drawing of their own is; return its label, 0 to 10 or None.

    said: 0 to 9, 10 for "not a digit", “right” for what both networks read, None to take it back.
    Only in "Draw anything": elsewhere the digit asked for, or the room's votes, say what it is.

    Raises NoSuchRoom, NotAMember, NotNow, RoomError, and WrongDrawing where the networks do not
    agree on what would be right.
    """
    with reading() as connection:
        room = store.find_room(connection, code)
        member = store.member_of(connection, room, token)
        drawing = connection.execute(
            sa.select(people.drawings.c.id, people.drawings.c.answers, rounds.c.kind)
            .join(entries, entries.c.drawing_id == people.drawings.c.id)
            .join(rounds, rounds.c.id == entries.c.round_id)
            .where(entries.c.id == entry_id, entries.c.member_id == member.id)
        ).one_or_none()
    if drawing is None:
        raise NotNow("That drawing of yours is not there any more; draw another one.")
    if drawing.kind != rules.DRAW:
        raise RoomError("In this round nobody says what their own drawing is.")
    read = [(answer["digit"], answer["is_digit"]) for answer in drawing.answers.values()]
    label = agreed_label(read) if said == "right" else said
    people.set_label(drawing.id, label, None if label is None else "said", token)
    return label
