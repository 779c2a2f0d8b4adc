"""A room full of people drawing at once: python -m benchmarks.load

Opens sessions against a real server, each drawing a stroke a second for two minutes and checking
that every answer is the one to its own drawing. Prints the time from stroke to answer (the end of
the page's rerun, here on the same machine; a phone's radio comes on top), then looks for the
highest rate of strokes that is still answered within the limit, and does the same while a
training runs. The sessions share the processor with the server that they measure.

Draws pendigits' drawings where PENDIGITS_PATH or the user's data folder has them, otherwise the
app's examples.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from websockets.exceptions import ConnectionClosed

from benchmarks import results
from benchmarks.retrain_page import wait_for_batches
from benchmarks.serving import Server, own_artifacts, serving
from benchmarks.visitor import ANSWER_LIMIT_S, Outcome, Sketch, Visitor, sketches
from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke, place
from mnist_core.models.classifier import Classifier
from mnist_core.runs import queue

LIMIT_MS = 500  # the 95th percentile that still feels like an answer to the stroke
DRAWINGS = 60
SEED = 1
FIRST_INTERVAL_S, SEARCH_SECONDS, SEARCH_GROWTH = 2.0, 15, 1.2  # of the highest rate


@dataclass(frozen=True)
class Load:
    """What a room of visitors met."""

    sessions: int
    strokes_a_second: float  # asked for
    outcomes: Sequence[Outcome]
    seconds: float
    server_cpu: float  # share of one core

    @property
    def p95_ms(self) -> float:
        """The 95th percentile from the moment a stroke was due to its answer, milliseconds."""
        return float(np.percentile([o.seconds for o in self.outcomes], 95)) * 1000

    @property
    def problems(self) -> Counter[str]:
        """What went wrong, and how often."""
        return Counter(o.problem for o in self.outcomes if o.problem)

    @property
    def holds(self) -> bool:
        """Whether every answer was right and fast enough."""
        return not self.problems and self.p95_ms < LIMIT_MS

    def as_dict(self) -> dict[str, object]:
        """Return the figures for a result file."""
        milliseconds = np.array([o.seconds for o in self.outcomes]) * 1000
        return {
            "sessions": self.sessions,
            "strokes_a_second_asked": round(self.strokes_a_second, 1),
            "strokes_a_second_answered": round(len(self.outcomes) / self.seconds, 1),
            "strokes": len(self.outcomes),
            "wrong_or_failed": sum(self.problems.values()),
            "problems": dict(self.problems),
            "median_ms": round(float(np.median(milliseconds)), 1),
            "p95_ms": round(self.p95_ms, 1),
            "p99_ms": round(float(np.percentile(milliseconds, 99)), 1),
            "slowest_ms": round(float(milliseconds.max()), 1),
            "server_cores": round(self.server_cpu, 2),
        }

    def __str__(self) -> str:
        found = self.as_dict()
        return (
            f"{found['sessions']} sessions, {found['strokes_a_second_asked']} strokes/s: "
            f"{found['strokes']} answered, {found['wrong_or_failed']} wrong or failed; "
            f"median {found['median_ms']:.0f} ms, p95 {found['p95_ms']:.0f} ms, "
            f"slowest {found['slowest_ms']:.0f} ms; server {found['server_cores']:.2f} cores"
        )


def drawings() -> list[list[Stroke]]:
    """Return drawings in canvas pixels: real pen strokes where there are any."""
    try:
        pen = load_pendigits()
    except DatasetError:
        return [example.strokes for example in EXAMPLES]
    chosen = np.random.default_rng(SEED).choice(len(pen.drawings), DRAWINGS, replace=False)
    margin = CANVAS_SIZE_PX * 0.2
    return [
        place(pen.drawings[index], margin, margin, CANVAS_SIZE_PX - 2 * margin) for index in chosen
    ]


def prepare(names: Sequence[str] = ("dense", "cnn")) -> list[list[Sketch]]:
    """Return the drawings, stroke by stroke, with the answers that have to come back."""
    classifiers = [Classifier.load(name) for name in names]
    return [sketches(strokes, classifiers) for strokes in drawings()]


async def room(
    server: Server,
    prepared: list[list[Sketch]],
    sessions: int,
    interval_s: float,
    seconds: float,
    onlookers: int = 0,
) -> Load:
    """Let sessions draw a stroke every `interval_s`; return what they met.

    onlookers: open pages beside them that nobody draws on.
    """
    process = psutil.Process(server.pid)
    async with AsyncExitStack() as stack:
        for _ in range(onlookers):
            await stack.enter_async_context(Visitor(server.url))
        visitors = [await stack.enter_async_context(Visitor(server.url)) for _ in range(sessions)]
        await visitors[0].draw(prepared[0][0])  # loads the networks
        await visitors[0].clear()
        cpu, start = cpu_seconds(process), time.perf_counter()
        drawn = await asyncio.gather(
            *(
                _draw(visitor, prepared, number, start + interval_s * number / sessions,
                      start + seconds, interval_s)
                for number, visitor in enumerate(visitors)
            )
        )  # fmt: skip
        elapsed = time.perf_counter() - start
        share = (cpu_seconds(process) - cpu) / elapsed
    outcomes = [outcome for mine in drawn for outcome in mine]
    return Load(sessions, sessions / interval_s, outcomes, elapsed, share)


def cpu_seconds(process: psutil.Process) -> float:
    """Return the processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def _draw(
    visitor: Visitor,
    prepared: list[list[Sketch]],
    number: int,
    due: float,
    end: float,
    interval_s: float,
) -> list[Outcome]:
    """Draw a stroke every `interval_s` from `due` to `end`; being late counts as waiting."""
    chooser = random.Random(SEED * 1000 + number)
    outcomes: list[Outcome] = []
    while due < end:
        for sketch in chooser.choice(prepared):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = max(0.0, time.perf_counter() - due)
            try:
                outcome = await visitor.draw(sketch)
            except (OSError, TimeoutError, ConnectionClosed) as error:
                return [*outcomes, Outcome(ANSWER_LIMIT_S, f"no answer: {error!r}", due=due)]
            outcomes.append(Outcome(outcome.seconds + late, outcome.problem, due=due))
            due += interval_s
        await visitor.clear()
    return outcomes


def highest_rate(server: Server, prepared: list[list[Sketch]], sessions: int) -> list[Load]:
    """Raise the rate by a fifth until the limit is missed; return all that was tried."""
    tried: list[Load] = []
    interval_s = FIRST_INTERVAL_S
    while not tried or tried[-1].holds:
        tried.append(asyncio.run(room(server, prepared, sessions, interval_s, SEARCH_SECONDS)))
        print(tried[-1], flush=True)
        interval_s /= SEARCH_GROWTH
    return tried


@contextmanager
def training() -> Iterator[None]:
    """Train beside whatever happens inside; stop it in the end."""
    run = queue.request("cnn-3x3", {"epochs": 200})
    try:
        wait_for_batches(run.run_id)
        yield
    finally:
        queue.stop(run.run_id)


def main() -> None:
    """Run the load and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument(
        "--rate", type=float, help="strokes a second, all together (default: one a session)"
    )
    parser.add_argument("--onlookers", type=int, default=0, help="open pages that do not draw")
    parser.add_argument("--no-search", action="store_true", help="leave out the highest rate")
    parser.add_argument("--no-training", action="store_true", help="leave out the training")
    arguments = parser.parse_args()
    interval_s = arguments.sessions / (arguments.rate or arguments.sessions)
    prepared = prepare()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = own_artifacts(Path(temporary))
        os.environ["MNIST_ARTIFACTS"] = str(artifacts)
        with serving(artifacts=artifacts) as server:
            for name in ("idle", "training"):
                if name == "training" and arguments.no_training:
                    break
                print(f"-- {name}")
                with training() if name == "training" else nullcontext():
                    load = asyncio.run(
                        room(
                            server,
                            prepared,
                            arguments.sessions,
                            interval_s,
                            arguments.seconds,
                            arguments.onlookers,
                        )
                    )
                    print(load, flush=True)
                    figures[name] = load.as_dict()
                    if not arguments.no_search:
                        tried = highest_rate(server, prepared, arguments.sessions)
                        held = [found.strokes_a_second for found in tried if found.holds]
                        print(f"highest rate that holds: {max(held, default=0):.0f} strokes/s")
                        figures[f"{name}, search"] = [found.as_dict() for found in tried]
    name = f"load-{arguments.rate:g}" if arguments.rate else "load"
    name += f"-{arguments.onlookers}-onlookers" if arguments.onlookers else ""
    print(results.keep(name, figures))


if __name__ == "__main__":
    main()
