"""What `python -m benchmarks.faults` does twenty times, once: what no other test breaks."""

import os
import shutil

import pytest

from benchmarks import serving
from benchmarks.faults import breaking
from benchmarks.faults.__main__ import repeat


@pytest.mark.parametrize("fault", ["both", "two", "read-only"])
def test_after_a_fault_everything_is_whole_and_the_next_training_finishes(
    tmp_path, monkeypatch, fault
):
    if fault == "read-only" and (os.geteuid() or not shutil.which("chattr")):
        pytest.skip("only root may have a folder refuse it, with chattr")
    monkeypatch.setenv("MNIST_ARTIFACTS", "")  # `repeat` sets it; then it is put back
    monkeypatch.setenv("MNIST_PATH", str(serving.few_digits(tmp_path)))
    monkeypatch.setenv("MNIST_NICENESS", "0")
    monkeypatch.setattr(breaking, "LONGEST_S", 4.0)
    monkeypatch.setattr(breaking, "DEEDS", 6)
    assert repeat(fault, times=1, seed=1)["wrong"] == {}
