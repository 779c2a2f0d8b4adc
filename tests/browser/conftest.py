"""A real server and a real Chromium for the tests of this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from benchmarks import serving
from benchmarks.serving import free_port, wait_until_healthy
from mnist_core.runs import queue

PHONE = {
    "viewport": {"width": 360, "height": 780},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
DESKTOP = {"viewport": {"width": 1360, "height": 900}}

STOOD_STILL = """element => new Promise(resolve => {
  let frames = 0, before;
  const look = () => {
    const now = JSON.stringify(element.getBoundingClientRect());
    frames = now === before ? frames + 1 : 0;
    before = now;
    if (frames < 10) requestAnimationFrame(look);
    else resolve();
  };
  look();
})"""


def steady_box(element: Locator) -> FloatRect:
    """Return an element's box in the window once it has stood still for ten frames."""
    element.evaluate(STOOD_STILL)
    box = element.bounding_box()
    assert box is not None
    return box


def select_run(page: Page, row: int) -> None:
    """Click the box in front of a row of the table of past runs; wait until that shows."""
    table = page.locator(".st-key-past-runs canvas").first
    table.scroll_into_view_if_needed()
    box = steady_box(table)
    line = table.locator(f"[role=row][aria-rowindex='{row + 2}']")  # for screen readers
    was = str(line.get_attribute("aria-selected"))
    page.mouse.click(box["x"] + 15, box["y"] + 52 + 35 * row)
    expect(line).not_to_have_attribute("aria-selected", was)


class Server:
    """A copy of the app; killed, it can be started again at the same address."""

    def __init__(self, **environment: str) -> None:
        self._port = free_port()
        self._environment = environment
        self.address = f"http://127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        self.process = serving.start(self._port, environment=self._environment)
        wait_until_healthy(self.address)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(15)


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., str]]:
    """Start the app with some environment of its own; return its address. Ended by the end."""
    servers = []

    def start(**environment: str) -> str:
        servers.append(Server(**environment))
        return servers[-1].address

    yield start
    for server in servers:
        server.process.terminate()
    for server in servers:
        server.process.wait(15)


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory) -> Path:
    """5,000 genuine digits, 1,000 of them as test, as an .npz."""
    return serving.few_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def house(few_digits, tmp_path, monkeypatch) -> Iterator[dict[str, str]]:
    """An artifacts folder with the models that ship, and few digits: the environment of this
    test and of a server; whatever trains there is stopped in the end."""
    serving.own_artifacts(tmp_path / "artifacts")
    environment = {
        "MNIST_PATH": str(few_digits),
        "MNIST_ARTIFACTS": str(tmp_path / "artifacts"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield environment
    for run in reversed(queue.live_runs()):  # who waits first, or it would begin
        queue.stop(run.run_id)


@pytest.fixture
def server(house) -> Iterator[Server]:
    """A server of the test's own, in its own house."""
    server = Server(**house)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def address(start_server) -> str:
    """The app as it ships."""
    return start_server()


@pytest.fixture(scope="session")
def chromium():
    """A Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api")
    from benchmarks import browser

    if browser.chromium_path() is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    sync_api.expect.set_options(timeout=20_000)  # the machine may be busy
    with browser.chromium() as opened:
        yield opened


@pytest.fixture(params=["desktop", "phone"])
def page(request, chromium):
    """A page of a desktop window, then of a phone with a touch screen."""
    context = chromium.new_context(**(PHONE if request.param == "phone" else DESKTOP))
    yield context.new_page()
    context.close()


@pytest.fixture
def desktop_page(chromium):
    """A page of a desktop window."""
    context = chromium.new_context(**DESKTOP)
    yield context.new_page()
    context.close()
