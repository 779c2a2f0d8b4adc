"""Hostile files get a sentence, whatever is in them; the long run: python -m benchmarks.fuzz."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from benchmarks.fuzz import child
from benchmarks.fuzz.child import examine, watch_calls
from benchmarks.fuzz.readers import READERS, Reader
from benchmarks.fuzz.whole import Trap

INPUTS = {"keras": 150, "canvas": 150, "run": 150}
USUAL_INPUTS = 400


@pytest.fixture(autouse=True, scope="module")
def _watched():
    watch_calls()


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", "set anew by every examination")


@pytest.mark.parametrize("name", READERS)
def test_hostile_files_are_read_or_refused_with_a_sentence(tmp_path, name):
    reader = READERS[name]
    for number in range(INPUTS.get(name, USUAL_INPUTS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        verdict, words = examine(reader, reader.input(20_261, number), folder)
        assert verdict != "fault", f"input {number}: {words}"


@pytest.mark.parametrize("name", READERS)
def test_at_least_one_whole_file_of_each_kind_is_accepted(tmp_path, name):
    """Otherwise the fuzzing ends at the door and says nothing of what is behind it."""
    verdicts = set()
    for number, files in enumerate(READERS[name].files()):
        folder = tmp_path / str(number)
        folder.mkdir()
        verdicts.add(examine(READERS[name], files, folder)[0])
    assert "accepted" in verdicts
    assert "fault" not in verdicts


def hang(files, folder):
    while True:
        pass


MISDEEDS = {
    "a pickle is loaded": (lambda files, folder: pickle.loads(pickle.dumps(Trap())), "Forbidden"),  # noqa: S301
    "a command runs": (lambda files, folder: os.system("true"), "Forbidden"),  # noqa: S605
    "a file is written elsewhere": (lambda files, folder: Path("x").write_text("x"), "Forbidden"),
    "no error of ours": (lambda files, folder: {}["x"], "KeyError"),
    "it never ends": (hang, "longer than"),
}


@pytest.mark.parametrize(("read", "said"), MISDEEDS.values(), ids=MISDEEDS)
def test_what_no_reader_may_do_is_noticed(tmp_path, monkeypatch, read, said):
    monkeypatch.setattr(child, "MOST_SECONDS", 0.2)
    verdict, words = examine(Reader("bad", list, read), {}, tmp_path)
    assert verdict == "fault"
    assert said in words
