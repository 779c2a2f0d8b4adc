"""The explanations on the Draw page without a browser: each shows what it computes."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.analysis import resembles
from mnist_core.analysis.smallest_change import Change
from mnist_core.errors import ModelError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry, serving
from mnist_core.runs import queue, report
from mnist_core.runs.report import plain
from mnist_core.views import insides_view, links
from pages.parts.draw import take_home
from pages.parts.draw.resembles import makings
from tests.made_up_models import make_data
from tests.pages.test_draw import (  # noqa: F401
    PAGE,
    Canvas,
    artifacts,
    ask_why,
    put_canvas,
    run_page,
    shown,
)
from tests.random_networks import save_random_network

FOUR = next(e for e in EXAMPLES if e.label == 4)


@pytest.fixture
def page(monkeypatch, artifacts, tmp_path) -> AppTest:  # noqa: F811
    st.cache_resource.clear()  # of another test's digits, which may be all of MNIST
    make_data(tmp_path / "noise.npz")
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "noise.npz"))
    return ask_why(run_page(monkeypatch, FOUR.strokes))


def choose(page: AppTest, way: str) -> str:
    page.segmented_control(key="explanation-shown").set_value(way).run()
    assert not page.exception
    assert not page.error
    return shown(page)


def test_one_explanation_is_shown_at_a_time(page):
    assert "The ink that the dense network rests on" in shown(page)
    nudged = choose(page, "Nudge")
    assert "The ink that the dense network rests on" not in nudged
    assert "The dense network reads a 4 at" in nudged
    assert "The CNN reads a 4 at" in nudged
    changed = choose(page, "Smallest change")
    assert "The dense network reads a" in changed
    assert "instead of a 4 once" in changed
    choose(page, "Arithmetic")
    options = page.selectbox(key="sums-of").options
    assert [one.split(":")[0] for one in options] == ["The CNN", "The CNN", "The dense network"]
    choose(page, "Take it home")
    assert {one.proto.label for one in page.get("download_button")} >= {"The CNN"}


def test_a_step_that_is_left_out_changes_what_both_networks_see(page):
    whole = choose(page, "Step by step")
    assert "What the networks see then" in whole
    page.toggle(key="step-scale").set_value(False).run()
    page.toggle(key="step-centre").set_value(False).run()
    assert not page.exception
    assert shown(page) != whole


def wait_for_indices() -> None:
    for making in makings().values():
        assert making.done.wait(60)


def test_lookalikes_are_training_digits_and_the_index_is_kept(page, artifacts):  # noqa: F811
    choose(page, "Lookalikes")
    wait_for_indices()
    assert shown(page.run()).count('alt="A training digit, ') == 20
    assert len(list((artifacts / "cache").glob("features-*.npz"))) == 2


def test_nothing_waits_for_the_training_digits_to_be_looked_at(page, monkeypatch):
    """Regression: another explanation, and every stroke, was shown half a minute later."""
    asked, go_on = threading.Event(), threading.Event()

    def make_index(*arguments):
        asked.set()
        go_on.wait(60)
        raise ModelError("It was stopped by the test.")

    monkeypatch.setattr(resembles, "make_index", make_index)
    choose(page, "Lookalikes")
    assert asked.wait(60)
    assert [bar.value for bar in page.get("progress")] == [0, 0]
    assert "The dense network reads a 4 at" in choose(page, "Nudge")
    choose(page, "Lookalikes")
    go_on.set()
    wait_for_indices()
    assert [error.value for error in page.run().error] == ["It was stopped by the test."]


def test_a_network_with_everything_cut_answers_no_better_than_chance(page):
    choose(page, "Cut the wires")
    page.segmented_control(key="wires-network").set_value("dense").run()
    (count,) = [one for one in page.slider if one.key.startswith("wires-count")]
    count.set_value(count.max).run()
    assert not page.exception
    assert float(page.metric[0].value.rstrip("%")) < 20
    assert 'aria-label="Whole: 0: ' in shown(page)  # regression: who hears it was told no number
    assert 'aria-label="With the cut: 0: ' in shown(page)


def test_a_network_of_one_layer_has_nothing_to_cut(page):
    """Regression: it was a traceback."""
    save_random_network("softmax")
    registry.activate("dense", "softmax")
    serving.pool().request("softmax").result(60)
    choose(page, "Cut the wires")
    page.segmented_control(key="wires-network").set_value("dense").run()
    assert not page.exception
    assert "nothing to cut" in page.info[0].value


def test_a_run_is_taken_home_under_its_title(monkeypatch, artifacts):  # noqa: F811
    """Regression: the button had the run's id."""
    run = queue.create("fast", title="The bold one")
    labels = []
    monkeypatch.setattr(take_home, "download", lambda label, *_, **__: labels.append(label))
    networks = {"cnn": SimpleNamespace(name=run.run_id), "dense": SimpleNamespace(name="dense")}
    take_home.offer_to_take_home(np.zeros((28, 28), np.float32), networks)
    assert labels == [plain(report.name_of(run)), "The dense network"]


def by_link_to_four(monkeypatch) -> AppTest:
    put_canvas(monkeypatch, Canvas([]))
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["digit"] = links.digit_code(mnist_image(draw_strokes(FOUR.strokes)))
    page.query_params["explained"] = "Nudge"
    return page


def test_a_link_brings_the_digit_and_its_explanation(monkeypatch, artifacts):  # noqa: F811
    image = mnist_image(draw_strokes(FOUR.strokes))
    put_canvas(monkeypatch, Canvas(FOUR.strokes))
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["digit"] = links.digit_code(image)
    page.query_params["explained"] = "Nudge"
    page.run()
    assert not page.exception
    assert page.session_state["canvas_state"].initial["objects"][0]["type"] == "Image"
    ask_why(page)
    assert page.segmented_control(key="explanation-shown").value == "Nudge"
    assert "The CNN reads a 4 at" in shown(page)


def test_a_drawing_takes_the_place_of_the_links_digit_also_in_the_address(
    monkeypatch,
    artifacts,  # noqa: F811
):
    """Regression: where the server had been away, the link's digit came back over the drawing."""
    page = by_link_to_four(monkeypatch)
    assert "digit" in page.run().query_params  # so far a reload brings it again
    page.button(key="example-2").click().run()
    assert not page.exception
    assert not page.query_params


def test_a_first_stroke_after_undoing_the_links_digit_takes_its_place_too(
    monkeypatch,
    artifacts,  # noqa: F811
):
    page = by_link_to_four(monkeypatch)
    assert "digit" in page.run().query_params
    page.button(key="undo").click().run()
    put_canvas(monkeypatch, Canvas(FOUR.strokes[:1]))
    assert not page.run().exception
    assert not page.query_params


def test_a_link_without_a_digit_is_no_error(monkeypatch, artifacts):  # noqa: F811
    put_canvas(monkeypatch, Canvas([]))
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["digit"] = "<script>"
    page.run()
    assert not page.exception
    assert "holds no digit" in page.toast[0].value


def test_a_search_that_found_nothing_says_so_and_what_it_does_not_prove():
    none = Change(None, 4, None, 0.0, 0.0, (9, 7), 10.0)
    said = insides_view.change_in_words("cnn", none)
    assert said.startswith("The CNN: no small change was found that turns this 4 into a 9 or a 7")
    assert "does not prove" in said


def test_a_change_too_small_for_its_parts_is_told_without_them():
    said = insides_view.change_in_words(
        "cnn", Change(np.zeros((28, 28), np.float32), 4, 9, 0.04, 0.04, (9,), 0.1)
    )
    assert said.endswith("once 0.1 pixels’ worth of ink is changed.")


def test_added_ink_is_coloured_and_removed_ink_is_red():
    image, after = np.zeros((2, 28, 28), np.float32)
    image[3, 3] = after[5, 5] = 1
    change = Change(after, 4, 9, 1.0, 1.0, (9,), 0.1)
    drawn = insides_view.changed_ink(image, change, "dense") * 255
    np.testing.assert_allclose(drawn[5, 5], (0xE6, 0x9F, 0x00), atol=1)
    np.testing.assert_allclose(drawn[3, 3], (0xFF, 0x4B, 0x7B), atol=1)
    assert not drawn[9, 9].any()
    assert "2.0 pixels’ worth of ink is changed (1.0 added, 1.0 taken away)" in (
        insides_view.change_in_words("dense", change)
    )
