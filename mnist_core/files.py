"""Files: read with suspicion, written whole or not at all.

What is read may come from outside, so sizes are known before anything is unpacked: the readers
raise ValueError in a few words for a file that is damaged or hostile, and FileNotFoundError for
one that is not there; a caller says which file it was and what to do. What is written stands
beside its place until it is whole, then is renamed into it.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import mmap
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from mnist_core.errors import ModelError

MOST_JSON_BYTES = 1_000_000
MOST_MEMBERS = 1000  # of a zip; each costs memory before any of them is read
# What NumPy writes ahead of plain numbers or text ("L" on Python 2, as in MNIST's own .npz);
# objects, which are pickles, are not in it.
_ARRAY_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufU]\d{1,4})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,12}L?, ?)*(?:\d{1,12}L?)?)\), ?\} *\n?"
)
_MAGIC = b"\x93NUMPY"
# Those of the standard library's zip reader on damaged files.
_ZIP_ERRORS = (
    OSError, EOFError, KeyError, IndexError, NotImplementedError, RuntimeError, OverflowError,
    UnicodeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def brief(why: object) -> str:
    """Return an error's first words as plain text, however odd the file that it quotes."""
    lines = str(why).strip().splitlines()
    return re.sub(r"[^\w .,:;()'=/+-]", "?", lines[0], flags=re.ASCII)[:100] if lines else ""


def parse_json(content: bytes | str) -> Any:
    """Return what JSON says; nesting that is too deep is a ValueError like every other fault."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_json_object(path: Path, most_bytes: int = MOST_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object in a file. Raises ValueError, or FileNotFoundError."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise ValueError(error.strerror or "it cannot be read") from None
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    parsed = parse_json(content)
    if not isinstance(parsed, dict):
        raise ValueError("it is no JSON object")
    return parsed


def stamp(path: Path | str) -> tuple[int, int, int] | None:
    """Return what changes whenever a file's content does; None where there is no file.

    What is written beside its place and renamed into it is another file, however fast it came.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - of thousands, and a text is twice as fast as a Path
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def finite(value: object, least: float = 0.0, most: float = 1e12) -> float | None:
    """Return the value as a float where it is a number from `least` to `most`, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if least <= value <= most else None


@contextlib.contextmanager
def opened_zip(source: Path | bytes) -> Iterator[zipfile.ZipFile]:
    """Open a zip of at most 1000 members; whatever it raises inside becomes a ValueError."""
    try:
        with contextlib.ExitStack() as stack:
            if isinstance(source, bytes):
                file: IO[bytes] = io.BytesIO(source)
                count = source.count(b"PK\1\2")
            else:
                file = stack.enter_context(source.open("rb"))
                count = _entries(file)
            if count > MOST_MEMBERS:
                raise ValueError(f"it holds more than {MOST_MEMBERS:,} files")
            archive = stack.enter_context(zipfile.ZipFile(file))
            _refuse_overlaps(archive)
            yield archive
    except FileNotFoundError:
        raise
    except _ZIP_ERRORS as error:
        # str() of a KeyError stands between quotes
        why = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise ValueError(brief(why) or type(error).__name__) from None


def _refuse_overlaps(archive: zipfile.ZipFile) -> None:
    """Raise ValueError where members share bytes: a small file that unpacks to a huge one.

    Python's own reader sees to it from 3.11.8 on.
    """
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    for member, following in pairwise(members):
        # A member has a header of 30 bytes and its name ahead of its content.
        end = member.header_offset + 30 + len(member.orig_filename) + member.compress_size
        if end > following.header_offset:
            raise ValueError("its members overlap")


def _entries(file: IO[bytes]) -> int:
    """Return how many entries a zip's directory can have at most."""
    if not file.seek(0, io.SEEK_END):
        return 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        count = at = 0
        while count <= MOST_MEMBERS and (at := content.find(b"PK\1\2", at) + 1):
            count += 1
        return count


def checked_member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> zipfile.ZipInfo:
    """Return a member that may be read: plain or deflated, and of at most so many bytes."""
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{brief(name)} is packed in an unusual way")
    if member.file_size > most_bytes:
        raise ValueError(f"{brief(name)} has more than {most_bytes:,} bytes")
    return member


def read_member(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """Return the content of a zip's member, of at most so many bytes."""
    return archive.read(checked_member(archive, name, most_bytes))


def array_names(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of an .npz file's arrays."""
    return {name.removesuffix(".npy") for name in archive.namelist()}


def read_array(archive: zipfile.ZipFile, name: str, most_bytes: int) -> np.ndarray:
    """Return an array of an .npz, read-only, of at most so many bytes.

    Only numbers and text: NumPy's own reader evaluates the header as Python's literals and takes
    memory as the header says, whatever the file holds; this one wants both to agree.
    """
    member = checked_member(archive, f"{name}.npy", most_bytes)
    with archive.open(member) as file:
        start = file.read(8)
        size_bytes = 2 if start[6:7] == b"\1" else 4
        length = int.from_bytes(file.read(size_bytes), "little")
        if start[:6] != _MAGIC or length > 10_000:
            raise ValueError(f"{name} is no array")
        header = _ARRAY_HEADER.fullmatch(file.read(length))
        if header is None:
            raise ValueError(f"{name} is no array of plain numbers or text")
        dtype = _dtype(header[1].decode(), name)
        shape = tuple(int(size.strip(b" L")) for size in header[3].split(b",") if size)
        promised = math.prod(shape) * dtype.itemsize
        held = member.file_size - 8 - size_bytes - length
        if promised != held or len(shape) > 8:
            raise ValueError(f"{name} holds {held:,} bytes but promises {promised:,}")
        content = file.read()
    if len(content) != promised:
        raise ValueError(f"{name} is cut off")
    return np.ndarray(shape, dtype, content, order="F" if header[2] == b"True" else "C")


def _dtype(name: str, array: str) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        raise ValueError(f"{array} has the unknown type {name}") from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to `path` if all went well.

    Raises ModelError where the disk refuses; what was there before is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ModelError(
            f"{path.name} could not be saved ({error.strerror or error}); "
            "what was there before is unchanged. Make room on the disk and try again."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):  # a folder that has become read-only
                temporary.unlink(missing_ok=True)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
