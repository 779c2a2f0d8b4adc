"""What a visitor says of the answers: kept with the strokes, taken back, forgotten."""

from __future__ import annotations

import base64
import io
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks.serving import own_artifacts
from mnist_core.data import database, people
from mnist_core.errors import DatabaseError
from mnist_core.ink.examples import EXAMPLES, canvas_json
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.ink.strokes import draw_strokes, place
from mnist_core.views import canvas_state
from pages.parts.draw import feedback

ROOT = Path(__file__).resolve().parents[2]
PAGE = str(ROOT / "pages" / "draw.py")
SEVEN, FOUR = (next(one for one in EXAMPLES if one.label == digit) for digit in (7, 4))


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(own_artifacts(tmp_path)))
    monkeypatch.setattr("pages.parts.draw.answers.LOADING_WAIT_S", 60)
    monkeypatch.delenv("MNIST_DATABASE_URL", raising=False)
    # AppTest stands in a mock for whatever a request would bring.
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: {}))
    yield tmp_path
    database.engine().dispose()


def open_page(monkeypatch, objects: list | None = None) -> AppTest:
    """The page with a seven drawn on its canvas; the canvas itself needs a running server."""

    def st_canvas(key: str, initial_drawing: dict | None, **_: object) -> types.SimpleNamespace:
        sent = st.session_state.get(key)
        return types.SimpleNamespace(json_data=sent["drawing"]["raw"] if sent else initial_drawing)

    stand_in = types.SimpleNamespace(st_canvas=st_canvas)
    monkeypatch.setitem(sys.modules, "streamlit_drawable_canvas", stand_in)
    page = AppTest.from_file(PAGE, default_timeout=60)
    draw(page, canvas_json(SEVEN.strokes)["objects"] if objects is None else objects)
    page.run()
    assert not page.exception
    return page


def draw(page: AppTest, objects: list) -> None:
    """Let the canvas send what is on it now."""
    page.session_state[canvas_state.of(page.session_state).key] = {
        "drawing": {"raw": {"objects": objects}}
    }


def picture_of(strokes: list) -> dict:
    """A photo on the canvas, as the canvas sends it."""
    buffer = io.BytesIO()
    Image.fromarray(draw_strokes(strokes)[..., 0]).save(buffer, format="PNG")
    return {
        "type": "image",
        "src": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
    }


def words(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.warning, *page.success]
    return "\n".join(str(element.value) for element in shown)


def say(page: AppTest, what: object) -> AppTest:
    (pills,) = [group for group in page.get("button_group") if "No, it" in group.label]
    page = pills.set_value(what).run()
    assert not page.exception
    return page


def test_right_keeps_the_strokes_with_what_both_networks_read(monkeypatch):
    page = open_page(monkeypatch)
    assert "kept with your strokes" in words(page)
    page.button(key="say-right").click().run()
    assert not page.exception
    assert "**this is a 7**" in words(page)
    (kept,) = people.listed()
    assert (kept.label, kept.label_source) == (7, "said")
    assert len(kept.strokes) == len(SEVEN.strokes)
    state = canvas_state.of(page.session_state)
    np.testing.assert_array_equal(kept.image(), state.image)  # it had been another one, once kept
    assert kept.answers["cnn"]["digit"] == kept.answers["dense"]["digit"] == 7
    page.button(key="take-back").click().run()
    assert people.listed() == []
    assert page.button(key="say-right")


@pytest.mark.parametrize(("said", "label"), [(4, 4), ("not a digit", NOT_A_DIGIT)])
def test_a_correction_is_kept_as_the_visitor_says(monkeypatch, said, label):
    page = say(open_page(monkeypatch), said)
    assert not page.exception
    assert [d.label for d in people.listed()] == [label]
    page.button(key="forget-me").click().run()
    assert people.listed() == []
    assert people.writer_hashes() == {}
    assert "1 drawing is forgotten" in words(page)


@pytest.mark.parametrize(
    ("cnn", "why"),
    [((7, False), "One network does not take it for a digit"), ((1, True), "do not agree")],
)
def test_right_asks_which_digit_where_the_networks_disagree(monkeypatch, cnn, why):
    page = open_page(monkeypatch)
    with monkeypatch.context() as differing:
        answers = [
            types.SimpleNamespace(digit=d, is_digit=is_digit) for d, is_digit in [(7, True), cnn]
        ]
        networks = [types.SimpleNamespace(answer=lambda _, a=a: a) for a in answers]
        differing.setattr(feedback, "classifiers", lambda: dict(enumerate(networks)))
        page.button(key="say-right").click().run()
    assert f"{why}: say which digit" in words(page)
    assert people.listed() == []
    page.run()
    assert why in words(page)  # as long as this drawing stands
    page = say(page, 4)
    assert why not in words(page)
    page.button(key="forget-me").click().run().run()
    assert "1 drawing is forgotten" in words(page)
    page.button(key="clear").click().run()
    assert "forgotten" not in words(page)


def test_a_press_that_a_second_digit_came_with_keeps_nothing(monkeypatch):
    """Regression: what was kept of a 4 and a 7 was "not a digit"."""
    four, seven = place(FOUR.strokes, 30, 80, 130), place(SEVEN.strokes, 190, 80, 130)
    page = open_page(monkeypatch, canvas_json(four)["objects"])
    draw(page, canvas_json([*four, *seven])["objects"])
    page.button(key="say-right").click().run()
    assert feedback.SEVERAL in words(page)
    assert people.listed() == []


@pytest.mark.parametrize("said", ["right", 9])
def test_a_press_counts_the_stroke_that_came_with_it(monkeypatch, said):
    """Regression: what was said was kept of the drawing without it."""
    page = open_page(monkeypatch, canvas_json(FOUR.strokes[:1])["objects"])
    page.button(key="why").click().run()
    draw(page, canvas_json(FOUR.strokes)["objects"])
    page = page.button(key="say-right").click().run() if said == "right" else say(page, said)
    assert not page.exception
    (kept,) = people.listed()
    assert (kept.label, len(kept.strokes)) == (4 if said == "right" else 9, 2)
    assert f"**this is a {kept.label}**" in words(page)
    assert "asked_why" not in page.session_state  # of the drawing before


def test_undo_takes_back_the_stroke_that_came_with_it_and_no_other(monkeypatch):
    """Regression: it took two strokes away, the last one for good."""
    strokes = canvas_json(FOUR.strokes)["objects"]
    page = open_page(monkeypatch, strokes[:1])
    draw(page, strokes)
    page.button(key="undo").click().run()
    assert not page.exception
    state = canvas_state.of(page.session_state)
    assert (state.objects, state.undone) == (strokes[:1], strokes[1:])


def test_an_example_is_not_kept(monkeypatch):
    """Regression: it was, and by everybody who tried it, as another person's handwriting."""
    page = open_page(monkeypatch, [])
    page.button(key=f"example-{EXAMPLES.index(SEVEN)}").click().run()
    page.button(key="say-right").click().run()
    assert "Only what is drawn by hand can be kept, no examples" in words(page)
    assert people.listed() == []


def test_a_picture_is_not_kept(monkeypatch):
    page = open_page(monkeypatch, [picture_of(SEVEN.strokes)])
    page.button(key="say-right").click().run()
    assert "Only what is drawn by hand" in words(page)
    assert people.listed() == []


def test_a_locked_database_is_said_and_breaks_nothing(monkeypatch):
    def locked(*_):
        raise DatabaseError("The database people.db is locked by another program.")

    page = open_page(monkeypatch)
    monkeypatch.setattr(people, "add", locked)
    page.button(key="say-right").click().run()
    assert not page.exception
    assert "is locked by another program" in words(page)
