"""The Draw page without a browser: what it shows for strokes, blanks, examples and bad files."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.serving import own_artifacts
from mnist_core.ink.examples import EXAMPLES, canvas_json
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import STROKE_WIDTH_PX, place
from mnist_core.models import registry, serving
from mnist_core.models.reading import draw_ink
from mnist_core.views import canvas_state

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "draw.py")


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    """A copy of the shipped models that a test may damage."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(own_artifacts(tmp_path)))
    monkeypatch.setattr("pages.parts.draw.answers.LOADING_WAIT_S", 60)
    return tmp_path


class Canvas:
    """Stands in for the canvas component, which AppTest cannot draw on."""

    def __init__(self, strokes):
        self.json_data = canvas_json(strokes)


def put_canvas(monkeypatch, canvas: Canvas) -> None:
    """The real component registers itself with a running server, which AppTest is not."""
    stand_in = types.SimpleNamespace(st_canvas=lambda **_: canvas)
    monkeypatch.setitem(sys.modules, "streamlit_drawable_canvas", stand_in)


def run_page(monkeypatch, strokes) -> AppTest:
    put_canvas(monkeypatch, Canvas(strokes))
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str:
    html = [element.proto.body for element in page.get("html")]
    return "\n".join([*html, *(m.value for m in page.markdown)])


def answered(page: AppTest) -> int:
    """How many networks answer."""
    return len(re.findall(r'class="st-key-answer-\w+ answered"', shown(page)))


def test_before_the_first_stroke_the_page_invites_one(monkeypatch, artifacts):
    page = run_page(monkeypatch, [])
    assert "Draw a digit, 0 to 9" in shown(page)
    assert answered(page) == 0
    assert shown(page).count(" at-rest") == 2
    assert "over-canvas hint" in shown(page)
    assert "note problem" not in shown(page)


@pytest.mark.parametrize(("ink", "said"), [(0, "no ink to show"), (255, "On the canvas")])
def test_a_digit_from_another_page_is_on_the_canvas_if_it_has_ink(
    monkeypatch, artifacts, ink, said
):
    page = run_page(monkeypatch, [])
    image = np.zeros((28, 28), np.uint8)
    image[10:18, 13:15] = ink
    page.session_state["draw_image"] = {"image": image, "caption": "test digit 5, labelled 1"}
    page.run()
    assert not page.exception
    assert [said in toast.value and "digit 5" in toast.value for toast in page.toast] == [True]
    initial = canvas_state.of(page.session_state).initial
    assert len(initial["objects"]) == bool(ink)


def test_after_a_stroke_both_networks_answer(monkeypatch, artifacts):
    seven = next(e for e in EXAMPLES if e.label == 7)
    page = run_page(monkeypatch, seven.strokes)
    assert answered(page) == 2
    assert '<p role="status">The dense network reads 7' in shown(page)
    assert "Dense network" in shown(page)
    assert "CNN" in shown(page)
    assert "Both read a <b>7</b>" in shown(page)


def test_several_digits_are_read_each(monkeypatch, artifacts):
    four = place(next(e.strokes for e in EXAMPLES if e.label == 4), 30, 80, 130)
    two = place(next(e.strokes for e in EXAMPLES if e.label == 2), 190, 80, 130)
    page = run_page(monkeypatch, [*four, *two])
    assert answered(page) == 2
    assert "Both read <b>42</b>" in shown(page)
    assert '<p role="status">The dense network reads 4 2. The CNN reads 4 2.</p>' in shown(page)
    assert len(re.findall(r'<i style="left:', shown(page))) == 2
    assert page.session_state["canvas_state"].strip[-1].cnn == "42"


def test_an_erased_canvas_is_no_error(monkeypatch, artifacts):
    class Erased(Canvas):
        def __init__(self):
            self.json_data = {"objects": [{"type": "Path"}]}

    put_canvas(monkeypatch, Erased())
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert answered(page) == 0


@pytest.mark.parametrize("file", ["model.keras", "card.json"])
def test_a_missing_file_is_named_and_the_other_network_still_answers(monkeypatch, artifacts, file):
    (artifacts / "cnn" / file).unlink()
    (artifacts / "cnn" / "model.tflite").unlink()
    page = run_page(monkeypatch, EXAMPLES[3].strokes)
    assert "note problem" in shown(page)
    assert f"cnn/{file}" in shown(page)
    assert "python -m mnist_core train cnn --ship" in shown(page)
    assert answered(page) == 1
    assert "as soon as both do" in ask_why(page).info[0].value


def test_undo_redo_and_clear_keep_what_was_drawn():
    state = canvas_state.CanvasState()
    state.see({"objects": [{"n": 1}, {"n": 2}]})
    state.undo()
    assert state.objects == [{"n": 1}]
    state.redo()
    assert state.objects == [{"n": 1}, {"n": 2}]
    state.undo()
    state.see({"objects": [{"n": 1}, {"n": 3}]})
    state.redo()
    assert state.objects == [{"n": 1}, {"n": 3}]
    state.clear()
    assert state.objects == []
    assert state.initial == {"objects": []}


def test_the_strip_has_one_entry_a_drawing_and_ends_at_24():
    state = canvas_state.CanvasState()
    for number in range(30):
        state.remember("a", {"dense": "1"})
        state.remember(str(number), {"dense": "2", "cnn": "3"})
        state.clear()
    assert len(state.strip) == canvas_state.STRIP_LENGTH
    assert (state.strip[-1].picture, state.strip[-1].dense, state.strip[-1].cnn) == ("29", "2", "3")


def test_what_was_loaded_is_drawn_as_the_canvas_draws_it():
    state = canvas_state.CanvasState()
    strokes = EXAMPLES[7].strokes
    state.load_strokes(strokes)
    drawn = canvas_state.render(state.objects)
    np.testing.assert_array_equal(drawn, draw_ink(strokes, STROKE_WIDTH_PX))
    state.load_picture(drawn)
    moved = mnist_image(canvas_state.render(state.objects)) - mnist_image(drawn)
    assert np.abs(moved).mean() < 0.03


def test_what_is_no_digit_is_said_to_be_none_and_why(monkeypatch, artifacts):
    page = run_page(monkeypatch, EXAMPLES[-1].strokes)
    assert "a single digit.</summary>It is" in shown(page)


def ask_why(page: AppTest) -> AppTest:
    page.button(key="why").click().run()
    assert not page.exception
    return page


def test_who_asks_why_sees_the_ink_that_counts_and_inside_both_networks(monkeypatch, artifacts):
    seven = next(e for e in EXAMPLES if e.label == 7)
    page = run_page(monkeypatch, seven.strokes)
    assert "Inside the" not in shown(page)
    page = ask_why(page)
    assert "The ink that the dense network rests on" in shown(page)
    assert "the dense network goes on reading 7 for" in shown(page)
    assert "Inside the dense network" in shown(page)
    assert "Inside the CNN" in shown(page)


def test_pushing_the_digit_out_of_the_frame_changes_both_answers(monkeypatch, artifacts):
    seven = next(e for e in EXAMPLES if e.label == 7)
    page = ask_why(run_page(monkeypatch, seven.strokes))

    def said() -> list[tuple[str, str]]:
        return re.findall(r">(\d)</b> (Dense|CNN)\b[^,]*, ", shown(page))

    page.slider(key="push-right").set_value(0).run()
    assert said() == [("7", "Dense"), ("7", "CNN")]
    page.slider(key="push-right").set_value(10).run()
    page.slider(key="push-down").set_value(10).run()
    assert ("7", "Dense") not in said()
    assert ("7", "CNN") not in said()


def test_a_network_without_its_litert_file_is_looked_into_as_well(monkeypatch, artifacts):
    (artifacts / "cnn" / registry.LITERT_FILE).unlink()
    serving.pool().request("cnn").result()  # with TensorFlow, which takes seconds
    seven = next(e for e in EXAMPLES if e.label == 7)
    page = ask_why(run_page(monkeypatch, seven.strokes))
    assert "Inside the dense network" in shown(page)
    assert "Inside the CNN" in shown(page)
