"""What a server's memory does: python -m benchmarks.memory

Prints the resident memory with 1 and with 60 open sessions, then lets visitors draw two hours'
worth of strokes (7,200: one a second) as fast as they are answered, in visits of a hundred strokes
after each of which the visitor leaves and another comes, and prints how much memory has grown.
Streamlit keeps the last 128 visitors who left, in case they come back, so memory counts from when
so many have left. Then 1,000 visitors come, draw a stroke and leave: memory and open descriptors
before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path

import psutil

from benchmarks import results
from benchmarks.load import prepare
from benchmarks.serving import Server, own_artifacts, serving
from benchmarks.visitor import Sketch, Visitor

SESSIONS, STROKES, VISIT = 60, 7200, 100
LEFT_BEFORE, THEIR_STROKES = 140, 30  # visitors before memory counts; 24 drawings fill a strip


COME_AND_GO = 1000


def descriptors(server: Server) -> int:
    """Return how many files and connections the server holds open."""
    return int(psutil.Process(server.pid).num_fds())


def megabytes(server: Server) -> float:
    """Return the server's resident memory."""
    return psutil.Process(server.pid).memory_info().rss / 1e6


async def draw(visitor: Visitor, sketches: list[Sketch]) -> None:
    """Draw, and stop at the first answer that is not this drawing's."""
    for number, sketch in enumerate(sketches):
        if number % 4 == 0:
            await visitor.clear()
        outcome = await visitor.draw(sketch)
        if outcome.problem:
            raise SystemExit(outcome.problem)


async def with_sessions(server: Server, sketches: list[Sketch], sessions: int) -> float:
    """Return the memory while so many sessions are open, each with a drawing, megabytes."""
    async with AsyncExitStack() as stack:
        for _ in range(sessions):
            visitor = await stack.enter_async_context(Visitor(server.url))
            await draw(visitor, sketches[:2])
        return megabytes(server)


async def visits(server: Server, sketches: list[Sketch], visitors: int) -> None:
    """Let visitors come, draw and leave, four at a time."""
    for _ in range(visitors // 4):
        async with AsyncExitStack() as stack:
            four = [await stack.enter_async_context(Visitor(server.url)) for _ in range(4)]
            await asyncio.gather(*(draw(visitor, sketches) for visitor in four))


def main() -> None:
    """Open sessions, draw, and print what the server holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=STROKES)
    arguments = parser.parse_args()
    sketches = list(islice(cycle(sketch for drawing in prepare() for sketch in drawing), VISIT))
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["MNIST_ARTIFACTS"] = str(own_artifacts(Path(temporary)))
        with serving() as server:
            one = asyncio.run(with_sessions(server, sketches, 1))
            many = asyncio.run(with_sessions(server, sketches, SESSIONS))
            print(f"1 session: {one:.0f} MB, {SESSIONS} sessions: {many:.0f} MB", flush=True)
            asyncio.run(visits(server, sketches[:THEIR_STROKES], LEFT_BEFORE))
            before = megabytes(server)
            print(f"{before:.0f} MB before", flush=True)
            after = [before]
            for _ in range(6):
                asyncio.run(visits(server, sketches, arguments.strokes // 6 // VISIT))
                after.append(megabytes(server))
                print(f"{after[-1]:.0f} MB", flush=True)
            held = descriptors(server)
            asyncio.run(visits(server, sketches[:1], COME_AND_GO))
            left = {"mb": round(megabytes(server), 1), "descriptors": descriptors(server)}
    growth = after[-1] / before - 1
    print(f"{COME_AND_GO:,} visitors: {after[-1]:.0f} MB and {held} descriptors before, "
          f"{left['mb']:.0f} MB and {left['descriptors']} after")  # fmt: skip
    print(f"growth over {arguments.strokes:,} strokes: {growth:+.1%}")
    figures: dict[str, object] = {
        "mb_1_session": round(one),
        f"mb_{SESSIONS}_sessions": round(many),
    }
    figures |= {"strokes": arguments.strokes, "descriptors": held, "after_1000_visitors": left}
    print(results.keep("memory", {**figures, "mb": [round(m, 1) for m in after],
                                  "growth": round(growth, 4)}))  # fmt: skip


if __name__ == "__main__":
    main()
