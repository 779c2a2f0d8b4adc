"""Filter, scroll, click and lasso in Chromium; every click is checked by what it opens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import steady_box
from tests.made_up_models import DENSE_MISTAKES, make_data, make_model

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def dataset_address(tmp_path_factory, start_server) -> str:
    """The app with 1,400 digits of noise, label = index % 10, and two made-up models."""
    folder = tmp_path_factory.mktemp("dataset")
    make_data(folder / "data.npz")
    named = {"MNIST_PATH": str(folder / "data.npz"), "MNIST_ARTIFACTS": str(folder / "models")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in named.items():
            patch.setenv(name, value)
        make_model("dense", DENSE_MISTAKES)
        make_model("cnn", {})
    return start_server(**named)


@pytest.fixture
def page(chromium, dataset_address) -> Iterator[Page]:
    """The Dataset page with its first digits."""
    page = chromium.new_page(viewport={"width": 1360, "height": 1200})
    page.set_default_timeout(30_000)
    page.goto(dataset_address)
    page.get_by_role("link", name="Dataset").click()
    expect(cell(page, 0)).to_have_attribute("title", "training digit 0, labelled 0")
    yield page
    page.close()


def cells(page: Page):
    return page.locator(".st-key-digit-grid .row > div")


def cell(page: Page, index: int):
    """The cell of a training digit; test digits have no other title than theirs."""
    title = f"training digit {index}, labelled {index % 10}"
    return page.locator(f".st-key-digit-grid .row > div[title='{title}']")


def open_filter(page: Page) -> None:
    page.get_by_role("button", name="Filter").click()


def test_every_view_is_in_sight_on_a_narrow_screen(page: Page):
    """Regression: "People" and "Other data" stood beside the screen, with no sign of them."""
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Digits", "People", "Other data"):
        expect(page.get_by_role("radio", name=name)).to_be_in_viewport(ratio=1)


def test_a_click_opens_the_digit_under_it(page: Page):
    closer = page.locator(".st-key-digit-closer")
    cell(page, 42).click()
    expect(closer).to_contain_text("Training digit 42, labelled 2", timeout=30_000)
    expect(cell(page, 42)).to_have_class(re.compile("chosen"))
    cell(page, 7).click()
    expect(closer).to_contain_text("Training digit 7, labelled 7", timeout=30_000)
    expect(page.locator(".st-key-nearest-sprite .cells > div")).to_have_count(10, timeout=30_000)
    page.get_by_role("button", name="Close").click()
    expect(closer).to_have_count(0)


def test_a_view_chosen_while_the_wall_asks_for_more_is_shown(page: Page):
    """Regression: told of both at once, Streamlit reran the fragment of the wall alone."""
    view = page.get_by_role("radio", name="Other data").element_handle()
    cell(page, 0).evaluate("(cell, view) => {cell.click(); view.click()}", view)
    expect(page.locator(".st-key-upload input[type=file]")).to_be_attached()


def test_arrow_keys_and_enter_choose_too(page: Page):
    cell(page, 42).click()
    expect(page.locator(".st-key-digit-closer")).to_contain_text(
        "Training digit 42", timeout=30_000
    )
    wall = page.locator(".st-key-digit-grid .wall")
    steady_box(wall)  # beside the digit that has opened
    columns = page.locator(".st-key-digit-grid .row").first.locator("div").count()
    wall.focus()
    reached = 42 + columns + 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    at = cell(page, reached)
    expect(at).to_have_id(wall.get_attribute("aria-activedescendant"))  # what a reader speaks of
    expect(at).to_have_attribute("aria-selected", "false")
    page.keyboard.press("Enter")
    expect(at).to_have_attribute("aria-selected", "true")
    expect(page.locator(".st-key-digit-closer")).to_contain_text(
        f"Training digit {reached}", timeout=30_000
    )


def test_a_grid_of_lookalikes_says_which_digit_the_keys_have_reached(page: Page):
    cell(page, 42).click()
    grid = page.locator(".st-key-nearest-sprite .grid")
    grid.press("ArrowRight", timeout=30_000)
    grid.press("ArrowRight")
    second = page.locator(".st-key-nearest-sprite .cells > div").nth(1)
    expect(second).to_have_id(grid.get_attribute("aria-activedescendant"))


def test_scrolling_to_the_end_fetches_what_comes_into_sight_and_filters_begin_anew(page: Page):
    wall = page.locator(".st-key-digit-grid .wall")
    wall.evaluate("wall => { wall.scrollTop = wall.scrollHeight; }")
    expect(cells(page).last).to_have_attribute("title", "test digit 399, labelled 9")
    assert cells(page).count() < 1400  # what is out of sight is not there
    open_filter(page)
    page.get_by_text("test", exact=True).click()
    page.get_by_role("button", name="3", exact=True).first.click()
    expect(page.get_by_text("Test images of 3: 40")).to_be_visible()
    expect(cells(page)).to_have_count(40)
    expect(cells(page).nth(1)).to_have_attribute("title", "test digit 13, labelled 3")


def test_a_wall_that_is_left_asks_for_nothing_more(page: Page):
    """Regression: now and then what it had asked for came over the next page and emptied it."""
    link = page.get_by_role("link", name="Retrain")
    link.evaluate(  # the next page takes its time
        """link => link.addEventListener('click', event => {
            event.preventDefault();
            event.stopPropagation();
        }, {once: true})"""
    )
    link.click()
    wall = page.locator(".st-key-digit-grid .wall")
    wall.evaluate("wall => { wall.scrollTop = wall.scrollHeight; }")
    expect(cells(page).last).to_have_id("digit-1399")
    page.wait_for_timeout(1000)
    expect(cells(page).last).not_to_have_attribute("title", "test digit 399, labelled 9")
    link.click()
    expect(page.get_by_role("heading", name="Retrain")).to_be_visible()


def test_each_cell_shows_the_pixels_of_its_digit(page: Page, tmp_path):
    """What is drawn in a cell is its part of a chunk's picture.

    The picture itself stood in the style of each of its cells: 35 MB to read for 500 digits.
    """
    assert len(cell(page, 0).get_attribute("style")) < 300
    make_data(tmp_path / "same.npz")
    with np.load(tmp_path / "same.npz") as file:
        images = file["x_train"]
    for index in (0, 24, 42, 251):
        pixels = cell(page, index).evaluate(
            """async cell => {
                const style = getComputedStyle(cell), size = cell.getBoundingClientRect().width;
                const picture = new Image();
                picture.src = style.backgroundImage.slice(5, -2);
                await picture.decode();
                const [x, y] = style.backgroundPosition.split(' ').map(parseFloat);
                const canvas = document.createElement('canvas');
                [canvas.width, canvas.height] = [28, 28];
                const context = canvas.getContext('2d');
                context.drawImage(picture, x / size * 28, y / size * 28);
                const {data} = context.getImageData(0, 0, 28, 28);
                return Array.from(data.filter((_, i) => !(i % 4)));
            }"""
        )
        shown = np.array(pixels, dtype=np.uint8).reshape(28, 28)
        np.testing.assert_array_equal(shown, images[index])


def test_a_lasso_lists_what_it_holds(page: Page):
    page.get_by_text("Map", exact=True).click()
    plot = page.locator(".stPlotlyChart .nsewdrag")
    box = steady_box(plot)
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.03)]
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()
    lasso = page.locator(".st-key-lasso")
    expect(lasso).to_contain_text("1,000 digits in the lasso: 100 × 0, 100 × 1")
    expect(lasso.locator(".cells > div")).to_have_count(100)


def test_a_digit_goes_to_the_draw_page(page: Page):
    cell(page, 42).click()
    page.get_by_role("button", name="Send to the Draw page").click()
    expect(page.locator("body")).to_contain_text("training digit 42, labelled 2")
    expect(page.locator(".st-key-canvas")).to_be_visible()


def test_the_selection_downloads(page: Page):
    open_filter(page)
    page.get_by_text("test", exact=True).click()
    expect(page.get_by_text("Test images: 400")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=".npz").click()
    with np.load(download.value.path()) as file:
        assert file["x_test"].shape == (400, 28, 28)
        assert file["index_test"].tolist() == list(range(400))


def test_an_upload_that_is_no_data_set_leaves_the_digits(page: Page):
    page.get_by_text("Other data", exact=True).click()
    upload = page.locator(".st-key-upload input[type=file]")
    upload.set_input_files({"name": "cat.csv", "mimeType": "text/csv", "buffer": b"label\ncat\n"})
    expect(page.get_by_text("cat.csv is no table of whole numbers")).to_be_visible()
    page.get_by_text("Digits", exact=True).first.click()
    expect(page.get_by_text("All images: 1,400")).to_be_visible()
