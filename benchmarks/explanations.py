"""What one visitor's explanations cost those who draw: python -m benchmarks.explanations

Sixty sessions draw as in `benchmarks.load`. By turns of some seconds, one more visitor asks for
nothing, or for every explanation of a drawing, and of the next, without a pause. Prints how long
the sixty wait in both. Before, that visitor asks for everything once, so that the index of training
digits, made once for a model, is there.

Wants MNIST (MNIST_PATH), or it explains by the app's own 5,000 digits.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.load import LIMIT_MS, Load, prepare, room
from benchmarks.serving import Server, few_digits, own_artifacts, serving
from benchmarks.visitor import Outcome, Sketch, Visitor

WAYS = (
    "Why", "Step by step", "Arithmetic", "Cut the wires", "Nudge", "Lookalikes", "Smallest change",
)  # fmt: skip
SETTLE_S = 1.0  # after explanations, before waiting times count again


@dataclass(frozen=True)
class Turn:
    """Some seconds in which one visitor asked for explanations, or did not."""

    asking: bool
    start: float  # by time.perf_counter
    end: float

    def p95_ms(self, outcomes: Sequence[Outcome]) -> float | None:
        """Return the 95th percentile of the strokes that were due in it; None where none was."""
        seconds = [one.seconds for one in outcomes if self.start <= one.due < self.end]
        return float(np.percentile(seconds, 95)) * 1000 if seconds else None


async def explanations(
    visitor: Visitor, prepared: list[list[Sketch]], asked: Counter[str]
) -> AsyncIterator[None]:
    """Ask for all explanations of one drawing after the other; yield after each.

    Raises RuntimeError where one ends in an error.
    """
    while True:
        drawing = prepared[asked["drawings"] % len(prepared)]
        asked["drawings"] += 1
        await visitor.draw(drawing[-1])
        problem = await visitor.press("why")
        for way in WAYS:
            problem = problem or await visitor.press("explanation-shown", way)
            if problem:
                raise RuntimeError(f"{way}: {problem}")
            asked[way] += 1
            yield
        await visitor.clear()


async def take_turns(
    server: Server,
    prepared: list[list[Sketch]],
    seconds: float,
    turns: list[Turn],
    asked: Counter[str],
) -> None:
    """Ask for nothing and for everything by turns, until this is cancelled."""
    async with Visitor(server.url) as visitor:
        asks = explanations(visitor, prepared, asked)
        while True:
            start = time.perf_counter()
            await asyncio.sleep(seconds)
            turns.append(Turn(False, start, time.perf_counter()))
            start = time.perf_counter()
            while time.perf_counter() < start + seconds:
                await anext(asks)
            turns.append(Turn(True, start, time.perf_counter()))
            await asyncio.sleep(SETTLE_S)


async def measure(
    server: Server, prepared: list[list[Sketch]], arguments: argparse.Namespace
) -> tuple[Load, list[Turn], Counter[str]]:
    """Let the sixty draw beside who asks by turns; return what they met, the turns and the asks."""
    turns: list[Turn] = []
    asked: Counter[str] = Counter()
    asking = asyncio.create_task(take_turns(server, prepared, arguments.turn, turns, asked))
    interval_s = arguments.sessions / arguments.rate
    load = await room(server, prepared, arguments.sessions, interval_s, arguments.seconds)
    if asking.done():
        asking.result()  # raises what went wrong
    asking.cancel()
    return load, turns, asked


async def once(server: Server, prepared: list[list[Sketch]]) -> float:
    """Ask for everything once; return how many seconds that took."""
    start = time.perf_counter()
    async with Visitor(server.url) as visitor:
        asks = explanations(visitor, prepared, Counter())
        for _ in WAYS:
            await anext(asks)
    return time.perf_counter() - start


def of_turns(load: Load, turns: list[Turn], *, asking: bool) -> dict[str, object]:
    """Return the waiting times of all turns of a kind."""
    mine = [one for one in turns if one.asking == asking]
    milliseconds = [
        one.seconds * 1000
        for one in load.outcomes
        if any(turn.start <= one.due < turn.end for turn in mine)
    ]
    each = [turn.p95_ms(load.outcomes) for turn in mine]
    return {
        "strokes": len(milliseconds),
        "median_ms": round(float(np.median(milliseconds)), 1),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 1),
        "p95_ms_of_turns": [round(one, 1) for one in each if one is not None],
    }


def main() -> None:
    """Draw with and without explanations beside it, by turns; print and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--rate", type=float, default=40, help="strokes a second, all together")
    parser.add_argument("--seconds", type=float, default=120, help="of drawing")
    parser.add_argument("--turn", type=float, default=8, help="seconds with or without asking")
    arguments = parser.parse_args()
    prepared = prepare()
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = own_artifacts(Path(temporary))
        if "MNIST_PATH" not in os.environ:
            os.environ["MNIST_PATH"] = str(few_digits(Path(temporary)))
        with serving(artifacts=artifacts) as server:
            first = asyncio.run(once(server, prepared))
            print(f"all explanations for the first time: {first:.1f} s", flush=True)
            load, turns, asked = asyncio.run(measure(server, prepared, arguments))
    print(load)
    without, beside = (of_turns(load, turns, asking=asking) for asking in (False, True))
    pairs = [
        (quiet.p95_ms(load.outcomes), busy.p95_ms(load.outcomes))
        for quiet, busy in zip(turns[::2], turns[1::2], strict=False)
    ]
    ratios = [busy / quiet for quiet, busy in pairs if quiet is not None and busy is not None]
    figures: dict[str, object] = {
        "without": without,
        "beside_explanations": beside,
        "ratios_of_p95": [round(ratio, 2) for ratio in ratios],
        "first_time_seconds": round(first, 1),
        "asked": dict(asked),
        "all": load.as_dict(),
    }
    for name, told in (("without", without), ("beside", beside)):
        print(f"{name}: median {told['median_ms']} ms, p95 {told['p95_ms']} ms (limit {LIMIT_MS}), "
              f"by turns {told['p95_ms_of_turns']}")  # fmt: skip
    print(f"ratio of p95: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, "
          f"{len(ratios)} pairs); asked: {dict(asked)}")  # fmt: skip
    print(results.keep(f"explanations-{arguments.rate:g}", figures))


if __name__ == "__main__":
    main()
