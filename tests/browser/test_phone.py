"""A room's phone and wall against a made-up server: what a real one does seldom, or not at will."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from mnist_core.web.room_pages import FOLDER

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class MadeUpRoom:
    """Serves both pages and answers a phone; a path's own answer is in `answers`."""

    def __init__(self, page: Page) -> None:
        self.round: dict[str, Any] = {"id": 1, "kind": "draw", "over": False, "left_ms": None}
        self.score: dict[str, int] = {}
        self.gate, self.paused = True, False
        self.answers: dict[str, Callable[[Route], None]] = {}
        self._page = page
        page.context.route("http://room.test/**", self._answer)

    def open(self) -> None:
        self._page.goto("http://room.test/r/ABCDEF")
        expect(self._page.locator("#name")).to_have_text("Calm Fox")

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path.removeprefix("/r/")
        if path == "ABCDEF":
            route.fulfill(path=FOLDER / "phone.html")
        elif path == "ABCDEF/wall":
            route.fulfill(path=FOLDER / "wall.html")
        elif path.startswith("static/"):
            route.fulfill(path=FOLDER / path.removeprefix("static/"))
        elif (name := path.removeprefix("ABCDEF/")) in self.answers:
            self.answers[name](route)
        elif name in ("join", "state"):
            room = {"code": "ABCDEF", "paused": self.paused, "closed": False, "gate": self.gate}
            told = {"room": room, "round": self.round, "score": self.score}
            route.fulfill(json=told | {"me": {"name": "Calm Fox"}})
        elif name != "events":  # which stay silent
            route.fulfill(status=503, json={"error": "Busy."})


@pytest.fixture
def phone(desktop_page) -> Page:
    return desktop_page


@pytest.fixture
def room(phone) -> MadeUpRoom:
    return MadeUpRoom(phone)


def begin_a_stroke(phone: Page) -> None:
    box = phone.locator("#canvas").bounding_box()
    assert box is not None
    phone.mouse.move(box["x"] + 90, box["y"] + 60)
    phone.mouse.down()
    phone.mouse.move(box["x"] + 90, box["y"] + 160, steps=5)


def draw(phone: Page) -> None:
    begin_a_stroke(phone)
    phone.mouse.up()


def send(phone: Page) -> None:
    draw(phone)
    phone.locator("#send").click()


def both_say(digit: int) -> dict[str, Any]:
    return {name: {"digit": digit, "is_digit": True} for name in ("dense", "cnn")}


# Comes, moves and leaves while another pointer draws; primary, as a palm beside a pen is.
A_PALM = """(canvas) => {
  const at = {pointerId: 99, clientX: 5, clientY: 5, isPrimary: true};
  const moved = {...at, coalescedEvents: [new PointerEvent("pointermove", at)]};
  canvas.dispatchEvent(new PointerEvent("pointerdown", at));
  canvas.dispatchEvent(new PointerEvent("pointermove", moved));
  canvas.dispatchEvent(new PointerEvent("pointerup", at));
}"""


def test_a_palm_neither_draws_nor_ends_a_stroke(phone, room):
    room.open()
    begin_a_stroke(phone)
    drawn = phone.evaluate("strokes.flat().length")
    phone.locator("#canvas").evaluate(A_PALM)
    assert phone.evaluate("[strokes.flat().length, stroke !== null]") == [drawn, True]
    phone.mouse.up()
    draw(phone)
    assert phone.evaluate("[strokes.length, stroke]") == [2, None]


def test_a_draft_that_was_kept_goes_on_after_its_last_moment(phone, room):
    """Times counted from the page's load again, and ran backwards."""
    room.open()
    phone.evaluate("localStorage.setItem(here + 'draft', '[[[90,60,0],[90,160,90000]]]')")
    phone.reload()
    expect(phone.locator("#send")).to_be_visible()
    draw(phone)
    times = phone.evaluate("strokes.flat().map(point => point[2])")
    assert len(times) > 3
    assert times == sorted(times)


def test_a_pen_takes_over_from_a_palm_that_landed_before_it(phone, room):
    room.open()
    box = phone.locator("#canvas").bounding_box()
    devtools = phone.context.new_cdp_session(phone)

    def palm(kind: str, *across: int) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + 20} for x in across]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pen(kind: str, y: int) -> None:
        at = {"x": box["x"] + 90, "y": box["y"] + y, "button": "left", "pointerType": "pen"}
        event = at | {"type": kind, "buttons": int(kind != "mouseReleased"), "clickCount": 1}
        devtools.send("Input.dispatchMouseEvent", event)

    palm("touchStart", 20)
    phone.wait_for_function("strokes.length === 1")
    pen("mousePressed", 60)
    palm("touchMove", 40)
    pen("mouseMoved", 160)
    palm("touchEnd")
    assert phone.evaluate("stroke !== null")
    pen("mouseReleased", 160)
    phone.wait_for_function("stroke === null")
    drawn = phone.evaluate("strokes")
    assert len(drawn) == 1
    assert len({x for x, _, _ in drawn[0]}) == 1
    assert len(drawn[0]) == 2


def test_the_hand_says_whether_the_answers_are_right_and_takes_it_back(phone, room):
    """Until the next stroke, and where nothing else says what the drawing is."""
    said = []

    def keep(route: Route) -> None:
        said.append(route.request.post_data_json)
        label = said[-1]["label"]
        route.fulfill(json={"label": 7 if label == "right" else label})

    room.answers["drawings"] = lambda route: route.fulfill(json=both_say(7) | {"entry": 5})
    room.answers["labels"] = keep
    room.open()
    feedback = phone.locator("#feedback")
    expect(feedback).to_be_hidden()
    canvas = phone.evaluate("canvas.offsetTop")
    send(phone)
    expect(phone.locator(".answer.cnn b")).to_have_text("7")
    expect(feedback).to_contain_text("What you say is kept")
    feedback.get_by_role("button", name="Right").click()
    expect(feedback).to_contain_text("this is a 7")
    feedback.get_by_role("button", name="Take it back").click()
    feedback.get_by_role("button", name="No, it’s a …").click()
    for button in feedback.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44
    assert phone.evaluate("canvas.offsetTop") == canvas
    feedback.get_by_role("button", name="8", exact=True).click()
    expect(feedback).to_contain_text("this is an 8")
    draw(phone)
    expect(feedback).to_be_hidden()
    assert said == [{"entry": 5, "label": label} for label in ("right", None, 8)]
    room.round = {"id": 2, "kind": "test", "over": False, "left_ms": None, "digits": [7]}
    phone.evaluate("refresh()")
    expect(phone.locator("#task")).to_have_text("Draw a 7")
    phone.locator("#send").click()
    expect(phone.locator("#hint")).to_have_text("Your 7: both networks got it.")
    expect(feedback).to_be_hidden()


def test_what_is_asked_about_the_last_drawing_is_beside_a_picture_of_it(phone, room):
    """The canvas is empty by then; and "Right" kept "not a digit" of what showed a large 7."""
    read = both_say(7)
    room.answers["drawings"] = lambda route: route.fulfill(json=read | {"entry": 5})
    room.open()
    right = phone.locator("#right")
    send(phone)
    expect(right).to_have_text("Right")
    box = phone.locator("#sent path").bounding_box()
    assert box["height"] > 5 * box["width"]  # without its width: one stroke downwards
    read["dense"]["is_digit"] = False
    send(phone)
    expect(phone.locator("#score")).to_have_text("You: 2 drawings")
    expect(right).to_have_text("Right")
    read["cnn"]["is_digit"] = False
    send(phone)
    expect(right).to_have_text("Right: not a digit")


def test_after_the_last_digit_asked_for_the_first_comes_again(phone, room):
    room.round |= {"kind": "test", "digits": [8, 1, 4]}
    room.score = {"drawn": 3}
    room.answers["drawings"] = lambda route: route.fulfill(json=both_say(8))
    room.open()
    expect(phone.locator("#task")).to_have_text("Draw an 8")
    send(phone)
    expect(phone.locator("#hint")).to_have_text("Your 8: both networks got it.")
    expect(phone.locator("#task")).to_have_text("Draw a 1")


def test_a_drawing_whose_answer_was_lost_counts_once(phone, room):
    posts: list[Route] = []
    room.answers["drawings"] = posts.append
    room.open()
    with phone.expect_request("**/drawings"):
        send(phone)
    room.score = {"drawn": 1}
    phone.evaluate("refresh()")  # as after a connection that broke
    expect(phone.locator("#score")).to_have_text("You: 1 drawing")
    room.answers["drawings"] = lambda route: route.fulfill(json=both_say(7))
    posts[0].abort()
    expect(phone.locator("#link")).not_to_contain_text("to send")
    expect(phone.locator("#hint")).to_contain_text("On the wall.")
    expect(phone.locator("#score")).to_have_text("You: 1 drawing")
    send(phone)
    expect(phone.locator("#score")).to_have_text("You: 2 drawings")


@pytest.mark.parametrize("width", [360, 390])
def test_on_a_phone_neither_an_answer_nor_its_correction_is_off_its_place(phone, room, width):
    """The canvas jumped with an answer of two lines; "Not a digit" lay below the screen."""
    phone.set_viewport_size({"width": width, "height": 780})
    room.round["kind"] = "fool"
    neither = both_say(7)
    for answer in neither.values():
        answer["is_digit"] = False
    room.answers["drawings"] = lambda route: route.fulfill(json=neither | {"entry": 5})
    room.open()
    canvas = phone.evaluate("canvas.offsetTop")
    send(phone)
    expect(phone.locator("#hint")).to_contain_text("It waits for the host.")
    assert phone.evaluate("canvas.offsetTop") == canvas
    room.round = {"id": 2, "kind": "draw", "over": False, "left_ms": None}
    phone.evaluate("refresh()")
    expect(phone.locator("#task")).to_have_text("Draw a digit")
    send(phone)
    phone.locator("#wrong").click()
    expect(phone.locator("#labels button").last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("kind", "gate", "said"), [
    ("draw", True, "It waits for the host. Dense network: 7, CNN: no digit."),
    ("draw", False, "On the wall. Dense network: 7, CNN: no digit."),
    ("fool", True, "It waits for the host. Dense network: 7, CNN: no digit."),
])  # fmt: skip
def test_what_waits_behind_the_veil_is_not_said_to_be_on_the_wall(phone, room, kind, gate, said):
    room.round["kind"], room.gate = kind, gate
    read = both_say(7)
    read["cnn"]["is_digit"] = False
    room.answers["drawings"] = lambda route: route.fulfill(json=read)
    room.open()
    send(phone)
    expect(phone.locator("#hint")).to_have_text(said)


def test_a_network_that_did_not_answer_is_said_to_have_none(phone, room):
    """It read "Dense network: undefined"."""
    room.answers["drawings"] = lambda route: route.fulfill(json={"cnn": both_say(7)["cnn"]})
    room.open()
    send(phone)
    expect(phone.locator("#hint")).to_have_text("On the wall. Dense network: no answer, CNN: 7.")


def test_a_room_that_is_gone_says_what_did_not_arrive_and_leaves_nothing(phone, room):
    room.answers["drawings"] = lambda route: route.fulfill(
        status=404, body="No server, says a proxy"
    )
    room.open()
    send(phone)
    send(phone)
    draw(phone)
    expect(phone.locator("#link")).to_have_text("2 to send")
    gone = {"error": "The room is closed."}
    room.answers["drawings"] = lambda route: route.fulfill(status=404, json=gone)
    expect(phone.locator("#hint")).to_have_text(
        "The room is closed. 2 of your drawings did not arrive in time."
    )
    expect(phone.locator("#link")).to_have_text("")
    expect(phone.locator("#name")).to_be_disabled()
    assert phone.evaluate("Object.keys(localStorage)") == ["room-token"]


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_farewell_has_no_countdown_and_what_is_forgotten_no_name(phone, room, forgotten):
    """Forgotten, "Nobody" was still asked to forget; in a closed room that makes sense."""
    room.round["left_ms"] = 90_000
    room.answers["forget"] = lambda route: route.fulfill(json={"deleted": 2})
    room.open()
    expect(phone.locator("#clock")).to_contain_text(":")
    phone.on("dialog", lambda dialog: dialog.accept())
    if forgotten:
        phone.locator("#forget").click()
        expect(phone.locator("#hint")).to_contain_text("2 of your drawings are deleted")
    else:
        phone.evaluate("hear({room: {...told.room, closed: true}})")
    expect(phone.locator("#task")).to_have_text("Goodbye")
    expect(phone.locator("#clock")).to_be_empty()
    expect(phone.locator("#name")).to_be_visible(visible=not forgotten)
    expect(phone.locator("footer")).to_be_visible(visible=not forgotten)


@pytest.mark.parametrize(
    ("status", "answer"), [(200, both_say(7)), (400, {"error": "That is not a drawing."})]
)
def test_an_answer_that_comes_after_the_farewell_changes_nothing(phone, room, status, answer):
    posts: list[Route] = []
    room.answers["drawings"] = posts.append
    room.open()
    with phone.expect_request("**/drawings"):
        send(phone)
    begin_a_stroke(phone)
    phone.evaluate("hear({room: {closed: true}})")
    farewell = phone.locator("#hint").inner_text()
    assert farewell.startswith("The room is closed.")
    phone.mouse.up()
    posts[0].fulfill(status=status, json=answer)
    phone.wait_for_function("!sending && !stroke")
    assert phone.locator("#hint").inner_text() == farewell
    assert phone.evaluate("Object.keys(localStorage)") == ["room-token"]


def test_digits_to_read_that_are_refused_are_asked_for_again(phone, room):
    room.round["kind"] = "beat"
    asked: list[str] = []

    def pixels(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=429, json={"error": "You ask too often."})
        else:
            route.fulfill(json=["A" * 1048])

    room.answers["pixels/1"] = pixels
    room.open()
    expect(phone.locator("#task")).to_have_text("Digit 1 of 1")
    assert len(asked) == 2


@pytest.mark.parametrize(("kind", "section", "task"), [
    ("beat", "#reading", "Digit 1 of 1"), ("fool", "#voting", "What is this?"),
])  # fmt: skip
def test_nobody_reads_or_votes_on_in_a_pause(phone, room, kind, section, task):
    """The digits of "Beat it" could be read while the clock stood still."""
    room.round["kind"] = kind
    room.answers["pixels/1"] = lambda route: route.fulfill(json=["A" * 1048])
    drawn = {"entry": 5, "path": "M10 10L90 90", "width": 5}
    room.answers["candidate"] = lambda route: route.fulfill(json=drawn)
    room.open()
    if kind == "fool":
        phone.get_by_role("button", name="Vote").click()
    for room.paused in (False, True, False):
        phone.evaluate("refresh()")
        expect(phone.locator("#task")).to_have_text("Paused" if room.paused else task)
        expect(phone.locator(section)).to_be_visible(visible=not room.paused)
        expect(phone.locator("#drawing")).to_be_hidden()


@pytest.mark.parametrize(("in_time", "right", "said"), [
    (20, 3, "You read 3 of 20 right."), (4, 3, "You read 3 of 4 right. 16 came too late."),
    (0, 0, "20 came too late."),
])  # fmt: skip
def test_what_was_read_too_late_is_not_said_to_be_wrong(phone, room, in_time, right, said):
    """They were among those of which so many were right."""
    room.round |= {"kind": "beat", "over": True}
    room.score = {"read": 20, "in_time": in_time, "right": right}
    room.open()
    expect(phone.locator("#score")).to_have_text(said)


def test_a_phone_that_hears_the_server_says_so_now_and_then(phone, room):
    """Its connection may look open for a quarter of an hour after it has left."""
    asked = {"events": 0, "here": 0}
    status = 503

    def heartbeat(route: Route) -> None:
        asked["events"] += 1
        route.fulfill(body=": still here\n\n")

    def here(route: Route) -> None:
        asked["here"] += 1
        route.fulfill(status=status, json={})

    def said_while_it_listens(times: int) -> int:
        before = dict(asked)
        while asked["events"] < before["events"] + times:
            phone.clock.run_for(100)
            phone.wait_for_timeout(20)
        return asked["here"] - before["here"]

    room.answers |= {"events": heartbeat, "here": here}
    phone.clock.install()
    room.open()
    phone.clock.pause_at(phone.evaluate("() => Date.now()") / 1000 + 1)
    assert said_while_it_listens(3) > 1  # what did not arrive is said again
    status = 200
    said_while_it_listens(3)
    assert said_while_it_listens(3) == 0
    phone.clock.run_for(10_000)
    assert said_while_it_listens(3) == 1


A_STREAM = """
window.streams = [];
window.EventSource = class {
  static CLOSED = 2;
  readyState = 1;
  constructor() { streams.push(this); }
  close() { this.readyState = 2; }
};
"""
NEWS = {
    "revision": 1,
    "reset": False,
    "room": {"code": "ABCDEF", "present": 3, "paused": False, "closed": False, "layout": "grid"},
    "round": None,
    "drawings": [],
}


@pytest.fixture
def wall(desktop_page, room) -> Page:
    desktop_page.add_init_script(A_STREAM)
    desktop_page.clock.install()
    desktop_page.goto("http://room.test/r/ABCDEF/wall")
    return desktop_page


def test_a_wall_listens_anew_after_a_silence(wall):
    says = "news => streams.at(-1).onmessage({data: JSON.stringify(news)})"
    states = "() => streams.map((one) => one.readyState)"
    for _ in range(2):
        wall.evaluate(says, NEWS)
        wall.clock.run_for(15_000)
    assert wall.evaluate(states) == [1]
    expect(wall.locator("#present")).to_have_text("3 phones are here")
    wall.clock.run_for(10_000)
    assert wall.evaluate(states) == [2, 1]
    expect(wall.locator("#present")).to_have_text("connecting…")
    wall.evaluate(says, NEWS)
    expect(wall.locator("#present")).to_have_text("3 phones are here")


REFUSED = "() => { streams.at(-1).readyState = 2; window.asked = streams.at(-1).onerror(); }"


def test_a_wall_asks_a_server_that_refuses_less_and_less_often(wall, room):
    """Regression: twice every two seconds for ever, also while it had not answered yet."""
    wall.clock.pause_at(wall.evaluate("() => Date.now()") / 1000 + 60)

    def streams_after(ms: int) -> int:
        wall.clock.run_for(ms)
        return wall.evaluate("() => streams.length")

    def is_refused(first_ms: int = 0) -> int:
        wall.evaluate(REFUSED)
        wall.clock.run_for(first_ms)
        wall.evaluate("() => asked")
        return wall.evaluate("() => streams.length")

    room.answers["wall/events"] = lambda route: route.fulfill(status=503, json={"error": "Busy."})
    for pause_ms in (2000, 4000, 8000, 8000):
        before = is_refused()
        assert [streams_after(pause_ms - 1), streams_after(1)] == [before, before + 1]
    wall.evaluate("news => streams.at(-1).onmessage({data: JSON.stringify(news)})", NEWS)
    room.answers["wall/events"] = lambda route: None  # silent
    before = is_refused(first_ms=5000)
    assert [streams_after(1999), streams_after(1)] == [before, before + 1]
    room.answers["wall/events"] = lambda route: route.fulfill(status=404, json={"error": "No."})
    before = is_refused()
    assert [streams_after(29_999), streams_after(1)] == [before, before + 1]


def test_the_walls_keys_leave_the_browser_its_own(wall):
    theme = "() => document.documentElement.dataset.theme"
    before = wall.evaluate(theme)
    wall.keyboard.press("Control+d")
    assert wall.evaluate(theme) == before
    wall.keyboard.press("D")  # Caps Lock
    assert wall.evaluate(theme) != before
