"""Everything at once, for a while, with kills: python -m benchmarks.soak [--minutes 10] [--seed 1]

A server over an artifacts folder of its own and 5,000 digits. At the same time, at random moments:

- visitors draw on the Draw page, stroke by stroke, over Streamlit's own protocol,
- programs have drawings and photos read over HTTP, one in ten of them hostile,
- phones of a room draw onto the wall and send again what was not answered,
- trainings are asked for, stopped, renamed, activated, undone and deleted,
- `kill -9` strikes the server, a training, or both; the server is started again.

Prints how often each was done, and what must be nought: answers that are not to the drawing that
was sent, drawings that a phone was told are kept and the database has lost or doubled, servers that
died of something else than a kill, files that are half-written, runs that nobody can look at,
finished or active models that do not answer. Ends with exit code 1 where anything of that is not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image
from websockets.exceptions import WebSocketException

from benchmarks import load, phones, results, serving
from benchmarks.visitor import Visitor
from mnist_core.data import people
from mnist_core.errors import MnistError
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.room import host
from mnist_core.runs import queue

VISITORS, PROGRAMS, PHONES = 8, 4, 8
KILL_EVERY_S = (10.0, 30.0)
TRAIN_EVERY_S = (4.0, 12.0)
HOSTILE = (
    b"", b"{", b"[" * 9000, b'{"strokes": [[[NaN, 1]]]}', b'{"strokes": [[[1e300, 1]]]}',
    b'{"strokes": []}', b'{"strokes": [[[1, 2]]], "width": -1}', b"\xff" * 500,
)  # fmt: skip
ENDED = ("finished", "stopped", "failed", "lost")


@dataclass
class Soak:
    """The server, what was done to it, and what went wrong."""

    folder: Path
    random: random.Random
    end: float
    port: int = field(default_factory=serving.free_port)
    done: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    kept: dict[str, str] = field(default_factory=dict)  # key of a phone's drawing -> its token

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def artifacts(self) -> Path:
        """The folder of models, runs and the people's database."""
        return self.folder / "artifacts"

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.end

    def start(self) -> None:
        """Start the server. Raises TimeoutError where it does not answer."""
        self.server = serving.start(self.port, log=self.folder / "server.log")
        serving.wait_until_healthy(self.url)

    async def pause(self, least_s: float, most_s: float) -> None:
        """Wait for a random time."""
        await asyncio.sleep(self.random.uniform(least_s, most_s))


async def visit(soak: Soak, prepared: list[list[load.Sketch]]) -> None:
    """Draw; open the page again where the server is gone."""
    while soak.goes_on:
        with contextlib.suppress(OSError, TimeoutError, WebSocketException):
            async with Visitor(soak.url) as visitor:
                while soak.goes_on:
                    for sketch in soak.random.choice(prepared):
                        outcome = await visitor.draw(sketch)
                        soak.done["strokes"] += 1
                        # Whoever activates another model changes the answers, not the image.
                        if outcome.problem and "answers are" not in outcome.problem:
                            soak.wrong[f"a visitor: {outcome.problem[:120]}"] += 1
                        await soak.pause(0.3, 1.5)
                    await visitor.clear()
        await asyncio.sleep(0.5)


async def ask(soak: Soak, drawn: list[phones.Drawing]) -> None:
    """Have drawings, photos and nonsense read over HTTP."""
    async with httpx.AsyncClient(base_url=soak.url, timeout=30) as client:
        while soak.goes_on:
            strokes, _ = soak.random.choice(drawn)
            kind = soak.random.choices(("drawing", "photo", "nonsense"), (7, 2, 1))[0]
            headers, fits = {"Content-Type": "application/json"}, (200, 429)
            body = json.dumps({"strokes": strokes, "width": 18, "size": 336}).encode()
            if kind == "photo":
                headers = {"Content-Type": "image/png"}
                body = photo(strokes)
            elif kind == "nonsense":
                body, fits = soak.random.choice(HOSTILE), (400, 413, 422, 429)
            with contextlib.suppress(httpx.TransportError):
                answer = await client.post("/api/read", content=body, headers=headers)
                soak.done[f"readings of a {kind}"] += answer.status_code != 429
                if answer.status_code not in fits:
                    soak.wrong[f"/api/read answered a {kind} with {answer.status_code}"] += 1
            await soak.pause(0.05, 0.5)


def photo(strokes: list[list[list[float]]]) -> bytes:
    """Return the drawing as a PNG, dark on light."""
    arrays = [np.array([point[:2] for point in stroke]) for stroke in strokes]
    buffer = io.BytesIO()
    Image.fromarray(255 - draw_strokes(arrays)[..., 0]).save(buffer, "PNG")
    return buffer.getvalue()


async def phone(soak: Soak, code: str, round_id: int, drawn: list[phones.Drawing]) -> None:
    """Draw in a room; send again what was not answered, as a phone's page does."""
    mine = phones.Phone(soak.port, code)
    await mine.join()
    tally = phones.Tally()
    for number in itertools.count():
        if not soak.goes_on:
            break
        strokes, _ = drawn[number % len(drawn)]
        await mine.send(round_id, strokes, {}, tally)
        await soak.pause(0.5, 3.0)
    soak.done["drawings of phones"] += len(tally.keys)
    soak.done["sent again by phones"] += tally.again
    soak.kept.update(tally.keys)


async def train(soak: Soak) -> None:
    """Do what people do on the Retrain page, from another process than the server's."""
    while soak.goes_on:
        await soak.pause(*TRAIN_EVERY_S)
        runs = await asyncio.to_thread(queue.list_runs)
        finished = [run.run_id for run in runs if run.state == "finished"]
        live = [run.run_id for run in runs if run.state in ("waiting", "running")]
        deeds: list[tuple[str, Callable[[], object]]] = []
        if len(live) < 3:
            recipe = soak.random.choice(("softmax", "fast"))
            deeds += [("trainings asked for", partial(queue.request, recipe, {"epochs": 1}))] * 3
        if live:
            run_id = soak.random.choice(live)
            deeds.append(("trainings stopped", partial(queue.stop, run_id)))
        if finished:
            chosen = soak.random.choice(finished)
            deeds += [
                ("models activated", partial(registry.activate, "cnn", chosen)),
                ("models taken back", partial(registry.activate, "cnn", "cnn")),
                ("runs renamed", partial(queue.rename, chosen, "Soaked")),
                ("runs deleted", partial(queue.delete, chosen)),
            ]
        name, deed = soak.random.choice(deeds)
        with contextlib.suppress(MnistError):  # such as to delete what answers just now
            await asyncio.to_thread(deed)
            soak.done[name] += 1


async def kill(soak: Soak) -> None:
    """Kill the server, a training, or both, and start the server again."""
    while soak.goes_on:
        await soak.pause(*KILL_EVERY_S)
        if soak.server.poll() is not None:
            soak.wrong[f"the server ended by itself ({soak.server.returncode})"] += 1
        victims = soak.random.choice(("server", "training", "both"))
        if victims != "server":
            soak.done["trainings killed"] += kill_trainings(soak.artifacts)
        if victims != "training":
            soak.server.kill()
            soak.server.wait()
            soak.done["servers killed"] += 1
            await soak.pause(0.0, 3.0)
        if soak.server.poll() is not None:
            await asyncio.to_thread(soak.start)


def kill_trainings(artifacts: Path) -> int:
    """Kill the trainings of this folder with -9; return how many."""
    killed = 0
    for path in artifacts.glob("runs/*/process.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, psutil.Error):
            pid = int(json.loads(path.read_text())["pid"])
            if str(path.parent.name) in " ".join(psutil.Process(pid).cmdline()):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed


def examine(soak: Soak) -> None:
    """Look whether everything that is left is whole."""
    for run in queue.live_runs():
        queue.stop(run.run_id)
    waited_until = time.monotonic() + 60
    while queue.live_runs() and time.monotonic() < waited_until:
        time.sleep(0.5)
    for run in queue.list_runs():
        soak.done[f"runs {run.state} at the end"] += 1
        if run.state not in ENDED:
            soak.wrong[f"a run is still {run.state}"] += 1
        if run.state == "finished":
            _answers(soak, run.run_id)
    for name in registry.active().values():
        _answers(soak, name)
    for path in soak.artifacts.rglob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            soak.wrong[f"{path.name} is half-written"] += 1
    with contextlib.closing(sqlite3.connect(soak.artifacts / "people.db")) as database:
        ((verdict,),) = database.execute("PRAGMA integrity_check").fetchall()
    if verdict != "ok":
        soak.wrong[f"the database: {verdict}"] += 1
    kept = Counter(drawing.client_key.split("/")[2] for drawing in people.listed())
    soak.wrong["drawings lost"] += len(soak.kept.keys() - kept.keys())
    soak.wrong["drawings doubled"] += sum(count > 1 for count in kept.values())


def _answers(soak: Soak, name: str) -> None:
    """Have a model read a blank image."""
    try:
        Classifier.load(name).answer(np.zeros((28, 28), np.float32))
    except MnistError as error:
        soak.wrong[f"a model does not answer: {str(error)[:120]}"] += 1


async def soak_for(soak: Soak) -> None:
    """Let everybody in."""
    prepared, drawn = load.prepare(), phones.drawings()
    code = host.open_room("key").code
    round_id = host.start_round(code, "draw", None).id
    works = [visit(soak, prepared) for _ in range(VISITORS)]
    works += [ask(soak, drawn) for _ in range(PROGRAMS)]
    works += [phone(soak, code, round_id, drawn) for _ in range(PHONES)]
    async with asyncio.TaskGroup() as group:  # the first error ends all of them
        for work in [*works, train(soak), kill(soak)]:
            group.create_task(work)


def main() -> None:
    """Soak; print and keep what happened."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = Path(temporary)
        os.environ["MNIST_ARTIFACTS"] = str(serving.own_artifacts(folder / "artifacts"))
        os.environ["MNIST_PATH"] = str(serving.few_digits(folder))
        os.environ.setdefault("MNIST_NICENESS", "0")  # or no training ends beside all the rest
        end = time.monotonic() + arguments.minutes * 60
        soak = Soak(folder, random.Random(arguments.seed), end)
        soak.start()
        try:
            asyncio.run(soak_for(soak))
            examine(soak)
        finally:
            soak.server.kill()
            kill_trainings(soak.artifacts)
    wrong = {what: times for what, times in soak.wrong.items() if times}
    figures = {"minutes": arguments.minutes, "seed": arguments.seed}
    figures |= {"done": dict(sorted(soak.done.items())), "wrong": wrong}
    print(json.dumps(figures, indent=1))
    results.keep("soak", figures)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
