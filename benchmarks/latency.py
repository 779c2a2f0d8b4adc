"""How long a person waits for the answer to a stroke.

    taskset -c 0 python -m benchmarks.latency core      # on one core
    python -m benchmarks.latency browser                # in Chromium

core: preprocessing plus both networks' answers for one drawing, median of 300 after warm-up.
browser: from mouse-up to the answer on screen, beside a bare app with the same canvas and one
`st.write`; the two in turn, in one run, so that the ratio holds on a noisy machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.browser import chromium
from benchmarks.serving import serving
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models.classifier import Classifier

BARE_APP = """
import streamlit as st
from streamlit_drawable_canvas import st_canvas
result = st_canvas(stroke_width=18, stroke_color="#FFFFFF", background_color="#000000",
                   width=336, height=336, return_image_data=True, key="canvas")
with st.container(key="answer"):
    st.write(len((result.json_data or {}).get("objects", [])))
"""


def core(repetitions: int) -> None:
    """Print the median time of one answer, and of its parts."""
    canvases = [draw_strokes(example.strokes) for example in EXAMPLES]
    classifiers = [Classifier.load(name) for name in ("dense", "cnn")]
    parts: dict[str, list[float]] = {"preprocessing": [], "dense": [], "cnn": [], "all": []}
    for repetition in range(repetitions + 30):
        start = time.perf_counter()
        image = mnist_image(canvases[repetition % len(canvases)])
        ready = time.perf_counter()
        seconds = [classifier.answer(image).seconds for classifier in classifiers]
        if repetition >= 30:
            everything = time.perf_counter() - start
            for name, value in zip(parts, [ready - start, *seconds, everything], strict=True):
                parts[name].append(value * 1000)
    for name, values in parts.items():
        print(f"{name}: {statistics.median(values):.2f} ms, median of {len(values)}")
    medians = {f"{name}_ms": round(statistics.median(mine), 2) for name, mine in parts.items()}
    print(results.keep("latency-core", {**medians, "repetitions": repetitions}))


def browser(repetitions: int) -> None:
    """Print mouse-up to answer for the app and for the bare app, and the ratio."""
    with tempfile.TemporaryDirectory() as folder, chromium() as opened:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE_APP, encoding="utf-8")
        with serving() as server, serving(bare) as bare_server:
            pages = [opened.new_page() for _ in range(2)]
            for page, url in zip(pages, (server.url, bare_server.url), strict=True):
                page.goto(url)
                page.wait_for_selector("canvas:visible", timeout=30_000)
                page.wait_for_timeout(2_000)
            times: list[list[float]] = [[], []]
            for repetition in range(repetitions + 2):
                for page, mine in zip(pages, times, strict=True):
                    seconds = _stroke_to_answer(page, repetition)
                    if repetition >= 2:
                        mine.append(seconds * 1000)
    app, bare_app = (statistics.median(values) for values in times)
    print(f"the app: {app:.0f} ms, a bare app: {bare_app:.0f} ms, ratio {app / bare_app:.2f}")
    print(f"medians of {repetitions} strokes each, in turn")
    figures = {"app_ms": round(app), "bare_app_ms": round(bare_app), "strokes": repetitions}
    print(results.keep("latency-browser", {**figures, "ratio": round(app / bare_app, 2)}))


def _stroke_to_answer(page, number: int) -> float:
    """Draw a short stroke; return the seconds from mouse-up to a changed answer area."""
    # The 28x28 image comes after both answers and changes with every stroke.
    watched = ".st-key-answer, .st-key-network-input"
    # Words and pictures alone: Streamlit marks what is about to change in the HTML around them.
    seen = "e.textContent + [...e.querySelectorAll('img')].map(i => i.src)"
    content = f"[...document.querySelectorAll(selector)].map(e => {seen}).join(' ')"
    before = page.evaluate(f"selector => {content}", watched)
    box = page.locator("canvas:visible").last.bounding_box()
    x, y = box["x"] + 40 + 17 * (number % 14), box["y"] + 40 + 23 * (number % 7)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 9, y + 60)
    page.mouse.move(x - 8, y + 120)
    page.mouse.up()
    start = time.perf_counter()
    page.wait_for_function(
        f"([selector, before]) => {content} !== before",
        arg=[watched, before],
        polling=5,
        timeout=20_000,
    )
    return time.perf_counter() - start


def main() -> None:
    """Print one of the two figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["core", "browser"])
    parser.add_argument("--repetitions", type=int)
    arguments = parser.parse_args()
    if arguments.what == "core":
        core(arguments.repetitions or 300)
    else:
        browser(arguments.repetitions or 20)


if __name__ == "__main__":
    main()
