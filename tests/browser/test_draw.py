"""Draw with the mouse and with a finger in Chromium; read both answers off the page."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.strokes import CANVAS_SIZE_PX, bounds, draw_strokes, place
from tests.browser.conftest import steady_box

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ANSWER = ".st-key-answer-{}.answered"


def drawings() -> list[tuple[int, list[np.ndarray]]]:
    """Ten digits: by test writers of pendigits where they are at hand, else our examples."""
    try:
        pendigits = load_pendigits()
    except DatasetError:
        return [(e.label, e.strokes) for e in EXAMPLES if e.label is not None]
    chosen = [np.flatnonzero(pendigits.is_test & (pendigits.labels == d))[0] for d in range(10)]
    return [(d, place(pendigits.drawings[i], 60, 60, 210)) for d, i in enumerate(chosen)]


# Left, top, right, bottom of the ink, in the canvas's own pixels.
INK_BOX = """() => {
  const canvas = [...document.querySelectorAll('.st-key-canvas *')]
    .map(e => e.shadowRoot?.querySelector('canvas.dc-canvas.lower-canvas')).find(Boolean);
  const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width,
                                                                    canvas.height);
  let box = [width, height, 0, 0];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
    if (data[4 * (y * width + x)] > 128)
      box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
  return box;
}"""


class Pen:
    """Draws on the page's canvas, by mouse or by touch."""

    def __init__(self, page):
        self.page = page
        self.by_touch = page.evaluate("navigator.maxTouchPoints > 0")
        self.cdp = page.context.new_cdp_session(page)

    def draw(self, strokes) -> None:
        box = steady_box(self.page.locator(".st-key-canvas canvas").last)
        zoom = box["width"] / CANVAS_SIZE_PX
        for stroke in strokes:
            points = stroke[:: max(1, len(stroke) // 12)]
            points = [(box["x"] + float(x) * zoom, box["y"] + float(y) * zoom) for x, y in points]
            if self.by_touch:
                self._touch(points)
            else:
                self._mouse(points)
            self.page.wait_for_timeout(60)

    def _mouse(self, points) -> None:
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point)
        self.page.mouse.up()

    def _touch(self, points) -> None:
        def send(kind, at):
            touches = [{"x": x, "y": y} for x, y in at]
            self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        send("touchStart", points[:1])
        for point in points[1:]:
            send("touchMove", [point])
        send("touchEnd", [])


def open_page(page, address) -> Pen:
    page.goto(address)
    page.wait_for_selector(".st-key-canvas canvas", timeout=30_000)
    page.get_by_text("With mouse, pen or finger").wait_for(timeout=30_000)
    return Pen(page)


def until_read(page, strokes: int) -> None:
    """Wait until both networks have answered so many strokes, or a picture, which counts as one."""
    for slot in ("dense", "cnn"):
        answer = page.locator(f".reading[data-strokes='{strokes}'] {ANSWER.format(slot)}")
        expect(answer).to_be_visible()


@contextmanager
def another_canvas(page) -> Iterator[None]:
    """Do what redraws the canvas; wait for the new one."""
    canvas = page.locator(".st-key-canvas canvas").last
    before, version = canvas.element_handle(), page.evaluate("mnistInk.version")
    yield
    page.wait_for_function("version => mnistInk.version !== version", arg=version)
    page.wait_for_function("before => !before.isConnected", arg=before)
    canvas.wait_for()


def read(page, slot: str) -> str:
    return page.locator(ANSWER.format(slot)).inner_text().split("\n")[0].strip()


def test_ten_digits_are_drawn_and_read(page, address):
    pen = open_page(page, address)
    right = {"dense": 0, "cnn": 0}
    for digit, strokes in drawings():
        pen.draw(strokes)
        until_read(page, len(strokes))
        for slot in right:
            said = read(page, slot)
            assert said in "0123456789"
            right[slot] += said == str(digit)
        with another_canvas(page):
            page.get_by_role("button", name="Clear").click()
        page.locator(ANSWER.format("cnn")).wait_for(state="detached", timeout=20_000)
    assert right["cnn"] >= 9
    assert right["dense"] >= 8
    expect(page.get_by_alt_text("A drawing of this visit")).to_have_count(10)


SCREENS = {"laptop": (1366, 768), "desktop": (1440, 900), "projector": (1920, 1080)}
SCREENS |= {"phone": (390, 844), "small phone": (360, 740)}
BAR = "{} .bar"
AT_ONCE = [".st-key-canvas", ".st-key-tools", ANSWER.format("dense"), ANSWER.format("cnn")]
AT_ONCE += [BAR.format(answer) for answer in AT_ONCE[2:]]
AT_ONCE += [".agreement", ".st-key-network-input img"]
BOXES = """selector => [...document.querySelectorAll(selector)].map(element => {
    const {left, top, right, bottom} = element.getBoundingClientRect();
    return [left, top, right, bottom]})"""


def boxes(page, selector: str) -> np.ndarray:
    """(n, 4): left, top, right, bottom of whatever the selector finds, in the window."""
    return np.array(page.evaluate(BOXES, selector)).reshape(-1, 4)


def free_window(page) -> tuple[float, float, float, float]:
    """The part of the window that the pages' names do not cover."""
    width, height = page.evaluate("[innerWidth, innerHeight]")
    _, top, _, bottom = boxes(page, ".st-key-pages")[0]
    return (0, bottom, width, height) if top <= 0 else (0, 0, width, top)


@pytest.mark.parametrize("screen", SCREENS)
def test_canvas_and_both_answers_fit_the_screen_and_the_ink_is_where_the_pen_was(
    chromium, address, screen
):
    width, height = SCREENS[screen]
    touch = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    context = chromium.new_context(viewport={"width": width, "height": height}, **touch)
    page = context.new_page()
    pen = open_page(page, address)
    three = place(next(e.strokes for e in EXAMPLES if e.label == 3), 70, 70, 200)
    pen.draw(three)
    until_read(page, len(three))
    left, top, right, bottom = free_window(page)
    for selector in AT_ONCE:
        found = boxes(page, selector)
        assert len(found) == (10 if "bar" in selector else 1), selector
        assert (found[:, :2] >= (left, top)).all(), (selector, found)
        assert (found[:, 2:] <= (right, bottom)).all(), (selector, found)
    shown = np.concatenate([boxes(page, selector) for selector in AT_ONCE[:4]])
    for one, other in itertools.combinations(shown, 2):
        apart = (one[2:] <= other[:2] + 0.5).any() or (other[2:] <= one[:2] + 0.5).any()
        assert apart, (one, other)
    side = boxes(page, ".st-key-canvas")[0]
    if screen == "projector":
        assert side[3] - side[1] > 0.6 * height
    # Half a brush, and what the pen cuts short.
    np.testing.assert_allclose(page.evaluate(INK_BOX), bounds(three), atol=14)
    context.close()


def test_right_says_that_it_keeps_no_digit_and_every_correction_is_in_sight(chromium, address):
    """Regression: "Right" stood below a large 8 and kept "not a digit"; 9 was cut off."""
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    pen = open_page(page, address)
    lines = [((60, 60), (270, 270)), ((270, 60), (60, 270)), ((165, 40), (165, 290)),
             ((40, 165), (290, 165))]  # fmt: skip
    pen.draw([np.linspace(*line, 12) for line in lines])
    until_read(page, len(lines))
    expect(page.get_by_text("Both say that this is no digit.")).to_be_visible()
    expect(page.get_by_role("button", name="Right: not a digit")).to_be_visible()
    choices = boxes(page, ".st-key-feedback [role=radiogroup] button")
    assert len(choices) == 11
    assert choices[:, 2].max() <= 390
    page.get_by_role("button", name="Clear").click()
    page.locator(".st-key-example-7 button").first.click()
    expect(page.get_by_text("Both read a 7.")).to_be_visible()
    expect(page.get_by_role("button", name="Right", exact=True)).to_be_visible()
    page.close()


def test_the_hint_is_there_until_the_pen_comes_and_takes_no_stroke_away(desktop_page, address):
    page = desktop_page
    pen = open_page(page, address)
    hint = page.locator(".hint")
    assert hint.evaluate("element => getComputedStyle(element).pointerEvents") == "none"
    assert hint.evaluate("element => element.complete && element.naturalWidth > 0")
    two = next(e.strokes for e in EXAMPLES if e.label == 2)
    pen.draw(two)
    until_read(page, len(two))
    hint.wait_for(state="detached")
    page.get_by_role("button", name="Clear").click()
    hint.wait_for()


def test_the_page_fits_the_window_and_the_finger_draws(page, address):
    open_page(page, address)
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window
    canvas = page.locator(".st-key-canvas canvas").last
    box = canvas.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= window
    assert canvas.evaluate("element => getComputedStyle(element).touchAction") == "none"


def test_an_example_lands_on_the_canvas_and_can_be_taken_back(desktop_page, address):
    page = desktop_page
    open_page(page, address)
    strokes = next(one.strokes for one in EXAMPLES if one.label == 7)
    with another_canvas(page):
        page.locator(".st-key-example-7 button").first.click()
    until_read(page, len(strokes))
    assert read(page, "cnn") == "7"
    assert read(page, "dense") == "7"
    for _ in strokes:
        with another_canvas(page):
            page.get_by_role("button", name="Undo").first.click()
    page.locator(ANSWER.format("cnn")).wait_for(state="detached", timeout=20_000)


def test_a_press_in_the_instant_of_a_stroke_counts_that_stroke(desktop_page, address):
    """Regression: Undo took back two; what was said was of the drawing before it."""
    page = desktop_page
    pen = open_page(page, address)
    first, second = next(e.strokes for e in EXAMPLES if e.label == 4)
    shown = page.locator(".reading[data-strokes]")
    press = """name => addEventListener('mouseup', () => setTimeout(  // when the canvas sends it
        () => document.querySelector(name).click(), 200), {once: true})"""
    pen.draw([first])
    until_read(page, 1)
    page.evaluate(press, ".st-key-undo button")
    with another_canvas(page):
        pen.draw([second])
    expect(shown).to_have_attribute("data-strokes", "1")
    page.evaluate(press, ".st-key-say-right button")
    pen.draw([second])
    expect(shown).to_have_attribute("data-strokes", "2")
    expect(page.locator(".st-key-feedback")).to_contain_text("Kept with your strokes: this is a 4")


def test_a_photo_lands_on_the_canvas_and_is_read(desktop_page, address, tmp_path):
    page = desktop_page
    three = draw_strokes(next(e.strokes for e in EXAMPLES if e.label == 3))[..., 0]
    Image.fromarray(230 - np.uint8(three * 0.8)).save(tmp_path / "three.jpg")
    open_page(page, address)
    page.locator("input[type=file]").first.set_input_files(tmp_path / "three.jpg")
    until_read(page, 1)
    assert read(page, "cnn") == "3"


def test_the_drawing_is_still_there_after_a_visit_to_another_page(desktop_page, address):
    page = desktop_page
    pen = open_page(page, address)
    eight = next(e.strokes for e in EXAMPLES if e.label == 8)
    pen.draw(eight)
    until_read(page, len(eight))
    page.get_by_role("link", name="Retrain").first.click()
    page.get_by_role("heading", name="Retrain").wait_for(timeout=20_000)
    page.get_by_role("link", name="Draw").first.click()
    until_read(page, len(eight))
    assert read(page, "cnn") == "8"


def test_who_asks_why_sees_it_until_the_next_stroke_and_moves_the_digit(page, address):
    pen = open_page(page, address)
    strokes = next(e.strokes for e in EXAMPLES if e.label == 4)
    assert len(strokes) > 1
    pen.draw(strokes[:1])
    until_read(page, 1)
    ink = page.get_by_alt_text("The ink that the CNN rests on")
    page.get_by_role("button", name="Why do they answer that?").click()
    ink.wait_for(timeout=60_000)  # at low priority
    page.locator(".st-key-canvas canvas").last.scroll_into_view_if_needed()
    pen.draw(strokes[1:])
    ink.wait_for(state="detached", timeout=20_000)
    page.get_by_role("button", name="Why do they answer that?").click()
    ink.wait_for(timeout=60_000)
    page.get_by_role("button", name="Link to this").wait_for()  # the explanation's end
    pushed = page.get_by_alt_text("The pushed image")
    unturned = pushed.get_attribute("src")
    page.locator(".st-key-push-turn").get_by_role("slider").press("ArrowRight")
    expect(pushed).not_to_have_attribute("src", unturned)
    assert ink.is_visible()
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window


def downloaded(page: Page, name: str) -> Path:
    """Press a button as a person would."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return download.value.path()


def test_the_image_is_downloaded_after_every_way_to_change_the_canvas(desktop_page, address):
    """Regression: after Clear or another brush, Streamlit had forgotten what to download."""
    page = desktop_page
    pen = open_page(page, address)
    seven = next(e for e in EXAMPLES if e.label == 7)

    def change_brush() -> None:
        page.get_by_role("button", name="Brush").click()
        slider = page.locator(".st-key-brush_px").get_by_role("slider")
        slider.press("ArrowRight")
        page.keyboard.press("Escape")
        slider.wait_for(state="hidden")

    def press(name: str) -> None:
        with another_canvas(page):
            page.get_by_role("button", name=name).first.click()

    changes = {
        "nothing": lambda: None,
        "undo": lambda: press("Undo"),
        "brush": change_brush,
        "clear": lambda: press("Clear"),
    }
    reading = page.locator(".reading")
    for change, make in changes.items():
        make()
        strokes = reading.get_attribute("data-strokes")
        pen.draw(seven.strokes)
        expect(reading).not_to_have_attribute("data-strokes", strokes)
        image = np.asarray(Image.open(downloaded(page, "Download 28x28 PNG")))
        assert (image.shape, image.max() > 200) == ((28, 28), True), change
