"""What people are told of runs, in words."""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import queue, report
from mnist_core.runs.folder import Run, settle
from mnist_core.runs.progress import Progress, append_event

ENDED = Run("r1", Path("r1"), "finished", "fast", "For the fair", started_at=100.0, ended_at=148.0)


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.2, "0 s"), (48, "48 s"), (185, "3 min 5 s"), (4321, "1 h 12 min")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert report.duration(seconds) == words


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (ENDED, "**For the fair** (fast) has finished after 48 s."),
        (replace(ENDED, state="stopped"), "**For the fair** (fast) was stopped after 48 s."),
        (
            replace(ENDED, state="failed", reason="The disk is full."),
            "**For the fair** (fast) failed after 48 s. The disk is full.",
        ),
        (
            Run("r2", Path("r2"), "lost", title="r2", reason="Killed."),
            "**r2** (unknown) is lost. Killed.",
        ),
    ],
)
def test_the_end_of_a_run_is_one_line(run, words):
    assert report.end_in_words(run) == words


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
    assert report.stage_in_words(run, watched).startswith("Stopping")


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


def test_runs_of_one_title_are_told_apart_when_compared():
    first, second = queue.create("fast", title="same"), queue.create("fast", title="same")
    assert list(report.histories([first, second])) == ["same", f"same {second.run_id[-4:]}"]


def test_a_download_holds_the_model_and_its_card():
    run = queue.create("fast")
    with pytest.raises(RunError, match="cannot be downloaded"):
        report.archive(run)
    (run.folder / registry.KERAS_FILE).write_bytes(b"weights")
    registry.save_card(run.folder, {"recipe": "fast"})
    with zipfile.ZipFile(io.BytesIO(report.archive(run))) as archive:
        assert archive.read(f"{run.run_id}.keras") == b"weights"
        assert json.loads(archive.read(f"{run.run_id}.json"))["recipe"] == "fast"
