"""What phones and walls ask over HTTP, and what is answered to those who ask wrongly."""

from __future__ import annotations

import asyncio
import csv
import functools
import io
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from mnist_core.data import database, people
from mnist_core.errors import DatabaseError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import recent, registry
from mnist_core.models.reading import read_strokes
from mnist_core.room import (
    address,
    host,
    moderation,
    phone_state,
    phones,
    results,
    rules,
    store,
    wall,
)
from mnist_core.room.tables import rounds
from mnist_core.web import gate, room_hub, room_pages, room_results
from mnist_core.web.room import A_HALLS_WALLS, A_PHONES_JOINS, RoomRoutes
from mnist_core.web.room_hub import Hub
from mnist_core.web.schemas import BadRequest

SEVEN = [
    [[round(float(x), 1), round(float(y), 1), 8 * i] for i, (x, y) in enumerate(stroke)]
    for stroke in next(example.strokes for example in EXAMPLES if example.label == 7)
]
SCRIBBLE = [[[20 + 25 * i, 40 + 240 * (i % 2), 30 * i] for i in range(12)]]
TOKENS = [f"phone-{number}-" + "x" * 22 for number in range(4)]


@pytest.fixture
def no_time_passes(monkeypatch) -> None:
    """For the limits of a site that is made afterwards."""
    monkeypatch.setattr(gate, "Limiter", functools.partial(gate.Limiter, clock=lambda: 0.0))


@pytest.fixture
def site(tmp_path, monkeypatch) -> TestClient:
    for slot in registry.SLOTS:
        (tmp_path / slot).symlink_to(registry.model_dir(slot))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    routes = [*room_results.routes(), *room_pages.routes(), *RoomRoutes().routes()]
    with TestClient(Starlette(routes=routes)) as client:
        yield client
    database.engine().dispose()


@pytest.fixture
def code(site) -> str:
    """A room that three phones have joined."""
    code = host.open_room("key", "http://192.168.1.5:8501").code
    for token in TOKENS[:3]:
        assert site.post(f"/r/{code}/join", headers=of(token)).status_code == 200
    return code


def of(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-Client": token[:8]}


def drawing(round_id: int, key: str = "k2345678", strokes=SEVEN, **changes) -> dict:
    return {"key": key, "round": round_id, "strokes": strokes, "width": 18, "size": 336} | changes


def test_a_phone_joins_draws_and_is_answered(site, code):
    round_ = host.start_round(code, "test", 60)
    state = site.get(f"/r/{code}/state", headers=of(TOKENS[0])).json()
    assert state["round"]["kind"] == "test"
    assert sorted(state["round"]["digits"][:10]) == list(range(10))
    assert "seed" not in state["round"]
    assert 55_000 < state["round"]["left_ms"] <= 60_000
    sent = drawing(round_.id, task=state["round"]["digits"].index(7))
    answer = site.post(f"/r/{code}/drawings", json=sent, headers=of(TOKENS[0])).json()
    assert answer["cnn"]["digit"] == answer["dense"]["digit"] == 7
    again = site.post(f"/r/{code}/drawings", json=sent, headers=of(TOKENS[0])).json()
    assert again["entry"] == answer["entry"]
    (kept,) = people.listed(room_code=code)
    assert (kept.label, kept.strokes) == (7, SEVEN)
    assert kept.answers["cnn"]["model"] == "cnn"
    score = site.get(f"/r/{code}/state", headers=of(TOKENS[0])).json()["score"]
    assert score == {"drawn": 1, "dense": 1, "cnn": 1}


def test_what_was_read_while_it_was_drawn_is_not_read_again(site, code, monkeypatch):
    round_ = host.start_round(code, "draw", None)
    arrays = [np.array([point[:2] for point in stroke], float) for stroke in SEVEN]
    said = read_strokes(arrays, 18, 336).answers["cnn"]
    monkeypatch.setattr("mnist_core.web.room.read_strokes", None)  # would raise
    answer = site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0])).json()
    assert (answer["cnn"]["digit"], answer["cnn"]["model"]) == (said.digit, "cnn")
    assert recent.recall(arrays, 18, 336)[1] == {"dense": "dense", "cnn": "cnn"}
    assert recent.recall(arrays, 18.5, 336) is None
    assert recent.recall([arrays[0] + 1], 18, 336) is None
    monkeypatch.setattr(recent.serving, "active_models", lambda: {"cnn": ("another", None)})
    assert recent.recall(arrays, 18, 336) is None


def test_an_answer_is_said_to_be_of_who_gave_it(site, code, monkeypatch):
    """Another network may be activated between an answer and its keeping."""
    round_ = host.start_round(code, "draw", None)

    def read_meanwhile(*drawing):
        reading = read_strokes(*drawing)
        monkeypatch.setattr(recent.serving, "active_models", lambda: {"cnn": ("another", None)})
        return reading

    monkeypatch.setattr("mnist_core.web.room.read_strokes", read_meanwhile)
    monkeypatch.setattr(recent, "recall", lambda *drawing: None)
    answer = site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0])).json()
    assert answer["cnn"]["model"] == "cnn"


def test_what_is_no_digit_is_veiled_until_it_is_let_in(site, code):
    round_ = host.start_round(code, "draw", None)
    sent = drawing(round_.id, strokes=SCRIBBLE)
    entry = site.post(f"/r/{code}/drawings", json=sent, headers=of(TOKENS[0])).json()["entry"]
    assert [one["veiled"] for one in wall.state(code)["drawings"]] == [True]
    room = host.room(code)

    def waiting_and_newest() -> list[list[int]]:
        return [
            [one.entry for one in moderation.latest(room, 9, waiting)] for waiting in (True, False)
        ]

    assert (moderation.count_waiting(room), waiting_and_newest()) == (1, [[entry], []])
    host.hide(code, entry)
    assert (moderation.count_waiting(room), waiting_and_newest()) == (0, [[], [entry]])
    host.hide(code, entry, False)
    host.let_in(code, entry)
    assert (moderation.count_waiting(room), waiting_and_newest()) == (0, [[], [entry]])
    assert [one["veiled"] for one in wall.state(code)["drawings"]] == [False]


def test_who_drew_it_says_what_it_is_and_takes_it_back(site, code):
    """As on the Draw page, with the same words where the networks do not agree."""
    round_ = host.start_round(code, "draw", None)
    entries = [
        site.post(f"/r/{code}/drawings", json=sent, headers=of(TOKENS[0])).json()["entry"]
        for sent in (drawing(round_.id), drawing(round_.id, "scribble", SCRIBBLE))
    ]

    def say(label: object, entry: int = entries[0], token: str = TOKENS[0]) -> Any:
        sent = {"entry": entry, "label": label}
        return site.post(f"/r/{code}/labels", json=sent, headers=of(token))

    def kept() -> list[tuple[int | None, str | None]]:
        return [(one.label, one.label_source) for one in people.listed(room_code=code)]

    assert say("right").json() == {"label": 7}
    assert kept() == [(7, "said"), (None, None)]
    assert say(None).json() == {"label": None}
    assert kept() == [(None, None)] * 2
    assert say(1).json() == {"label": 1}
    assert say(10, entries[1]).json() == {"label": NOT_A_DIGIT}
    assert say(2, token=TOKENS[1]).status_code == 409
    assert [say(no_label).status_code for no_label in (11, True, "wrong")] == [422] * 3
    assert kept() == [(1, "said"), (10, "said")]


def test_right_asks_which_digit_where_the_networks_do_not_agree(site, code):
    round_ = host.start_round(code, "draw", None)
    sent = site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0])).json()
    differing = {slot: {"digit": n, "is_digit": True} for slot, n in (("dense", 1), ("cnn", 7))}
    with database.transaction() as connection:
        connection.execute(sa.update(people.drawings).values(answers=differing))
    said = {"entry": sent["entry"], "label": "right"}
    answer = site.post(f"/r/{code}/labels", json=said, headers=of(TOKENS[0]))
    assert answer.status_code == 422
    assert answer.json()["error"] == "The networks do not agree: say which digit it is."


def test_what_was_asked_for_is_not_said_again(site, code):
    round_ = host.start_round(code, "test", None)
    sent = drawing(round_.id, task=0)
    entry = site.post(f"/r/{code}/drawings", json=sent, headers=of(TOKENS[0])).json()["entry"]
    (before,) = people.listed(room_code=code)
    said = {"entry": entry, "label": (before.label + 1) % 10}
    assert site.post(f"/r/{code}/labels", json=said, headers=of(TOKENS[0])).status_code == 422
    assert people.listed(room_code=code) == [before]


def test_a_vote_and_a_reading_arrive(site, code):
    round_ = host.start_round(code, "fool", None)
    site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0]))
    for token in TOKENS[1:3]:
        shown = site.get(f"/r/{code}/candidate", headers=of(token)).json()
        assert shown["path"].startswith("M")
        vote = {"entry": shown["entry"], "digit": 1}
        assert site.post(f"/r/{code}/votes", json=vote, headers=of(token)).status_code == 200
    assert site.get(f"/r/{code}/candidate", headers=of(TOKENS[1])).json() is None
    assert wall.state(code)["drawings"][0]["fooled"] == ["dense", "cnn"]
    questions = {"pixels": ["AA=="], "labels": [4], "dense": [4], "cnn": [9], "source": "."}
    round_ = host.start_round(code, "beat", None, questions)
    assert site.get(f"/r/{code}/pixels/{round_.id}", headers=of(TOKENS[1])).json() == ["AA=="]
    read = {"round": round_.id, "question": 0, "digit": 4}
    assert site.post(f"/r/{code}/readings", json=read, headers=of(TOKENS[1])).status_code == 200
    assert wall.state(code)["beat"]["readings"] == 1


HTML = "<script>alert(1)</script>"


@pytest.mark.parametrize(("path", "body", "token", "status", "sentence"), [
    ("{code}/drawings", {}, TOKENS[3], 401, "has not joined this room; scan the code"),
    ("{code}/drawings", {}, "forged", 401, "has not joined this room"),
    ("{code}/drawings", {}, "", 401, "has not said who it is"),
    ("QQQQ/drawings", {}, TOKENS[0], 404, "There is no room 'QQQQ'; look at the four letters"),
    (f"{HTML.replace('/', '')}/join", {}, TOKENS[0], 404, "There is no room"),
    ("{code}/join", {}, "short", 401, "no token of a phone"),
    ("{code}/drawings", b"\xff{", TOKENS[0], 400, "no JSON"),
    ("{code}/drawings", {"strokes": HTML}, TOKENS[0], 422, "strokes: "),
    ("{code}/drawings", {"strokes": []}, TOKENS[0], 422, "strokes: "),
    ("{code}/drawings", {"strokes": [[[1, 2]] * 5001]}, TOKENS[0], 422, "strokes.0: list"),
    ("{code}/drawings", {"strokes": [[[1, float("1e300")]]]}, TOKENS[0], 422, "strokes.0"),
    ("{code}/drawings", {"strokes": [[[-5000, -5000]]]}, TOKENS[0], 422, "no ink"),
    ("{code}/drawings", {"key": HTML}, TOKENS[0], 422, "key: "),
    ("{code}/drawings", {"round": 10**30}, TOKENS[0], 422, "round: "),
    ("{code}/drawings", {"round": 2**31 - 1}, TOKENS[0], 409, "no such round"),
    ("{code}/drawings", {"answers": {"cnn": 7}}, TOKENS[0], 422, "answers: extra"),
    ("{code}/drawings", {"wi\x7fdth\ufeff": 1}, TOKENS[0], 422, "wi dth : extra"),
    ("{code}/drawings", {"width": -1}, TOKENS[0], 422, "width: "),
    ("{code}/votes", {"entry": 1, "digit": 11}, TOKENS[0], 422, "digit: "),
    ("{code}/votes", {"entry": 1, "digit": "7"}, TOKENS[0], 422, "digit: "),
    ("{code}/votes", {"entry": 1, "digit": 7}, TOKENS[0], 422, "of their own"),
    ("{code}/votes", {"entry": 2**31 - 1, "digit": 7}, TOKENS[0], 409, "not there any more"),
    ("{code}/readings", {"round": 1, "question": 0, "digit": 7}, TOKENS[0], 422, "nothing to read"),
])  # fmt: skip
def test_who_asks_wrongly_gets_one_clear_answer(site, code, path, body, token, status, sentence):
    round_ = host.start_round(code, "fool", None)
    first = site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0]))
    assert first.status_code == 200
    before = wall.state(code)
    if isinstance(body, dict):
        filled = drawing(round_.id, key="k9999999") | body if "drawings" in path else body
        body = json.dumps(filled).encode()
    headers = of(token) if token else {}
    answer = site.post(f"/r/{path.format(code=code)}", content=body, headers=headers)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]
    assert wall.state(code) | {"revision": 0} == before | {"revision": 0}


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "{code}/join"), ("POST", "forget"), ("GET", "{code}/state"),
    ("GET", "{code}/wall/events"),
])  # fmt: skip
def test_pages_of_other_sites_are_refused(site, code, method, path):
    at = f"/r/{path.format(code=code)}"
    for origin in ("https://example.org", "null", "https://testserver.example.org"):
        answer = site.request(method, at, headers=of(TOKENS[0]) | {"Origin": origin})
        assert answer.status_code == 403
        assert answer.json() == {"error": "Pages of other sites may not ask here."}
    if "events" not in path:  # which never ends
        own = of(TOKENS[0]) | {"Origin": "https://testserver"}
        assert site.request(method, at, headers=own).status_code == 200


def test_ten_megabytes_are_refused_before_they_are_read(site, code):
    answer = site.post(f"/r/{code}/drawings", content=b" " * 10_000_000, headers=of(TOKENS[0]))
    assert answer.status_code == 413
    assert "100,000 bytes at most" in answer.json()["error"]


def test_a_thousand_joins_from_one_phone_leave_the_others_room(no_time_passes, site, code):
    statuses = [
        site.post(f"/r/{code}/join", headers=of(TOKENS[3][:-4] + f"{n:04}")).status_code
        for n in range(1000)
    ]
    joined = statuses.count(200)
    assert joined == A_PHONES_JOINS.burst
    assert set(statuses) == {200, 429}
    assert site.post(f"/r/{code}/join", headers=of("another-phone" + "y" * 22)).status_code == 200
    assert len(moderation.overview(code).members) == 3 + joined + 1


def test_a_script_that_calls_itself_differently_fills_a_room_for_a_moment(
    no_time_passes, site, code, monkeypatch
):
    """It fills a room while its joins are new; it kept everybody out for good."""
    monkeypatch.setattr(phones, "MOST_MEMBERS", 30)

    def join(token: str) -> int:
        return site.post(f"/r/{code}/join", headers=of(token)).status_code

    statuses = [join(f"{number:04}-script-" + "x" * 22) for number in range(40)]
    assert statuses == [200] * 27 + [422] * 13
    assert join("another-phone" + "y" * 22) == 422
    with database.transaction() as connection:  # a minute later
        connection.execute(store.members.update().values(seen_at=store.members.c.seen_at - 60))
    assert join("another-phone" + "y" * 22) == 200


def test_a_paused_and_a_closed_room_say_so(site, code):
    round_ = host.start_round(code, "draw", None)
    host.pause(code)
    answer = site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0]))
    assert (answer.status_code, answer.headers["retry-after"]) == (423, "2")
    host.go_on(code)
    assert site.post(
        f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0])
    ).is_success
    host.close(code)
    for path in ("join", "drawings"):
        answer = site.post(f"/r/{code}/{path}", json=drawing(round_.id), headers=of(TOKENS[0]))
        assert (answer.status_code, "is closed" in answer.json()["error"]) == (404, True)
    assert site.get(f"/r/{code}/wall/events").status_code == 404


def test_forget_me_takes_everything_along(site, code):
    round_ = host.start_round(code, "draw", None)
    site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(TOKENS[0]))
    answer = site.post("/r/forget", headers=of(TOKENS[0]))
    assert answer.json() == {"deleted": 1}
    assert people.listed(room_code=code, hidden=None) == []
    assert site.get(f"/r/{code}/state", headers=of(TOKENS[0])).status_code == 401


def test_results_are_for_who_has_the_link(site, code):
    round_ = host.start_round(code, "test", None)
    member = phones.join(code, TOKENS[0])
    task = [rules.asked_digit(round_.seed, member.id, n) for n in range(10)].index(7)
    site.post(f"/r/{code}/drawings", json=drawing(round_.id, task=task), headers=of(TOKENS[0]))
    host.close(code)
    key = host.room(code).results_key
    page = site.get(f"/r/results/{key}")
    assert "1 drawing." in page.text
    assert "100% (1 of 1), 95% interval 20.7% to 100%" in page.text
    assert "script" not in page.text
    rows = list(csv.DictReader(io.StringIO(site.get(f"/r/results/{key}/drawings.csv").text)))
    assert [(row["asked"], row["cnn"], row["name"]) for row in rows] == [("7", "7", member.name)]
    strokes = [[[float(n) for n in point.split()] for point in stroke.split(";")]
               for stroke in rows[0]["strokes"].split("|")]  # fmt: skip
    assert strokes == SEVEN
    picture = Image.open(io.BytesIO(site.get(f"/r/results/{key}/wall.png").content))
    assert picture.width > 1500
    assert site.get(f"/r/results/{code}").status_code == 404
    assert results.report(host.room(code))[0]["title"] == "The room's test set"


def test_results_are_made_once_for_everybody_until_something_is_gone(site, code, monkeypatch):
    """Regression: each of a hall that opened the link had it made anew, in 0.6 s for 12,000
    drawings."""
    monkeypatch.setattr(room_results, "MOST_TILES", 2)
    round_ = host.start_round(code, "draw", None)
    for token in TOKENS[:3]:
        site.post(f"/r/{code}/drawings", json=drawing(round_.id), headers=of(token))
    host.close(code)
    at = f"/r/results/{host.room(code).results_key}"
    first = site.get(at).text
    assert (first.count("<figure>"), "the newest 2; the CSV has" in first) == (2, True)
    with monkeypatch.context() as patch:
        patch.setattr(results, "report", None)  # would raise
        assert site.get(at).text == first
    site.post("/r/forget", headers=of(TOKENS[2]))
    after = site.get(at).text
    assert after.count("<figure>") == 2
    assert "2 drawings." in after
    assert "the CSV has" not in after


def test_results_wait_for_a_database_that_is_away(site, code, monkeypatch):
    def away(*_: object) -> None:
        raise DatabaseError("The database is away.")

    monkeypatch.setattr(results, "report", away)
    answer = site.get(f"/r/results/{host.room(code).results_key}")
    assert (answer.status_code, answer.text) == (503, "The database is away.")
    assert answer.headers["Retry-After"] == "2"


def test_nobody_has_results_made_all_the_time(no_time_passes, site, code):
    at = f"/r/results/{host.room(code).results_key}/drawings.csv"
    statuses = [site.get(at, headers=of(f"{n:08}")).status_code for n in range(70)]
    assert statuses == [200] * 60 + [429] * 10


def test_pages_are_small_and_hold_nothing_inline(site, code):
    page = site.get(f"/r/{code}")
    files = [site.get(f"/r/static/{name}") for name in ("phone.css", "phone.js", "icon.svg")]
    assert len(page.content) + sum(len(file.content) for file in files) < 50_000
    for text in (page.text, site.get(f"/r/{code}/wall").text):
        assert "<style" not in text
        assert "<script>" not in text
        assert re.search(r"<[^>]*\s(on\w+|style)\s*=", text) is None
    tag = files[1].headers["etag"]
    assert site.get("/r/static/phone.js", headers={"If-None-Match": tag}).status_code == 304
    assert site.get("/r/static/%2e%2e%2froom.py").status_code == 404


def test_the_qr_code_is_of_this_room_alone(site, code):
    good = f"http://192.168.1.5:8501/r/{code}"
    assert site.get(f"/r/{code}/qr.svg", params={"to": good}).text.startswith("<?xml")
    for wrong in ("https://example.org/", f"javascript://x/r/{code}", "http://" + "x" * 300):
        assert site.get(f"/r/{code}/qr.svg", params={"to": wrong}).status_code == 422


def test_nobody_keeps_the_server_busy_with_qr_codes(no_time_passes, site, monkeypatch):
    """A script that asked for another address each time, or called itself differently, stopped
    the event loop."""

    def draw(address: str) -> bytes:
        with pytest.raises(RuntimeError):  # there is no event loop that waits for it
            asyncio.get_running_loop()
        return b""

    monkeypatch.setattr(room_pages, "qr_svg", draw)
    answers = [
        site.get("/r/ABCD/qr.svg", params={"to": f"http://{n}/r/ABCD"}, headers=of(f"{n:08}"))
        for n in range(100)
    ]
    assert [one.status_code for one in answers].count(200) == room_pages.SCREENS.burst
    assert (answers[-1].status_code, answers[-1].headers["Retry-After"]) == (429, "1")


def test_news_reach_those_who_listen(site, code):
    """Also what another copy of the app has written: the hub looks into the database."""
    told_wall: list[dict] = []
    told_phone: list[dict] = []
    room, member = host.room(code), phones.join(code, TOKENS[0])

    async def listen() -> None:
        hub = Hub()
        for_phone = hub.listen(room, member.id, lambda: phone_state.state(code, TOKENS[0]))
        for_wall = hub.listen(room, None, lambda: wall.state(code))
        listening = [asyncio.create_task(collect(for_phone, told_phone)),
                     asyncio.create_task(collect(for_wall, told_wall))]  # fmt: skip
        await until(lambda: bool(told_phone and told_wall))
        round_ = host.start_round(code, "draw", 600)
        await until(lambda: told_phone[-1]["round"] is not None)
        draw(code, round_.id)
        end_soon(code)
        await until(lambda: told_phone[-1]["round"]["over"])
        host.close(code)
        await asyncio.gather(*listening)  # the room ends the connections

    in_a_loop(listen())
    assert sum(len(news["drawings"]) for news in told_wall) == 1
    for told in (told_wall, told_phone):
        overs = [news["round"]["over"] for news in told if news["round"]]
        assert (overs[0], overs[-1]) == (False, True)
        assert overs == sorted(overs)
    assert told_phone[-1]["room"]["closed"]


def test_a_wall_that_connects_misses_nothing(site, code):
    """What came between the state that it was told first and its listening never reached it."""
    round_ = host.start_round(code, "draw", None)
    asked = {"type": "http", "method": "GET", "headers": [], "client": ("127.0.0.1", 1),
             "path_params": {"code": code}}  # fmt: skip
    told_before: list[dict] = []
    told_after: list[dict] = []

    async def listen() -> None:
        routes = RoomRoutes()
        before = await routes.wall_events(Request(asked))
        listening = [asyncio.create_task(collect(before.body_iterator, told_before))]
        await until(lambda: bool(told_before))
        after = await routes.wall_events(Request(asked))
        draw(code, round_.id)
        await until(lambda: any(news["drawings"] for news in told_before))
        listening.append(asyncio.create_task(collect(after.body_iterator, told_after)))
        await until(lambda: any(news["drawings"] for news in told_after))
        host.close(code)
        await asyncio.gather(*listening)

    in_a_loop(listen())
    assert told_after[0]["drawings"]


@pytest.mark.parametrize("kind", ["draw", "fool"])
def test_nothing_is_told_while_nothing_changes(site, code, kind):
    """A wall got its whole state five times a second for the rest of a round after any change."""
    host.start_round(code, kind, 600)
    room = host.room(code)
    channel = room_hub.Channel(listeners=[room_hub.Listener(None)])
    channels = {room.id: channel}

    def look() -> bool:
        told = room_hub._look(channels)
        for news in told.values():
            room_hub._tell(channel, news)
        return bool(told)

    assert look()
    channel.points_at = 0.0  # long ago: points may be told at the next look
    phones.rename(code, TOKENS[0])
    assert look()
    assert not any(look() for _ in range(3))


def test_a_phone_that_listens_too_often_ends_its_oldest_connection(site, code):
    room, member = host.room(code), phones.join(code, TOKENS[0])
    told: list[list[dict]] = []

    async def listen() -> None:
        hub, listening = Hub(), []
        for _ in range(room_hub.MOST_OF_A_PHONE + 2):
            told.append([])
            news = hub.listen(room, member.id, lambda: phone_state.state(code, TOKENS[0]), "here")
            listening.append(asyncio.create_task(collect(news, told[-1])))
            await until(lambda: bool(told[-1]))
        await asyncio.wait(listening[:2])
        assert hub.listening("here", walls=False) == room_hub.MOST_OF_A_PHONE
        assert hub.listening("here", walls=True) == hub.listening("there", walls=False) == 0
        host.close(code)
        await asyncio.gather(*listening)

    in_a_loop(listen())
    assert [news[-1]["room"]["closed"] for news in told] == [False] * 2 + [True] * 3


def test_walls_of_one_address_are_not_without_end(no_time_passes, code, monkeypatch):
    """Each costs the thread that tells everybody the news."""
    monkeypatch.setattr("mnist_core.web.room.MOST_WALLS", 2)
    asked = {"type": "http", "method": "GET", "path_params": {"code": code}}

    async def listen() -> None:
        routes = RoomRoutes()

        def ask(at: str, name: bytes = b"") -> Coroutine[Any, Any, Response]:
            came = {"headers": [(b"x-client", name)], "client": (at, 1)}
            return routes.wall_events(Request(asked | came))

        listening = []
        for at in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
            told: list[dict] = []
            news = (await ask(at)).body_iterator
            listening.append(asyncio.create_task(collect(news, told)))
            await until(lambda told=told: bool(told))
        with pytest.raises(BadRequest, match="Too many listen at your address") as refused:
            await ask("10.0.0.1")
        assert refused.value.status == 429
        for number in range(int(A_HALLS_WALLS.burst)):
            await ask("10.0.0.3", b"%d" % number)
        with pytest.raises(BadRequest, match="too often"):
            await ask("10.0.0.3", b"another")
        host.close(code)
        await asyncio.gather(*listening)

    in_a_loop(listen())


async def collect(events: AsyncIterator[str], into: list[dict]) -> None:
    async for event in events:
        if event.startswith("data: "):
            into.append(json.loads(event[6:]))


async def until(heard: Callable[[], bool]) -> None:
    while not heard():
        await asyncio.sleep(0.02)


def in_a_loop(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
        thread.submit(lambda: asyncio.run(asyncio.wait_for(work, 60))).result()


def draw(code: str, round_id: int) -> None:
    said = {"digit": 7, "confidence": 1.0, "is_digit": True, "probabilities": [0.1] * 10}
    phones.draw(code, TOKENS[0], phones.Sent("k", round_id, None, SEVEN, 18, 336), {"cnn": said})


def end_soon(code: str) -> None:
    """Let the round end by itself in a moment."""
    with database.transaction() as connection:
        store.changing(connection, code, for_phones=True)
        connection.execute(rounds.update().values(ends_at=time.time() + 0.5))


def test_a_name_can_be_rolled_again(site, code):
    before = site.get(f"/r/{code}/state", headers=of(TOKENS[0])).json()["me"]["name"]
    after = site.post(f"/r/{code}/name", headers=of(TOKENS[0])).json()["name"]
    assert after != before
    assert site.get(f"/r/{code}/state", headers=of(TOKENS[0])).json()["me"]["name"] == after


@pytest.mark.parametrize(("seen_at", "expected"), [
    ("https://digits.example.org/room", "https://digits.example.org"),
    ("http://192.168.7.9:8501/", "http://192.168.7.9:8501"),
    ("http://localhost:8502/room", "http://LAN:8502"),
    ("http://127.0.0.1:8502/room", "http://LAN:8502"),
    ("", "http://LAN:8501"),
])  # fmt: skip
def test_the_address_for_phones(seen_at, expected):
    lan = address.in_local_network()
    assert address.for_phones(seen_at, 8501) == expected.replace("LAN", lan)


def test_presence_is_what_was_heard_of_lately(site, code):
    with database.transaction() as connection:
        connection.execute(store.members.update().values(seen_at=0.0))
    assert wall.state(code)["room"]["present"] == 0
    store.seen([phones.join(code, TOKENS[0]).id])
    assert wall.state(code)["room"]["present"] == 1


def test_a_phone_is_here_while_it_says_so(site, code):
    """Regression: one that had left without a word was here for as long as its connection looked
    open, a quarter of an hour."""
    room, member = host.room(code), phones.join(code, TOKENS[0])

    def present() -> int:
        return wall.state(code)["room"]["present"]

    async def listen() -> None:
        hub, told = Hub(), []
        news = hub.listen(room, member.id, lambda: phone_state.state(code, TOKENS[0]))
        listening = asyncio.create_task(collect(news, told))
        await until(lambda: bool(told))
        await asyncio.sleep(3 * room_hub.LOOK_EVERY_S)
        assert present() == 0
        hub.hear_of(member.id)
        await until(lambda: present() == 1)
        host.close(code)
        await listening

    with database.transaction() as connection:
        connection.execute(store.members.update().values(seen_at=0.0))
    in_a_loop(listen())


def test_what_a_phone_says_counts_on_whichever_copy_it_arrives(site, code):
    with database.transaction() as connection:
        connection.execute(store.members.update().values(seen_at=0.0))
    assert site.post(f"/r/{code}/here", headers=of(TOKENS[3])).status_code == 401
    assert site.post(f"/r/{code}/here", headers=of(TOKENS[1])).json() == {}
    until_s = time.monotonic() + 10
    while wall.state(code)["room"]["present"] != 1:
        assert time.monotonic() < until_s
        time.sleep(0.02)
