"""Time the confusion page in Chromium, from a click to the last chart, with a warm server.

    python -m benchmarks.confusion_page [--runs 10]

Prints median and slowest time of opening the page from the navigation (goal: 1.5 s), changing
the model (goal: 0.5 s) and clicking a cell.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from playwright.sync_api import Page

from benchmarks.browser import chromium
from benchmarks.serving import serving
from mnist_core.words import network

# The count of answers comes last on the page; all charts hold their drawing by then.
COMPLETE = """() => {
    const charts = [...document.querySelectorAll('[data-testid=stPlotlyChart]')];
    const stale = document.querySelector('[data-stale=true]');
    return charts.length >= 2 && !stale
        && charts.every(chart => chart.querySelector('.nsewdrag'))
        && document.body.innerText.includes('stored answers: macro F1');
}"""


def main() -> None:
    """Print the three times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    with serving() as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1400}, bypass_csp=True)
        page.goto(f"{server.url}/confusion")
        page.wait_for_function(COMPLETE, timeout=60_000)
        measure(page, runs)


def measure(page: Page, runs: int) -> None:
    """Print the times of `runs` repetitions each."""
    opened, changed, clicked = [], [], []
    for run in range(runs):
        page.get_by_role("link", name="Draw").click()
        page.locator(".st-key-canvas").wait_for()
        page.wait_for_timeout(1500)
        link = page.get_by_role("link", name="Confusion")
        opened.append(seconds(link.click, lambda: page.wait_for_function(COMPLETE)))
        page.wait_for_timeout(500)
        changed.append(change_model(page, "cnn" if run % 2 == 0 else "dense"))
        page.wait_for_timeout(500)
        clicked.append(click_cell(page, 3, 5 if run % 2 == 0 else 8))
    for name, times in (("open", opened), ("change model", changed), ("click a cell", clicked)):
        print(f"{name:<14}median {statistics.median(times):.2f} s, slowest {max(times):.2f} s "
              f"({runs} runs)")  # fmt: skip


def change_model(page: Page, model: str) -> float:
    """Return the seconds until the other model's error count and charts are there."""
    page.locator(".st-key-model").get_by_role("combobox").click()
    before = page.locator(".st-key-figures").inner_text()
    option = page.get_by_role("option", name=network(model), exact=True)
    if option.get_attribute("aria-selected") == "true":
        option = page.get_by_role("option").nth(1)

    def changed() -> None:
        page.wait_for_function(
            "before => document.querySelector('.st-key-figures').innerText !== before", arg=before
        )
        page.wait_for_function(COMPLETE)

    return seconds(option.click, changed)


def click_cell(page: Page, true: int, predicted: int) -> float:
    """Return the seconds until the page names the digits behind the cell."""
    plot = page.locator(".st-key-confusion-matrix .nsewdrag")
    box = plot.bounding_box()
    place = {"x": box["width"] * (predicted + 0.5) / 10, "y": box["height"] * (true + 0.5) / 10}
    wanted = page.locator(".st-key-cell-examples").get_by_text(f"{true} read as {predicted}")
    return seconds(lambda: plot.click(position=place), wanted.wait_for)


def seconds(act: Callable[[], object], wait: Callable[[], object]) -> float:
    """Return how long it takes from an action until what it was for is there."""
    start = time.perf_counter()
    act()
    wait()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
