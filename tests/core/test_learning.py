"""Learning from people: what is refused with a sentence, what a candidate keeps, and the files."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from mnist_core.__main__ import main
from mnist_core.analysis.gate import SETS, Part, Verdict
from mnist_core.analysis.opinions import Opinions, doubted
from mnist_core.cli.terminal import STOPPING_LESSON, StopRequest, TrainingDisplay
from mnist_core.data import collection, database, people
from mnist_core.data.mnist import load_mnist, train_validation_split
from mnist_core.errors import DatasetError, LearningError
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.room import deletion
from mnist_core.runs import gate_report, learning, queue
from mnist_core.runs.folder import settle
from mnist_core.training.events import EpochEnd, Finished, Started
from tests.made_up_people import drawing, fill, live_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    live_in(tmp_path, monkeypatch)
    yield tmp_path
    database.engine().dispose()


@pytest.fixture
def short_lessons(monkeypatch):
    """Lessons of a few images: what is tested is what comes of them, not how good it is."""
    from mnist_core.training import learning as school
    from mnist_core.training import lessons

    monkeypatch.setattr(school, "REPLAYED", 60)
    monkeypatch.setattr(school, "VALIDATING", 50)
    monkeypatch.setattr(school, "POOL_VALIDATION", (40, 20))
    monkeypatch.setattr(school, "STEPS", 3)
    monkeypatch.setattr(lessons, "MOST_IMAGES", 60)
    monkeypatch.setenv("PENDIGITS_PATH", "none at hand")


def nothing_to_learn() -> str:
    with pytest.raises(LearningError) as refused:
        collection.check_lesson(collection.labelled(), load_mnist())
    return str(refused.value)


def test_two_drawings_are_too_few():
    fill(writers=2, each=1)
    assert nothing_to_learn().startswith("There is too little to learn from: 2 labelled drawings")


def test_one_writer_alone_is_refused():
    fill(writers=1, each=30)
    assert "All drawings are by one person" in nothing_to_learn()


def test_one_digit_alone_is_refused():
    fill(writers=3, each=10, digits=[7])
    assert "All drawings are labelled 7" in nothing_to_learn()


def test_a_sample_instead_of_mnist_is_refused():
    fill()
    sample = dataclasses.replace(load_mnist(), is_sample=True, source="a sample")
    with pytest.raises(LearningError, match=r"needs MNIST itself.*this machine has a sample"):
        collection.check_lesson(collection.labelled(), sample)


def test_a_drawing_without_ink_or_label_is_no_lesson():
    fill(writers=1, each=2)
    people.add(drawing(3, 9, 0, None), "writer 9")
    people.add(dataclasses.replace(drawing(4, 9, 1, 4), hidden=True), "writer 9")
    assert len(collection.labelled()) == 2


def test_labels_that_both_networks_contradict_are_left_out_until_confirmed():
    ids = fill(writers=3, each=10, wrong=10)
    now = learning.lesson()
    wrong = set(now.collection.ids[now.doubted])
    assert wrong <= set(ids[:10])
    assert len(wrong) >= 5
    one = next(iter(wrong))
    label = people.listed(ids=[one])[0].label
    people.set_label(one, label, "confirmed")
    assert one not in learning.lesson().collection.ids[learning.lesson().doubted]
    assert len(learning.lesson().learnt) == 30 - len(wrong) + 1


def test_nobody_doubts_an_empty_collection():
    nothing = collection.labelled()
    assert doubted(nothing, {"cnn": Opinions(np.zeros(0), np.zeros(0))}).tolist() == []


def test_the_terminal_tells_of_lessons_and_of_no_best_epoch_where_there_is_none():
    """Regression: `learn` ended with "best epoch None", and called its lessons epochs."""
    shown = io.StringIO()
    with TrainingDisplay(None, shown, "lesson") as display:
        display.show(Started("fast", 1000, 4, 200, 60, 50))
        display.show(EpochEnd(2, 1.0, 0.5, 0.9, 0.4, 0.95, [], []))
        display.show(Finished(12.34, 0.997, None, False))
    lines = shown.getvalue().splitlines()
    assert lines[1].startswith("lesson 2/4  ")
    assert lines[-1] == "12.3 s, 99.70% of the test images right"


def test_the_terminal_says_where_a_training_goes_on():
    shown = io.StringIO()
    with TrainingDisplay(None, shown) as display:
        display.show(Started("fast", 1000, 4, 200, 60, 50, goes_on=True))
    assert shown.getvalue().splitlines()[1].startswith("Goes on after the last complete epoch")


@pytest.mark.slow
def test_a_candidate_is_a_run_with_a_verdict_and_the_active_model_stays(
    short_lessons, house, capsys
):
    slot = "cnn"  # the one of two columns
    fill(writers=3, each=10)
    before = registry.file_digest(registry.model_dir(slot) / registry.KERAS_FILE)
    assert main(["learn", slot]) == 1  # on noise, and after three batches, nothing is won
    (run,) = queue.list_runs()
    assert run.state == "finished"
    report = gate_report.load(run.folder)
    assert "people" in report.verdict.failed
    assert report.verdict.parts["people"].images == 30 - report.left_out
    assert "On this project’s own pen strokes it won" in capsys.readouterr().out
    assert (report.writers, report.base, report.taken_over) == (3, slot, False)
    assert registry.active()[slot] == slot
    assert registry.file_digest(registry.model_dir(slot) / registry.KERAS_FILE) == before
    card = registry.load_card(run.run_id)
    assert card["learnt_from_people"]["from"] == slot
    candidate = Classifier.load(run.run_id)
    assert candidate.can_tell_non_digits
    assert candidate.runtime == "LiteRT"
    registry.activate(slot, run.run_id)  # whoever is permitted may overrule
    assert registry.active()[slot] == run.run_id


def taught(name: str, base: str) -> str:
    """Make a run whose network has learnt from people, and let it answer."""
    folder = registry.runs_dir() / name
    shutil.copytree(registry.model_dir("dense"), folder)
    card = registry.load_card("dense") | {"learnt_from_people": {"from": base}}
    registry.save_card(folder, card)
    registry.activate("dense", name)
    return name


def test_a_lesson_starts_at_a_network_that_no_people_have_taught(house):
    """Regression: it started at one that had learnt from the very people who judged it."""
    assert learning.untaught("dense") == "dense"
    second = taught("second", taught("first", "dense"))
    asked = learning.asked("dense")
    assert (asked.recipe, asked.changes) == ("dense", {"from": "dense", "learn": "dense"})
    assert asked.more == {"instead_of": second}
    trained_on = registry.load_card("dense") | {"started_from": registry.load_card(second)}
    registry.save_card(registry.model_dir(second), trained_on)
    assert learning.untaught(second) == "dense"
    shutil.rmtree(registry.model_dir("first"))
    with pytest.raises(LearningError, match="what it was before is gone"):
        learning.request(["cnn", "dense"])
    assert not queue.list_runs()
    taught("first", "first")  # as where a run's files lie in another's place
    with pytest.raises(LearningError, match="what it was before is gone"):
        learning.asked("dense")


@pytest.mark.parametrize("meanwhile", [None, "dense"])
def test_a_lesson_takes_the_place_of_the_network_that_answered_when_it_was_asked_for(
    house, monkeypatch, meanwhile
):
    from mnist_core.training import learning as school

    first, starts = taught("first", "dense"), []
    fill(writers=2, each=10)

    def learn(name, drawings, *_, **__):
        starts.append(name)
        said = Opinions(drawings.labels, np.ones(len(drawings)))
        if meanwhile:
            registry.activate("dense", meanwhile)
        return school.Learnt(None, {}, None, verdict(True), said, said, True)

    def save_model(folder, *_):
        shutil.copytree(registry.model_dir("dense"), folder, dirs_exist_ok=True)

    monkeypatch.setattr(school, "learn", learn)
    monkeypatch.setattr(registry, "save_model", save_model)
    asked = learning.asked("dense")
    run = queue.create(asked.recipe, asked.changes, more=asked.more)
    learning.learn_into(
        run.folder, "dense", asked.changes["from"],
        changes={}, on_event=print, should_stop=lambda: False,
    )  # fmt: skip
    assert starts == ["dense"] != [first]
    assert registry.active()["dense"] == (meanwhile or run.run_id)
    assert gate_report.load(run.folder).taken_over is (meanwhile is None)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"seed": 5}])
def test_a_network_is_validated_by_images_that_it_has_not_learnt_from(house, monkeypatch, changes):
    """The recipe's seed chose them, also where the network had been trained with another."""
    from mnist_core.training import learning as school

    split = {"seed": 0, "validation_split": 0.2, "share": 0.5}
    shutil.copytree(registry.model_dir("dense"), registry.runs_dir() / "other")
    card = registry.load_card("other")
    told = card | {"seed": 0, "hyperparameters": card["hyperparameters"] | split}
    registry.save_card(registry.model_dir("other"), told)
    monkeypatch.setattr(school._School, "_draw_and_read", lambda self: None)
    fill()
    lesson = school._School("other", collection.labelled(), load_mnist(), changes,
                            lambda event: None, lambda: False)  # fmt: skip
    train, validation = train_validation_split(load_mnist(), **split)
    assert set(lesson.replayed) <= set(train)
    assert set(lesson.validating) <= set(validation)
    assert dataclasses.asdict(lesson.chosen).items() >= (split | changes).items()


@pytest.mark.slow
def test_a_candidate_that_diverges_fails_in_a_sentence(short_lessons, monkeypatch, capsys):
    fill(writers=3, each=10)
    from mnist_core.training import fine_tuning

    monkeypatch.setattr(fine_tuning, "one_hot", lambda labels: np.full((len(labels), 10), np.nan))
    assert main(["learn", "dense"]) == 2
    assert "The candidate diverged" in capsys.readouterr().err
    (run,) = queue.list_runs()
    assert (run.state, run.has_model) == ("failed", False)
    assert "The candidate diverged" in run.reason
    assert registry.active() == {"dense": "dense", "cnn": "cnn"}


def test_the_last_batch_of_a_lesson_is_told():
    """Regression: a lesson ended in its curves at the last batch but a few."""
    from mnist_core.training.fine_tuning import _Watch

    told = []
    watch = _Watch(lambda step, loss, accuracy: told.append(step))
    watch.set_params({"steps": 4})
    for batch in range(4):
        watch.on_train_batch_end(batch)
    assert told == [1, 4]


def test_who_stops_one_lesson_of_two_is_given_no_other(monkeypatch, capsys):
    """Regression: after Ctrl-C the other network began to learn."""
    monkeypatch.setattr(learning, "learn_into", lambda *_, **__: True)
    assert main(["learn", "both"]) == 1
    assert capsys.readouterr().out == "Stopped; nothing was changed.\n"
    (run,) = queue.list_runs()
    assert run.state == "stopped"


def test_ctrl_c_says_of_a_lesson_that_nothing_is_kept(tmp_path):
    with (tmp_path / "shown").open("w") as shown, StopRequest(shown, STOPPING_LESSON) as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
    assert "no candidate will be kept" in (tmp_path / "shown").read_text()


@pytest.mark.slow
def test_who_stops_gets_nothing(short_lessons):
    from mnist_core.training import learning as school

    fill(writers=3, each=10)
    asked = []
    stopped = school.learn("dense", learning.lesson().learnt, load_mnist(),
                           should_stop=lambda: asked.append(1) or len(asked) > 8)  # fmt: skip
    assert stopped is None


@pytest.mark.slow
def test_a_network_that_knows_no_non_digits_can_learn_too(house):
    from mnist_core.training import fine_tuning
    from mnist_core.training.recipes import get_recipe

    model = get_recipe("fast").build()
    body, head = fine_tuning.cut(model)
    images = np.random.default_rng(1).random((4, 28, 28, 1)).astype(np.float32)
    assert np.allclose(head(body(images)), model(images), atol=1e-6)


def test_a_locked_database_is_told_and_nothing_begins(monkeypatch, capsys):
    from mnist_core.errors import DatabaseError

    def locked(*_, **__):
        raise DatabaseError("The database people.db is locked by another program.")

    monkeypatch.setattr(people, "listed", locked)
    assert main(["learn", "dense"]) == 2
    assert "is locked by another program" in capsys.readouterr().err
    (run,) = queue.list_runs()
    assert (run.state, run.has_model) == ("failed", False)


def verdict(passed: bool) -> Verdict:
    return Verdict(dict.fromkeys(SETS, Part(100, 9, 3, 7, 1, 0.03, passed)))


def test_a_report_comes_back_and_a_damaged_one_is_none(house):
    run = queue.create("dense")
    report = gate_report.GateReport(
        verdict(False), "dense", "dense", False, 100, 5, 2,
        [gate_report.Change(4, 7, 1, 7)], [], [9],
    )  # fmt: skip
    gate_report.save(run.folder, report)
    assert gate_report.load(run.folder) == report
    assert "The gate refused it. On people it has not learnt from" in gate_report.report_in_words(
        report
    )
    own = dataclasses.replace(report, of_others=False)
    judged_on = [[row["Judged on"] for row in gate_report.rows(one)][2] for one in (report, own)]
    assert judged_on == ["Pen strokes of others", "This project’s own pen strokes"]
    (run.folder / gate_report.FILE).write_text('{"verdict": {"people": {}}, "won": 3}')
    assert gate_report.load(run.folder) is None
    settle(run.folder, "failed")


def test_drawings_move_between_machines(house, tmp_path, monkeypatch, capsys):
    ids = fill(writers=2, each=3)
    people.set_label(ids[0], None, None)
    before = people.listed()
    assert main(["export", "people", "-o", str(tmp_path / "people.npz")]) == 0
    database.engine().dispose()
    monkeypatch.setenv("MNIST_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    assert main(["import", "people", str(tmp_path / "people.npz")]) == 0
    assert main(["import", "people", str(tmp_path / "people.npz")]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "6 drawings of 6 new in the database.", "0 drawings of 6 new in the database."
    ]  # fmt: skip
    after = people.listed()
    assert [d.strokes for d in after] == [d.strokes for d in before]
    assert [d.label for d in after] == [d.label for d in before]
    assert {d.label_source for d in after} == {None, "imported"}
    assert people.take_back(after[-1].id, "writer 1")  # who holds the secret is the same person


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"drawing,writer"])
def test_what_is_no_file_of_drawings_is_refused(content):
    with pytest.raises(DatasetError, match="no file of people's drawings"):
        collection.from_npz(content)


def test_an_npz_of_something_else_is_refused_in_plain_words():
    other = io.BytesIO()
    np.savez(other, pixels=np.zeros(3))
    with pytest.raises(DatasetError, match=r"There is no item named 'format.npy' in the archive\)"):
        collection.from_npz(other.getvalue())


@pytest.mark.parametrize("change", [
    *[{name: 10**400} for name in ("width_px", "size_px", "created_at")],
    *[{"created_at": no_time} for no_time in (float("nan"), float("inf"), -1, "now")],
    *[{"answers": {"cnn": {"confidence": no_number}}} for no_number in (float("nan"), 1e999)],
])  # fmt: skip
def test_what_is_no_number_is_refused(house, change):
    """It ended `import people` with a traceback, or was kept."""
    fill(writers=1, each=1)
    with np.load(io.BytesIO(collection.as_npz(people.listed()))) as file:
        arrays = dict(file)
    told = json.loads(arrays["drawings"].tobytes()) | change
    changed = io.BytesIO()
    drawings = np.frombuffer(json.dumps(told).encode(), np.uint8)
    np.savez(changed, **(arrays | {"drawings": drawings}))
    with pytest.raises(DatasetError, match="no file of people's drawings"):
        collection.from_npz(changed.getvalue())


def test_who_leaves_while_a_file_is_made_is_not_in_it():
    """Regression: the writer's hash was looked for, which ended in a KeyError."""
    fill(writers=2, each=3)
    found = people.listed()
    deletion.forget("writer 0")
    assert {drawing.writer_id for drawing in found} == {1, 2}
    content = collection.as_npz(found)
    assert {hashed for _, hashed in collection.from_npz(content)} == {people.token_hash("writer 1")}
    with np.load(io.BytesIO(content)) as file:
        assert len(file["images"]) == 3


def test_strokes_as_csv():
    fill(writers=1, each=1, digits=[1])
    header, first, *_ = collection.as_csv(people.listed()).decode().splitlines()
    assert header == "drawing,writer,label,canvas_px,brush_px,stroke,point,x,y,ms"
    assert first.startswith("1,1,1,336,18,0,0,")
    assert first.endswith(",")
