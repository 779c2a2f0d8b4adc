"""The tables of a room. A drawing itself is a row of `people.drawings`; `entries` says where in
which round it was drawn.

`rooms.revision` counts everything that a wall shows, and each entry carries the revision that
changed it last: who has seen revision n asks for what is newer. It is raised first in a
transaction, which on PostgreSQL locks the row until the commit, so revisions become visible in
their order. `rooms.phone_revision` counts what phones have to know at once.
"""

from __future__ import annotations

import sqlalchemy as sa

from mnist_core.data.database import Json, metadata

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(20), nullable=False, unique=True),
    sa.Column("host_hash", sa.String(64), nullable=False),
    sa.Column("results_key", sa.String(40), nullable=False, unique=True),
    sa.Column("address", sa.String(200), nullable=False),  # that phones reach; "": the wall's own
    sa.Column("gate", sa.Boolean, nullable=False),  # veil what does not look like a digit
    sa.Column("layout", sa.String(10), nullable=False),  # "grid" or "space"
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("phone_revision", sa.Integer, nullable=False),
    sa.Column("reset_revision", sa.Integer, nullable=False),  # a wall that saw less begins anew
    sa.Column("paused_at", sa.Float(53)),
    sa.Column("created_at", sa.Float(53), nullable=False),
    sa.Column("closed_at", sa.Float(53)),
)
rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room_id", sa.ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("votes_needed", sa.SmallInteger, nullable=False),
    sa.Column("questions", Json),  # of "beat": pixels, labels and the networks' digits
    sa.Column("cleared_entry", sa.Integer, nullable=False),  # the wall shows what came later
    sa.Column("started_at", sa.Float(53), nullable=False),
    sa.Column("ends_at", sa.Float(53)),  # None: until it is stopped
    sa.Column("stopped_at", sa.Float(53)),
)
members = sa.Table(
    "members",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("room_id", sa.ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    sa.Column("writer_id", sa.ForeignKey("writers.id", ondelete="CASCADE"), nullable=False,
              index=True),
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("muted", sa.Boolean, nullable=False),
    sa.Column("joined_at", sa.Float(53), nullable=False),
    sa.Column("seen_at", sa.Float(53), nullable=False),
    sa.UniqueConstraint("room_id", "writer_id"),
    sqlite_autoincrement=True,  # an id that is gone never comes again, as on PostgreSQL
)  # fmt: skip
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("drawing_id", sa.ForeignKey("drawings.id", ondelete="CASCADE"), nullable=False,
              unique=True),
    sa.Column("room_id", sa.ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    sa.Column("round_id", sa.ForeignKey("rounds.id", ondelete="CASCADE"), nullable=False,
              index=True),
    sa.Column("member_id", sa.ForeignKey("members.id", ondelete="CASCADE"), nullable=False,
              index=True),
    # What the rules count, so that a wall need not read every drawing again.
    sa.Column("asked", sa.SmallInteger),  # the digit that the phone was asked for
    sa.Column("dense", sa.SmallInteger),  # what the network read; None: it did not answer
    sa.Column("cnn", sa.SmallInteger),
    sa.Column("dense_is_digit", sa.Boolean, nullable=False),  # False: "no digit", or no answer
    sa.Column("cnn_is_digit", sa.Boolean, nullable=False),
    sa.Column("veiled", sa.Boolean, nullable=False),  # a network says that it is no digit
    sa.Column("let_in", sa.Boolean, nullable=False),  # and the host lets it in
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("ix_entries_room_id_revision", "room_id", "revision"),
    sqlite_autoincrement=True,
)  # fmt: skip
votes = sa.Table(
    "votes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("entry_id", sa.ForeignKey("entries.id", ondelete="CASCADE"), nullable=False),
    sa.Column("member_id", sa.ForeignKey("members.id", ondelete="CASCADE"), nullable=False,
              index=True),
    sa.Column("digit", sa.SmallInteger, nullable=False),
    sa.Column("created_at", sa.Float(53), nullable=False),
    sa.UniqueConstraint("entry_id", "member_id"),
)  # fmt: skip
readings = sa.Table(
    "readings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("round_id", sa.ForeignKey("rounds.id", ondelete="CASCADE"), nullable=False),
    sa.Column("member_id", sa.ForeignKey("members.id", ondelete="CASCADE"), nullable=False,
              index=True),
    sa.Column("question", sa.SmallInteger, nullable=False),
    sa.Column("digit", sa.SmallInteger, nullable=False),
    sa.Column("in_time", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Float(53), nullable=False),
    sa.UniqueConstraint("round_id", "member_id", "question"),
)  # fmt: skip
