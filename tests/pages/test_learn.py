"""Learning from people as a visitor meets it: on the Retrain, Dataset and Confusion pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.analysis.gate import MNIST, PEN, PEOPLE, Part, Verdict
from mnist_core.data import collection, database, people
from mnist_core.models import registry
from mnist_core.room import deletion
from mnist_core.runs import gate_report, queue
from pages.parts import people as shared
from pages.parts import stored_answers
from pages.parts.dataset import people_drawings
from tests.made_up_people import fill, live_in
from tests.made_up_runs import finished_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """A house in which nothing is ever started."""
    live_in(tmp_path, monkeypatch)
    monkeypatch.setattr(queue, "start_next", lambda: None)
    monkeypatch.setattr(queue, "keep_ready", lambda: None)
    st.cache_resource.clear()
    yield tmp_path
    st.cache_resource.clear()
    database.engine().dispose()


def open_page(name: str) -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=90)


def open_lesson() -> AppTest:
    """Return the Retrain page with its block unfolded."""
    page = open_page("retrain")
    page.session_state["learn-from-people"] = True
    return page


def words(page: AppTest) -> str:
    shown = [*page.markdown, *page.caption, *page.warning, *page.success, *page.info]
    return "\n".join(str(element.value) for element in shown)


def test_with_two_drawings_the_page_says_what_is_missing():
    fill(writers=2, each=1)
    page = open_lesson().run()
    assert not page.exception
    assert "There is too little to learn from: 2 labelled drawings" in words(page)
    assert page.button(key="learn-start").disabled


def test_what_people_drew_is_read_beside_the_server(monkeypatch):
    """Regression: after every labelled drawing both networks read all of them in the server."""
    asked = []

    def compute(function, *arguments):
        asked.append(function.__name__)
        return function(*arguments)

    monkeypatch.setattr(shared, "compute", compute)
    fill(writers=2, each=1)
    assert len(shared.lesson().collection) == len(shared.answers(["dense"])[0].images) == 2
    assert asked == ["collect", "answers", "answers", "collect", "probabilities"]


def test_what_is_learnt_from_is_said_before_and_doubted_labels_are_left_out(house):
    fill(writers=4, each=10, wrong=10)
    page = open_lesson().run()
    assert not page.exception
    assert "wrong**: both networks say something else" in words(page)
    assert "by 3 people**, dealt into 3 groups" in words(page)
    assert "**40 drawings" not in words(page)
    page.button(key="confirm-all").click().run()
    assert not page.exception
    assert "**40 drawings by 4 people**" in words(page)
    page.button(key="learn-start").click().run()
    runs = sorted(queue.list_runs(), key=lambda run: run.requested_at)
    assert [run.changes for run in runs] == [
        {"from": "dense", "learn": "dense"}, {"from": "cnn", "learn": "cnn"}
    ]  # fmt: skip
    assert queue.command(runs[0])[3:9] == [
        "train", "dense", "--from", "dense", "--learn", "dense"
    ]  # fmt: skip


def test_who_was_chosen_just_before_the_press_learns_once(heard_twice):
    """Regression: it was who had been chosen before; and a press heard twice asked for two."""
    fill(writers=4, each=10)
    page = open_lesson().run()
    who = page.segmented_control(key="who-learns")
    who.set_value(["cnn"])
    page.button(key="learn-start").click().run()
    assert not page.exception
    assert [run.changes for run in queue.list_runs()] == [{"from": "cnn", "learn": "cnn"}]
    assert not page.session_state["learn-from-people"]


def judged(passed: bool, ids: list[int]) -> str:
    """A run that learnt and was judged; it won the first drawing and lost the second."""
    run_id = finished_run("dense", "The dense network learns from people")
    good, bad = Part(40, 9, 2, 8, 1, 0.02, True), Part(10_000, 63, 90, 5, 32, 0.0001, False)
    verdict = Verdict({PEOPLE: good, MNIST: good if passed else bad, PEN: good})
    changes = [gate_report.Change(one, 7, 1, 7) for one in ids]
    report = gate_report.GateReport(
        verdict, "dense", "dense", False, 40, 4, 3, changes[:1], changes[1:2], []
    )
    gate_report.save(registry.model_dir(run_id), report)
    return run_id


def test_a_refused_candidate_says_why_and_is_overruled_knowingly():
    run_id = judged(False, fill(writers=2, each=2))
    page = open_page("retrain").run()
    assert not page.exception
    assert "The gate refused it. On MNIST’s test images it won 5 and lost 32" in words(page)
    assert "1 drawing won" in words(page)
    assert "7 (read as 1, then 7)" in words(page)
    assert page.button(key="use-model").disabled
    page.checkbox(key=f"overrule-{run_id}").check().run()
    page.button(key="use-model").click().run()
    assert registry.active()["dense"] == run_id
    page.button(key="undo-dense").click().run()
    assert registry.active()["dense"] == "dense"


def test_a_refused_candidate_among_the_past_runs_is_used_knowingly(house):
    """Regression: one press was enough there."""
    run_id = judged(False, fill(writers=2, each=2))
    page = open_page("retrain")
    page.query_params["runs"] = run_id
    page.run()
    assert not page.exception
    assert [one.key for one in page.button if one.key in ("use-model", "use-past")] == ["use-model"]
    finished_run("dense")
    assert page.run().button(key="use-past").disabled
    page.checkbox(key=f"overrule-{run_id}").check().run()
    page.button(key="use-past").click().run()
    assert not page.exception
    assert registry.active()["dense"] == run_id
    assert "use-past" not in [one.key for one in page.button]


def test_a_candidate_that_passed_but_did_not_take_over_can_be_used():
    """It had no button: only refused candidates had one."""
    run_id = judged(True, fill(writers=2, each=2))
    page = open_page("retrain").run()
    assert not page.exception
    assert "The gate let it through" in words(page)
    page.button(key="use-model").click().run()
    assert registry.active()["dense"] == run_id


def test_who_may_not_train_can_neither_learn_nor_overrule():
    run_id = judged(False, fill(writers=4, each=10))
    page = open_lesson()
    page.secrets["admin_password"] = "correct horse"  # noqa: S105 - of this test alone
    page.run()
    for key in ("learn-start", "use-model"):
        button = page.button(key=key)
        assert button.disabled
        button.proto.disabled = False
        button.click().run()
    assert registry.active()["dense"] == "dense"
    assert [run.run_id for run in queue.list_runs()] == [run_id]


def test_the_dataset_page_shows_filters_and_exports_peoples_drawings():
    ids = fill(writers=3, each=10, wrong=5)
    page = open_page("dataset").run()
    (view,) = [group for group in page.get("button_group") if group.label == "View"]
    view.set_value("People").run()
    assert not page.exception
    assert "**30 drawings** by 3 people" in words(page)
    page.selectbox(key="people-against").set_value("both").run()
    assert "**30 drawings**" not in words(page)
    page.selectbox(key="people-against").set_value("all").run()
    page.selectbox(key="people-writer").set_value(1).run()
    assert "**10 drawings** by 1 person" in words(page)
    assert deletion.delete(ids[:4]) == 4
    assert "**6 drawings** by 1 person" in words(page.run())
    assert len(collection.from_npz(collection.as_npz(people.listed()))) == 26


def test_who_left_before_the_press_is_in_no_file(monkeypatch):
    """Regression: the page's drawings were downloaded, those of who had left since among them."""
    fill(writers=2, each=10)
    offered = {}
    monkeypatch.setattr(
        people_drawings, "download", lambda _, make, name, *__, **more: offered.update({name: make})
    )
    page = open_page("dataset").run()
    (view,) = [group for group in page.get("button_group") if group.label == "View"]
    view.set_value("People").run()
    assert not page.exception
    deletion.forget("writer 0")
    assert len(collection.from_npz(offered["people.npz"]())) == 10
    rows = offered["people.csv"]().decode().splitlines()[1:]
    assert {row.split(",")[1] for row in rows} == {"2"}


def test_the_confusion_page_judges_a_model_by_peoples_drawings():
    page = open_page("confusion").run()
    page.selectbox(key="judged-on").select("people’s drawings").run()
    assert not page.exception
    assert "Nobody has drawn a digit" in words(page)
    fill(writers=2, each=10, wrong=5)
    page.run()
    assert not page.exception
    assert "of 20 wrong" in words(page)
    worst = [page.selectbox(key=key).value for key in ("true-digit", "read-as")]
    other = (worst[0] + 1) % 10
    page.selectbox(key="true-digit").select(other).run()
    page.query_params["true-digit"] = str(other)  # a browser does
    page.selectbox(key="judged-on").select("MNIST’s test images").run()
    page.query_params["true-digit"] = str(other)
    page.selectbox(key="judged-on").select("people’s drawings").run()
    assert [page.selectbox(key=key).value for key in ("true-digit", "read-as")] == worst
    page.segmented_control(key="view").set_value("Break it").run()
    assert "Only MNIST’s test images are spoiled here" in page.info[0].value
    assert "measure" not in [button.key for button in page.button]


@pytest.mark.parametrize("view", ["Mistakes", "Compare"])
def test_what_is_deleted_while_the_page_is_drawn_mixes_up_no_drawings(monkeypatch, view):
    """Regression: pictures and labels, and two networks' answers, were of different moments."""
    ids, state = fill(writers=2, each=10, digits=[3], wrong=20), people.state

    def then_one_less() -> str:
        found = state()
        deletion.delete([ids.pop()])
        return found

    monkeypatch.setattr(people, "state", then_one_less)
    page = open_page("confusion")
    page.session_state["judged-on"] = stored_answers.ON_PEOPLE
    page.session_state["view"] = view
    page.run()
    assert not page.exception
    assert "different data sets" not in words(page)


def test_peoples_drawings_are_shown_where_the_cnn_is_gone(house):
    """Regression: the pictures came along with its answers."""
    fill(writers=2, each=10, wrong=5)
    shutil.rmtree(registry.model_dir("cnn"))
    page = open_page("confusion")
    page.session_state["judged-on"] = stored_answers.ON_PEOPLE
    page.run()
    assert not page.exception
    assert "of 20 wrong" in words(page)
