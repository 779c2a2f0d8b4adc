"""Rooms, their rounds and members, and what is drawn, voted and read in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "rooms"
down_revision = "people"


def _of(column: str, table: str, **options: bool) -> sa.Column[int]:
    key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(column, sa.Integer, key, nullable=False, **options)  # type: ignore[arg-type]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(20), nullable=False, unique=True),
        sa.Column("host_hash", sa.String(64), nullable=False),
        sa.Column("results_key", sa.String(40), nullable=False, unique=True),
        sa.Column(
            "address", sa.String(200), nullable=False
        ),  # that phones reach; "": the wall's own
        sa.Column("gate", sa.Boolean, nullable=False),
        sa.Column("layout", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("phone_revision", sa.Integer, nullable=False),
        sa.Column("reset_revision", sa.Integer, nullable=False),
        sa.Column("paused_at", sa.Float(53)),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("closed_at", sa.Float(53)),
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("room_id", "rooms", index=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("votes_needed", sa.SmallInteger, nullable=False),
        sa.Column("questions", sa.JSON),
        sa.Column("cleared_entry", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("ends_at", sa.Float(53)),
        sa.Column("stopped_at", sa.Float(53)),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("room_id", "rooms"),
        _of("writer_id", "writers", index=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("muted", sa.Boolean, nullable=False),
        sa.Column("joined_at", sa.Float(53), nullable=False),
        sa.Column("seen_at", sa.Float(53), nullable=False),
        sa.UniqueConstraint("room_id", "writer_id"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("drawing_id", "drawings", unique=True),
        _of("room_id", "rooms"),
        _of("round_id", "rounds", index=True),
        _of("member_id", "members", index=True),
        sa.Column("asked", sa.SmallInteger),
        sa.Column("dense", sa.SmallInteger),
        sa.Column("cnn", sa.SmallInteger),
        sa.Column("dense_is_digit", sa.Boolean, nullable=False),
        sa.Column("cnn_is_digit", sa.Boolean, nullable=False),
        sa.Column("veiled", sa.Boolean, nullable=False),
        sa.Column("let_in", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("ix_entries_room_id_revision", "entries", ["room_id", "revision"])
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("entry_id", "entries"),
        _of("member_id", "members", index=True),
        sa.Column("digit", sa.SmallInteger, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.UniqueConstraint("entry_id", "member_id"),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("round_id", "rounds"),
        _of("member_id", "members", index=True),
        sa.Column("question", sa.SmallInteger, nullable=False),
        sa.Column("digit", sa.SmallInteger, nullable=False),
        sa.Column("in_time", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.UniqueConstraint("round_id", "member_id", "question"),
    )
