"""How many drawings a second are read over HTTP: python -m benchmarks.read [--rate 150]

Clients ask `POST /api/read` at a steady rate, whether or not the answers keep up (being late counts
as waiting), over connections that stay open, each under a name of its own as phones behind one
address are. Every answer is compared with what the networks say of that very drawing. Then the rate
rises by a fifth until the 95th percentile is above the limit. The clients share the cores with the
server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import results, serving
from benchmarks.phones import BRUSH, SIZE, Line, drawings, percentiles

CLIENTS = 60
LIMIT_MS = 100  # of the 95th percentile
SEARCH_SECONDS, SEARCH_GROWTH = 15.0, 1.2
Asked = tuple[bytes, dict[str, int]]


async def client(
    port: int, number: int, asked: list[Asked], every_s: float, end: float, found: dict[str, Any]
) -> None:
    """Ask every so often until the end."""
    line = Line(port, f"client-{number:04}-of-the-benchmark")
    due = time.perf_counter() + every_s * number / CLIENTS
    turn = number
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        body, digits = asked[turn % len(asked)]
        status, said = await line.ask("POST", "/api/read", body)
        found["seconds"].append(time.perf_counter() - due)
        found["statuses"][status] += 1
        if status == 200:
            found["wrong"] += any(said[slot]["digit"] != digit for slot, digit in digits.items())
        turn += 1
        due += every_s


async def at_rate(port: int, asked: list[Asked], rate: float, seconds: float) -> dict[str, Any]:
    """Ask at this rate for so long; return what came back."""
    found: dict[str, Any] = {"seconds": [], "statuses": Counter(), "wrong": 0}
    end = time.perf_counter() + seconds
    await asyncio.gather(
        *(client(port, n, asked, CLIENTS / rate, end, found) for n in range(CLIENTS))
    )
    return {
        "rate": round(rate),
        "readings": len(found["seconds"]),
        "wrong": found["wrong"],
        "refused": {status: n for status, n in found["statuses"].items() if status != 200},
        "answer_s": percentiles(found["seconds"]),
    }


def main() -> None:
    """Ask at the rate, then look for the highest; print and keep what came back."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=150)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--no-search", action="store_true", help="leave out the highest rate")
    arguments = parser.parse_args()
    asked = [
        (json.dumps({"strokes": strokes, "width": BRUSH, "size": SIZE}).encode(), digits)
        for strokes, digits in drawings()
    ]
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = serving.own_artifacts(Path(temporary))
        with serving.serving(artifacts=artifacts) as server:
            port = int(server.url.rpartition(":")[2])
            asyncio.run(at_rate(port, asked, 20, 3))  # loads the networks
            found = asyncio.run(at_rate(port, asked, arguments.rate, arguments.seconds))
            print(json.dumps(found), flush=True)
            tried = [found]
            while not arguments.no_search and _holds(tried[-1]):
                rate = tried[-1]["rate"] * SEARCH_GROWTH
                tried.append(asyncio.run(at_rate(port, asked, rate, SEARCH_SECONDS)))
                print(json.dumps(tried[-1]), flush=True)
    held = max((one["rate"] for one in tried if _holds(one)), default=0)
    print(f"highest rate that holds: {held} readings/s")
    print(results.keep("read", {**found, "highest_rate": held, "search": tried[1:]}))


def _holds(found: dict[str, Any]) -> bool:
    slow = found["answer_s"]["p95"] * 1000 > LIMIT_MS
    return not (slow or found["wrong"] or found["refused"])


if __name__ == "__main__":
    main()
