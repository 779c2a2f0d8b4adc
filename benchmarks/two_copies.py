"""Two copies behind nginx, as in `deploy/`: python -m benchmarks.two_copies

Prints, each measured several times in Chromium through the balancer,

- how long it takes until a model that was activated on one copy answers on the other,
- how long a visitor waits for the answer to a stroke that is drawn right after `kill -9` has
  ended the visitor's copy (only the answer to the whole drawing counts),
- what sixty visitors who draw a stroke a second meet at one copy alone and at both. All of it,
  the visitors too, shares this machine's cores.

Needs nginx, Playwright and a Chromium ($CHROMIUM, or that of the system or of Playwright).
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from benchmarks import results
from benchmarks.balancer import NGINX, OTHER_TITLE, Balanced, balanced
from benchmarks.browser import chromium
from benchmarks.load import prepare, room
from benchmarks.serving import Server
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.strokes import Stroke

ROUNDS = 5
LIMIT_MS = 30_000
SESSIONS, ROOM_SECONDS = 60, 20
CNN = ".st-key-answer-cnn.answered"
# Its first stroke alone is no four, so the answer tells whether both are still there.
FOUR = next(example.strokes for example in EXAMPLES if example.label == 4)


def visitor(browser: Browser, site: Balanced, copy: str) -> Page:
    """Return the Draw page of a visitor of that copy."""
    while True:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(site.url)
        page.get_by_text("With mouse, pen or finger").wait_for()
        if copy_of(page) == copy:
            return page
        page.context.close()


def copy_of(page: Page) -> str:
    """Return the copy that the visitor's cookie names."""
    return next(c["value"] for c in page.context.cookies() if c["name"] == "copy")


def draw(page: Page, stroke: Stroke, in_the_middle: Callable[[], object] = lambda: None) -> None:
    """Draw a stroke with the mouse; stroke: canvas pixels; in_the_middle: done with it half drawn.

    Raises AssertionError where there is no canvas.
    """
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    assert box is not None
    some = stroke[:: max(1, len(stroke) // 12)]
    points = [(box["x"] + float(x), box["y"] + float(y)) for x, y in some]
    page.mouse.move(*points[0])
    page.mouse.down()
    for number, point in enumerate(points):
        page.mouse.move(*point)
        if number == len(points) // 2:
            in_the_middle()
    page.mouse.up()


def expect_digit(page: Page, digit: int) -> None:
    """Wait until the CNN reads this digit. Raises AssertionError where it does not."""
    expect(page.locator(f"{CNN} .large-digit")).to_have_text(str(digit), timeout=LIMIT_MS)


def clear(page: Page) -> None:
    """Begin a new drawing."""
    page.locator(".st-key-clear button").click()
    page.locator(CNN).wait_for(state="detached")


def until_activated(trainer: Page, drawer: Page) -> float:
    """Activate the other model; return the seconds until it answers a stroke of the drawer.

    trainer: on the Retrain page of one copy; drawer: on the Draw page of the other.
    """
    trainer.locator(".st-key-use-model button").click()
    start = time.perf_counter()
    while not (drawer.locator(CNN).count() and OTHER_TITLE in drawer.locator(CNN).inner_text()):
        if time.perf_counter() - start > LIMIT_MS / 1000:
            raise TimeoutError("the other copy still answers with the model that shipped")
        draw(drawer, FOUR[1])
        drawer.wait_for_timeout(200)
    return time.perf_counter() - start


def activations(browser: Browser, site: Balanced) -> list[float]:
    """Activate a model on one copy, again and again; return the seconds until the other has it."""
    trainer, drawer = visitor(browser, site, "a"), visitor(browser, site, "b")
    trainer.get_by_role("link", name="Retrain").click()
    seconds = []
    for _ in range(ROUNDS):
        seconds.append(until_activated(trainer, drawer))
        trainer.locator(".st-key-undo-cnn button").click()
        expect(trainer.locator(".st-key-use-model button")).to_be_enabled()
        clear(drawer)
        drawer.wait_for_timeout(3000)
    return seconds


def kills(browser: Browser, site: Balanced) -> list[float]:
    """Kill a visitor's copy between two strokes, again and again; return the seconds' wait."""
    page = visitor(browser, site, "a")
    seconds = []
    for _ in range(ROUNDS):
        draw(page, FOUR[0])
        page.locator(CNN).wait_for()
        killed = copy_of(page)
        site.kill(killed)
        start = time.perf_counter()
        draw(page, FOUR[1])
        expect_digit(page, 4)
        seconds.append(time.perf_counter() - start)
        assert copy_of(page) != killed
        clear(page)
        site.revive(killed)
    return seconds


def rooms(site: Balanced) -> dict[str, dict[str, object]]:
    """Return what a room of visitors meets at copy "a" alone, and through the balancer."""
    prepared = prepare()
    pid = site.processes["a"].pid
    found = {}
    for name, url in (("one copy", f"http://127.0.0.1:{site.ports['a']}"), ("both", site.url)):
        load = asyncio.run(room(Server(url, pid), prepared, SESSIONS, 1.0, ROOM_SECONDS))
        found[name] = load.as_dict()
        del found[name]["server_cores"]  # of the two copies, one's alone
        print(
            f"{SESSIONS} sessions, a stroke a second each, {name}: median "
            f"{found[name]['median_ms']} ms, p95 {found[name]['p95_ms']} ms, "
            f"{found[name]['wrong_or_failed']} of {found[name]['strokes']} wrong or failed",
            flush=True,
        )
    return found


def in_words(seconds: list[float]) -> str:
    """Return the median and the longest."""
    median, longest = statistics.median(seconds), max(seconds)
    return f"median {median:.1f} s, at most {longest:.1f} s ({len(seconds)} times)"


def main() -> None:
    """Start the copies and the balancer; measure; print and keep the figures."""
    if NGINX is None:
        raise SystemExit("nginx is not installed: apt-get install nginx-light")
    with tempfile.TemporaryDirectory() as folder, balanced(Path(folder)) as site:
        crowd = rooms(site)
        with chromium() as browser:
            activated = activations(browser, site)
            print("activated on one copy, answers on the other: " + in_words(activated), flush=True)
            killed = kills(browser, site)
            print("copy killed, stroke answered by the other:   " + in_words(killed))
    figures: dict[str, object] = {
        "activated_s": [round(value, 2) for value in activated],
        "killed_s": [round(value, 2) for value in killed],
        "rooms": crowd,
    }
    print(results.keep("two_copies", figures))


if __name__ == "__main__":
    main()
