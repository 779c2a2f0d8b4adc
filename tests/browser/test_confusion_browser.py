"""Click a cell in Chromium and see exactly the digits that it counts; compare two models."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.made_up_models import CNN_MISTAKES, DENSE_MISTAKES, make_data, make_model

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def confusion_address(tmp_path_factory, start_server) -> str:
    """The address of the page, serving two made-up models."""
    folder = tmp_path_factory.mktemp("confusion")
    make_data(folder / "data.npz")
    named = {"MNIST_PATH": str(folder / "data.npz"), "MNIST_ARTIFACTS": str(folder / "models")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in named.items():
            patch.setenv(name, value)
        make_model("dense", DENSE_MISTAKES)
        make_model("cnn", CNN_MISTAKES)
    return f"{start_server(**named)}/confusion"


@pytest.fixture
def page(chromium, confusion_address) -> Iterator[Page]:
    """The confusion page, its matrix drawn."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1400})
    page.set_default_timeout(30_000)
    page.goto(confusion_address)
    page.locator(".st-key-cell-examples .grid").wait_for()
    page.locator(".st-key-confusion-matrix .nsewdrag").wait_for()
    yield page
    page.close()


def click_cell(page: Page, true: int, predicted: int) -> None:
    plot = page.locator(".st-key-confusion-matrix .nsewdrag")
    box = plot.bounding_box()
    x, y = box["width"] * (predicted + 0.5) / 10, box["height"] * (true + 0.5) / 10
    plot.click(position={"x": x, "y": y})


def indices_shown(page: Page) -> list[int]:
    titles = page.locator(".st-key-cell-examples").get_by_role("option").all()
    return [int(one.get_attribute("title").split()[2].rstrip(",")) for one in titles]


def test_a_clicked_cell_shows_exactly_the_digits_that_it_counts(page: Page):
    examples = page.locator(".st-key-cell-examples")
    click_cell(page, 7, 1)
    expect(examples).to_contain_text("1 × 7 read as 1")
    expect(examples.get_by_role("option")).to_have_count(1)
    assert indices_shown(page) == [7]
    click_cell(page, 4, 9)
    expect(examples).to_contain_text("3 × 4 read as 9")
    expect(examples.get_by_role("option")).to_have_count(3)
    assert indices_shown(page) == [304, 24, 14]  # the surest first
    click_cell(page, 2, 5)
    expect(examples).to_contain_text("No digit landed in this cell")


def test_a_clicked_digit_opens_large_and_goes_to_the_draw_page(page: Page):
    page.locator(".st-key-cell-examples").get_by_role("option").nth(1).click()
    closer = page.locator(".st-key-cell-closer")
    expect(closer).to_contain_text("Test digit 24, labelled 4")
    expect(closer.locator(".answers-to-one .bar")).to_have_count(10)
    closer.get_by_role("button", name="Draw page").click()
    expect(page).not_to_have_url(re.compile("confusion"))
    expect(page.locator("body")).to_contain_text("test digit 24, labelled 4")


def test_a_digit_opens_by_keyboard(page: Page):
    """Regression: digits were marks of a chart, which no key reaches."""
    page.locator(".st-key-cell-examples .grid").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".st-key-cell-closer")).to_contain_text("Test digit 24, labelled 4")


def test_on_a_narrow_screen_the_worst_digits_stand_in_fewer_columns(page: Page):
    """Regression: they stood in twelve, their numbers over each other, their lines left out."""
    page.get_by_text("Hardest").click()
    tiles = page.locator(".st-key-worst-tiles .cells > div")
    expect(tiles).to_have_count(24)
    row = "all => all.filter(one => one.offsetTop === all[0].offsetTop).length"
    assert tiles.evaluate_all(row) == 12
    page.set_viewport_size({"width": 390, "height": 844})
    expect(tiles.nth(5)).to_have_js_property("offsetLeft", 0)
    assert tiles.evaluate_all(row) == 5
    expect(tiles.first.locator("span")).to_be_visible()
    page.locator(".st-key-worst-tiles .grid").focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    expect(tiles.nth(5)).to_have_class("at")


def test_a_view_chosen_in_the_instant_in_which_a_digit_is_opened_is_shown(page: Page):
    """Regression: told of both at once, Streamlit reran the fragment of the mistakes alone."""
    view = page.get_by_role("radio", name="Trust").element_handle()
    digit = page.locator(".st-key-cell-examples").get_by_role("option").first
    digit.evaluate("(digit, view) => {digit.click(); view.click()}", view)
    expect(page.locator(".st-key-cell-examples")).to_have_count(0)


def test_two_models_are_compared(page: Page):
    page.get_by_text("Compare", exact=True).click()
    expect(page.get_by_text("the CNN alone on 3")).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer")).to_have_count(3)
