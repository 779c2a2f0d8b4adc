"""The collection of what people drew, and who drew it, in the database.

A writer is whoever holds a secret token (a browser, a phone); only its hash is kept, so whoever
holds the token can take drawings back, and nobody else can find out whose they are.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from mnist_core.data.database import Json, insert_once, metadata, reading, transaction
from mnist_core.data.drawing import Drawing, check_drawing, check_label, checked_strokes

_AT_ONCE = 500  # values in one statement; SQLite's and PostgreSQL's limits are above

writers = sa.Table(
    "writers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(60), nullable=False, server_default=""),
    sa.Column("created_at", sa.Float(53), nullable=False),
)
drawings = sa.Table(
    "drawings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("client_key", sa.String(80), nullable=False, unique=True),
    sa.Column(
        "writer_id",
        sa.ForeignKey("writers.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("strokes", Json, nullable=False),
    sa.Column("width_px", sa.Float, nullable=False),
    sa.Column("size_px", sa.Float, nullable=False),
    sa.Column("label", sa.SmallInteger, index=True),
    sa.Column("label_source", sa.String(10)),
    sa.Column("answers", Json, nullable=False),
    sa.Column("room_code", sa.String(20), index=True),
    sa.Column("round_id", sa.Integer, index=True),
    sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.Float(53), nullable=False),
    sqlite_autoincrement=True,  # an id that is gone never comes again, as on PostgreSQL
)


def new_token() -> str:
    """Return a secret for a writer to keep."""
    return secrets.token_urlsafe(18)


def token_hash(token: str) -> str:
    """Return what is kept of a token: SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def writer_of(connection: Connection, token: str, name: str = "") -> int:
    """Return the id of the writer who holds the token, made where there is none.

    A name is kept where one is given (60 characters of it).
    """
    return _writer(connection, token_hash(token), name)


def _writer(connection: Connection, hashed: str, name: str = "") -> int:
    values = {"token_hash": hashed, "name": name[:60], "created_at": time.time()}
    insert_once(connection, writers, [values], ["token_hash"])
    found = writers.c.token_hash == hashed
    if name:
        connection.execute(sa.update(writers).where(found).values(name=name[:60]))
    return connection.execute(sa.select(writers.c.id).where(found)).scalar_one()


def add(drawing: Drawing, token: str, name: str = "") -> int:
    """Keep a drawing of the writer who holds the token; return its id.

    A second drawing with the same client key is the first one: its id comes back, it stays as
    it is. Raises WrongDrawing for a wrong label or impossible strokes, and DatabaseError.
    """
    with transaction() as connection:
        return add_within(connection, drawing, token, name)


def add_within(connection: Connection, drawing: Drawing, token: str, name: str = "") -> int:
    """Do what `add` does, as a part of the caller's transaction."""
    values = checked_row(drawing, writer_of(connection, token, name))
    insert_once(connection, drawings, [values], ["client_key"])
    found = sa.select(drawings.c.id).where(drawings.c.client_key == drawing.client_key)
    return connection.execute(found).scalar_one()


def insert_within(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Keep the rows that `checked_row` made, as a part of the caller's transaction.

    Return the id of each by its client key; none of these keys may be there already.
    """
    if not rows:
        return {}
    inserted = connection.execute(
        sa.insert(drawings).returning(drawings.c.client_key, drawings.c.id), list(rows)
    )
    return {row.client_key: row.id for row in inserted}


def checked_row(drawing: Drawing, writer_id: int) -> dict[str, Any]:
    """Return a drawing as its row in the database. Raises WrongDrawing for what `add` refuses."""
    check_drawing(drawing)
    return {
        "client_key": drawing.client_key,
        "writer_id": writer_id,
        "strokes": checked_strokes(drawing.strokes),
        "width_px": float(drawing.width_px),
        "size_px": float(drawing.size_px),
        "label": drawing.label,
        "label_source": drawing.label_source,
        "answers": drawing.answers,
        "room_code": drawing.room_code,
        "round_id": drawing.round_id,
        "hidden": drawing.hidden,
        "created_at": drawing.created_at or time.time(),
    }


def set_label(
    drawing_id: int, label: int | None, source: str | None, token: str | None = None
) -> bool:
    """Say what a drawing is (None: nobody knows); return whether there was one to say it of.

    With a token, only a drawing of the writer who holds it.
    """
    check_label(label, source)
    statement = sa.update(drawings).where(drawings.c.id == int(drawing_id), *_of_writer(token))
    with transaction() as connection:
        return connection.execute(statement.values(label=label, label_source=source)).rowcount > 0


def take_back(drawing_id: int, token: str) -> bool:
    """Delete a drawing of the writer who holds the token; return whether there was one."""
    statement = sa.delete(drawings).where(drawings.c.id == int(drawing_id), *_of_writer(token))
    with transaction() as connection:
        return connection.execute(statement).rowcount > 0


def _of_writer(token: str | None) -> list[sa.ColumnElement[bool]]:
    if token is None:
        return []
    mine = sa.select(writers.c.id).where(writers.c.token_hash == token_hash(token))
    return [drawings.c.writer_id.in_(mine)]


def parts(values: Sequence[Any]) -> list[Sequence[Any]]:
    """Return the values in parts that one statement can take."""
    return [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]


def listed(
    *,
    labelled: bool | None = None,
    hidden: bool | None = False,
    room_code: str | None = None,
    round_id: int | None = None,
    token: str | None = None,
    ids: Collection[int] | None = None,
) -> list[Drawing]:
    """Return the drawings that fit, oldest first.

    labelled, hidden: only those that are (True), that are not (False), or all (None); room_code,
    round_id: only of that room or round; token: only of the writer who holds it.
    """
    conditions = _of_writer(token)
    if labelled is not None:
        conditions.append(drawings.c.label.is_not(None) if labelled else drawings.c.label.is_(None))
    if hidden is not None:
        conditions.append(drawings.c.hidden.is_(hidden))
    if room_code is not None:
        conditions.append(drawings.c.room_code == room_code)
    if round_id is not None:
        conditions.append(drawings.c.round_id == round_id)
    if ids is not None:
        conditions.append(drawings.c.id.in_([int(one) for one in ids]))
    with reading() as connection:
        found = connection.execute(sa.select(drawings).where(*conditions).order_by(drawings.c.id))
        return [Drawing(**row) for row in found.mappings()]


def state() -> str:
    """Return a digest of the labelled drawings that nobody has hidden: which, and their labels."""
    # Cheap to ask, since a page asks at every look: the database writes them as one text, in an
    # order of its own.
    one, label = (sa.cast(column, sa.String) for column in (drawings.c.id, drawings.c.label))
    told = sa.func.aggregate_strings(one + " " + label + " " + drawings.c.label_source, "\n")
    shown = sa.select(told).where(drawings.c.label.is_not(None), drawings.c.hidden.is_(False))
    with reading() as connection:
        return hashlib.sha256((connection.execute(shown).scalar() or "").encode()).hexdigest()


def add_all(found: Sequence[tuple[Drawing, str]]) -> int:
    """Keep drawings, each with the hash of its writer's token; return how many were new.

    In one transaction; what is there already (by its client key) stays as it is.
    """
    with transaction() as connection:
        ids = {hashed: _writer(connection, hashed) for hashed in {h for _, h in found}}
        rows = [checked_row(drawing, ids[hashed]) for drawing, hashed in found]
        return sum(
            insert_once(connection, drawings, list(part), ["client_key"]) for part in parts(rows)
        )


def writer_hashes() -> dict[int, str]:
    """Return the token hash of each writer, by id."""
    with reading() as connection:
        rows = connection.execute(sa.select(writers.c.id, writers.c.token_hash))
        return {row.id: row.token_hash for row in rows}
