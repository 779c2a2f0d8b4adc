"""Time the Dataset page in Chromium, and weigh a page of 100 digits.

    python -m benchmarks.dataset_page [--runs 20]

Prints median and slowest time from the click on "Dataset" to the first grid, its picture decoded
(goal: 1 s with the data in memory), and from the click on "Next" to the next 100 digits (goal:
0.3 s), and the bytes that the server sends for one such page.
"""

import argparse
import statistics

from playwright.sync_api import Page, WebSocket

from benchmarks.browser import chromium
from benchmarks.serving import serving

# The clock is the browser's own, looked at before each frame is painted.
CLICK_AND_WAIT = """([target, first]) => new Promise((done) => {
    const start = performance.now();
    const look = () => {
        const host = document.querySelector('.st-key-digit-grid .stBidiComponent')
            ?? document.querySelector('.st-key-digit-grid');
        const inside = [host, ...(host ? host.querySelectorAll('*') : [])]
            .map((element) => element?.shadowRoot).find(Boolean) ?? host;
        const cell = inside?.querySelector('.cells > div');
        const image = inside?.querySelector('img');
        if (cell && cell.title.startsWith(first) && image?.complete && image.naturalWidth === 280)
            done((performance.now() - start) / 1000);
        else requestAnimationFrame(look);
    };
    target.click();
    look();
})"""


def main() -> None:
    """Print the times and the bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    with serving() as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1360, "height": 1000})
        measure(page, server.url, runs)


def measure(page: Page, url: str, runs: int) -> None:
    """Print the times of `runs` repetitions each, and the bytes of one page."""
    received: list[int] = []

    def listen(websocket: WebSocket) -> None:
        websocket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", listen)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator(".st-key-canvas").wait_for()
    opened, turned, weights = [], [], []
    for run in range(runs + 1):
        page.get_by_role("link", name="Draw").click()
        page.locator(".st-key-canvas").wait_for()
        page.wait_for_timeout(800)
        link = page.get_by_role("link", name="Dataset").element_handle()
        opened.append(page.evaluate(CLICK_AND_WAIT, [link, "training digit 0,"]))
        page.wait_for_timeout(800)
        received.clear()
        button = page.get_by_role("button", name="Next").element_handle()
        turned.append(page.evaluate(CLICK_AND_WAIT, [button, "training digit 100,"]))
        page.wait_for_timeout(400)
        weights.append(sum(received))
        if run == 0:  # the first time reads the data
            opened.clear()
            turned.clear()
    for name, times in (("first grid", opened), ("next 100 digits", turned)):
        print(f"{name:<17}median {statistics.median(times):.2f} s, slowest {max(times):.2f} s "
              f"({runs} runs)")  # fmt: skip
    print(f"a page of 100    {statistics.median(weights):,.0f} bytes from the server")


if __name__ == "__main__":
    main()
