"""What the host does: open a room, start and stop rounds, moderate, close."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from mnist_core.data import people
from mnist_core.data.database import reading, transaction
from mnist_core.errors import NoSuchRoom, RoomError
from mnist_core.room import names, rules, store
from mnist_core.room.store import Room, Round
from mnist_core.room.tables import entries, members, rooms, rounds

LAYOUTS = ("grid", "space")
LONGEST_ROUND_S = 3600.0
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~\[\]:-]{1,120}(/[A-Za-z0-9._~/-]{0,60})?")


def open_room(host_key: str, address: str = "") -> Room:
    """Open a room with a new code for whoever holds the key; only its hash is kept.

    address: see `set_address`.
    """
    for _ in range(20):
        values: dict[str, Any] = {
            "code": names.new_code(),
            "host_hash": people.token_hash(host_key),
            "results_key": secrets.token_urlsafe(12),
            "address": checked_address(address),
            "gate": True,
            "layout": "grid",
            "revision": 1,
            "phone_revision": 1,
            "reset_revision": 0,
            "created_at": time.time(),
        }
        try:
            with transaction() as connection:
                connection.execute(sa.insert(rooms).values(**values))
                return store.find_room(connection, values["code"])
        except IntegrityError:
            continue  # the code was given to another room before
    raise RoomError("No free code was found for a room; try again.")


def room(code: str) -> Room:
    """Return a room as it is, open or closed. Raises NoSuchRoom."""
    with reading() as connection:
        return store.find_room(connection, code, also_closed=True)


def is_host(room: Room, host_key: str) -> bool:
    """Return whether the key is that of the room's host."""
    return secrets.compare_digest(room.host_hash, people.token_hash(host_key))


def open_rooms() -> list[Room]:
    """Return the rooms that are open, the newest first."""
    with reading() as connection:
        found = connection.execute(
            sa.select(rooms).where(rooms.c.closed_at.is_(None)).order_by(rooms.c.id.desc())
        )
        return [Room(**row._mapping) for row in found]


def start_round(
    code: str,
    kind: str,
    seconds: float | None,
    questions: dict[str, Any] | None = None,
    after: int | None = None,
) -> Round:
    """Start a round, and stop the one before; seconds: None for "until it is stopped".

    questions: of "beat", as `hard_digits.questions` makes them; after: the id of the latest round
    (0: there was none) as whoever asks has seen it; where that is another by now, it is left as
    it is and returned. Raises NoSuchRoom and RoomError.
    """
    if kind not in rules.KINDS:
        raise RoomError(f"{kind!r} is no round; choose one of {', '.join(rules.KINDS)}.")
    if seconds is not None and not 0 < seconds <= LONGEST_ROUND_S:
        raise RoomError("A round takes up to an hour, or goes on until it is stopped.")
    if (kind == rules.BEAT) != (questions is not None):
        raise RoomError("Only a round of reading has questions, and it needs them.")
    now = time.time()
    with transaction() as connection:
        room = store.changing(connection, code, for_phones=True)
        latest = store.latest_round(connection, room)
        if latest is not None and after not in (None, latest.id):
            return latest
        _end_pause(connection, room)
        _stop(connection, room, now)
        inserted = connection.execute(
            sa.insert(rounds)
            .values(
                room_id=room.id,
                kind=kind,
                seed=secrets.randbelow(2**31),
                votes_needed=rules.votes_needed(store.present(connection, room)),
                questions=questions,
                cleared_entry=0,
                started_at=now,
                ends_at=None if seconds is None else now + seconds,
            )
            .returning(rounds.c.id)
        )
        return store.round_of(connection, room, inserted.scalar_one())


def stop_round(code: str) -> None:
    """Stop the round that goes on."""
    with transaction() as connection:
        room = store.changing(connection, code, for_phones=True)
        _stop(connection, room, room.paused_at or time.time())  # a paused clock stands still


def _stop(connection: Connection, room: Room, now: float) -> None:
    connection.execute(
        sa.update(rounds)
        .where(
            rounds.c.room_id == room.id,
            rounds.c.stopped_at.is_(None),
            sa.or_(rounds.c.ends_at.is_(None), rounds.c.ends_at > now),
        )
        .values(stopped_at=now)
    )


def pause(code: str) -> None:
    """Let phones hold back what they draw, and the clock stand still, until `go_on`."""
    now = time.time()
    with transaction() as connection:
        paused = sa.func.coalesce(rooms.c.paused_at, now)
        store.changing(connection, code, for_phones=True, paused_at=paused)


def go_on(code: str) -> None:
    """Let a paused room go on; its round gets the time back that it was paused."""
    with transaction() as connection:
        room = store.changing(connection, code, for_phones=True)
        if room.paused_at is not None:
            _end_pause(connection, room)
            connection.execute(
                sa.update(rounds)
                .where(
                    rounds.c.room_id == room.id,
                    rounds.c.stopped_at.is_(None),
                    rounds.c.ends_at > room.paused_at,
                )
                .values(ends_at=rounds.c.ends_at + (time.time() - room.paused_at))
            )


def _end_pause(connection: Connection, room: Room) -> None:
    connection.execute(sa.update(rooms).where(rooms.c.id == room.id).values(paused_at=None))


def clear(code: str) -> None:
    """Take what was drawn so far off the wall; it stays among the results."""
    with transaction() as connection:
        room = store.changing(connection, code)
        last = sa.select(sa.func.coalesce(sa.func.max(entries.c.id), 0))
        newest = sa.select(sa.func.max(rounds.c.id)).where(rounds.c.room_id == room.id)
        connection.execute(
            sa.update(rounds)
            .where(rounds.c.id == newest.scalar_subquery())
            .values(cleared_entry=last.where(entries.c.room_id == room.id).scalar_subquery())
        )
        _reset(connection, room)


def _reset(connection: Connection, room: Room) -> None:
    connection.execute(
        sa.update(rooms).where(rooms.c.id == room.id).values(reset_revision=room.revision)
    )


def set_gate(code: str, gate: bool) -> None:
    """Veil on the wall what does not look like a digit, or show everything."""
    with transaction() as connection:
        _reset(connection, store.changing(connection, code, for_phones=True, gate=gate))


def set_layout(code: str, layout: str) -> None:
    """Lay drawings out in a "grid", or in the network's own "space"."""
    if layout not in LAYOUTS:
        raise RoomError(f"{layout!r} is no layout; use {' or '.join(LAYOUTS)}.")
    with transaction() as connection:
        store.changing(connection, code, layout=layout)


def set_address(code: str, address: str) -> None:
    """Say where phones reach the app ("http://192.168.1.5:8501"); "": where the wall does."""
    with transaction() as connection:
        store.changing(connection, code, address=checked_address(address))


def checked_address(address: str) -> str:
    """Return an address as it is kept. Raises RoomError for what is none of a web site."""
    tidy = address.strip().rstrip("/")
    if tidy and "://" not in tidy:
        tidy = f"http://{tidy}"
    if tidy and not _ADDRESS.fullmatch(tidy):
        raise RoomError(f"{address[:60]!r} is no address; it looks like http://192.168.1.5:8501.")
    return tidy


def let_in(code: str, entry_id: int) -> None:
    """Unveil a drawing."""
    with transaction() as connection:
        room = store.changing(connection, code)
        _change(connection, room, entry_id, let_in=True)


def hide(code: str, entry_id: int, hidden: bool = True) -> None:
    """Hide a drawing from the wall, from voters and from every count, or show it again."""
    with transaction() as connection:
        room = store.changing(connection, code)
        drawing = _change(connection, room, entry_id)
        connection.execute(
            sa.update(people.drawings).where(people.drawings.c.id == drawing).values(hidden=hidden)
        )


def _change(connection: Connection, room: Room, entry_id: int, **values: Any) -> int:
    """Mark an entry as changed; return its drawing's id."""
    row = connection.execute(
        sa.update(entries)
        .where(entries.c.id == entry_id, entries.c.room_id == room.id)
        .values(revision=room.revision, **values)
        .returning(entries.c.drawing_id)
    ).one_or_none()
    if row is None:
        raise RoomError("That drawing is not there any more.")
    return int(row.drawing_id)


def mute(code: str, member_id: int, muted: bool = True) -> None:
    """Hide all that a phone drew and will draw in this room; unmuted, it draws again, but what
    was hidden stays hidden."""
    with transaction() as connection:
        room = store.changing(connection, code, for_phones=True)
        connection.execute(
            sa.update(members)
            .where(members.c.id == member_id, members.c.room_id == room.id)
            .values(muted=muted)
        )
        if not muted:
            return
        of_member = (entries.c.member_id == member_id) & (entries.c.room_id == room.id)
        connection.execute(
            sa.update(people.drawings)
            .where(people.drawings.c.id.in_(sa.select(entries.c.drawing_id).where(of_member)))
            .values(hidden=True)
        )
        _reset(connection, room)  # they may be more than one message to a wall holds


def close(code: str) -> None:
    """Close a room: phones and wall end, the results stay. Closing twice is closing once."""
    now = time.time()
    with transaction() as connection:
        room = store.changing(
            connection,
            code,
            for_phones=True,
            closed_at=sa.func.coalesce(rooms.c.closed_at, now),
            paused_at=None,
        )
        _stop(connection, room, now)


def erase(code: str) -> int:
    """Delete a room with all that was drawn in it; return how many drawings."""
    with transaction() as connection:
        row = connection.execute(
            sa.select(rooms.c.id).where(rooms.c.code == names.tidy_code(code))
        ).one_or_none()
        if row is None:
            raise NoSuchRoom(f"There is no room {names.tidy_code(code)!r}.")
        drawn = sa.select(entries.c.drawing_id).where(entries.c.room_id == row.id)
        gone = connection.execute(
            sa.delete(people.drawings).where(people.drawings.c.id.in_(drawn))
        ).rowcount
        connection.execute(sa.delete(rooms).where(rooms.c.id == row.id))
    return gone
