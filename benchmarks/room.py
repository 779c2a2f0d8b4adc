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
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import results, serving
from benchmarks.phones import PORT_HOST, Phone, Tally, drawings, watch_wall
from mnist_core.room import host

SLOW_LINK = {"offline": False, "latency": 150, "downloadThroughput": 200_000,
             "uploadThroughput": 200_000}  # fmt: skip
PAGES = 7
IDLE_PHONES, IDLE_SECONDS = 500, 20


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
