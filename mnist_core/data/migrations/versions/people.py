"""Writers and their drawings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "people"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "writers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(60), nullable=False, server_default=""),
        sa.Column("created_at", sa.Float(53), nullable=False),
    )
    op.create_table(
        "drawings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("client_key", sa.String(80), nullable=False, unique=True),
        sa.Column(
            "writer_id",
            sa.Integer,
            sa.ForeignKey("writers.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("strokes", sa.JSON, nullable=False),
        sa.Column("width_px", sa.Float, nullable=False),
        sa.Column("size_px", sa.Float, nullable=False),
        sa.Column("label", sa.SmallInteger, index=True),
        sa.Column("label_source", sa.String(10)),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("room_code", sa.String(20), index=True),
        sa.Column("round_id", sa.Integer, index=True),
        sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", sa.Float(53), nullable=False),
    )
