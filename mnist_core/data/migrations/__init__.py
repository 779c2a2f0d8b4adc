"""How the database's tables came to be: one module a step, run by Alembic in order.

A step's module names itself (`revision`), the step before (`down_revision`), and has a function
`upgrade` that uses `alembic.op`. A step that has been released is never changed; what changes is
the next step. Add a step for new tables wherever in the core they are used.
"""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from mnist_core.errors import DatabaseError

_FOLDER = Path(__file__).resolve().parent


def upgrade(connection: Connection) -> None:
    """Run the steps that the database has not seen, within the connection's transaction.

    The caller keeps everyone else out. Raises DatabaseError for a database of a newer version.
    """
    steps = ScriptDirectory(str(_FOLDER), version_locations=[str(_FOLDER / "versions")])
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    if current == steps.get_current_head():
        return
    try:
        missing = list(steps.iterate_revisions("head", current or "base"))
    except (CommandError, RevisionError):
        raise DatabaseError(
            "The database was made by a newer version of this app; update the app."
        ) from None
    with Operations.context(context):
        for step in reversed(missing):
            step.module.upgrade()
            context.stamp(steps, step.revision)
