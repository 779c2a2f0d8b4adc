"""The Room page: who may open and run a room, and what the host can do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data import database
from mnist_core.errors import DatabaseError
from mnist_core.room import host, moderation, phones, results, wall
from mnist_core.web.attempts import Attempts
from pages.parts import permission
from pages.parts.room import moderate

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "room.py")
PASSWORD = "correct horse"  # noqa: S105 - of this test alone
TOKEN = "phone-" + "x" * 22
INK = [[[80.0, 60.0], [250.0, 60.0], [140.0, 280.0]]]


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    attempts = Attempts()
    monkeypatch.setattr(permission, "attempts", lambda: attempts)
    yield
    database.engine().dispose()


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(PAGE, default_timeout=60)


def opened(page: AppTest) -> str:
    """Press Open; return the code."""
    page.run().button("room-open").click().run()
    assert not page.exception
    return page.session_state["room-key"]


def drawn(code: str, digit: int = 7, is_digit: bool = True, late_for: int | None = None) -> int:
    """Send a drawing; late_for: a round that was over before it came."""
    phones.join(code, TOKEN)
    round_id = late_for or moderation.overview(code).round.id
    answer = {"model": "m", "digit": digit, "confidence": 1.0, "is_digit": is_digit,
              "probabilities": [0.1] * 10}  # fmt: skip
    sent = phones.Sent(f"k{digit}", round_id, None, INK, 18, 336)
    return phones.draw(code, TOKEN, sent, {"dense": answer, "cnn": answer})


def test_a_room_is_opened_and_its_rounds_run(page):
    code = opened(page)
    assert page.query_params["room"] == code
    began = time.monotonic()
    page.button("room-start").click().run()
    told = re.search(r"\*\*Draw anything, (\d):(\d\d) left\*\*", page.markdown[0].value)
    left_s = 60 * int(told[1]) + int(told[2])
    assert 180 - (time.monotonic() - began) - 1 <= left_s <= 180  # a slow machine takes a moment
    page.button("room-pause").click().run()
    assert "Paused" in page.markdown[0].value
    page.button("room-pause").click().run()
    page.button("room-stop").click().run()
    assert "Draw anything is over" in page.markdown[0].value
    page.button("room-close").click().run()
    assert [one.value for one in page.subheader] == ["Results"]
    assert "0 drawings." in page.markdown[0].value
    page.button("room-erase").click().run()
    assert page.button("room-open").label == "Open a room"
    assert host.open_rooms() == []


def test_the_round_that_was_chosen_just_before_the_press_is_started_once(page, heard_twice):
    """Regression: it was the one that stood there before; and a press heard twice started two."""
    code = opened(page)
    first = moderation.overview(code).round
    page.segmented_control("room-kind").set_value("test")
    page.selectbox("room-minutes").set_value("Until stopped")
    page.button("room-start").click().run()
    assert not page.exception
    seen = moderation.overview(code)
    assert (first, seen.round.kind, seen.round.ends_at) == (None, "test", None)
    page.button("room-start").click().run()
    assert [one["round"]["number"] for one in results.report(host.room(code))] == [1, 2]


def test_a_round_that_another_tab_starts_redraws_the_page(page, monkeypatch):
    """Its buttons are for the round that goes on."""
    code, true_overview, calls = opened(page), moderation.overview, []
    page.button("room-start").click().run()

    def overview(code: str) -> moderation.Overview:
        calls.append(code)
        if len(calls) == 2:  # between the drawing of the page and its first look
            host.start_round(code, "fool", None)
        return true_overview(code)

    monkeypatch.setattr(moderation, "overview", overview)
    page.run()
    page.button("room-start").click().run()
    assert len(results.report(host.room(code))) == 3


def test_switches_show_what_another_tab_has_switched(page, monkeypatch):
    """They went on showing what this tab had chosen."""
    opened(page)
    true_overview, calls = moderation.overview, []

    def overview(code: str) -> moderation.Overview:
        calls.append(code)
        if len(calls) == 2:  # between the drawing of the page and its first look
            host.set_gate(code, False)
            host.set_layout(code, "space")
        return true_overview(code)

    monkeypatch.setattr(moderation, "overview", overview)
    page.run()
    assert not page.exception
    shown = page.toggle("room-gate").value, page.segmented_control("room-layout").value
    assert shown == (False, "space")


def test_a_switch_that_could_not_be_kept_goes_back(page, monkeypatch):
    def away(*_: object) -> None:
        raise DatabaseError("The database is away.")

    opened(page)
    monkeypatch.setattr(host, "set_gate", away)
    monkeypatch.setattr(host, "set_layout", away)
    page.toggle("room-gate").set_value(False).run()
    assert [error.value for error in page.error] == ["The database is away."]
    page.segmented_control("room-layout").set_value("space").run()
    shown = page.toggle("room-gate").value, page.segmented_control("room-layout").value
    assert shown == (True, "grid")


def test_the_host_lets_in_and_hides_and_mutes(page, monkeypatch):
    code = opened(page)
    page.button("room-start").click().run()
    veiled, another = (drawn(code, number, is_digit=False) for number in (1, 3))
    with monkeypatch.context() as few:
        few.setattr(moderate, "MOST", 1)
        headings = [markdown.value for markdown in page.run().markdown]
    assert "**2 behind the veil**" in headings
    assert "**The newest**" not in headings
    page.button(f"hide-{another}-True").click().run()
    plain = drawn(code, 2)
    page.run()
    page.button(f"let-in-{veiled}").click().run()
    assert [one["veiled"] for one in wall.state(code)["drawings"]] == [False, False]
    page.button(f"hide-{plain}-False").click().run()
    assert [one["id"] for one in wall.state(code)["drawings"]] == [veiled]
    assert page.expander[0].label == "Phones that have joined"
    assert page.expander[0].caption[0].value == "1 phone"
    member = moderation.overview(code).members[0].id
    page.button(f"mute-{member}").click().run()
    assert wall.state(code)["drawings"] == []
    page.toggle("room-gate").set_value(False).run()
    assert not host.room(code).gate


def test_of_many_phones_the_newest_are_shown_and_the_others_found_by_name(page, monkeypatch):
    """Regression: a script's thousand phones were a thousand buttons, drawn every two seconds."""
    monkeypatch.setattr(moderate, "MOST_PHONES", 2)
    code = opened(page)

    def shown() -> list[str]:
        return [str(one.key) for one in page.run().button if str(one.key).startswith("mute-")]

    tokens = [f"phone-{number}-" + "x" * 22 for number in range(5)]
    members = [phones.join(code, token) for token in tokens[:2]]
    assert shown() == [f"mute-{one.id}" for one in members]
    assert "room-find" not in [one.key for one in page.text_input]
    members += [phones.join(code, token) for token in tokens[2:]]
    assert shown() == [f"mute-{one.id}" for one in members[-2:]]
    assert page.expander[0].caption[1].value == "The newest 2; 3 more are found by their names."
    page.text_input("room-find").set_value(f" {members[0].name.upper()}")
    assert shown() == [f"mute-{members[0].id}"]
    page.button(f"mute-{members[0].id}").click().run()
    assert [row.muted for row in moderation.overview(code).members] == [True] + [False] * 4


def test_what_is_cleared_stays_among_the_results_and_can_be_hidden_there(page):
    """It went on under "The newest" as if the wall still showed it."""
    code = opened(page)
    page.button("room-start").click().run()
    cleared = drawn(code, 1)
    page.run()
    page.button("room-clear").click().run()
    headings = [markdown.value for markdown in page.markdown]
    assert "**No longer on the wall, but among the results**" in headings
    assert "**The newest**" not in headings
    drawn(code, 2)
    assert "**The newest**" in [markdown.value for markdown in page.run().markdown]
    page.button(f"hide-{cleared}-False").click().run()
    hidden = {one.entry: one.hidden for one in moderation.latest(host.room(code), 9)}
    assert list(hidden.values()) == [False, True]
    assert hidden[cleared]


def test_a_drawing_that_comes_late_is_not_among_those_on_the_wall(page):
    """Regression: the host's list took it for one on the wall, and showed another one twice."""
    code = opened(page)
    page.button("room-start").click().run()
    over = moderation.overview(code).round.id
    page.button("room-start").click().run()
    drawn(code, 1)
    drawn(code, 2, late_for=over)
    drawn(code, 3)
    page.run()
    assert not page.exception
    headings = [one.value for one in page.markdown if one.value.startswith(("**The", "**No"))]
    assert headings == ["**The newest**", "**No longer on the wall, but among the results**"]
    assert len([one for one in page.button if str(one.key).startswith("hide-")]) == 3


def test_a_reload_finds_the_room_and_another_browser_does_not(page):
    code = opened(page)
    reloaded = AppTest.from_file(PAGE, default_timeout=60)
    reloaded.query_params.update(room=code, host=page.session_state["host-key"])
    reloaded.run()
    assert reloaded.button("room-start").label == "Start"
    stranger = AppTest.from_file(PAGE, default_timeout=60)
    stranger.query_params.update(room=code, host="guessed")
    stranger.run()
    assert "only its host runs it" in stranger.warning[0].value
    assert "room-start" not in [button.key for button in stranger.button]


@pytest.mark.parametrize("erased", [False, True])
def test_a_room_that_another_tab_closes_redraws_the_page(page, monkeypatch, erased):
    code, true_overview, calls = opened(page), moderation.overview, []

    def overview(code: str) -> moderation.Overview:
        calls.append(code)
        if len(calls) == 2:  # between the drawing of the page and its first look
            host.close(code)
            if erased:
                host.erase(code)
        return true_overview(code)

    monkeypatch.setattr(moderation, "overview", overview)
    page.run()
    assert not page.exception
    assert "room-start" not in [button.key for button in page.button]
    assert any(code in warning.value for warning in page.warning) == erased
    assert ("room-erase" in [button.key for button in page.button]) != erased


@pytest.mark.parametrize("fails_from", [1, 2, 3])  # the page's look, watch's, watch_drawings'
def test_a_database_that_is_away_is_said_until_it_is_back(page, monkeypatch, fails_from):
    """The host met a stack trace in place of the page."""
    opened(page)
    with monkeypatch.context() as broken:
        calls, true_overview = [], moderation.overview

        def overview(code: str) -> moderation.Overview:
            calls.append(code)
            if len(calls) >= fails_from:
                raise DatabaseError("The database is away.")
            return true_overview(code)

        broken.setattr(moderation, "overview", overview)
        page.run()
        assert not page.exception
        said = [error.value for error in page.error]
        assert said == (["The database is away."] if fails_from < 3 else [])
        assert ("room-start" in [button.key for button in page.button]) == (fails_from > 1)
    page.run()
    assert not page.error
    assert page.expander[0].label == "Phones that have joined"


def test_results_and_rooms_that_cannot_be_read_are_said(page, monkeypatch):
    def away(*_: object) -> None:
        raise DatabaseError("The database is away.")

    opened(page)
    page.button("room-close").click().run()
    with monkeypatch.context() as broken:
        broken.setattr(results, "report", away)
        page.run()
        assert not page.exception
        assert [error.value for error in page.error] == ["The database is away."]
    page.secrets["admin_password"] = PASSWORD
    page.run().text_input("admin-password").set_value(PASSWORD).run()
    monkeypatch.setattr(host, "open_rooms", away)
    page.button("room-another").click().run()
    assert not page.exception
    assert [error.value for error in page.error] == ["The database is away."]


def test_an_address_that_names_a_room_of_the_past_does_not_keep_a_new_one_away(page):
    page.query_params.update(room="ZZZZ", host="x")
    page.run()
    assert "ZZZZ" in page.warning[0].value
    code = opened(page)
    assert [code] == [room.code for room in host.open_rooms()]
    assert page.query_params["room"] == code
    assert not page.warning
    assert page.button("room-start").label == "Start"


def test_an_address_without_the_hosts_key_lets_nobody_run_the_room(page):
    code = opened(page)
    other = AppTest.from_file(PAGE, default_timeout=60)
    other.query_params["room"] = code
    other.run()
    assert "only its host runs it" in other.warning[0].value
    assert not other.exception


def test_an_administrator_runs_a_room_that_another_browser_opened(page):
    code = opened(page)
    other = AppTest.from_file(PAGE, default_timeout=60)
    other.secrets["admin_password"] = PASSWORD
    other.query_params.update(room="ZZZZ", host="x")
    other.run().text_input("admin-password").set_value(PASSWORD).run()
    other.button(f"run-{code}").click().run()
    assert not other.exception
    assert other.button("room-start").label == "Start"


def test_an_address_that_is_none_is_said(page):
    code = opened(page)
    page.text_input("room-address").set_value("javascript:alert(1)").run()
    assert "is no address" in page.error[0].value
    page.text_input("room-address").set_value("10.0.0.7:8501/").run()
    assert host.room(code).address == "http://10.0.0.7:8501"


def test_with_a_password_only_who_has_it_opens_a_room(page):
    page.secrets["admin_password"] = PASSWORD
    page.run()
    assert page.button("room-open").disabled
    page.text_input("admin-password").set_value("wrong").run()
    assert page.button("room-open").disabled
    page.text_input("admin-password").set_value(PASSWORD).run()
    code = opened(page)
    other = AppTest.from_file(PAGE, default_timeout=60)
    other.secrets["admin_password"] = PASSWORD
    other.query_params.update(room=code, host=page.session_state["host-key"])
    other.run()
    assert "room-start" not in [button.key for button in other.button]
