"""What a training costs those who draw and watch: python -m benchmarks.retrain_page

Starts the app in an artifacts folder of its own, looks at the Retrain page and presses Train, draws
in Chromium while nothing else goes on, starts the recipe `fast`, draws again, then only watches the
Retrain page, and prints

- the time from Train to the button that puts the new model to use, and what it consists of,
- the time from the end of a stroke to the redrawn answers, idle and while training,
- how much of one core the server needs while one visitor watches the run.

Needs Playwright and a Chromium ($CHROMIUM, or that of the system or of Playwright).
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.browser import chromium
from benchmarks.serving import own_artifacts, serving
from mnist_core.runs import queue

STROKES, WATCH_SECONDS = 15, 15
CHOOSE_S = 25.0  # how long somebody looks at the page before pressing Train


def train_from_page(page: Page, url: str) -> dict[str, float]:
    """Press Train as a visitor; return the seconds until each thing that follows.

    "usable" is the button on the page; what comes before it is read from the run's folder.
    """
    page.goto(f"{url}/retrain")
    press = page.locator(".st-key-train-start button")
    press.wait_for(timeout=60_000)
    page.wait_for_timeout(CHOOSE_S * 1000)
    press.click()
    start, seen = time.perf_counter(), {}
    while "usable" not in seen:
        for name, happened in (*in_folder(), ("usable", button_is_there(page))):
            if happened:
                seen.setdefault(name, round(time.perf_counter() - start, 1))
        page.wait_for_timeout(50)
    return seen


def in_folder() -> list[tuple[str, bool]]:
    """Return what has come of the only run, by what lies in its folder."""
    runs = queue.list_runs()
    if not runs:
        return []
    said = _events(runs[0].run_id)
    return [
        ("started", (runs[0].folder / "process.json").exists()),
        ("learning", b'"batch"' in said),
        ("learnt", b'"finished"' in said),
        ("saved", (runs[0].folder / "card.json").exists()),
        ("settled", runs[0].is_settled),
    ]


def button_is_there(page: Page) -> bool:
    """Return whether the page offers the new model."""
    return page.locator(".st-key-use-model button").count() > 0


def draw(page: Page, number: int) -> float:
    """Draw one stroke; return the seconds until the image that the networks read has changed."""
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    image = ".st-key-network-input img"
    before = page.locator(image).first.get_attribute("src") if page.locator(image).count() else ""
    x, y = box["x"] + 60 + 12 * number, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 180, steps=8)
    page.mouse.up()
    start = time.perf_counter()
    page.wait_for_function(
        "([image, before]) => { const i = document.querySelector(image);"
        " return i && i.src !== before }",
        arg=[image, before],
        polling="raf",
        timeout=30_000,
    )
    return time.perf_counter() - start


def draw_strokes(page: Page) -> list[float]:
    """Draw on a fresh canvas; return the seconds of each stroke but the first."""
    page.locator(".st-key-clear button").click()
    page.wait_for_timeout(1500)
    seconds = []
    for number in range(STROKES + 1):
        seconds.append(draw(page, number))
        page.wait_for_timeout(400)
    return seconds[1:]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_batches(run_id: str) -> None:
    """Wait until a run has begun to learn."""
    while b'"batch"' not in _events(run_id):
        if queue.get_run(run_id).is_settled:
            raise SystemExit(f"The run ended early: {queue.get_run(run_id).reason}")
        time.sleep(0.1)


def _events(run_id: str) -> bytes:
    path = queue.get_run(run_id).folder / "events.jsonl"
    return path.read_bytes() if path.exists() else b""


def watch_cost(page: Page, url: str, pid: int) -> float:
    """Return the share of one core that the server needs while one visitor watches."""
    page.goto(f"{url}/retrain")
    page.locator(".st-key-curves-loss .js-plotly-plot").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    before, start = cpu_seconds(pid), time.perf_counter()
    page.wait_for_timeout(WATCH_SECONDS * 1000)
    return (cpu_seconds(pid) - before) / (time.perf_counter() - start)


def in_words(seconds: list[float]) -> str:
    """Return a median and a 90 % quantile in milliseconds."""
    tenth = statistics.quantiles(seconds, n=10)[-1]
    return f"median {statistics.median(seconds) * 1000:.0f} ms, 90 % within {tenth * 1000:.0f} ms"


def measure(page: Page, url: str, pid: int) -> None:
    """Print the figures of one run."""
    waited = ", ".join(f"{name} {s} s" for name, s in train_from_page(page, url).items())
    print(f"from Train on:                     {waited}", flush=True)
    page.goto(url)
    page.locator(".st-key-canvas canvas").last.wait_for()
    page.wait_for_timeout(4000)
    draw(page, 0)
    idle = draw_strokes(page)
    run = queue.request("fast", {"epochs": 30}, "benchmark")
    wait_for_batches(run.run_id)
    training = draw_strokes(page)
    share = watch_cost(page, url, pid)
    state = queue.get_run(run.run_id).state
    queue.stop(run.run_id)
    print(f"stroke to answer, idle:            {in_words(idle)} (n = {len(idle)})")
    print(f"stroke to answer, while training:  {in_words(training)} (n = {len(training)})")
    ratio = statistics.median(training) / statistics.median(idle)
    print(f"ratio of the medians:              {ratio:.2f}")
    print(f"server while one visitor watches:  {share:.1%} of one core, run {state}")
    while not queue.get_run(run.run_id).is_settled:
        time.sleep(0.2)


def main() -> None:
    """Serve, draw, train, draw, watch."""
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = own_artifacts(Path(temporary))
        os.environ["MNIST_ARTIFACTS"] = temporary
        with serving(artifacts=artifacts) as server, chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            measure(page, server.url, server.pid)


if __name__ == "__main__":
    main()
