"""A room full of phones: python -m benchmarks.room [--phones 200] [--seconds 120]

Every phone has its stream of news open and does every two seconds what its page does: asks for a
reading of the ink when the pen is lifted, and a second later sends the drawing; a wall is open. No
two drawings are the same. Prints how long a drawing takes from a phone to its answer
and to the wall, and whether anything was lost, doubled or swapped: each answer is compared with
what the networks say of that very drawing, each drawing looked for in the database. Then

- what 500 phones cost that have joined and only listen,
- after what time a phone's page can be drawn on over a link of 1.6 Mbit/s and 150 ms (Chromium
  slows it down), from the tap on,
- with `--kill`: `kill -9` of the server in the middle, phones sending again what was not answered,
- with `--copies 2`: two copies of the app over one database, every other phone on the second, the
  wall on the first.

All of it, the phones too, shares this machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import secrets
import signal
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import results, serving
from mnist_core.data import people
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand
from mnist_core.ink.strokes import place
from mnist_core.models.reading import read_strokes
from mnist_core.room import host

PORT_HOST = "127.0.0.1"
SIZE, BRUSH = 336, 18
DRAW_EVERY_S = 2.0
AGAIN_S = 0.5
SLOW_LINK = {"offline": False, "latency": 150, "downloadThroughput": 200_000,
             "uploadThroughput": 200_000}  # fmt: skip
PAGES = 7
IDLE_PHONES, IDLE_SECONDS = 500, 20
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
        """Listen for news; a stream that breaks off is asked for again."""
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


async def full_room(
    copies: list[Server], phones: int, seconds: float, kill: bool = False
) -> dict[str, Any]:
    """Let phones draw for so long; return the figures."""
    code = host.open_room("key").code
    round_id = host.start_round(code, "draw", None).id
    everybody = [Phone(copies[n % len(copies)].port, code) for n in range(phones)]
    await in_turn(everybody)
    tally, chosen = Tally(), drawings()
    listening = [asyncio.create_task(phone.listen()) for phone in everybody]
    listening.append(asyncio.create_task(watch_wall(copies[0].port, code, tally)))
    await asyncio.sleep(3)
    cpu, own_s = sum(server.cpu_s() for server in copies), time.process_time()
    began = time.perf_counter()
    drawing = [
        asyncio.create_task(phone.draw(round_id, chosen[n % 40 :] + chosen[: n % 40],
                                       began + seconds, tally))
        for n, phone in enumerate(everybody)
    ]  # fmt: skip
    if kill:
        await asyncio.sleep(seconds / 2)
        await asyncio.to_thread(copies[0].kill_and_start)
    await asyncio.gather(*drawing)
    used, own_s = sum(server.cpu_s() for server in copies) - cpu, time.process_time() - own_s
    await asyncio.sleep(2)
    for task in listening:
        task.cancel()
    took = time.perf_counter() - began - 2
    return tally.figures() | {
        "phones": phones,
        "copies": len(copies),
        "seconds": seconds,
        "drawings_a_second": round(len(tally.keys) / took, 1),
        "server_cores": None if kill else round(used / took, 2),
        "clients_cores": round(own_s / took, 2),
        "server_mb": [server.mb() for server in copies],
    }


async def in_turn(everybody: list[Phone]) -> None:
    """Let everybody join, ten at a time."""
    for start in range(0, len(everybody), 10):
        await asyncio.gather(*(phone.join() for phone in everybody[start : start + 10]))


async def idle_room(server: Server) -> dict[str, Any]:
    """Let phones join and listen; return what that costs."""
    code = host.open_room("key").code
    before = server.mb()
    everybody = [Phone(server.port, code) for _ in range(IDLE_PHONES)]
    await in_turn(everybody)
    listening = [asyncio.create_task(phone.listen()) for phone in everybody]
    await asyncio.sleep(5)
    cpu, began = server.cpu_s(), time.perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    cores = (server.cpu_s() - cpu) / (time.perf_counter() - began)
    asked = time.perf_counter()
    await asyncio.to_thread(host.start_round, code, "draw", None)
    while any(not phone.news or not phone.news[-1]["round"] for phone in everybody):
        await asyncio.sleep(0.01)
    told_s = time.perf_counter() - asked
    figures = {"phones": IDLE_PHONES, "server_cores": round(cores, 3),
               "server_mb_more": server.mb() - before, "all_told_s": round(told_s, 2)}  # fmt: skip
    for task in listening:
        task.cancel()
    return figures


def slow_link(server: Server) -> dict[str, Any]:
    """Open a phone's page over a slow link, each time for the first time; return the times."""
    from benchmarks.browser import chromium

    code = host.open_room("key").code
    usable_s, loaded_kb = [], 0.0
    with chromium() as browser:
        for _ in range(PAGES):
            context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
            page = context.new_page()
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_LINK)
            page.goto(f"http://{PORT_HOST}:{server.port}/r/{code}")
            page.locator("#link", has_text=code).wait_for()
            times = "performance.getEntriesByName('usable')[0].startTime"
            usable_s.append(page.evaluate(times) / 1000)
            sizes = """performance.getEntriesByType('resource').filter((one) =>
                one.initiatorType !== 'fetch').concat(performance.getEntriesByType('navigation'))
                .reduce((sum, one) => sum + one.transferSize, 0)"""
            loaded_kb = page.evaluate(sizes) / 1000
            context.close()
    return {"usable_s": sorted(round(one, 2) for one in usable_s), "kb": round(loaded_kb, 1)}


class Server:
    """The app in an artifacts folder of its own."""

    def __init__(self, artifacts: Path) -> None:
        self.port = serving.free_port()
        self._environment = {"MNIST_ARTIFACTS": str(artifacts)}
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = serving.start(self.port, environment=self._environment)
        serving.wait_until_healthy(f"http://{PORT_HOST}:{self.port}")
        self.about = psutil.Process(self.process.pid)

    def kill_and_start(self) -> None:
        """End it as `kill -9` does, and start it again."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        time.sleep(1)
        self.start()

    def cpu_s(self) -> float:
        """Return the processor time that it has used, seconds."""
        times = self.about.cpu_times()
        return times.user + times.system

    def mb(self) -> int:
        """Return its memory in MB."""
        return round(self.about.memory_info().rss / 1e6)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--kill", action="store_true", help="kill -9 in the middle instead")
    parser.add_argument("--copies", type=int, default=1, help="of the app, over one database")
    parser.add_argument("--no-idle", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = serving.own_artifacts(Path(folder))
        os.environ["MNIST_ARTIFACTS"] = str(artifacts)
        copies = [Server(artifacts) for _ in range(chosen.copies)]
        try:
            figures = {"full": asyncio.run(
                full_room(copies, chosen.phones, chosen.seconds, chosen.kill)
            )}  # fmt: skip
            print(json.dumps(figures["full"], indent=1), flush=True)
            if not (chosen.no_idle or chosen.kill):
                figures["idle"] = asyncio.run(idle_room(copies[0]))
                print(json.dumps(figures["idle"], indent=1), flush=True)
                figures["slow_link"] = slow_link(copies[0])
                print(json.dumps(figures["slow_link"], indent=1), flush=True)
        finally:
            for server in copies:
                server.process.terminate()
                server.process.wait(20)
    name = "room-kill" if chosen.kill else f"room-{chosen.phones}"
    name += f"-copies-{chosen.copies}" if chosen.copies > 1 else ""
    print(results.keep(name, figures, "The phones share the cores with the server."))


if __name__ == "__main__":
    main()
