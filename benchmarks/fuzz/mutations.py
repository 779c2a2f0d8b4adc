"""Whole files made hostile: by bytes, and inside zips, gzips, PNGs, arrays and JSON.

Bytes alone rarely get past a checksum, so a container is taken apart, one part of it is made
hostile, and it is put together again with the checksums right.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

Files = dict[str, bytes]  # what is uploaded, or lies in a folder, by name
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63)
TOKENS = (
    b"\0", b"\xff\xff\xff\xff", b"\r", b"\n", b'"', b",", b"-1", b"nan", b"1e999", b"9" * 5000,
    b"[" * 20_000, b'{"a":' * 5000, b"\xed\xa0\x80", b"\xef\xbb\xbf", b"../../../x", b"PK\3\4",
    b"PK\1\2", b"PK\5\6", b"\x1f\x8b\x08", b"\x1f\x9d\x90", b"\x93NUMPY\1\0", b"IHDR", b"acTL",
    b"\xff\xd8\xff", b"RIFF", b"VP8X", b"cos\nsystem\n(S'touch canary'\ntR.", b"|O", b"<U99999999",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**6, 10**30, 2**63, -(2**63), 1e308, float("inf"),
    float("-inf"), float("nan"), "", "x", "\0", "\ud800", "9" * 5000, "../../x", "<img src=x>",
    [], {}, [[]], [None], {"": None}, [1e308] * 3, ["M"], ["M", "x", None], ["Q", 1, 2, 3],
    ["L", float("nan"), 1e300], "Lambda", "__lambda__", "os", "builtins", "keras.src.utils",
)  # fmt: skip
CELLS = (
    b"", b" 7", b"+7", b"007", b"255", b"256", b"-1", b"9" * 30, b"1.0", b"1e2", b"0x1f", b"nan",
    b'"7"', b'"', b"#", b"label", b"7 7", b"1_0", b"\0", "\u0663".encode(), "\U000e6c61".encode(),
)  # fmt: skip
MOST_BYTES = 400_000  # of one hostile part; a larger one only takes longer
_HEAD = ">HI"  # of a packed file: lengths of its name and of its content


def packed(files: Files) -> bytes:
    """Return files as one input: of each the two lengths, name and content."""
    parts = [
        struct.pack(_HEAD, len(name.encode()), len(content)) + name.encode() + content
        for name, content in files.items()
    ]
    return b"".join(parts)


def unpacked(data: bytes) -> Files:
    """Return the files of an input, as far as it is whole."""
    files, at, head = {}, 0, struct.calcsize(_HEAD)
    while at + head <= len(data):
        name, content = struct.unpack_from(_HEAD, data, at)
        middle, end = at + head + name, at + head + name + content
        if end > len(data):
            break
        files[data[at + head : middle].decode("utf-8", "replace")] = data[middle:end]
        at = end
    return files


def mutate(content: bytes, random: Random) -> bytes:
    """Return the content made hostile, inside its own format where it has one that is known."""
    inside = _inside(content)
    if inside is None or random.random() < 0.3:
        return damage(content, random)
    with contextlib.suppress(zipfile.BadZipFile, ValueError, OSError, EOFError, zlib.error,
                             struct.error, NotImplementedError, RuntimeError):  # fmt: skip
        content = inside(content, random)
    return damage(content, random) if random.random() < 0.1 else content


def _inside(content: bytes) -> Callable[[bytes, Random], bytes] | None:
    for start, change in (
        (b"PK\3\4", _in_zip),
        (b"\x1f\x8b", _in_gzip),
        (b"\x89PNG", _in_png),
        (b"\x93NUMPY", _in_array),
        (b"label,", _in_table),
        (b"pixel0,", _in_table),
        (b"{", _in_json),
        (b"[", _in_json),
    ):
        if content.startswith(start):
            return change
    return None


def damage(content: bytes, random: Random) -> bytes:
    """Return the bytes with one to four kinds of damage, whatever they mean."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4))):
        random.choice(_DAMAGES)(data, random)
    return bytes(data[:MOST_BYTES])


def _spot(data: bytearray, random: Random) -> int:
    """Return a position; the first hundred bytes, where headers are, more often than others."""
    return random.randrange(min(len(data), random.choice((100, len(data)))) + 1) if data else 0


def _flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 3, 20))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(data: bytearray, random: Random) -> None:
    del data[_spot(data, random) :]


def _drop(data: bytearray, random: Random) -> None:
    at = _spot(data, random)
    del data[at : at + random.choice((1, 4, 30, 500))]


def _repeat(data: bytearray, random: Random) -> None:
    at, length = _spot(data, random), random.choice((1, 4, 30, 500))
    block = data[at : at + length]
    data[at:at] = block * random.choice((1, 1, 2, 100))


def _move(data: bytearray, random: Random) -> None:
    first, second = _spot(data, random), _spot(data, random)
    length = random.choice((1, 4, 30, 500))
    data[second : second + length] = data[first : first + length]


def _number(data: bytearray, random: Random) -> None:
    at, size = _spot(data, random), random.choice((1, 2, 4, 8))
    value = random.choice(EXTREMES) & (256**size - 1)
    data[at : at + size] = value.to_bytes(size, random.choice(("big", "little")))


def _token(data: bytearray, random: Random) -> None:
    at, token = _spot(data, random), random.choice(TOKENS)
    data[at : at + random.choice((0, len(token)))] = token


def _noise(data: bytearray, random: Random) -> None:
    at, length = _spot(data, random), random.choice((1, 4, 30))
    data[at : at + length] = random.randbytes(length)


_DAMAGES = (_flip, _flip, _cut, _drop, _repeat, _move, _number, _number, _token, _noise)


def _in_zip(content: bytes, random: Random) -> bytes:
    """Change what one member holds, is called or is packed with; then, perhaps, the directory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    chosen = random.randrange(len(members))
    name, data = members[chosen]
    change = random.random()
    if change < 0.7:
        members[chosen] = (name, mutate(data, random))
    elif change < 0.8:
        members[chosen] = (random.choice(("../" + name, "/" + name, name[:-1], "")), data)
    elif change < 0.9:
        members.append((name, mutate(data, random)))
    else:
        del members[chosen]
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # two members of one name
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    packed = bytearray(buffer.getvalue())
    entry = packed.rfind(b"PK\1\2")
    if entry >= 0 and random.random() < 0.15:  # flags, method, CRC, sizes, offset of a member
        at = entry + random.choice((8, 10, 16, 20, 24, 28, 30, 42))
        packed[at : at + 4] = (random.choice(EXTREMES) & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(packed)


def _in_gzip(content: bytes, random: Random) -> bytes:
    return gzip.compress(mutate(gzip.decompress(content), random), 1, mtime=0)


def _in_png(content: bytes, random: Random) -> bytes:
    """Change a chunk, or the pixels before they were packed, with the checksums right."""
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    chosen = random.randrange(len(chunks))
    kind, data = chunks[chosen]
    change = random.random()
    if kind == b"IDAT" and change < 0.5:
        chunks[chosen] = (kind, zlib.compress(damage(zlib.decompress(data), random), 1))
    elif change < 0.7:
        chunks[chosen] = (kind, damage(data, random))
    elif change < 0.85:
        kinds = (b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"gAMA", b"pHYs", b"IEND")
        chunks.insert(chosen, (random.choice(kinds), random.randbytes(random.choice((0, 8, 26)))))
    else:
        text = random.choice((b"iCCP", b"zTXt", b"iTXt"))
        packed = zlib.compress(bytes(random.choice((10, 3_000_000))), 9)
        chunks.insert(1, (text, b"a\0" + b"\1\0\0\0" * (text == b"iTXt") + b"\0" + packed))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return content[:8] + b"".join(parts)


def _in_array(content: bytes, random: Random) -> bytes:
    """Change what an array's header says: type, order or shape."""
    length = int.from_bytes(content[8:10], "little")
    kinds = ("|O", "<f8", ">i4", "<U9", "<U99999999", "|V0", "|S0", "<M8[s]", "|b1", "<c16", "?x",
             [("a", "|O")], [("a", "<i4"), ("b", "|u1")], ("<i4", (9, 9)), None)  # fmt: skip
    size = random.choice((*EXTREMES, -1, 3.5, "x", None, 30))
    shapes: tuple[Any, ...] = ((), (size,), (size, 28, 28), (size, size, size), (1,) * 70, size)
    data = content[10 + length :]
    choice = random.random()
    if choice < 0.25:
        return content[: 10 + length] + damage(data, random)
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(data),)}
    header["descr"] = random.choice(kinds) if choice < 0.6 else "|u1"
    if choice >= 0.5:
        header["shape"] = random.choice(shapes)
    if random.random() < 0.1:
        header[random.choice(("fortran_order", "extra"))] = random.choice(ODD_VALUES)
    words = repr(header).encode("utf-8", "replace") + b"\n"
    if random.random() < 0.1:
        words = b"(" * random.choice((50, 9000)) + words
    return content[:8] + (len(words) & 0xFFFF).to_bytes(2, "little") + words + data


def _in_table(content: bytes, random: Random) -> bytes:
    """Change one to three cells of a table, or leave a cell or a row out."""
    rows = [line.split(b",") for line in content.splitlines()]
    for _ in range(random.choice((1, 1, 3))):
        row = random.choice(rows)
        row[random.randrange(len(row))] = random.choice(CELLS)
    if random.random() < 0.1:
        del random.choice(rows)[-1:]
    if random.random() < 0.1:
        rows.insert(1, random.choice(rows))
    return random.choice((b"\n", b"\r\n")).join(b",".join(row) for row in rows) + b"\n"


def _in_json(content: bytes, random: Random) -> bytes:
    """Change one to three values somewhere in the tree."""
    root = [json.loads(content)]
    for _ in range(random.choice((1, 1, 3))):
        _change_below(root, random)
    words = json.dumps(root[0])
    return words.encode("utf-8", random.choice(("replace", "surrogatepass")))


def _change_below(node: Any, random: Random) -> None:
    while node:
        key = random.choice(list(node)) if isinstance(node, dict) else random.randrange(len(node))
        if isinstance(node[key], dict | list) and node[key] and random.random() < 0.85:
            node = node[key]
            continue
        change = random.random()
        if change < 0.7:
            node[key] = random.choice(ODD_VALUES)
        elif change < 0.8 and isinstance(node, dict):
            del node[key]
        elif change < 0.9 and isinstance(node, list):
            node.extend([node[key]] * random.choice((1, 30)))
        else:
            node[key] = {"a": node[key]} if random.random() < 0.5 else [node[key]]
        return
