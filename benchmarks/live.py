"""What the pen's companion is worth, in Chromium: python -m benchmarks.live [--strokes 20]

Draws strokes of 0.6 s, a point every 16 ms, on the Draw page and, in turn, on a bare app with the
same canvas and one `st.write`; the browser notes when what is shown changes. Prints

- from a point to the bars that know it (the first change that a request begun after that point
  brought), the median over all points of the strokes,
- how many answers came while the pen moved, the median over strokes,
- from the lifted pen to the final answer (digits, bars to a hundredth, the 28x28 image), after
  which none of them changes; of the bare app, its one line; and the ratio.

Chromium, the server and the mouse share the machine's cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.browser import chromium
from benchmarks.latency import BARE_APP
from benchmarks.serving import own_artifacts, serving

POINTS, EVERY_MS = 37, 16
SETTLED_MS = 1500
# Notes, from now on, when readings are asked for, when points come and when what is shown changes.
WATCH = """selector => {
  const noted = window.noted = {asked: [], points: [], changes: [], up: 0};
  const shown = () => [...document.querySelectorAll(selector)].map(e =>
    (e.querySelector(".large-digit") ?? e).textContent
    + [...e.querySelectorAll("img")].map(i => i.src)
    + [...e.querySelectorAll(".bar")].map(
        b => Number(b.style.getPropertyValue("--p")).toFixed(2))).join(" ");
  if (!window.watched) {
    window.watched = true;
    const own = window.fetch;
    window.fetch = (...all) => {
      if (String(all[0]).includes("/api/read")) window.noted.asked.push(performance.now());
      return own(...all);
    };
    const heard = {capture: true, passive: true};
    for (const frame of [window, ...[...document.querySelectorAll("iframe")].map(
        f => f.contentWindow)]) {
      const later = frame === window ? 0 : frame.performance.timeOrigin - performance.timeOrigin;
      frame.addEventListener("pointermove",
        e => window.noted.points.push(e.timeStamp + later), heard);
      frame.addEventListener("mousemove",
        e => window.noted.points.push(e.timeStamp + later), heard);
      for (const name of ["pointerup", "mouseup"])
        frame.addEventListener(name, e => { window.noted.up = e.timeStamp + later; }, heard);
    }
    let before = shown();
    const look = () => {
      const now = shown();
      if (now !== before) window.noted.changes.push(performance.now());
      before = now;
      setTimeout(look, 4);
    };
    look();
  }
}"""


def stroke(page: Any, number: int) -> None:
    """Draw a stroke of 0.6 s somewhere else than the last one."""
    box = page.locator("canvas:visible").last.bounding_box()
    x, y = box["x"] + 40 + 17 * (number % 14), box["y"] + 40 + 23 * (number % 7)
    page.mouse.move(x, y)
    page.mouse.down()
    for point in range(POINTS):
        page.mouse.move(x + point % 9, y + 3 * point)
        page.wait_for_timeout(EVERY_MS)
    page.mouse.up()
    page.wait_for_timeout(SETTLED_MS)


def point_to_bars_ms(noted: dict[str, Any]) -> list[float]:
    """Return for each point of a stroke how long it took until what is shown knew it."""
    waits = []
    for at in noted["points"]:
        asked = next((t for t in noted["asked"] if t >= at), None)
        shown = next((t for t in noted["changes"] if asked is not None and t > asked), None)
        if at < noted["up"] and shown is not None:
            waits.append(shown - at)
    return waits


def main() -> None:
    """Draw; print and keep what was noted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strokes", type=int, default=20)
    arguments = parser.parse_args()
    waits: list[float] = []
    answers: list[int] = []
    final: dict[str, list[float]] = {"app": [], "bare": []}
    selectors = {"app": ".st-key-answer-dense, .st-key-answer-cnn, .st-key-network-input",
                 "bare": ".st-key-answer"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, chromium() as opened:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE_APP, encoding="utf-8")
        artifacts = own_artifacts(Path(folder) / "artifacts")
        with serving(artifacts=artifacts) as server, serving(bare) as bare_server:
            pages = {"app": opened.new_page(), "bare": opened.new_page()}
            for name, url in (("app", server.url), ("bare", bare_server.url)):
                pages[name].goto(url)
                pages[name].wait_for_selector("canvas:visible", timeout=30_000)
                pages[name].wait_for_timeout(3_000)
            for number in range(arguments.strokes + 2):
                for name, page in pages.items():
                    page.bring_to_front()
                    page.evaluate(WATCH, selectors[name])
                    stroke(page, number)
                    noted = page.evaluate("window.noted")
                    if number < 2:
                        continue
                    after = [t - noted["up"] for t in noted["changes"] if t > noted["up"]]
                    final[name].append(max(after, default=0.0))
                    if name == "app":
                        waits += point_to_bars_ms(noted)
                        answers.append(sum(t <= noted["up"] for t in noted["changes"]))
                if number % 4 == 3:
                    pages["app"].locator(".st-key-clear button").click()
                    pages["app"].wait_for_timeout(SETTLED_MS)
    medians = {name: statistics.median(values) for name, values in final.items()}
    figures = {
        "strokes": arguments.strokes,
        "point_to_bars_ms": round(statistics.median(waits)),
        "answers_in_a_stroke": statistics.median(answers),
        "pen_up_to_final_ms": {name: round(value) for name, value in medians.items()},
        "ratio": round(medians["app"] / medians["bare"], 2),
    }
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(results.keep("live", figures))


if __name__ == "__main__":
    main()
