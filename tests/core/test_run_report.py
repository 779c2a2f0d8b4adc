"""What people are told of runs, in words."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core import words
from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import queue, report
from mnist_core.runs.folder import Run, settle
from mnist_core.runs.progress import Progress, append_event

ASKED_AT = time.mktime((2026, 11, 24, 12, 37, 0, 0, 0, -1))
ENDED = Run("r1", Path("r1"), "finished", "fast", "For the fair", requested_at=ASKED_AT,
            started_at=100.0, ended_at=148.0)  # fmt: skip


def without_joiners(markdown: str) -> str:
    """The words as they are shown: `plain` takes care that a colon begins no icon."""
    return markdown.replace("\\", "").replace("\N{WORD JOINER}", "")


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (ENDED, "**For the fair, 12:37** (fast) finished in 48 s."),
        (replace(ENDED, title="fast"), "**fast, 12:37** finished in 48 s."),
        (replace(ENDED, state="stopped"), "**For the fair, 12:37** (fast) was stopped after 48 s."),
        (
            replace(ENDED, state="failed", reason="The disk is full."),
            "**For the fair, 12:37** (fast) failed after 48 s. The disk is full.",
        ),
        (
            Run("r2", Path("r2"), "lost", title="r2", reason="Killed.", requested_at=ASKED_AT),
            "**r2, 12:37** (unknown) was lost. Killed.",
        ),
    ],
)
def test_the_end_of_a_run_is_one_line(run, told, monkeypatch):
    moment = words.moment
    monkeypatch.setattr(words, "moment", lambda at, now: moment(at, ASKED_AT))  # of the same day
    assert without_joiners(report.end_in_words(run)) == told


@pytest.mark.parametrize(
    ("own", "active", "told"),
    [
        (0.9926, 0.9972, "It reads **99.26%** of the test images right; the CNN, which answers "
                         "now, 99.72%."),
        (0.9926, None, "It reads **99.26%** of the test images right."),
        (None, 0.9972, "It was not tested: its data set has no labelled test images."),
    ],
)  # fmt: skip
def test_one_sentence_compares_a_run_with_the_network_that_answers(artifacts, own, active, told):
    run = queue.create("fast")
    registry.save_card(run.folder, {"test_accuracy": own})
    (artifacts / "cnn").mkdir()
    registry.save_card(artifacts / "cnn", {"test_accuracy": active})
    assert report.against_active(run, {"cnn": "cnn", "dense": "dense"}) == told
    assert "answers as the CNN" in report.against_active(run, {"cnn": run.run_id})


def test_a_model_is_called_by_its_title_and_time():
    run = queue.create("fast", title="For the fair")
    assert re.fullmatch(r"For the fair, \d+:\d\d", report.model_title(run.run_id))
    assert report.model_title("cnn") == "the CNN"
    assert report.model_title("20261124-123750-fast-c190") == "20261124-123750-fast-c190"


def test_two_runs_of_one_name_have_a_curve_each():
    """Regression: of two runs made when titles were not told apart, one was missing."""
    runs = [replace(ENDED, run_id=name, folder=Path(name)) for name in ("one", "other")]
    name = report.name_of(ENDED)
    assert list(report.histories(runs)) == [name, f"{name} (2)"]


def test_what_a_run_is_doing_is_said_from_its_events():
    run = queue.create("fast")
    watched = Progress(run.folder)
    assert report.stage_in_words(run, watched).startswith("Getting ready")
    append_event(run.folder, {"type": "started", "epochs": 2})
    batch = {"type": "batch", "epoch": 1, "step": 5, "steps": 10, "seconds": 1.0}
    append_event(run.folder, batch | {"loss": 1.0, "accuracy": 0.5})
    watched.update()
    assert report.stage_in_words(run, watched) == "Batch 5 of 10"
    append_event(run.folder, {"type": "finished"})
    watched.update()
    assert report.stage_in_words(run, watched) == "Saving the model"
    (run.folder / "stop").touch()
    said = report.stage_in_words(run, watched)
    assert said == "Stopping; the best weights so far will be kept"
    lesson = replace(run, changes={"from": "cnn", "learn": "cnn"})
    assert report.stage_in_words(lesson, watched) == "Stopping; no candidate will be kept"


def test_the_run_that_ended_last_is_not_the_one_requested_last():
    earlier, damaged = replace(ENDED, ended_at=120.0), Run("r3", Path("r3"), "lost")
    assert report.ended_last([earlier, ENDED, damaged]) == ENDED
    assert report.ended_last([]) is None


def test_a_run_found_lost_was_waited_for_however_long_ago_it_died():
    lost, waiting = queue.create("fast"), queue.create("softmax")
    settle(lost.folder, "lost", ended_at=1.0)
    assert report.was_waited_for(lost, by=waiting)
    assert not report.was_waited_for(lost, by=replace(waiting, requested_at=time.time() + 60))
    assert not report.was_waited_for(waiting, by=lost)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Für 3x3, v1.2", "Für 3x3, v1.2"),
        ("<b>![x](y)", r"\<b\>\!\[x\]\(y\)"),
        ("`$x$` &lt; ~a~", r"\`\$x\$\` \&lt; \~a\~"),
        ("http://a", "http|\\:|//a"),
        ("WWW.a", "WWW|\\.|a"),
        ("a@b.c", "a|\\@|b.c"),
        (":material/home:", "|\\:|material/home|\\:|"),
    ],
)
def test_a_title_keeps_no_markup_and_no_link(title, shown):
    """How it looks is a matter for a browser, see test_faults; "|" is the word joiner here."""
    assert report.plain(title) == shown.replace("|", "\N{WORD JOINER}")


def test_a_download_holds_the_model_and_its_card():
    run = queue.create("fast")
    with pytest.raises(RunError, match="cannot be downloaded"):
        report.archive(run)
    (run.folder / registry.KERAS_FILE).write_bytes(b"weights")
    registry.save_card(run.folder, {"recipe": "fast"})
    with zipfile.ZipFile(io.BytesIO(report.archive(run))) as archive:
        assert archive.read(f"{run.run_id}.keras") == b"weights"
        assert json.loads(archive.read(f"{run.run_id}.json"))["recipe"] == "fast"
