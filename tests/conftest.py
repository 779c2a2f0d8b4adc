"""What all tests share: where real data is, and models of their own where needed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from mnist_core.runs.engine import WATCHER

ROOT = Path(__file__).resolve().parent.parent
# A page that is looked at for a moment shall start no TensorFlow, and a training of a test shall
# end soon however busy the machine is.
os.environ.setdefault("MNIST_READY", "0")
os.environ.setdefault("MNIST_NICENESS", "0")
# Nor does an example fail because it took long.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def runs_end_with_their_test(monkeypatch):
    """Wait for the threads that watch a test's runs: one that is late starts runs of the next test.

    That monkeypatch is asked for has them see the test's own environment to the end.
    """
    yield
    for thread in threading.enumerate():
        if thread.name == WATCHER:
            thread.join(timeout=10)


@pytest.fixture
def heard_twice(monkeypatch):
    """Every press is heard twice before the page is drawn again.

    So it is where a fragment that runs again by itself is due at the same moment: Streamlit's
    front end sends what is pressed along with that, and again by itself.
    """
    from streamlit.runtime.state.session_state import WStates

    call = WStates.call_callback

    def twice(self: WStates, widget_id: str) -> None:
        call(self, widget_id)
        call(self, widget_id)

    monkeypatch.setattr(WStates, "call_callback", twice)


@pytest.fixture(scope="session")
def mnist():
    """The full MNIST that $MNIST_PATH names."""
    if not os.environ.get("MNIST_PATH"):
        pytest.skip("MNIST_PATH does not name the full data set")
    from mnist_core.data.mnist import load_mnist

    return load_mnist()


@pytest.fixture(scope="session")
def pendigits():
    """The real pen strokes."""
    from mnist_core.data.pendigits import load_pendigits
    from mnist_core.errors import DatasetError

    try:
        return load_pendigits()
    except DatasetError:
        pytest.skip("the pen strokes are not at hand: python -m mnist_core fetch pendigits")


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20_261)
