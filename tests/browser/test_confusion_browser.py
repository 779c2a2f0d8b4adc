"""Click a cell in Chromium and see exactly the digits that it counts; compare two models."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.made_up_models import CNN_MISTAKES, DENSE_MISTAKES, make_data, make_model

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The address of the app, serving two made-up models."""
    folder = tmp_path_factory.mktemp("confusion")
    make_data(folder / "data.npz")
    named = {"MNIST_PATH": str(folder / "data.npz"), "MNIST_ARTIFACTS": str(folder / "models")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in named.items():
            patch.setenv(name, value)
        make_model("dense", DENSE_MISTAKES)
        make_model("cnn", CNN_MISTAKES)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    server = subprocess.Popen(
        [*command, f"--server.port={port}"], cwd=ROOT, env=os.environ | named,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_healthy(f"http://localhost:{port}/_stcore/health")
        yield f"http://localhost:{port}/confusion"
    finally:
        server.terminate()
        server.wait(10)


def wait_until_healthy(url: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(f"{url} did not answer within {seconds} s")


@pytest.fixture
def page(address) -> Iterator[Page]:
    """The confusion page, its matrix drawn."""
    with sync_playwright() as playwright:
        chromium = "/usr/bin/chromium"
        browser = playwright.chromium.launch(
            executable_path=chromium if Path(chromium).exists() else None, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1300, "height": 1400})
        page.set_default_timeout(30_000)
        page.goto(address)
        page.locator(".st-key-cell-examples .nsewdrag").first.wait_for()
        page.locator(".st-key-confusion-matrix .nsewdrag").wait_for()
        yield page
        browser.close()


def click_cell(page: Page, true: int, predicted: int) -> None:
    plot = page.locator(".st-key-confusion-matrix .nsewdrag")
    box = plot.bounding_box()
    x, y = box["width"] * (predicted + 0.5) / 10, box["height"] * (true + 0.5) / 10
    plot.click(position={"x": x, "y": y})


def indices_shown(page: Page) -> list[int]:
    captions = page.locator(".st-key-cell-examples .annotation-text").all_text_contents()
    return [int(number) for text in captions for number in re.findall(r"#(\d+?)(?=\d: )", text)]


def test_a_clicked_cell_shows_exactly_the_digits_that_it_counts(page: Page):
    examples = page.locator(".st-key-cell-examples")
    click_cell(page, 7, 1)
    expect(examples).to_contain_text("1 × 7 read as 1")
    expect(examples.locator(".annotation-text")).to_have_count(1)
    assert indices_shown(page) == [7]
    click_cell(page, 4, 9)
    expect(examples).to_contain_text("3 × 4 read as 9")
    expect(examples.locator(".annotation-text")).to_have_count(3)
    assert indices_shown(page) == [304, 24, 14]  # the surest first
    click_cell(page, 2, 5)
    expect(examples).to_contain_text("No digit landed in this cell")


def test_a_clicked_digit_opens_large_and_goes_to_the_draw_page(page: Page):
    tiles = page.locator(".st-key-cell-examples .nsewdrag").first
    tiles.click(position={"x": tiles.bounding_box()["width"] * 1.5 / 6, "y": 30})
    closer = page.locator(".st-key-cell-closer")
    expect(closer).to_contain_text("Test digit 24, labelled 4")
    expect(closer.locator(".barlayer .point")).to_have_count(10)
    closer.get_by_role("button", name="Draw page").click()
    expect(page).not_to_have_url(re.compile("confusion"))
    expect(page.locator("body")).to_contain_text("test digit 24, labelled 4")


def test_two_models_are_compared(page: Page):
    page.get_by_text("Compare", exact=True).click()
    expect(page.get_by_text("cnn alone on 3")).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer")).to_have_count(3)
