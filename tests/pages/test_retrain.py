"""The Retrain page in every state that a visitor can meet."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from mnist_core.errors import RunError
from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.runs import engine, group, moments, progress, queue
from mnist_core.runs.cluster import DaskCluster, State, Worker
from mnist_core.runs.folder import holding, settle
from mnist_core.runs.report import plain
from mnist_core.training.recipes import RECIPES
from mnist_core.views import answer_view, canvas_state
from mnist_core.web.attempts import FREE_TRIES, Attempts
from pages.parts import permission
from pages.parts.retrain import cluster_state, past_runs
from tests.made_up_runs import finished_run, tell_epochs

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "retrain.py")

PASSWORD = "correct horse"  # noqa: S105 - of this test alone


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    """An artifacts folder of the test's own, in which nothing is ever started."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(queue, "start_next", lambda: None)
    return tmp_path


@pytest.fixture
def page():
    return AppTest.from_file(PAGE, default_timeout=60)


@pytest.fixture
def one_client(monkeypatch):
    """All sessions come from one browser, and its clock stands still; returns what moves it."""
    clock = [1000.0]
    attempts = Attempts(lambda: clock[0])
    monkeypatch.setattr(permission, "attempts", lambda: attempts)
    monkeypatch.setattr(permission, "browser_cookie", lambda: "anna's")
    monkeypatch.setattr(permission, "client", lambda: "192.0.2.7")
    return clock


@contextlib.contextmanager
def config_option(name: str, value: object) -> Iterator[None]:
    """Set one of Streamlit's options for a while."""
    before = config.get_option(name)
    config.set_option(name, value)
    yield
    config.set_option(name, before)


def words(page: AppTest) -> str:
    """Return all that the page says in words."""
    elements = [*page.markdown, *page.caption, *page.success, *page.error, *page.warning]
    return "\n".join(str(element.value) for element in elements)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def test_a_first_visit_is_told_what_to_do_until_it_was_done(page, one_client, monkeypatch):
    said = "Press Train: watch a network learn"
    assert said in words(page.run())
    page.button(key="train-start").click().run()
    assert said not in words(page)
    queue.delete(queue.list_runs()[0].run_id)
    assert said not in words(page.run())
    assert said in words(AppTest.from_file(PAGE, default_timeout=60).run())
    monkeypatch.setattr(type(st.context), "cookies", {"done": "dataset.retrain"})
    assert said not in words(AppTest.from_file(PAGE, default_timeout=60).run())


def test_a_first_visit_is_told_of_no_button_that_is_hidden(page):
    """While a network trains, the button is folded away, and called otherwise."""
    run = queue.create("fast")
    with holding(run.folder):
        assert "Press Train" not in words(page.run())


def test_a_first_visit_offers_a_recipe_that_fits_a_room(page):
    page.run()
    assert not page.exception
    assert page.selectbox(key="recipe").value == "fast"
    assert "55,258" in words(page)
    assert "Anyone who sees this page can train" in words(page)
    assert labels(page) == ["Train"]
    assert "None yet" in words(page)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_can_be_chosen_and_changes_nothing_by_itself(page, recipe):
    page.run().selectbox(key="recipe").set_value(recipe).run()
    assert not page.exception
    assert RECIPES[recipe].summary in words(page)
    assert "Changed:" not in words(page)


def test_train_asks_for_what_was_chosen(page):
    page.run().selectbox(key="recipe").set_value("cnn-3x3").run()
    page.number_input(key="epochs-cnn-3x3").set_value(2).run()
    page.slider(key="share-cnn-3x3").set_value(10).run()
    assert "**Changed:** epochs 2, share 0.1." in words(page)
    page.button(key="train-start").click().run()
    (run,) = queue.list_runs()
    assert (run.recipe, run.changes) == ("cnn-3x3", {"epochs": 2, "share": 0.1})
    assert "1. in the queue" in words(page)


def test_a_field_changed_in_the_moment_before_the_click_counts(page):
    """Regression: the click's callback had the values of the run before it."""
    page.run().number_input(key="epochs-fast").set_value(7)
    page.button(key="train-start").click().run()
    (run,) = queue.list_runs()
    assert run.changes == {"epochs": 7}
    assert page.run().button(key="train-start").label == "Join the queue"
    assert len(queue.list_runs()) == 1


def test_a_run_in_progress_is_watched_and_can_be_stopped(page):
    run = queue.create("fast")
    with holding(run.folder):
        tell_epochs(run.folder, 2)
        page.run()
        assert not page.exception
        assert [metric.value for metric in page.metric] == ["2 of 4", "91.00%", "10 s"]
        assert "Join the queue" in labels(page)
        page.button(key="train-stop").click().run()
        assert (run.folder / "stop").exists()
        assert page.button(key="train-stop").disabled


def test_who_waits_can_leave(page):
    first, second = queue.create("fast"), queue.create("softmax")
    with holding(first.folder):
        page.run().button(key=f"leave-{second.run_id}").click().run()
        assert [run.run_id for run in queue.list_runs()] == [first.run_id]
        assert "in the queue" not in words(page)


def test_damaged_lines_are_said(page):
    run = queue.create("fast")
    with holding(run.folder):
        tell_epochs(run.folder, 1)
        with (run.folder / progress.EVENTS_FILE).open("a") as file:
            file.write("{broken\n")
        page.run()
    assert not page.exception
    assert "1 damaged line of" in words(page)


def test_one_sentence_compares_a_finished_run_with_the_network_it_could_replace(page):
    run_id = finished_run("cnn-3x3")
    page.run()
    assert not page.exception
    assert (
        "It reads **99.17%** of the test images right. The recipe's source reports 98.92%."
        in words(page)
    )
    page.button(key="use-model").click().run()
    assert registry.active() == {"dense": "dense", "cnn": run_id}
    assert "use-model" not in [button.key for button in page.button]
    page.button(key="undo-cnn").click().run()
    assert registry.active() == {"dense": "dense", "cnn": "cnn"}


def test_a_run_over_other_data_keeps_the_page_and_its_past(page, artifacts):
    """Regression: an index beyond the data at hand was an IndexError that hid every run."""
    run_id = finished_run()
    examples = [{"index": 59_999_999, "label": 7, "probabilities": [0.05] * 9 + [0.55]}]
    event = {"type": "epoch", "epoch": 3, "seconds": 5.0, "loss": 1.0, "accuracy": 0.8,
             "val_loss": 0.5, "val_accuracy": 0.91, "confusion": [[7] * 10] * 10,
             "examples": examples}  # fmt: skip
    progress.append_event(queue.get_run(run_id).folder, event)
    page.run()
    assert not page.exception
    assert "labelled 7, read as 9" in "".join(str(one.proto) for one in page.get("html"))
    assert page.button(key="use-model")


def test_a_dense_recipe_goes_to_the_dense_place(page):
    run_id = finished_run("dense-100")
    page.run().button(key="use-model").click().run()
    assert registry.active()["dense"] == run_id


def test_a_damaged_active_model_falls_back_and_says_so(page):
    run_id = finished_run()
    registry.activate("cnn", run_id)
    (registry.model_dir(run_id) / "model.keras").write_bytes(b"damaged")
    page.run()
    assert not page.exception
    assert registry.active()["cnn"] == "cnn"
    assert "The CNN that shipped answers" in page.warning[0].value


def test_a_failed_run_shows_why_and_its_last_lines(page):
    run = queue.create("fast")
    settle(run.folder, "failed", "The disk is full.", "line one\nline two")
    page.run()
    assert "The disk is full." in page.error[0].value
    assert page.code[0].value == "line one\nline two"


def test_a_lost_run_and_a_damaged_card_break_nothing(page):
    finished = finished_run()
    (registry.model_dir(finished) / "card.json").write_text("{")
    lost = queue.create("fast")
    write_json(lost.folder / "process.json", {"started_at": time.time()})
    page.run()
    assert not page.exception
    assert "process ended without a word" in page.error[0].value


def test_what_the_core_refuses_starts_nothing(page, monkeypatch):
    """The widgets keep to the bounds; should they ever not, the core's sentence is shown."""
    from mnist_core.runs import report

    monkeypatch.setattr(report, "changes_from", lambda standing, values: {"epochs": 0})
    page.run()
    assert "epochs is 0; it must be a whole number" in page.error[0].value
    assert page.button(key="train-start").disabled


def test_a_full_disk_is_said_in_a_sentence(page, monkeypatch):
    from mnist_core.errors import ModelError

    def full(path, content):
        raise ModelError("config.json could not be saved (No space left on device).")

    page.run()
    monkeypatch.setattr(queue, "write_json", full)
    page.button(key="train-start").click().run()
    assert "No space left on device" in page.error[0].value
    assert "Press Train" in words(page)
    assert queue.list_runs() == []


def test_the_password_guards_training_activating_and_deleting(page):
    page.secrets["admin_password"] = PASSWORD
    finished_run()
    page.run()
    assert page.button(key="train-start").disabled
    assert page.button(key="use-model").disabled
    page.text_input(key="admin-password").set_value("battery").run()
    assert "not the administrator's password" in page.error[0].value
    assert page.button(key="train-start").disabled
    page.text_input(key="admin-password").set_value(PASSWORD).run()
    assert not page.button(key="train-start").disabled
    assert not page.button(key="use-model").disabled


def test_wrong_passwords_make_the_next_one_wait_in_any_session(page, one_client):
    """Reruns of the page do not count, a new session does not begin anew."""
    page.secrets["admin_password"] = PASSWORD
    page.run()
    for _ in range(FREE_TRIES):
        page.text_input(key="admin-password").set_value("battery").run().run()
    other = AppTest.from_file(PAGE, default_timeout=60)
    other.secrets["admin_password"] = PASSWORD
    other.run().text_input(key="admin-password").set_value(PASSWORD).run()
    assert "too many wrong passwords; try again in 1 s" in other.error[0].value
    assert other.button(key="train-start").disabled
    one_client[0] += 1.1
    other.text_input(key="admin-password").set_value(PASSWORD).run()
    assert not other.button(key="train-start").disabled


def test_a_guest_is_told_how_many_may_wait(page, one_client):
    page.run()
    for _ in range(4):
        page.button(key="train-start").click().run()
    assert "You have 3 trainings waiting" in page.error[0].value
    assert len(queue.live_runs()) == 3


def test_runs_beyond_the_budget_are_proposed_and_deleted_when_asked(page, monkeypatch):
    old, new = finished_run(title="The old one"), finished_run(title="The new one")
    (queue.get_run(old).folder / "train.log").write_bytes(bytes(3_000_000))
    (queue.get_run(new).folder / "train.log").write_bytes(bytes(900_000))
    monkeypatch.setenv("MNIST_RUNS_GB", "0.002")
    page.run()
    assert any("The oldest that nobody uses" in one.value for one in page.warning)
    assert len(queue.list_runs()) == 2
    page.button(key="delete-oldest").click().run()
    assert [run.run_id for run in queue.list_runs()] == [new]
    assert not page.warning


def test_only_the_newest_of_very_many_runs_are_listed(page, monkeypatch):
    monkeypatch.setattr(past_runs, "MOST_SHOWN", 2)
    for number in range(3):
        finished_run(title=f"run {number}")
    page.run()
    assert len(page.dataframe[0].value) == 2
    assert "The newest 2 of 3" in words(page)


def test_no_seeds_are_offered_of_a_run_that_began_at_a_models_weights(page):
    """Regression: they began at random ones."""
    folder = queue.get_run(finished_run()).folder
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"changes": {"from": "cnn"}})
    page.run()
    assert not page.exception
    assert "train-seeds" not in [button.key for button in page.button]


def test_seeds_that_are_asked_for_once_come_once(page, heard_twice):
    """Regression: a press that Streamlit heard twice asked for ten more."""
    finished_run()
    page.run().slider(key="seeds").set_value(3)
    page.button(key="train-seeds").click().run()
    assert not page.exception
    assert len(queue.list_runs()) == 1 + 3


def test_seeds_are_asked_for_as_one_entry_and_shown_as_a_swarm(page, one_client):
    finished_run()
    image = draw_a_one(page)
    page.run().button(key="train-seeds").click().run()
    assert not page.exception
    (seeds,) = group.groups(queue.list_runs())
    assert len(seeds.runs) == 10
    for run in seeds.runs:
        np.testing.assert_array_equal(moments.probes_of(run.folder), [image * 255])
    assert sorted(run.changes["seed"] for run in seeds.runs) == list(range(1, 11))
    assert {run.changes["epochs"] for run in seeds.runs} == {2}
    for place, run in enumerate(seeds.runs[:3]):
        tell_epochs(run.folder, 2)
        card = {"test_accuracy": 0.99 + place / 1000, "recipe": "fast"}
        registry.save_card(run.folder, card)
        write_json(run.folder / "process.json", {"started_at": time.time() - 48})
        settle(run.folder, "finished")
    page.run()
    assert not page.exception
    assert "**99.10%** of the test images on average" in words(page)
    assert "over 3 seeds" in words(page)
    page.button(key="stop-seeds").click().run()
    assert len(group.groups(queue.list_runs())[0].runs) == 3
    assert "Train seeds of another recipe" in words(page)


def test_seeds_are_compared_with_others_under_a_name_of_their_own(page):
    """Regression: "2 seeds of fast" read more than "2 seeds of fast", whichever they were."""
    for number, epochs in enumerate((2, 3, 4)):
        for seed in (1, 2):
            more = {"group": str(epochs), "group_title": "2 seeds of fast"}
            run = queue.create("fast", {"epochs": epochs, "seed": seed}, more=more)
            (run.folder / registry.KERAS_FILE).touch()
            card = {"test_accuracy": 0.98 + number / 1000 + seed / 10_000}
            registry.save_card(run.folder, card)
            settle(run.folder, "finished")
    page.run()
    assert not page.exception
    options = page.selectbox(key="compare-seeds").options
    assert [one.rpartition(" (")[2] for one in options] == ["epochs 3)", "epochs 2)"]
    page.selectbox(key="compare-seeds").set_value(options[1]).run()
    assert not page.exception
    assert page.subheader[0].value.endswith(plain("(epochs 4)"))
    told = words(page)
    assert f"{page.subheader[0].value} reads 0.20% more than {plain(options[1])} on" in told


@pytest.mark.parametrize("group_id", ["seeds", f"{group.SEARCH}fast"])
def test_a_group_that_leaves_the_queue_just_before_it_is_shown_is_no_error(
    page, monkeypatch, group_id
):
    """Regression: "Stop them all" by somebody else was an error to whoever watched."""
    queue.create("fast", {}, more={"group": group_id, "group_title": "Some of fast"})

    def gone(group_id: str) -> group.Group:
        for run in queue.list_runs():
            queue.delete(run.run_id)
        raise RunError("There is no such group (any more).")

    monkeypatch.setattr(group, "get_group", gone)
    page.run()
    assert not page.exception
    assert "Some of fast" not in [one.value for one in page.subheader]


def test_a_search_shows_its_trials_the_best_first(page, one_client):
    pytest.importorskip("optuna")
    words_of_it = {"group": "search-fast", "group_title": "Search of fast"}
    for epochs, state in ((2, "finished"), (1, "stopped"), (0, "failed")):
        run = queue.create("fast", {"learning_rate": 0.01}, f"trial {state}", words_of_it)
        tell_epochs(run.folder, epochs)
        settle(run.folder, state)
    page.run()
    assert not page.exception
    assert [one.value for one in page.subheader][:1] == ["Search of fast"]
    assert "seeds" not in words(page)
    trials = next(one.value for one in page.dataframe if "Validation" in one.value)
    assert list(trials["Validation"]) == ["91.00%", "91.00%", "–"]
    assert set(trials["Changes"]) == {"learning rate 0.01"}


def test_a_cluster_says_what_each_worker_trains_or_why_it_cannot_be_used(page, monkeypatch):
    monkeypatch.setattr(engine, "_clusters", {})
    monkeypatch.setenv("MNIST_CLUSTER", "tcp://127.0.0.1:8786")
    old = "it has keras 3.0.0 instead of 3.15.0"
    workers = (
        Worker("tcp://a", "anna", 2),
        Worker("tcp://b", "ben", 1),
        Worker("tcp://c", "cleo", 4, old),
    )
    state = State(workers, "http://127.0.0.1:8787/status")
    monkeypatch.setattr(DaskCluster, "look", lambda self: state)
    run = queue.create("fast", {}, "mine")
    with holding(run.folder):
        write_json(run.folder / "process.json", {"started_at": time.time(), "worker": "anna"})
        page.run()
        assert not page.exception
        assert "**3 at once**" in words(page)
        (shown,) = (one.value for one in page.dataframe if "Takes" in one.value)
        assert list(shown["Takes"]) == ["2 trainings", "1 training", f"none: {old}"]
        assert [name.split(",")[0] for name in shown["Trains"]] == ["mine", "nothing", "nothing"]

    def look(self) -> State:
        raise RunError("The cluster cannot be reached.")

    monkeypatch.setattr(DaskCluster, "look", look)
    page.run()
    assert not page.exception
    assert "Meanwhile trainings run here" in words(page)


@pytest.mark.parametrize(
    ("dashboard", "page", "leads"),
    [
        ("http://127.0.0.1:40001/status", "http://localhost:8501/retrain", True),
        ("http://127.0.0.1:40001/status", "https://digits.example.org/retrain", False),
        ("http://10.0.0.5:8787/status", "https://digits.example.org/retrain", True),
        ("", "http://localhost:8501/retrain", False),
    ],
)
def test_no_link_leads_to_a_dashboard_of_the_visitors_own_machine(dashboard, page, leads):
    assert cluster_state.leads_there(dashboard, page) is leads


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://10.0.0.5:8786", True),
        ("tls://10.0.0.5:8786", False),
        ("local", False),
    ],
)
def test_a_cluster_elsewhere_without_tls_is_warned_of(page, monkeypatch, address, warned):
    monkeypatch.setattr(engine, "_clusters", {})
    monkeypatch.setenv("MNIST_CLUSTER", address)
    state = State((Worker("tcp://a", "anna", 1),), "")
    monkeypatch.setattr(DaskCluster, "look", lambda self: state)
    page.run()
    assert not page.exception
    assert ("use tls://" in " ".join(one.value for one in page.caption)) is warned


def draw_a_one(page: AppTest) -> np.ndarray:
    """Let the visitor have drawn something; return it as the networks read it, (28, 28) float32."""
    state = canvas_state.CanvasState()
    image = np.zeros((28, 28), np.float32)
    image[4:24, 12:16] = 1
    state.remember(answer_view.data_url(image), {})
    page.session_state["canvas_state"] = state
    return image


def test_a_training_that_nobody_drew_for_says_so(page):
    """Regression: who had drawn since then was told to draw first."""
    run = queue.create("fast")
    draw_a_one(page)
    with holding(run.folder):
        page.run()
    assert "watched with no drawings" in " ".join(one.value for one in page.caption)


def test_a_training_is_told_of_this_visits_drawings_and_shows_them(page, one_client):
    image = draw_a_one(page)
    page.run().button(key="train-start").click().run()
    (run,) = queue.list_runs()
    np.testing.assert_array_equal(moments.probes_of(run.folder)[0], image * 255)
    with holding(run.folder):
        tell_epochs(run.folder, 1)
        progress.append_event(
            run.folder, {"type": "probes", "position": 1.0, "answers": [[0, 1] + [0] * 8]}
        )
        page.run()
    assert not page.exception
    assert "read as 1 with 100 percent" in "".join(str(one.proto) for one in page.get("html"))


def watched_run(first: int = 100) -> str:
    """Make a finished run with three moments; their counts begin at `first`. Return its id."""
    run_id = finished_run()
    folder = queue.get_run(run_id).folder
    for number in range(3):
        event = {"type": "moment", "number": number, "position": number / 2, "seconds": 1.0,
                 "val_loss": 1.0, "val_accuracy": 0.5 + number / 10}  # fmt: skip
        progress.append_event(folder, event)
        confusion = [[first + number] * 10] * 10
        seen = {"confusion": confusion, "hardest": [], "probes": [], "flow": [], "filters": None}
        write_json(folder / "moments" / f"{number:03}.json", seen)
    return run_id


def html_of(page: AppTest) -> str:
    return "".join(str(one.proto) for one in page.get("html"))


def test_any_moment_of_a_run_can_be_gone_back_to(page):
    run_id = watched_run()
    page.run()
    assert ">102</span>" in html_of(page)
    page.select_slider(key=f"moment-{run_id}").set_value(1).run()
    assert not page.exception
    assert ">101</span>" in html_of(page)
    assert page.query_params["moment"] == f"{run_id}.1"
    (queue.get_run(run_id).folder / "moments" / "001.json").write_text("{")
    page.run()
    assert any("damaged" in one.value for one in page.info)


def test_a_past_run_is_gone_back_in_beside_the_last_one(page):
    """Regression: only the moments of the run that ended last were shown."""
    past, last = watched_run(200), watched_run(300)
    page.query_params["moment"] = f"{past}.1"
    page.run()
    assert not page.exception
    assert ">302</span>" in html_of(page)
    assert ">201</span>" in html_of(page)
    page.select_slider(key=f"moment-{last}").set_value(0).run()
    page.select_slider(key=f"moment-{past}").set_value(2).run()
    assert not page.exception
    assert ">300</span>" in html_of(page)
    assert ">202</span>" in html_of(page)


def test_the_last_run_is_not_shown_twice(page):
    page.session_state["chosen_runs"] = [watched_run()]
    page.run()
    assert not page.exception
    assert len(page.select_slider) == 1
    assert "Its curves and moments are above." in words(page)


@pytest.mark.parametrize("content", ["admin_password = ", "admin_password = '\xff'"])
def test_a_damaged_secrets_file_lets_nobody_in(page, tmp_path, content):
    """Regression: what could not be read counted as no password, and anyone could train."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_bytes(content.encode("latin-1"))
    with config_option("secrets.files", [str(secrets)]):
        page.run()
    assert not page.exception
    assert "secrets.toml is damaged" in page.error[0].value
    assert page.button(key="train-start").disabled


def test_a_forged_click_on_a_disabled_button_does_nothing(page):
    """Whoever speaks Streamlit's protocol can send clicks that the page does not allow."""
    page.secrets["admin_password"] = PASSWORD
    page.session_state["chosen_runs"] = [finished_run()]
    page.run()
    for key in ("train-start", "use-model", "use-past", "rename-run", "delete-run"):
        button = page.button(key=key)
        assert button.disabled
        button.proto.disabled = False  # as far as the one who clicks is concerned
        button.click().run()
    assert len(queue.list_runs()) == 1
    assert registry.active() == {"dense": "dense", "cnn": "cnn"}


def test_a_past_run_that_answers_is_not_offered_again(page):
    page.session_state["chosen_runs"] = [finished_run()]
    assert not page.run().button(key="use-past").disabled
    assert page.button(key="use-past").click().run().button(key="use-past").disabled


def test_an_active_run_cannot_be_deleted_before_another_answers(page):
    run_id = finished_run()
    page.run().button(key="use-model").click().run()
    with pytest.raises(RunError, match="answers as the CNN on the Draw page; let another"):
        queue.delete(run_id)
    page.button(key="undo-cnn").click().run()
    queue.delete(run_id)
    assert queue.list_runs() == []


def test_titles_are_shown_as_text(page):
    """A title is another visitor's text: no markup of its own."""
    finished_run(title="**<b>hi</b>** [x](http://example.org)")
    page.run()
    assert page.success[0].value.startswith(r"**\*\*\<b\>hi")
    assert "[x](" not in words(page)
