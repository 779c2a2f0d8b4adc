"""The confusion page: what it shows of stored answers, and of answers that do not fit."""

import json
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.analysis import reports, robustness
from mnist_core.analysis.turns import Turns
from mnist_core.data.mnist import load_mnist
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.runs import queue
from pages.parts import turn
from tests.made_up_models import CNN_MISTAKES, DENSE_MISTAKES, answers, make_data, make_model
from tests.made_up_runs import finished_run

PAGE = Path(__file__).parents[2] / "pages" / "confusion.py"


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """Two models and their data; the folder they are in."""
    st.cache_resource.clear()
    make_data(tmp_path / "data.npz")
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "data.npz"))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    make_model("dense", DENSE_MISTAKES)
    make_model("cnn", CNN_MISTAKES)
    return tmp_path


def open_page(**state: object) -> AppTest:
    """Run the page with some of its widgets already set."""
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    for key, value in state.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    """Everything that the page says, as one text."""
    elements = [*page.markdown, *page.info, *page.warning, *page.caption, *page.subheader]
    return "\n".join(element.value for element in elements)


@pytest.mark.usefixtures("models")
def test_the_first_look_shows_the_figures_and_the_most_confused_cell():
    page = open_page()
    assert "**4** of 400 wrong, **99.00%** right" in words(page)
    assert "**3 × 4 read as 9**" in words(page)
    assert "Click a cell: these are the digits it counts." in words(page)
    assert [box.value for box in page.selectbox if box.key in ("true-digit", "read-as")] == [4, 9]


@pytest.mark.usefixtures("models")
def test_another_cell_and_another_model():
    page = open_page()
    page.selectbox(key="true-digit").select(7).run()
    page.selectbox(key="read-as").select(1).run()
    assert "**1 × 7 read as 1**" in words(page)
    page.selectbox(key="model").select("cnn").run()
    assert "**1** of 400 wrong" in words(page)
    assert "**0 × 7 read as 1**" in words(page)
    assert "No digit landed in this cell" in words(page)
    assert not page.exception


@pytest.mark.usefixtures("models")
def test_a_digit_opens_large_only_where_it_belongs():
    page = open_page(**{"look-closer": ("cell", 304)})
    assert words(page).count("Test digit 304, labelled 4") == 1  # also among the confidently wrong
    page.selectbox(key="true-digit").select(7).run()
    assert "Test digit 304" not in words(page)


@pytest.mark.usefixtures("models")
def test_comparison_says_in_words_what_mcnemar_found():
    said = words(open_page(view="Compare"))
    assert "the dense network alone is right on 0, the CNN alone on 3" in said
    assert "may well be chance" in said
    assert "Neither gets 1." in said


@pytest.mark.usefixtures("models")
def test_trust_names_the_calibration_error_of_both():
    said = words(open_page(view="Trust"))
    assert "Dense network: expected calibration error" in said
    assert "CNN: expected calibration error" in said
    assert "different data sets" not in said


@pytest.mark.usefixtures("models")
def test_kept_curves_show_at_once_and_the_others_wait_for_a_button():
    measured = {one.name: [0.5] * len(one.levels) for one in robustness.DEFORMATIONS}
    robustness.keep("dense", load_mnist().digest, 400, measured)
    page = open_page(view="Break it")
    assert page.button(key="measure").label == "Measure the CNN"
    assert "Measured on 400 test digits" in words(page)
    page.button(key="measure").click().run()
    assert "damaged" in page.error[0].value or "missing" in page.error[0].value


@pytest.mark.usefixtures("models")
def test_whoever_measures_takes_a_turn_for_each_level_and_one_for_all_answers(monkeypatch):
    """Regression: "Break it" with all digits kept everybody's "Why" waiting for minutes, and
    answers were computed in the server, whoever else computed there."""
    tickets = []

    class Counted(Turns):
        def ticket(self, begun=False):
            tickets.append(1)
            return super().ticket(begun)

    def network(batch: np.ndarray) -> tuple[np.ndarray, None]:
        return np.full((len(batch), 10), 0.1, np.float32), None

    made_up = Classifier("dense", {}, network, "made up")
    monkeypatch.setattr(turn, "TURNS", Counted())
    monkeypatch.setattr(Classifier, "load", lambda name: made_up)
    monkeypatch.setattr(st, "rerun", lambda **_: None)  # of a fragment, which a test has none of
    page = open_page(view="Break it", **{"other-model": ""})
    page.button(key="measure").click().run()
    assert not page.exception
    assert robustness.kept("dense", load_mnist().digest, 400) is not None
    assert len(tickets) == sum(len(one.levels) for one in robustness.DEFORMATIONS)
    (registry.model_dir("dense") / registry.EVALUATION_FILE).unlink()
    tickets.clear()
    open_page().button(key="compute-evaluation").click().run()
    assert len(tickets) == 1
    np.testing.assert_allclose(registry.load_evaluation("dense").probabilities, 0.1)


@pytest.mark.parametrize(("most_waiting", "answers"), [(0, ["5, 5"]), (-1, [])])
def test_what_has_begun_goes_on_though_the_line_fills_up(monkeypatch, most_waiting, answers):
    """A long measurement was refused in its middle, and all that it had measured was lost."""

    class FillsUp(Turns):
        @contextmanager
        def ticket(self, begun=False):
            with super().ticket(begun) as number:
                self._most = 0
                yield number

    def script():
        import streamlit as st

        from pages.parts.turn import piece_by_piece

        compute = piece_by_piece()
        st.text(f"{compute(abs, -5)}, {compute(abs, 5)}")

    monkeypatch.setattr(turn, "TURNS", FillsUp(1, most_waiting))
    monkeypatch.setattr(turn, "compute", lambda function, *arguments: function(*arguments))
    page = AppTest.from_function(script, default_timeout=60).run()
    assert [text.value for text in page.text] == answers
    assert len(page.warning) == (not answers)


@pytest.mark.usefixtures("models")
def test_a_model_without_answers_offers_to_compute_them():
    (registry.model_dir("dense") / registry.EVALUATION_FILE).unlink()
    page = open_page()
    assert "no stored answers" in page.warning[0].value
    page.button(key="compute-evaluation").click().run()
    assert "model.keras" in page.error[0].value  # these weights are none, and the page says so


def test_damaged_answers_are_named(models):
    (models / "artifacts" / "dense" / registry.EVALUATION_FILE).write_bytes(b"PK broken")
    assert "evaluation.npz of the model 'dense' is damaged" in open_page().warning[0].value


@pytest.mark.usefixtures("models")
def test_answers_to_another_data_set_are_shown_without_pictures_and_never_mixed():
    make_model("20261121-other", {3: 5}, digest="f" * 64)
    page = open_page(model="20261121-other")
    assert "**1** of 400 wrong" in words(page)
    assert "belong to another data set" in words(page)
    compared = open_page(**{"view": "Compare", "other-model": "20261121-other"})
    assert "answered different data sets, so they are not compared" in words(compared)
    trusted = open_page(**{"view": "Trust", "other-model": "20261121-other"})
    assert "answered different data sets: their curves" in words(trusted)


def test_without_images_everything_but_the_pictures_works(models, monkeypatch):
    st.cache_resource.clear()
    monkeypatch.setenv("MNIST_PATH", str(models / "nowhere.npz"))
    page = open_page()
    assert "**99.00%** right" in words(page)
    assert "No pictures:" in words(page)


def test_without_any_model_the_page_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    assert "python -m mnist_core train" in open_page().warning[0].value


def test_a_network_without_a_mistake_has_a_page_too(models):
    """Regression: the list of its confident mistakes was empty, and the page ended in an error."""
    make_model("20261121-perfect", {})
    assert "It reads every digit right." in words(open_page(model="20261121-perfect"))


@pytest.mark.usefixtures("models")
def test_an_address_opens_its_cell():
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    page.query_params["true-digit"], page.query_params["read-as"] = "9", "4"
    assert "9 read as 4" in words(page.run())


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("view", ["Mistakes", "Trust", "Compare", "Break it"])
@pytest.mark.parametrize("measured", [True, False])
def test_every_view_offers_its_address(view, measured):
    """Also where there is nothing yet to compare with, or to draw."""
    if measured:
        curves = {one.name: [0.5] * len(one.levels) for one in robustness.DEFORMATIONS}
        robustness.keep("dense", load_mnist().digest, 400, curves)
    page = open_page(view=view, **{"other-model": "cnn" if measured else ""})
    assert "This opens the page as you see it." in words(page)


@pytest.fixture
def two_of_a_name(models) -> list[str]:
    """Two runs that a visitor gave the same title, a link; their names."""
    named = []
    for mistakes in ({3: 5}, {4: 6}):
        run = queue.get_run(finished_run(title="[a](http://b.example)"))
        stored = registry.Evaluation(
            answers(mistakes), load_mnist().y_test, load_mnist().digest, "test"
        )
        registry.save_evaluation(run.folder, stored)
        named.append(run.run_id)
    return named


def test_runs_of_the_same_name_are_told_apart(two_of_a_name):
    one, other = two_of_a_name
    at = {"model": one, "other-model": other}
    trust = [said.value for said in open_page(view="Trust", **at).caption]
    assert len({said for said in trust if "calibration error" in said}) == 2
    measured = {one.name: [0.5] * len(one.levels) for one in robustness.DEFORMATIONS}
    for name in two_of_a_name:
        robustness.keep(name, load_mnist().digest, 400, measured)
    broken = open_page(view="Break it", **at)
    assert {len(json.loads(chart.proto.spec)["data"]) for chart in broken.get("plotly_chart")} == {
        2
    }
    assert len(set(open_page(view="Compare", **at).selectbox(key="apart").options)) == 3


def test_an_address_names_networks_by_what_does_not_change(two_of_a_name):
    """Regression: it held their titles, which have a date from the next day on."""
    one, other = two_of_a_name
    page = AppTest.from_file(str(PAGE), default_timeout=30)
    page.query_params["model"], page.query_params["other-model"] = other, one
    assert not page.run().exception
    assert [page.selectbox(key=key).value for key in ("model", "other-model")] == [other, one]
    page.selectbox(key="model").set_value("dense").run()
    page.selectbox(key="other-model").set_value("").run()
    named = [page.query_params.get(name) for name in ("model", "other-model")]
    assert named == [None, "nothing"]
    again = AppTest.from_file(str(PAGE), default_timeout=30)
    again.query_params["other-model"] = "nothing"
    assert again.run().selectbox(key="other-model").value == ""
    again = AppTest.from_file(str(PAGE), default_timeout=30)
    again.query_params["model"] = "the CNN"  # of a link from before
    assert again.run().selectbox(key="model").value == "cnn"


def test_a_run_is_called_by_its_title_where_it_reads_digits_and_in_its_report(models, monkeypatch):
    """Regression: both named the run's id, which says nothing to a visitor."""
    run_id = finished_run(title="narrow")
    said = []
    monkeypatch.setattr(st, "spinner", lambda text, **_: said.append(text) or nullcontext())
    page = open_page(model=run_id)
    page.button(key="compute-evaluation").click().run()
    assert [text.split(",")[0] for text in said if "digits" in text] == ["Narrow"]
    assert page.warning[0].value.startswith("Narrow, ")
    assert run_id not in page.warning[0].value
    stored = registry.load_evaluation("dense")
    registry.save_evaluation(registry.model_dir(run_id), stored)
    headed = []
    monkeypatch.setattr(reports, "summary_markdown", lambda title, *_: headed.append(title) or "")
    open_page(model=run_id)
    assert headed[0].startswith("narrow, ")


@pytest.mark.parametrize("view", ["Mistakes", "Trust", "Compare", "Break it"])
def test_a_visitors_title_is_no_link(two_of_a_name, view):
    one, other = two_of_a_name
    page = open_page(**{"view": view, "model": one, "other-model": other})
    said = words(page) + "".join(button.label for button in page.button)
    assert "](http" not in said
    assert view == "Mistakes" or "example" in said
