"""Ids that SQLite gives out once: a late vote may not count for another drawing."""

from __future__ import annotations

from alembic import op

revision = "lasting_ids"
down_revision = "rooms"


def upgrade() -> None:
    """Make the tables anew with AUTOINCREMENT; PostgreSQL gives no id out twice anyway."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in ("drawings", "members", "entries"):
        with op.batch_alter_table(
            table, recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass
