"""The wall in a browser, with all that it asks for made up here: no server is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from mnist_core.data import database
from mnist_core.ink.examples import EXAMPLES
from mnist_core.models import registry
from mnist_core.room import ballot, host, phones, rules, wall
from mnist_core.web.room_pages import FOLDER, qr_svg

pytestmark = pytest.mark.browser

SITE = "http://wall.test"
TOKENS = [f"phone-{number}-" + "x" * 22 for number in range(4)]
QUESTIONS = {"pixels": ["A" * 1044 + "AA=="] * 20, "labels": [3] * 20, "dense": [5] * 20,
             "cnn": [3] * 20, "source": "made up"}  # fmt: skip
FROM_CORNER_TO_CORNER = [[[14.0, 14.0], [322.0, 322.0]], [[14.0, 322.0], [322.0, 14.0]]]
# What is on the wall in each state, to the last word of it.
SHOWN = {
    "lobby": ".lobby .here",
    "draw": ".tile b.cnn",
    "space": ".tile b.cnn",
    "test": ".strip .tile",
    "fool": ".board li",
    "race": ".race p",
    "beat": ".question p",
}


@pytest.fixture
def code(tmp_path, monkeypatch) -> Iterator[str]:
    """A room that four phones have joined."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    code = host.open_room("key", "http://digits.example.org").code
    for token in TOKENS:
        phones.join(code, token)
    yield code
    database.engine().dispose()


def bring_to(code: str, state: str) -> None:
    """Let what the wall shows in this state happen."""
    if state == "lobby":
        return
    kind = {"race": "beat", "space": "draw"}.get(state, state)
    host.set_layout(code, "space" if state == "space" else "grid")
    round_ = host.start_round(code, kind, 60, QUESTIONS if kind == "beat" else None)
    if kind == "beat":
        for token in TOKENS:
            ballot.read(code, token, round_.id, 0, 3)
        if state == "beat":
            host.stop_round(code)
        return
    for number in range(14):
        example = EXAMPLES[number % len(EXAMPLES)]
        strokes = [[[float(x), float(y)] for x, y in stroke] for stroke in example.strokes]
        if not number:
            strokes = FROM_CORNER_TO_CORNER
        token = TOKENS[number % 3]
        asked = rules.asked_digit(round_.seed, phones.join(code, token).id, number)
        answers = {network: answer(asked if network == "cnn" else (asked + number) % 10)
                   for network in registry.SLOTS}  # fmt: skip
        sent = phones.Sent(f"k{number}", round_.id, number, strokes, 18, 336)
        entry = phones.draw(code, token, sent, answers)
        if kind == "fool":
            for voter in TOKENS:
                if voter != token:
                    ballot.vote(code, voter, entry, asked)


def answer(digit: int) -> dict:
    return {"model": "m", "digit": digit, "confidence": 0.91, "is_digit": True,
            "probabilities": [0.91 if d == digit else 0.01 for d in range(10)]}  # fmt: skip


@pytest.fixture
def open_wall(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a wall whose stream is answered as given, in a window of some size."""
    contexts = []

    def open_(code: str, stream: Callable[[Route], None], **options) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()

        def serve(route: Route) -> None:
            path = route.request.url.removeprefix(SITE).partition("?")[0]
            if path.endswith("/events"):
                stream(route)
            elif path.endswith("/qr.svg"):
                route.fulfill(body=qr_svg(f"{SITE}/r/{code}"), content_type="image/svg+xml")
            else:
                route.fulfill(path=FOLDER / ("wall.html" if path.endswith("/wall") else
                                             path.rpartition("/")[2]))  # fmt: skip

        page.route(f"{SITE}/**", serve)
        page.goto(f"{SITE}/r/{code}/wall")
        return page

    yield open_
    for context in contexts:
        context.close()


def tell(*states: dict) -> Callable[[Route], None]:
    told = "".join(f"data: {json.dumps(state)}\n\n" for state in states)
    return lambda route: route.fulfill(
        body=f"retry: 3600000\n{told}", content_type="text/event-stream"
    )


def newer(state: dict, drawings: int) -> dict:
    """Return the news of so many drawings more than in this state, which have fooled nobody."""
    last = state["drawings"][-1]
    made = [last | {"id": last["id"] + 1 + n, "fooled": []} for n in range(drawings)]
    return state | {"revision": state["revision"] + 1, "reset": False, "drawings": made}


def refuse(status: int, body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, content_type="application/json")


@pytest.mark.parametrize("state", SHOWN)
def test_a_wall_on_a_phone_is_read_by_scrolling_down(code, open_wall, state):
    """Below 700 pixels the code and half of the results were cut off."""
    bring_to(code, state)
    page = open_wall(code, tell(wall.state(code)), viewport={"width": 390, "height": 844})
    page.locator(SHOWN[state]).last.wait_for()
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("state", ["test", "fool", "beat"])
def test_a_projector_shows_all_that_is_on_the_wall(code, open_wall, state):
    """What only one network got was cut off on both sides, and below."""
    bring_to(code, state)
    page = open_wall(code, tell(wall.state(code)), viewport={"width": 1280, "height": 720})
    page.locator(SHOWN[state]).last.wait_for()
    assert page.evaluate(CUT_OFF) == []


# All that has words or ink and lies outside the page, or outside what shows only a part of it.
CUT_OFF = """() => {
  const page = document.documentElement, found = [];
  for (const one of document.querySelectorAll("header *, #stage *")) {
    const words = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const box = one.getBoundingClientRect();
    if (!words && !["svg", "IMG", "CANVAS"].includes(one.tagName) || !box.width) continue;
    let inside = box.left >= 0 && box.right <= page.clientWidth + 1 && box.top >= 0
      && box.bottom <= page.scrollHeight + 1;
    for (let over = one.parentElement; over !== page; over = over.parentElement) {
      if (getComputedStyle(over).overflowY === "visible") continue;
      const edge = over.getBoundingClientRect();
      inside &&= box.left >= edge.left - 1 && box.right <= edge.right + 1
        && box.bottom <= edge.bottom + 1;
    }
    if (!inside) found.push(`${one.tagName} ${one.getAttribute("class")} ${one.textContent}`);
  }
  return found;
}"""


# How far from the middle of its circle a drawing reaches, as a share of the radius.
REACHES = """() => [...document.querySelectorAll(".tile svg")].map((frame) => {
  const box = frame.getBoundingClientRect(), ink = frame.firstChild, to = ink.getScreenCTM();
  const [x, y, radius] = [box.x + box.width / 2, box.y + box.height / 2, box.width / 2];
  const length = ink.getTotalLength(), pen = to.a * ink.getAttribute("stroke-width") / 2;
  const far = Array.from({length: 201}, (_, i) => {
    const point = ink.getPointAtLength(length * i / 200).matrixTransform(to);
    return Math.hypot(point.x - x, point.y - y);
  });
  return (Math.max(...far) + pen) / radius;
})"""


COVERED = """() => [...document.querySelectorAll(".tile")].filter((tile) =>
  tile.querySelector(".ink").getBoundingClientRect().bottom
    > tile.querySelector(".says").getBoundingClientRect().top + 2).length"""


def test_a_circle_shows_all_of_a_drawing(code, open_wall):
    bring_to(code, "space")
    page = open_wall(code, tell(wall.state(code)), viewport={"width": 1280, "height": 720})
    page.locator(SHOWN["space"]).last.wait_for()
    page.wait_for_timeout(800)  # they glide to their places
    reaches = page.evaluate(REACHES)
    assert len(reaches) == 14
    assert max(reaches) <= 1.01
    assert page.evaluate(COVERED) == 0


@pytest.mark.parametrize(
    ("state", "said"), [("draw", "Every digit that"), ("test", "14 drawings.")]
)
def test_a_cleared_wall_counts_only_what_the_figures_count(code, open_wall, state, said):
    """It said "14 drawings." above none; the shares of the test set go on counting them."""
    bring_to(code, state)
    if state == "test":
        host.stop_round(code)
    host.clear(code)
    page = open_wall(code, tell(wall.state(code)))
    expect(page.locator("#subtitle")).to_contain_text(said)


def test_what_fooled_a_network_stays_in_front_of_all_that_came_later(code, open_wall):
    """It left the wall with the sixtieth drawing after it."""
    bring_to(code, "fool")
    state = wall.state(code)
    fooled = {one["id"] for one in state["drawings"] if one["fooled"]}
    page = open_wall(code, tell(state, newer(state, 450)))
    tiles = page.locator(".fool .tile")
    expect(tiles).to_have_count(40)
    shown = [int(tile.get_attribute("data-id")) for tile in tiles.all()]
    assert set(shown[: len(fooled)]) == fooled
    assert shown[len(fooled)] == max(shown)


def test_a_wall_laid_out_by_answers_shows_as_many_as_it_is_told_of_at_once(code, open_wall):
    """It showed 150, and thirty of them were gone when it was told anew."""
    bring_to(code, "space")
    state = wall.state(code)
    page = open_wall(code, tell(state, newer(state, 150)))
    expect(page.locator(".tile")).to_have_count(wall.MOST_AT_ONCE)


@pytest.mark.parametrize(("right", "first"), [(2, "0%"), (19, "50%")])
def test_an_interval_lies_on_its_axis(code, open_wall, right, first):
    """One from 30% was drawn from 50%, and no label stood at its value."""
    bring_to(code, "test")
    state = wall.state(code)
    state["test"]["dense"] |= wall.share_of(rules.Share(right, 20))
    state["test"]["cnn"] |= wall.share_of(rules.Share(20, 20))
    page = open_wall(code, tell(state))
    expect(page.locator(".dense .ticks span").first).to_have_text(first)
    for network in ("dense", "cnn"):
        found = page.evaluate(ON_AXIS, network)
        assert found == pytest.approx(state["test"][network]["interval"], abs=0.01)


# Where the bar of an interval begins and ends, by the labels below it.
ON_AXIS = """(network) => {
  const ticks = [...document.querySelectorAll(`.${network} .ticks span`)].map((one) => {
    const box = one.getBoundingClientRect();
    return [box.left + box.width / 2, parseFloat(one.textContent) / 100];
  });
  const [[left, low], [right, high]] = [ticks[0], ticks.at(-1)];
  const bar = document.querySelector(`.${network} .axis i`).getBoundingClientRect();
  return [bar.left, bar.right].map((x) => low + (x - left) / (right - left) * (high - low));
}"""


def test_a_tie_is_no_answer(code, open_wall):
    """The lower of two digits stood there as the room's, with a check mark that nothing counted."""
    round_ = host.start_round(code, "beat", 60, QUESTIONS)
    for question, said in enumerate([(3, 3, 5), (3, 5), (5,)]):
        for token, digit in zip(TOKENS, said, strict=False):
            ballot.read(code, token, round_.id, question, digit)
    host.stop_round(code)
    page = open_wall(code, tell(wall.state(code)))
    said = page.locator(".question .people")
    expect(said).to_have_text(["3 · 67% ✓", "tie", "5 · 100%", *["–"] * 17])
    expect(page.locator(".question .ok")).to_have_count(1)
    expect(page.locator(".scores .people")).to_contain_text("by majority 1 of 3")


@pytest.mark.parametrize(("status", "body", "said"), [
    (404, '{"error": "There is no room"}', "There is no open room with this code."),
    (404, "<h1>Not found</h1>", "Connecting…"),
    (503, '{"error": "The database is away."}', "Connecting…"),
    (429, '{"error": "You ask too often."}', "Connecting…"),
])  # fmt: skip
def test_a_wall_says_that_there_is_no_room_only_where_there_is_none(open_wall, status, body, said):
    """It said so of every refusal, also of a server that was only busy."""
    page = open_wall("BCDF", refuse(status, body))
    expect(page.locator("#subtitle")).to_have_text(said)
