"""In Chromium: train, see the curve grow, use the model, draw, and read which model answered."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from mnist_core.models import registry
from mnist_core.runs import queue
from tests.browser.conftest import select_run
from tests.made_up_runs import finished_run

POINTS = "document.querySelector('.st-key-curves-accuracy .js-plotly-plot')?.data[0].x.length ?? 0"
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(chromium, server) -> Iterator[Page]:
    """The Retrain page."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1200})
    page.set_default_timeout(60_000)
    page.goto(f"{server.address}/retrain")
    yield page
    page.close()


def choose(page: Page, recipe: str, epochs: int) -> None:
    page.locator(".st-key-recipe input").fill(recipe)
    page.keyboard.press("Enter")
    field = page.locator(f".st-key-epochs-{recipe} input")
    field.fill(str(epochs))
    field.press("Enter")
    expect(page.get_by_text("Changed: epochs")).to_be_visible()


def test_train_watch_use_and_draw(page):
    choose(page, "fast", 50)  # slow enough to be stopped in time
    page.locator(".st-key-train-start button").click()
    page.wait_for_function(f"({POINTS}) > 1")
    points = page.evaluate(POINTS)
    page.wait_for_function(f"({POINTS}) > {points}")
    expect(page.get_by_text("true digit down").first).to_be_visible()
    page.locator(".st-key-train-stop button").click()
    use = page.locator(".st-key-use-model button").last
    use.wait_for()
    (run,) = queue.list_runs()
    assert (run.recipe, run.state) == ("fast", "stopped")
    use.click()
    expect(use).to_have_count(0)
    assert registry.active() == {"dense": "dense", "cnn": run.run_id}

    page.get_by_role("link", name="Draw").click()
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    page.mouse.move(box["x"] + 170, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 165, box["y"] + 270, steps=8)
    page.mouse.up()
    expect(page.locator(".st-key-answer-cnn")).to_contain_text("fast, ")
    expect(page.locator(".st-key-answer-dense")).not_to_contain_text("·")


def test_past_runs_are_compared_renamed_downloaded_used_and_deleted(server, chromium):
    older, newer = finished_run("fast", "Older"), finished_run("cnn-3x3", "Newer")
    page = chromium.new_page(viewport={"width": 1280, "height": 1600})
    page.goto(f"{server.address}/retrain")

    select_run(page, 0)
    expect(page.get_by_role("button", name="Rename")).to_be_visible()
    select_run(page, 1)
    legend = page.locator(".st-key-compared-accuracy .legendtext")
    expect(legend).to_have_text([re.compile("Newer, "), re.compile("Older, ")])
    select_run(page, 0)

    with page.expect_download() as download:
        page.get_by_role("button", name="Download model and card").click()
    assert download.value.suggested_filename == f"{older}.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"{older}.keras", f"{older}.json"]

    page.locator(f".st-key-title-{older} input").fill("For the fair")
    page.get_by_role("button", name="Rename").click()
    expect(page.locator(f".st-key-title-{older} input")).to_have_value("For the fair")
    wait_until(lambda: queue.get_run(older).title == "For the fair")

    page.locator(".st-key-use-past button").click()
    expect(page.get_by_text("answers as the CNN")).to_contain_text("For the fair")
    assert registry.active()["cnn"] == older
    undo = page.locator(".st-key-undo-cnn button")
    expect(undo).to_have_count(1)  # the page shows the one before, too, until it has rerun
    undo.click()
    expect(page.get_by_text("answers as the CNN")).to_have_count(0)
    assert registry.active()["cnn"] == "cnn"

    delete = page.get_by_role("button", name="Delete", exact=True)
    expect(delete).to_have_count(1)  # the page shows the one before, too, until it has rerun
    delete.click()
    page.locator(".st-key-delete-run button").click()
    wait_until(lambda: [run.run_id for run in queue.list_runs()] == [newer])
    expect(page.get_by_text("Select one to see how it learnt")).to_be_visible()
    page.close()


def wait_until(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_reloaded_tab_still_shows_the_run(page):
    choose(page, "fast", 50)  # the most that a guest may ask for
    page.locator(".st-key-train-start button").click()
    page.wait_for_function(f"({POINTS}) > 1")
    page.reload()
    page.locator(".st-key-train-stop button").wait_for()
    page.wait_for_function(f"({POINTS}) > 1")
    assert [run.state for run in queue.list_runs()] == ["running"]
