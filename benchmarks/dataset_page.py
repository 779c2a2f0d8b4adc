"""Time the Dataset page in Chromium, and weigh what it fetches.

    python -m benchmarks.dataset_page [--runs 20]

Prints median and slowest time from the click on "Dataset" to a screen full of digits, their
pictures decoded (goal: 1 s with the data in memory), and from a jump into the middle of the
70,000 to the digits there (goal: 0.3 s), how many digits are in sight, and the bytes that the
server sends for one such jump.
"""

import argparse
import statistics

from playwright.sync_api import Page, WebSocket

from benchmarks.browser import chromium
from benchmarks.serving import serving

# The clock is the browser's own, looked at before each frame is painted; done is a screen whose
# every cell has its picture. `act` begins it: a click, or a jump of the wall.
ACT_AND_WAIT = """([link, place]) => new Promise((done) => {
    const start = performance.now();
    const wall = () => {
        const host = document.querySelector('.st-key-digit-grid .stBidiComponent')
            ?? document.querySelector('.st-key-digit-grid');
        const inside = [host, ...(host ? host.querySelectorAll('*') : [])]
            .map((element) => element?.shadowRoot).find(Boolean) ?? host;
        return inside?.querySelector('.wall');
    };
    const look = async () => {
        const box = wall(), frame = box?.getBoundingClientRect();
        const seen = box ? [...box.querySelectorAll('.row > div')].filter((cell) => {
            const at = cell.getBoundingClientRect();
            return at.bottom > frame.top && at.top < frame.bottom;
        }) : [];
        const there = seen.length && seen.every((cell) => cell.title)
            && (link || seen.some((cell) => cell.title.startsWith(place)));
        if (!there) return requestAnimationFrame(look);
        for (const source of new Set(seen.map((cell) => cell.style.backgroundImage.slice(5, -2)))) {
            const picture = new Image();
            picture.src = source;
            await picture.decode();
        }
        done([(performance.now() - start) / 1000, seen.length]);
    };
    if (link) link.click();
    else wall().scrollTop = wall().scrollHeight / 2;
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
    """Print the times of `runs` repetitions each, and the bytes of one jump."""
    received: list[int] = []

    def listen(websocket: WebSocket) -> None:
        websocket.on("framereceived", lambda frame: received.append(len(frame)))

    page.on("websocket", listen)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator(".st-key-canvas").wait_for()
    opened, jumped, weights, in_sight = [], [], [], 0
    for run in range(runs + 1):
        page.get_by_role("link", name="Draw").click()
        page.locator(".st-key-canvas").wait_for()
        page.wait_for_timeout(800)
        link = page.get_by_role("link", name="Dataset").element_handle()
        seconds, in_sight = page.evaluate(ACT_AND_WAIT, [link, ""])
        opened.append(seconds)
        page.wait_for_timeout(800)
        received.clear()
        seconds, _ = page.evaluate(ACT_AND_WAIT, [None, "training digit 350"])
        jumped.append(seconds)
        page.wait_for_timeout(400)
        weights.append(sum(received))
        if run == 0:  # the first time reads the data
            opened.clear()
            jumped.clear()
    for name, times in (("first screen", opened), ("jump to 35,000", jumped)):
        print(f"{name:<17}median {statistics.median(times):.2f} s, slowest {max(times):.2f} s "
              f"({runs} runs)")  # fmt: skip
    print(f"digits in sight  {in_sight}")
    print(f"a jump           {statistics.median(weights):,.0f} bytes from the server")


if __name__ == "__main__":
    main()
