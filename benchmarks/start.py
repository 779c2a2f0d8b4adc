"""From `streamlit run` to a canvas that takes strokes, and to the first answer.

    python -m benchmarks.start

Starts a server, opens the page in a Chromium that is already running but has never seen it, draws
at once, and prints the seconds from the start of the server to the canvas and from there to the
first answer, beside what loading the networks alone takes; medians of several starts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Browser

from benchmarks import results
from benchmarks.browser import chromium
from benchmarks.serving import ROOT, serving

LOADING = """
import time
start = time.perf_counter()
from mnist_core.inference import ClassifierPool
pool = ClassifierPool()
for loading in [pool.request(name) for name in ("dense", "cnn")]:
    loading.result()
print(time.perf_counter() - start)
"""


def one_start(browser: Browser) -> tuple[float, float]:
    """Return the seconds to a usable canvas, and from there to both networks' answers."""
    context = browser.new_context()
    begin = time.perf_counter()
    with serving() as server:
        page = context.new_page()
        page.goto(server.url)
        canvas = page.locator(".st-key-canvas canvas").last
        canvas.wait_for(timeout=60_000)
        usable = time.perf_counter()
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 160, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 165, box["y"] + 260, steps=4)
        page.mouse.up()
        for slot in ("dense", "cnn"):
            page.locator(f".st-key-answer-{slot} .large-digit").wait_for(timeout=60_000)
        answered = time.perf_counter()
    context.close()
    return usable - begin, answered - usable


def loading_alone() -> float:
    """Return the seconds in which a fresh Python loads both networks."""
    command = [sys.executable, "-c", LOADING]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(found.stdout)


def main() -> None:
    """Start again and again; print and keep the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    arguments = parser.parse_args()
    with chromium() as browser:
        starts = [one_start(browser) for _ in range(arguments.starts)]
    canvas, answer = (statistics.median(seconds) for seconds in zip(*starts, strict=True))
    loading = statistics.median(loading_alone() for _ in range(arguments.starts))
    print(f"streamlit run to a usable canvas: {canvas:.2f} s, median of {len(starts)} starts")
    print(f"from there to the first answer: {answer:.2f} s (loading alone: {loading:.2f} s)")
    figures = {"canvas_s": canvas, "first_answer_s": answer, "loading_alone_s": loading}
    figures = {name: round(seconds, 2) for name, seconds in figures.items()}
    print(results.keep("start", {**figures, "starts": starts}))


if __name__ == "__main__":
    main()
