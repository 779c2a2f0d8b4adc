"""Phones without a browser: they join a room, listen and draw as a phone's page does.

What they and the wall saw is a `Tally`; each drawing comes with what the networks say of it, so
that a swapped answer is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_core.data import people
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand
from mnist_core.ink.strokes import place
from mnist_core.models.reading import read_strokes

PORT_HOST = "127.0.0.1"
SIZE, BRUSH = 336, 18
DRAW_EVERY_S = 2.0
AGAIN_S = 0.5
HERE_EVERY_S = 15.0  # as often as a silent server says something, which a page answers
Drawing = tuple[list[list[list[float]]], dict[str, int]]  # strokes, network -> what it reads


def drawings(many: int = 40) -> list[Drawing]:
    """Return drawings by made-up hands, with what the networks say of each."""
    random = np.random.default_rng(17)
    prototypes = digit_prototypes()
    made = []
    for number in range(many):
        _, strokes = prototypes[number * 7 % len(prototypes)]
        hand = place(another_hand(strokes, random), 60.0, 60.0, 200.0)
        points = [[[round(float(x), 1), round(float(y), 1), 8 * i] for i, (x, y) in enumerate(s)]
                  for s in hand]  # fmt: skip
        arrays = [np.array([p[:2] for p in stroke]) for stroke in points]
        answers = read_strokes(arrays, BRUSH, SIZE).answers
        made.append((points, {slot: answer.digit for slot, answer in answers.items()}))
    return made


def _moved(strokes: list[list[list[float]]]) -> list[list[list[float]]]:
    """Return the same ink elsewhere on the canvas, by whole pixels, so that it reads the same."""
    x, y = secrets.randbelow(81) - 40, secrets.randbelow(81) - 40
    return [[[round(a + x, 1), round(b + y, 1), t] for a, b, t in stroke] for stroke in strokes]


class Line:
    """A connection that is kept open, without a client library: those take more processor time
    than the server."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """Return the status and the JSON that came back. Raises OSError where nothing did."""
        if self._streams is None or self._streams[0].at_eof():  # the server ends idle connections
            self._streams = await asyncio.open_connection(PORT_HOST, self.port)
        reader, writer = self._streams
        try:
            writer.write(self._request(method, path, body))
            status, headers = await _head(reader)
            content = await reader.readexactly(int(headers[b"content-length"]))
        except (OSError, asyncio.IncompleteReadError, KeyError, ValueError) as error:
            self._streams = None
            writer.close()
            raise ConnectionError from error
        return status, json.loads(content)

    def _request(self, method: str, path: str, body: bytes) -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {PORT_HOST}:{self.port}\r\n"
            f"Authorization: Bearer {self.token}\r\nX-Client: {self.token[:12]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what a stream of news says, until it ends."""
        reader, writer = await asyncio.open_connection(PORT_HOST, self.port, limit=2**22)
        try:
            writer.write(self._request("GET", path, b""))
            await _head(reader)
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    pairs = (line.split(b": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value for name, value in pairs}


@dataclass
class Tally:
    """What all phones and the wall saw."""

    answered_s: list[float] = field(default_factory=list)
    read_s: list[float] = field(default_factory=list)
    sent_at: dict[int, float] = field(default_factory=dict)  # entry -> when its phone began
    on_wall_at: dict[int, float] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # of what was answered -> token
    swapped: int = 0
    again: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, Any]:
        """Return the percentiles, and what went wrong."""
        kept = Counter(drawing.client_key.split("/")[2] for drawing in people.listed())
        wall_s = [self.on_wall_at[entry] - at for entry, at in self.sent_at.items()
                  if entry in self.on_wall_at]  # fmt: skip
        return {
            "drawings": len(self.keys),
            "answer_s": percentiles(self.answered_s),
            "wall_s": percentiles(wall_s),
            "reading_s": percentiles(self.read_s),
            "not_on_wall": len(self.sent_at) - len(wall_s),
            "lost": len(self.keys.keys() - kept.keys()),
            "doubled": sum(count > 1 for count in kept.values()),
            "swapped": self.swapped,
            "sent_again": self.again,
            "refused": {status: n for status, n in self.statuses.items() if status != 200},
        }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return median, 95th and 99th percentile and maximum."""
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3),
            "max": round(max(seconds), 3)}  # fmt: skip


class Phone:
    """One phone: joined, listening, drawing."""

    def __init__(self, port: int, code: str) -> None:
        self.token = secrets.token_urlsafe(24)
        self.code = code
        self.line = Line(port, self.token)
        self.news: list[dict[str, Any]] = []

    async def join(self) -> None:
        """Join. Raises AssertionError where that is refused."""
        status, said = await self.line.ask("POST", f"/r/{self.code}/join")
        assert status == 200, said

    async def listen(self) -> None:
        """Listen for news, and say that the phone is here."""
        await asyncio.gather(self._hear_news(), self._say_here())

    async def _say_here(self) -> None:
        line = Line(self.line.port, self.token)
        while True:
            with contextlib.suppress(OSError):
                await line.ask("POST", f"/r/{self.code}/here")
            await asyncio.sleep(HERE_EVERY_S)

    async def _hear_news(self) -> None:
        """Listen; a stream that breaks off is asked for again."""
        while True:
            try:
                async for news in self.line.events(f"/r/{self.code}/events"):
                    self.news.append(news)
            except (OSError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(AGAIN_S)

    async def draw(self, round_id: int, chosen: list[Drawing], until: float, tally: Tally) -> None:
        """Ask for a reading and send a drawing every two seconds, until the time is up."""
        await asyncio.sleep(secrets.randbelow(2000) / 1000)
        for strokes, read in itertools.cycle(chosen):
            began = time.perf_counter()
            if began >= until:
                return
            moved = _moved(strokes)
            body = json.dumps({"strokes": moved, "width": BRUSH, "size": SIZE}).encode()
            try:
                status, _ = await self.line.ask("POST", "/api/read", body)
                tally.statuses[status] += 1
                tally.read_s.append(time.perf_counter() - began)
            except OSError:
                pass  # nobody waits for a reading; the next one comes
            await asyncio.sleep(max(0.0, began + DRAW_EVERY_S / 2 - time.perf_counter()))
            await self.send(round_id, moved, read, tally)
            await asyncio.sleep(max(0.0, began + DRAW_EVERY_S - time.perf_counter()))

    async def send(self, round_id: int, strokes: Any, read: dict[str, int], tally: Tally) -> None:
        """Send a drawing until it is answered; read: network -> the digit that it must answer."""
        key = secrets.token_urlsafe(12)
        body = {"key": key, "round": round_id, "strokes": strokes, "width": BRUSH, "size": SIZE}
        content = json.dumps(body).encode()
        began = time.perf_counter()
        while True:
            try:
                status, said = await self.line.ask("POST", f"/r/{self.code}/drawings", content)
            except OSError:
                status = 0
            tally.statuses[status] += 1
            if status == 200:
                break
            tally.again += 1
            await asyncio.sleep(AGAIN_S)
        tally.answered_s.append(time.perf_counter() - began)
        tally.sent_at[said["entry"]] = began
        tally.keys[key] = self.token
        tally.swapped += any(said[slot]["digit"] != digit for slot, digit in read.items())


async def watch_wall(port: int, code: str, tally: Tally) -> None:
    """Note when each drawing arrives on the wall."""
    while True:
        try:
            async for news in Line(port, "wall" * 6).events(f"/r/{code}/wall/events"):
                now = time.perf_counter()
                for one in news["drawings"]:
                    tally.on_wall_at.setdefault(one["id"], now)
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(AGAIN_S)
