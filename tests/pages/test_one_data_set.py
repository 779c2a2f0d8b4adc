"""Three pages show MNIST; a server keeps it once."""

from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.data import mnist
from tests.made_up_models import make_data, make_model
from tests.made_up_runs import finished_run

PAGES = Path(__file__).resolve().parents[2] / "pages"


def test_the_pages_share_one_copy_of_mnist(tmp_path, monkeypatch):
    make_data(tmp_path / "digits.npz")
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "digits.npz"))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    make_model("dense", {})
    finished_run()
    st.cache_resource.clear()
    read, reads = mnist.read_dataset, []
    monkeypatch.setattr(mnist, "read_dataset", lambda path: reads.append(path) or read(path))
    for name in ("dataset", "confusion", "retrain"):
        page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60).run()
        assert not page.exception
    st.cache_resource.clear()
    assert len(reads) == 1
