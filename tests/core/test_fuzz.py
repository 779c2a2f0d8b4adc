"""Hostile files get a sentence, whatever is in them; the long run: python -m benchmarks.fuzz."""

from __future__ import annotations

import os
import pickle
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.fuzz import child
from benchmarks.fuzz.__main__ import seek
from benchmarks.fuzz.child import examine, watch_calls
from benchmarks.fuzz.mutations import packed, unpacked
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


def test_inputs_are_sought_where_they_lead_to_new_branches():
    if find_spec("atheris") is None:
        pytest.skip("Atheris is not there for this machine")
    found = seek("canvas", seed=1, seconds=3)
    assert found["faults"] == {}
    assert found["inputs"] > 200
    assert found["branches"] > 50
    assert found["inputs that led to new ones"] > len(READERS["canvas"].files())


def test_what_is_sought_is_packed_and_unpacked_whole():
    files = {"card.json": b"{}", "empty": b"", "a name \u00e9": b"\0" * 70_000}
    assert unpacked(packed(files)) == files
    assert unpacked(packed(files)[:-1]) == {"card.json": b"{}", "empty": b""}
    assert unpacked(b"\xff" * 9) == {}


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
