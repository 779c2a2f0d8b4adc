"""While the pen moves: bars that move with it, and the rerun that agrees in the end."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Request, expect

from mnist_core.ink.examples import EXAMPLES, canvas_json
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import STROKE_WIDTH_PX, place
from mnist_core.models.classifier import Classifier
from mnist_core.models.reading import draw_ink
from mnist_core.views.canvas_state import render
from tests.browser.conftest import steady_box

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FOUR = next(example.strokes for example in EXAMPLES if example.label == 4)
SHOWN = """() => [...document.querySelectorAll(".large-digit")].map(e => e.textContent).join()
    + " " + document.querySelector(".st-key-network-input img").src"""
# However busy the server is, the page asks again while its pen moves.
ASKS_ON = """const fetched = window.fetch;
window.fetch = async (address, request) => {
  const answer = await fetched(address, request);
  if (!String(address).endsWith("/api/read")) return answer;
  const json = answer.json.bind(answer);
  return Object.assign(answer, {json: async () => ({...await json(), pause_ms: 100})});
};"""
# Draws every drawing as the canvas does, in one go: a round white brush on black.
ON_A_CANVAS = """drawings => drawings.map(({objects}) => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 336, height: 336});
    const pen = canvas.getContext("2d");
    pen.fillRect(0, 0, 336, 336);
    Object.assign(pen, {strokeStyle: "#fff", lineCap: "round", lineJoin: "round"});
    for (const {path, strokeWidth} of objects) {
        pen.lineWidth = strokeWidth;
        pen.stroke(new Path2D(path.map(command => command.join(" ")).join(" ")));
    }
    const {data} = pen.getImageData(0, 0, 336, 336);
    const grey = data.filter((_, i) => i % 4 === 0);
    return btoa(Array.from(grey, g => String.fromCharCode(g)).join(""));
})"""


class SlowPen:
    """Draws at a hand's speed, by mouse or by touch."""

    def __init__(self, page) -> None:
        self.page = page
        self.by_touch = page.evaluate("navigator.maxTouchPoints > 0")
        self.cdp = page.context.new_cdp_session(page)
        self.box = steady_box(page.locator(".st-key-canvas canvas").last)

    def send(self, kind: str, point) -> None:
        scale = self.box["width"] / 336
        x, y = (self.box[side] + scale * float(v) for side, v in zip("xy", point, strict=True))
        if self.by_touch:
            touches = [] if kind == "up" else [{"x": x, "y": y}]
            name = {"down": "touchStart", "move": "touchMove", "up": "touchEnd"}[kind]
            self.cdp.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": touches})
        elif kind == "move":
            self.page.mouse.move(x, y)
        else:
            self.page.mouse.move(x, y)
            getattr(self.page.mouse, kind)()

    def draw(self, stroke: np.ndarray, before_the_end=lambda: None) -> None:
        self.send("down", stroke[0])
        for point in stroke[1:]:
            self.send("move", point)
            self.page.wait_for_timeout(16)
        before_the_end()
        self.send("up", stroke[-1])


def open_page(page, address) -> SlowPen:
    page.add_init_script(ASKS_ON)
    page.goto(address)
    page.wait_for_selector(".st-key-canvas canvas", timeout=30_000)
    page.wait_for_function("() => window.mnistInk?.version === 0", timeout=30_000)
    page.locator(".st-key-canvas canvas").last.scroll_into_view_if_needed()
    return SlowPen(page)


def settled(page) -> None:
    """Wait until the rerun has answered every stroke."""
    page.wait_for_function("""() => {
        const reading = document.querySelector(".reading:not(.moving)");
        return Number(reading?.dataset.strokes) === window.mnistInk.strokes.length
            && reading.querySelectorAll(".answered").length === 2;
    }""")


def points(request: Request) -> int:
    """Return how many points a page has asked about."""
    return sum(len(stroke) for stroke in request.post_data_json["strokes"])


def test_the_bars_move_with_the_pen_and_the_rerun_agrees(page, address):
    pen = open_page(page, address)
    asked = []
    page.on("request", lambda r: asked.append(r) if "/api/read" in r.url else None)
    for stroke in FOUR[:-1]:
        pen.draw(stroke)
    settled(page)
    rerun_says = page.evaluate(SHOWN)
    pen.draw(FOUR[-1], lambda: page.wait_for_selector(".reading.moving", timeout=20_000))
    page.wait_for_function(f"before => ({SHOWN})() !== before", arg=rerun_says)
    page.wait_for_function(
        "() => document.querySelector('.st-key-answer-cnn .large-digit').textContent === '4'"
    )
    in_all = page.evaluate("mnistInk.strokes.flatMap(stroke => stroke.points).length")
    while points(asked[-1]) < in_all:
        page.wait_for_timeout(20)
    told = asked[-1].response().json()
    at_pen_up = f"{told['dense']['digit']},{told['cnn']['digit']} {told['image']}"
    page.wait_for_function(f"told => ({SHOWN})() === told", arg=at_pen_up)
    settled(page)
    assert page.evaluate(SHOWN) == at_pen_up  # the same digits and the same image
    assert len(asked) >= 4
    assert {request.response().status for request in asked} == {200}
    # In bytes: 2,000 points fit into what the route takes.
    assert len(asked[-1].post_data) / points(asked[-1]) < 30
    bars = page.locator(".st-key-answer-cnn .bar")
    assert bars.nth(4).evaluate("e => Number(e.style.getPropertyValue('--p'))") > 0.5
    # Undone, a stroke is gone for the companion too; the others keep their times, and so does it.
    times = "() => window.mnistInk.strokes.map(stroke => stroke.points.map(([, , ms]) => ms))"
    drawn = page.evaluate(times)
    assert drawn[0][0] == 0
    page.locator(".st-key-undo button").click()
    page.wait_for_function(f"() => window.mnistInk.strokes.length === {len(FOUR) - 1}")
    assert page.evaluate(times) == drawn[:-1]
    page.locator(".st-key-redo button").click()
    page.wait_for_function(f"() => window.mnistInk.strokes.length === {len(FOUR)}")
    assert page.evaluate(times) == drawn


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_palm_beside_the_finger_draws_nothing(page, address):
    pen = open_page(page, address)
    places = [{"x": pen.box["x"] + 60 + 5 * n, "y": pen.box["y"] + 90, "id": 0} for n in range(9)]
    palm = [{"x": pen.box["x"] + 20, "y": pen.box["y"] + 20 + 8 * n, "id": 1} for n in range(5)]

    def touch(kind, *points):
        pen.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    touch("touchStart", places[0])
    for place_ in places[1:5]:
        touch("touchMove", place_)
    touch("touchStart", places[4], palm[0])
    for place_ in palm[1:]:
        touch("touchMove", places[4], place_)
    for place_ in places[5:]:
        touch("touchMove", place_, palm[-1])
    touch("touchEnd")
    points = page.evaluate("() => window.mnistInk.strokes.map(one => one.points)")
    assert len(points) == 1
    assert {round(y) for _, y, _ in points[0]} == {round(90 * 336 / pen.box["width"])}
    assert len(points[0]) >= 5


def test_two_digits_are_framed_and_read_as_a_number(desktop_page, address):
    """While the pen moves and by the rerun after it; taken back, one digit is left."""
    page = desktop_page
    two = place(next(example.strokes for example in EXAMPLES if example.label == 2), 200, 95, 125)
    pen = open_page(page, address)
    for stroke in place(FOUR, 40, 90, 130):
        pen.draw(stroke)
    settled(page)
    framed = "() => document.querySelectorAll('.over-canvas.boxes i').length === {}"
    for stroke in two:
        pen.draw(stroke, lambda: page.wait_for_function(framed.format(2), timeout=20_000))
    page.wait_for_function(
        "() => document.querySelector('.st-key-answer-cnn .large-digit').textContent === '42'"
    )
    settled(page)
    assert page.locator(".st-key-answer-cnn .large-digit").inner_text() == "42"
    assert page.locator(".st-key-answer-dense .bar:visible").count() == 2
    assert page.locator(".st-key-network-input img").count() == 2
    assert "42" in page.locator(".agreement").inner_text()
    page.locator(".st-key-undo button").click()
    page.wait_for_function(framed.format(0))
    expect(page.locator(".st-key-answer-dense .bar:visible")).to_have_count(10)


def test_a_server_that_stops_in_mid_stroke_and_comes_back(desktop_page, server):
    page = desktop_page
    pen = open_page(page, server.address)
    pen.draw(FOUR[0])
    settled(page)

    def stop() -> None:
        server.kill()
        page.wait_for_timeout(1500)

    pen.draw(FOUR[1], before_the_end=stop)
    server.start()
    page.wait_for_function("() => window.mnistInk.strokes.length === 2")
    settled(page)
    pen.draw(FOUR[1], lambda: page.wait_for_selector(".reading.moving", timeout=20_000))
    settled(page)
    assert page.locator(".st-key-answer-cnn .large-digit").inner_text() == "4"


def test_an_answer_that_comes_after_the_rerun_changes_nothing(desktop_page, address):
    page, held = desktop_page, []
    page.add_init_script("AbortSignal.timeout = () => undefined")
    page.route("**/api/read", lambda route: held.append(route))
    pen = open_page(page, address)
    pen.draw(FOUR[0])
    page.wait_for_selector(".st-key-answer-cnn.answered", timeout=20_000)
    settled(page)
    with page.expect_response("**/api/read"):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert not page.locator(".reading.moving").count()


def test_without_the_route_all_works_as_without_the_companion(desktop_page, address):
    page = desktop_page
    page.route("**/api/read", lambda route: route.abort())
    pen = open_page(page, address)
    for stroke in FOUR:
        pen.draw(stroke)
    page.wait_for_selector(".st-key-answer-cnn.answered", timeout=20_000)
    settled(page)
    assert page.locator(".st-key-answer-cnn .large-digit").inner_text() == "4"


# Drags the time line and presses Play twice before the first answer can be there.
IMPATIENT = """(replay) => {
  const [line, play] = ["input", ".play"].map((one) => replay.querySelector(one));
  for (line.value of [100, 500, 900]) line.dispatchEvent(new Event("input"));
  play.click();
  play.click();
}"""


def test_a_drawing_replays_itself_and_is_scrubbed(page, address):
    pen = open_page(page, address)
    for stroke in FOUR:
        pen.draw(stroke)
    settled(page)
    page.locator(".st-key-replay summary").click()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".replay").evaluate(IMPATIENT)
    page.wait_for_function(
        "() => document.querySelector('.replay .words').textContent.includes('The CNN said 4')",
        timeout=20_000,
    )
    page.wait_for_function("() => document.querySelector('.replay .play').textContent[0] === '▶'",
                           timeout=20_000)  # fmt: skip
    assert len([url for url in asked if url.endswith("/api/replay")]) == 1
    answers = page.locator(".replay .said b")
    assert answers.all_inner_texts() == ["4", "4"]
    assert page.locator(".replay .marks [data-slot=cnn].last").inner_text() == "4"
    page.locator(".replay input").fill("50")
    assert page.locator(".replay .said[data-slot=cnn] b").inner_text() != "4"
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window


A_REPLAY = """async () => {
  window.mnistInk = {strokes: [{width: 18, points: [[90, 90, 0], [90, 160, 50]]}]};
  const replay = await import("./replay.js");
  replay.default({data: {address: "/api/replay"}, parentElement: document.body});
}"""


def answer_a_replay(route) -> None:
    strokes = route.request.post_data_json["strokes"]
    words = [f"Strokes: {len(strokes)}"]
    route.fulfill(
        json={"strokes": strokes, "moments": [{"at_ms": 50}], "changes": {}, "words": words}
    )


def test_a_stroke_drawn_while_a_replay_is_asked_for_is_in_it(desktop_page):
    page = desktop_page
    folder, asked = Path(__file__).parents[2] / "pages" / "parts" / "draw", []
    page.route("http://replay.test/", lambda route: route.fulfill(path=folder / "replay.html"))
    page.route("**/replay.js", lambda route: route.fulfill(path=folder / "replay.js"))
    page.route("**/api/replay", lambda route: asked.append(route))
    page.goto("http://replay.test/")
    page.evaluate(A_REPLAY)
    with page.expect_request("**/api/replay"):
        page.locator(".play").click()
    page.evaluate("mnistInk.strokes.push({width: 18, points: [[120, 90, 90], [120, 160, 140]]})")
    page.locator(".play").click()
    page.route("**/api/replay", answer_a_replay)
    answer_a_replay(asked[0])
    expect(page.locator(".words")).to_have_text("Strokes: 2")


def test_what_is_read_of_strokes_is_what_chromium_draws_of_them(desktop_page, pendigits, random):
    """On 200 real drawings: strokes over HTTP and the canvas's objects are one image, and a
    browser's own pixels give the same answers."""
    chosen = random.choice(np.flatnonzero(pendigits.is_test), 200, replace=False)
    drawings = [place(pendigits.drawings[index], 60, 60, 216) for index in chosen]
    recorded = [canvas_json(strokes) for strokes in drawings]
    images = [mnist_image(draw_ink(strokes, STROKE_WIDTH_PX)) for strokes in drawings]
    for image, drawn in zip(images, recorded, strict=True):
        np.testing.assert_array_equal(image, mnist_image(render(drawn["objects"])))
    pixels = desktop_page.evaluate(ON_A_CANVAS, json.loads(json.dumps(recorded)))
    on_canvas = [
        mnist_image(np.frombuffer(base64.b64decode(p), np.uint8).reshape(336, 336)) for p in pixels
    ]
    difference = np.abs(np.array(images) - np.array(on_canvas)).mean(axis=(1, 2))
    # Where a hair of anti-aliasing changes the rounding, the whole image moves by a pixel.
    assert np.median(difference) < 0.005
    for name in ("dense", "cnn"):
        network = Classifier.load(name)
        read = network.probabilities(np.array(images)).argmax(axis=1)
        seen = network.probabilities(np.array(on_canvas)).argmax(axis=1)
        assert (read != seen).sum() <= 1
