"""The HTML file that one takes home: it reads as the app does, and by itself."""

import pytest

from benchmarks.take_home import compare, pictures
from mnist_core.ink.examples import EXAMPLES
from mnist_core.models.classifier import Classifier
from mnist_core.views.take_home import take_home
from tests.random_networks import save_random_network

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# Moves and leaves while another pointer draws.
A_PALM = """(canvas) => {
  const at = {pointerId: 99, clientX: 5, clientY: 5};
  const moved = {...at, coalescedEvents: [new PointerEvent("pointermove", at)]};
  canvas.dispatchEvent(new PointerEvent("pointermove", moved));
  canvas.dispatchEvent(new PointerEvent("pointerup", at));
}"""


@pytest.mark.parametrize(("name", "drawings"), [("dense", 60), ("cnn", 20)])
def test_the_file_reads_drawings_as_the_app_does(desktop_page, name, drawings):
    """`python -m benchmarks.take_home` asks the same of 500 drawings."""
    found = compare(desktop_page, take_home(name), Classifier.load(name), pictures(drawings))
    assert found["other_digits"] == found["other_refusals"] == 0
    assert found["largest_difference"] < 0.001
    assert found["largest_difference_of_a_pixel"] < 1e-6


# Between them and the networks that ship, every kind of layer and activation of the recipes.
@pytest.mark.parametrize("recipe", ["dense-deep", "cnn-5x5", "fast"])
def test_every_kind_of_layer_is_in_the_file(desktop_page, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    save_random_network(recipe, temperature=0.2)
    found = compare(desktop_page, take_home(recipe), Classifier.load(recipe), pictures(8))
    assert found["largest_difference"] < 0.001
    if recipe == "fast":
        assert found["kilobytes"] <= 400


def test_a_visitor_draws_and_reads_without_any_connection(page, tmp_path):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    file = tmp_path / "digit.html"
    file.write_text(take_home("dense"), encoding="utf-8")
    page.goto(file.as_uri())
    page.get_by_text("Draw a digit, 0 to 9.").wait_for()
    box = page.locator("#canvas").bounding_box()
    scale = box["width"] / 336
    page.mouse.click(box["x"] + 9, box["y"] + 9, button="right")
    assert page.evaluate("strokes") == []
    page.mouse.move(box["x"] + 90, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + 99, box["y"] + 90)
    page.evaluate("canvas.releasePointerCapture(pointer)")
    page.mouse.move(box["x"] + 120, box["y"] + 90)
    assert page.evaluate("current") is None
    page.mouse.up()
    page.get_by_role("button", name="Clear").click()
    devtools = page.context.new_cdp_session(page)
    palm, pen = ({"x": box["x"] + far, "y": box["y"] + far} for far in (20, 90))
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [palm]})
    page.wait_for_function("strokes.length === 1")
    pen |= {"button": "left", "clickCount": 1, "pointerType": "pen"}
    devtools.send("Input.dispatchMouseEvent", pen | {"type": "mousePressed", "buttons": 1})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate("[strokes.length, current !== null]") == [1, True]
    assert page.evaluate("current[0][0]") == pytest.approx(90 / scale, abs=1)
    devtools.send("Input.dispatchMouseEvent", pen | {"type": "mouseReleased"})
    assert page.evaluate("current") is None
    page.get_by_role("button", name="Clear").click()
    for stroke in next(one.strokes for one in EXAMPLES if one.label == 7):
        points = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in stroke[::3]]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        drawn = page.evaluate("strokes.flat().length")
        page.locator("#canvas").evaluate(A_PALM)
        assert page.evaluate("[strokes.flat().length, current !== null]") == [drawn, True]
        page.mouse.up()
    page.get_by_text("on this device").wait_for()
    assert page.locator("#digit").inner_text() == "7"
    assert page.locator(".bar.best b").inner_text() == "7"
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Draw a digit, 0 to 9.").wait_for()
    assert asked == [file.as_uri()]
