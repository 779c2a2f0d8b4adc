"""A real server and a real Chromium for the tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from benchmarks.serving import ROOT, free_port, wait_until_healthy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE = {
    "viewport": {"width": 360, "height": 780},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
DESKTOP = {"viewport": {"width": 1360, "height": 900}}


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., str]]:
    """Start the app with some environment of its own; return its address. Ended by the end."""
    servers = []

    def start(**environment: str) -> str:
        port = free_port()
        command = [sys.executable, "-m", "streamlit", "run", "app.py"]
        options = [f"--server.port={port}", "--server.headless=true"]
        servers.append(
            subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address)
        return address

    yield start
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(15)


@pytest.fixture(scope="session")
def address(start_server) -> str:
    """The app as it ships."""
    return start_server()


@pytest.fixture(scope="session")
def chromium():
    """A Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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
