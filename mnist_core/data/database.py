"""The database of what people draw: one engine per address and process, whole transactions.

SQLite in `artifacts/people.db` where nothing else is named; the environment variable
MNIST_DATABASE_URL names PostgreSQL (or another SQLite file) instead, which is what several
machines share. Tables belong to `metadata`, wherever they are defined; how they came to be is in
`migrations`, one module a step.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mnist_core.errors import DatabaseError
from mnist_core.files import brief
from mnist_core.models import registry

DATABASE_FILE = "people.db"
BUSY_SECONDS = 5  # waits so long for another writer; longer, and the person waits in vain
# Who prepares a PostgreSQL database holds this lock; any number that others do not use.
_ADVISORY_LOCK = 6_213_071

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# Kept as the text that was written, by SQLite as by PostgreSQL's `json`.
Json = sa.JSON(none_as_null=True)

_engines: dict[tuple[str, int], Engine] = {}
_lock = threading.RLock()
os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.RLock()))


def database_url() -> URL:
    """Return the database's address: $MNIST_DATABASE_URL, or SQLite's file in `artifacts`.

    Raises DatabaseError for an address that names neither SQLite nor PostgreSQL.
    """
    named = os.environ.get("MNIST_DATABASE_URL")
    if not named:
        return URL.create("sqlite", database=str(registry.artifacts_dir() / DATABASE_FILE))
    try:
        url = make_url(named)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        backend = ""
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return url
    raise DatabaseError(
        "MNIST_DATABASE_URL names no database that this app knows; it looks like "
        "postgresql://user:password@host/name or sqlite:////folder/people.db."
    )


def engine() -> Engine:
    """Return the engine of the database, its tables made or brought up to date.

    One per address and process: a forked child opens connections of its own. Raises DatabaseError.
    """
    url = database_url()
    key = (url.render_as_string(hide_password=False), os.getpid())
    with _lock:
        if key not in _engines:
            made = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
            try:
                with told(url):
                    _prepare(made)
            except DatabaseError:
                made.dispose()
                raise
            _engines[key] = made
        return _engines[key]


@contextlib.contextmanager
def transaction() -> Iterator[Connection]:
    """Write in one transaction: all of it is kept, or nothing.

    SQLite lets one write at a time, from the first statement on; others wait for their turn.
    Raises DatabaseError with a sentence for whoever waits; IntegrityError goes through.
    """
    writing = engine()
    with told(writing.url), writing.begin() as connection:
        yield connection


@contextlib.contextmanager
def reading() -> Iterator[Connection]:
    """Read from one state of the database; nobody who writes is kept waiting."""
    chosen = engine()
    options: dict[str, Any] = {"reading": True}
    if chosen.dialect.name != "sqlite":  # which has no lower one
        options["isolation_level"] = "REPEATABLE READ"
    with told(chosen.url), chosen.connect() as connection:
        yield connection.execution_options(**options)


def insert_once(
    connection: Connection, table: sa.Table, rows: list[dict[str, Any]], unique: list[str]
) -> int:
    """Insert rows, but those whose unique columns are there already; return how many."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=unique)
    options = {"preserve_rowcount": True}
    return connection.execute(statement, rows, execution_options=options).rowcount


def _sqlite(url: URL) -> Engine:
    made = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(made, "connect")
    def configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions; `begin` does
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")  # safe in WAL mode, one sync less

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that first reads and then wants to write could not wait for its turn.
        is_reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")

    return made


def _postgresql(url: URL) -> Engine:
    options = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout=60s -c timezone=UTC"
    return sa.create_engine(
        url,
        connect_args={"connect_timeout": BUSY_SECONDS, "options": options},
        pool_pre_ping=True,  # a server that was restarted meanwhile is connected to anew
        pool_timeout=BUSY_SECONDS,
        pool_size=4,
        max_overflow=12,
    )


def _prepare(made: Engine) -> None:
    """Make the tables, or bring them up to date, while every other copy waits."""
    from mnist_core.data import migrations

    if made.dialect.name != "sqlite":
        with made.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            migrations.upgrade(connection)
        return
    file = _file(made.url)
    with _alone(file), made.connect() as connection:
        connection.detach()  # closed afterwards, and what is set here ends with it
        cursor = connection.connection.cursor()
        mode = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode is None or mode[0] != "wal":
            raise DatabaseError(
                f"{file.name} lies on a disk that lets only one program read it at "
                "a time; put it on a local disk, or name PostgreSQL in MNIST_DATABASE_URL."
            )
        # Or a step that makes a table anew deletes what refers to its rows.
        cursor.execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            migrations.upgrade(connection)


def _file(url: URL) -> Path:
    """Return SQLite's file, which may be named by an address of its own kind (file:/path)."""
    name = str(url.database or "").removeprefix("file:")
    if not name or ":memory:" in name:
        raise DatabaseError("A database of people's drawings needs a file of its own.")
    return Path(name)


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other processes of this machine out: not even SQLite's own lock covers its switch to
    WAL mode."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(
            f"{file.name} cannot be opened ({error.strerror or error}); "
            "let the app write into its folder."
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def told(url: URL) -> Iterator[None]:
    """Turn what a database says into one sentence that a person can act on."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise DatabaseError(_sentence(url, error.orig)) from error
    except PoolTimeout as error:
        raise DatabaseError(
            "The database is busy: all its connections are in use; try again in a moment."
        ) from error


_SQLITE = {
    "SQLITE_BUSY": "is locked by another program; try again in a moment",
    "SQLITE_LOCKED": "is locked by another program; try again in a moment",
    "SQLITE_FULL": "cannot grow because the disk is full; make room on it and try again",
    "SQLITE_READONLY": "can be read but not written; let the app write it and its folder",
    "SQLITE_CANTOPEN": "cannot be opened; let the app write into its folder",
    "SQLITE_PERM": "cannot be opened; let the app write into its folder",
    "SQLITE_NOTADB": "is no database; move the file away and a new one is made",
    "SQLITE_CORRUPT": "is damaged; restore it from a copy, or move it away and a new one is made",
    "SQLITE_IOERR": "cannot be read or written; look whether its disk is full or failing",
}
_POSTGRESQL = {
    "53100": "is full; make room on its disk and try again",
    "53300": "has no connection left; try again in a moment",
    "25006": "can be read but not written; name one that can in MNIST_DATABASE_URL",
    "55P03": "is locked by another program; try again in a moment",
    "57014": "took too long to answer; try again in a moment",
    "42501": "does not let this user write; give the user the rights to make tables",
}


def _sentence(url: URL, error: BaseException | None) -> str:
    if url.get_backend_name() == "sqlite":
        name = str(getattr(error, "sqlite_errorname", ""))
        found = next((text for start, text in _SQLITE.items() if name.startswith(start)), None)
        where = f"The database {_file(url).name}"
    else:
        state = str(getattr(error, "sqlstate", None) or "")
        found = _POSTGRESQL.get(state)
        if found is None and (not state or state[:2] in ("08", "57", "28", "3D")):
            found = "cannot be reached; start it, or look at MNIST_DATABASE_URL"
        where = f"The database {url.database} on {url.host or 'this machine'}"
    return f"{where} {found or f'refused ({brief(error)}); try again'}."
