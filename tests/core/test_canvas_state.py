"""What the browser keeps of a drawing brings it back in a session that knows nothing of it."""

import json

import numpy as np
import pytest

from mnist_core.errors import WrongDrawing
from mnist_core.ink.examples import EXAMPLES, canvas_json
from mnist_core.views import canvas_state
from mnist_core.views.canvas_state import CanvasState

STROKES = [{"n": 1}, {"n": 2}]


def session_after(state: CanvasState, machine: str) -> CanvasState:
    """Begin another session, on a machine of this name, with what the first one's browser kept."""
    session = CanvasState()
    session.resume(state.kept("first"), machine)
    return session


def test_the_next_session_shows_the_canvas_that_the_browser_still_has():
    state = CanvasState()
    state.see({"objects": STROKES})
    state.undo()
    resumed = session_after(state, "first")
    assert (resumed.version, resumed.initial) == (state.version, state.initial)
    resumed.see({"objects": [{"n": 1}, {"n": 3}]})  # the canvas's own value, as last drawn
    assert not resumed.begin()
    assert resumed.objects == [{"n": 1}, {"n": 3}]
    assert resumed.version == state.version  # the same canvas, whatever is being drawn on it


def test_another_machine_redraws_what_the_page_lost():
    state = CanvasState()
    resumed = session_after(state, "second")
    resumed.see({"objects": STROKES})
    assert resumed.begin()
    assert resumed.initial == {"objects": STROKES}
    assert resumed.version == 1


def test_a_first_visit_finds_an_empty_canvas():
    state = CanvasState()
    state.resume(state.kept("first"), "first")
    state.see(None)
    assert not state.begin()
    assert (state.version, state.initial, state.objects) == (0, None, [])


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "null",
        "[]",
        "{",
        '{"version": Infinity, "objects": []}',
        '{"version": "1", "objects": []}',
        "[" * 100_000,
    ],
)
def test_what_no_session_wrote_is_not_taken_up(kept):
    state = CanvasState()
    state.resume(kept, "first")
    assert (state.version, state.initial) == (0, None)


def test_only_objects_are_taken_up():
    state = CanvasState()
    objects = ["<script>", 7, *[{"n": 1}] * 2000]
    state.resume(json.dumps({"version": 1, "objects": objects}), "first")
    assert state.initial == {"objects": [{"n": 1}] * 1000}


def test_what_another_page_sent_is_not_taken_for_a_drawing_that_was_lost_sight_of():
    state = CanvasState()
    state.load_image(np.full((28, 28), 255, np.uint8))
    assert state.begun  # so the page neither redraws it nor loses what it had to say about it


def test_a_digit_without_ink_leaves_the_canvas_empty():
    """A blank one of an uploaded data set had ended in a traceback."""
    state = CanvasState()
    state.see({"objects": STROKES})
    state.load_image(np.zeros((28, 28), np.uint8))
    assert (state.objects, state.initial, state.drawing) == ([], {"objects": []}, 1)


def test_what_the_canvas_has_sent_is_taken_over_whatever_it_is():
    session = {}
    assert not canvas_state.look_again(session)
    session["canvas-0"] = {"drawing": {"raw": {"objects": STROKES}}}
    assert canvas_state.look_again(session)
    assert canvas_state.of(session).objects == STROKES
    assert not canvas_state.look_again(session)
    for sent in (None, 7, {}, {"drawing": None}, {"drawing": "x"}):
        session["canvas-0"] = sent
        assert not canvas_state.look_again(session)


def test_an_example_is_nobodys_handwriting_as_long_as_some_of_it_is_there():
    """Regression: it was kept as a person's drawing, and by everybody who tried it."""
    state = CanvasState()
    strokes = EXAMPLES[4].strokes
    (by_hand,) = canvas_json(strokes[:1])["objects"]
    state.load_strokes(strokes)
    assert len(state.objects) == 2

    def is_by_hand() -> bool:
        try:
            state.handwriting()
        except WrongDrawing:
            return False
        return True

    assert not is_by_hand()
    state.see({"objects": [*state.objects, by_hand]})
    assert not is_by_hand()
    for _ in range(3):
        state.undo()
    state.redo()
    assert not is_by_hand()
    state = session_after(state, "first")
    state.see(state.initial)
    assert not is_by_hand()
    state.undo()
    state.see({"objects": [by_hand]})
    assert is_by_hand()
    state = session_after(state, "first")
    state.see({"objects": [by_hand]})
    assert is_by_hand()
    state.load_strokes(strokes)
    state.clear()
    state.see({"objects": [by_hand]})
    assert is_by_hand()
