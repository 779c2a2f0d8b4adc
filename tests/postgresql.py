"""A PostgreSQL of the tests' own: begun when first asked for, ended with the tests."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from benchmarks.serving import free_port

_numbers: Iterator[int] = count(1)


def postgresql_address() -> str:
    """Return the address of a new, empty database; skip where PostgreSQL is not installed."""
    port = _server()
    if port is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    import psycopg

    name = f"people_{next(_numbers)}"
    address = f"postgresql://tester@127.0.0.1:{port}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{address}/{name}"


@functools.cache
def _server() -> int | None:
    """Start a server with an empty folder; return its port."""
    programs = _programs()
    if programs is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    user = _user(folder)
    port = free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    setup = [
        "-D",
        f"{folder}/data",
        "-U",
        "tester",
        "--auth=trust",
        "--no-sync",
        "--locale=C.UTF-8",
    ]
    begin = ["-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start"]
    for command in ([f"{programs}/initdb", *setup], [f"{programs}/pg_ctl", *begin]):
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    atexit.register(_stop, programs, folder, user, os.getpid())
    return port


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them out of the PATH."""
    found = shutil.which("pg_ctl")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return installed[-1].parent if installed else Path(found).parent if found else None


def _user(folder: Path) -> str | None:
    """Return who shall run it: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return "postgres"


def _stop(programs: Path, folder: Path, user: str | None, began: int) -> None:
    if os.getpid() != began:  # a forked child ends without ending its parent's server
        return
    command = [f"{programs}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop"]
    subprocess.run(command, user=user, cwd=folder, check=False, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
