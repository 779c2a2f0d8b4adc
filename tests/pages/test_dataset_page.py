"""The Dataset page: every view, filters, a digit closely, uploads and their faults."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.analysis import projection
from mnist_core.data import browse, mnist
from mnist_core.models import registry
from mnist_core.runs import queue, report
from mnist_core.training import doubtful
from pages.parts.dataset import digit_wall
from tests.made_up_models import DENSE_MISTAKES, answers, make_data, make_model
from tests.made_up_runs import finished_run

PAGE = Path(__file__).parents[2] / "pages" / "dataset.py"


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """1,000 training and 400 test digits of noise, label = index % 10, and two models."""
    st.cache_resource.clear()
    make_data(tmp_path / "data.npz")
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "data.npz"))
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    make_model("dense", DENSE_MISTAKES)
    make_model("cnn", {})
    return tmp_path


def open_page(**state: object) -> AppTest:
    """Run the page with some of its widgets already set."""
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in state.items():
        page.session_state[key] = value
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    elements = [*page.markdown, *page.info, *page.warning, *page.error, *page.caption]
    return "\n".join(element.value for element in elements)


@pytest.mark.usefixtures("data")
def test_the_first_look():
    said = words(open_page())
    assert "**All images: 1,400**" in said
    assert "Click a digit: see how the networks read it." in said
    assert "Close" not in [button.label for button in open_page().button]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("agent", "chunks"), [("Linux; Chrome", 3), ("Android; Mobile", 1)])
def test_the_first_answer_holds_the_digits_of_a_screen_and_no_more(monkeypatch, agent, chunks):
    monkeypatch.setattr(type(st.context), "headers", {"User-Agent": agent})
    shown = []
    monkeypatch.setattr(digit_wall, "wall", lambda key, data, **_: shown.append(data))
    open_page()
    assert [chunk["number"] for chunk in shown[0]["chunks"]] == list(range(chunks))


@pytest.mark.usefixtures("data")
def test_filters_by_split_digit_and_answer():
    assert "**Training images: 1,000**" in words(open_page(split="training"))
    assert "**All images of 3 and 8: 280**" in words(open_page(digits=[3, 8]))
    assert "**Test images of 3: 40**" in words(open_page(split="test", digits=[3]))
    wrong = words(open_page(answer="wrong", network="dense"))
    assert "**Test images that the dense network reads wrong: 4**" in wrong
    none = words(open_page(answer="wrong", network="cnn"))
    assert "**Test images that the CNN reads wrong: 0**" in none
    assert "No digit fits this filter" in none
    assert "kept for test digits only" not in none
    training = words(open_page(split="training", answer="wrong", network="dense"))
    assert "**Training images that the dense network reads wrong: 0**" in training
    assert "kept for test digits only" in training
    unsure = words(open_page(answer="unsure", network="cnn"))
    assert "**Test images that the CNN is not sure of: 400**" in unsure


@pytest.mark.usefixtures("data")
def test_a_visitors_title_is_no_link(monkeypatch):
    monkeypatch.setattr(report, "model_title", lambda _: "[a](http://b.example)")
    assert "](http" not in words(open_page(answer="wrong", network="dense"))
    page = open_page(**{"view-data": "Doubtful labels"})
    labels = page.segmented_control(key="doubtful-split").options
    assert len(labels) == 3
    assert "](http" not in "".join(labels)


@pytest.mark.usefixtures("data")
def test_an_index_opens_its_digit_and_scrolls_to_it():
    page = open_page()
    page.number_input(key="go-index").set_value(345).run()
    assert "**Training digit 345, labelled 5**" in words(page)
    assert page.session_state["wall-turn"] == (1, 345)
    page.number_input(key="go-index").set_value(345).run()
    assert page.session_state["wall-turn"] == (2, 345)
    page.number_input(key="go-index").set_value(5000).run()
    assert "There is no training digit 5,000; this split has 0 to 999." in words(page)
    assert "**Training digit 345, labelled 5**" in words(page)
    page.number_input(key="go-index").set_value(None).run()
    assert "**Training digit 345, labelled 5**" in words(page)


@pytest.mark.usefixtures("data")
def test_an_index_that_the_filter_hides_still_opens():
    page = open_page(digits=[4])
    page.number_input(key="go-index").set_value(7).run()
    assert "the filter hides it" in words(page)
    assert "**Training digit 7, labelled 7**" in words(page)


@pytest.mark.usefixtures("data")
def test_the_button_of_the_articles():
    page = open_page()
    page.button(key="go-500").click().run()
    assert "**Training digit 500, labelled 0**" in words(page)


@pytest.mark.usefixtures("data")
def test_networks_that_cannot_answer_are_named_and_the_digit_stays():
    page = open_page(digit=1003)
    assert "**Test digit 3, labelled 3**" in words(page)
    assert "damaged" in page.warning[0].value
    assert "Nearest training digits" in words(page)


@pytest.mark.usefixtures("data")
def test_statistics():
    page = open_page(**{"view-data": "Statistics"})
    assert "On average at row 13." in words(page)
    assert len(page.get("plotly_chart")) == 4


@pytest.mark.usefixtures("data")
def test_the_map_is_there_at_once_and_tsne_waits_for_a_button():
    page = open_page(**{"view-data": "Map"})
    assert "Draw a lasso" in words(page)
    assert len(page.get("plotly_chart")) == 1
    page = open_page(**{"view-data": "Map", "layout": "t-SNE"})
    assert page.button(key="compute-tsne").label == "Compute it now"


@pytest.mark.usefixtures("data")
def test_tsne_is_shown_when_it_is_there(monkeypatch):
    def compute(dataset, indices, on_progress, compute):
        on_progress(0.5)
        return np.random.default_rng(1).normal(size=(len(indices), 2))

    monkeypatch.setattr(projection, "compute_tsne", compute)
    page = open_page(**{"view-data": "Map", "layout": "t-SNE"})
    page.button(key="compute-tsne").click().run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1
    assert "Draw a lasso" in words(page)


@pytest.mark.usefixtures("data")
def test_doubtful_labels_of_both_splits():
    page = open_page(**{"view-data": "Doubtful labels"})
    assert "python -m mnist_core doubtful" in words(page)
    page = open_page(**{"view-data": "Doubtful labels", "doubtful-split": "dense"})
    assert "**4 digits** that a network reads otherwise" in words(page)


@pytest.mark.usefixtures("data")
def test_the_surest_doubtful_labels_are_told_from_all_of_them(monkeypatch):
    """Regression: the page said that there were as many as it shows."""
    monkeypatch.setattr(doubtful, "MOST_KEPT", 3)
    dataset = mnist.load_mnist()
    opinions = (dataset.y_train + (np.arange(1000) < 5)) % 10
    doubtful.store(dataset, np.eye(10, dtype=np.float32)[opinions])
    page = open_page(**{"view-data": "Doubtful labels"})
    assert "**The 3 surest of 5 digits** that a network reads otherwise" in words(page)


def npz(**changes: np.ndarray) -> bytes:
    arrays = {
        "x_train": np.zeros((20, 28, 28), np.uint8),
        "y_train": np.full(20, 6, np.uint8),
        "x_test": np.zeros((5, 28, 28), np.uint8),
        "y_test": np.full(5, 6, np.uint8),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | changes))
    return buffer.getvalue()


@pytest.mark.usefixtures("data")
def test_an_upload_replaces_the_data_and_there_is_a_way_back():
    page = open_page(**{"view-data": "Other data"})
    various = np.random.default_rng(1).integers(0, 256, (20, 28, 28), np.uint8)
    page.file_uploader(key="upload").set_value([("mine.npz", npz(x_train=various), "")]).run()
    assert "Shown: mine.npz" in words(page)
    page.segmented_control(key="view-data").set_value("Digits").run()
    assert "**All images: 25**" in words(page)
    assert "not of those that you uploaded" in words(page)
    page.segmented_control(key="view-data").set_value("Statistics").run()
    assert not page.exception
    for view in ("Map", "Doubtful labels"):
        page.segmented_control(key="view-data").set_value(view).run()
        assert not page.exception
        assert not page.select_slider
        assert "This opens this view of this machine’s digits" in words(page)
    page.segmented_control(key="view-data").set_value("People").run()
    assert "Shown:" not in words(page)
    page.segmented_control(key="view-data").set_value("Other data").run()
    page.button(key="back").click().run()
    page.segmented_control(key="view-data").set_value("Digits").run()
    assert "**All images: 1,400**" in words(page)
    assert "This opens the page as you see it." in words(page)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cat.png", b"\x89PNG", "give one .npz, one .csv or the four IDX files"),
        ("half.npz", npz()[:300], "half.npz is no .npz of plain arrays"),
        ("objects.npz", npz(x_train=np.array([{}], dtype=object)), "no .npz of plain arrays"),
        ("labels.npz", npz(y_train=np.full(20, 11)), "labels must be whole numbers from 0 to 9"),
        ("train.csv", b"label,pixel0\n3,x\n", "train.csv is no table of whole numbers"),
    ],
)
def test_an_upload_that_is_no_data_set_changes_nothing(name, content, said):
    page = open_page(**{"view-data": "Other data"})
    page.file_uploader(key="upload").set_value([(name, content, "")]).run()
    assert said in page.error[0].value
    page.segmented_control(key="view-data").set_value("Digits").run()
    assert "**All images: 1,400**" in words(page)


def test_without_data_the_page_says_how_to_get_it_and_takes_an_upload(data, monkeypatch):
    monkeypatch.setenv("MNIST_PATH", str(data / "nowhere.npz"))
    page = open_page()
    assert "There is no file or folder" in page.error[0].value
    assert "set `MNIST_PATH`" in words(page)
    page.file_uploader(key="upload").set_value([("mine.npz", npz(), "")]).run()
    assert "**All images: 25**" in words(page)


def test_a_set_without_a_test_split(data, monkeypatch):
    path = data / "kaggle.npz"
    nothing = {"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)}
    path.write_bytes(npz(**nothing))
    monkeypatch.setenv("MNIST_PATH", str(path))
    assert "No digit fits this filter" in words(open_page(split="test"))
    assert not open_page(**{"view-data": "Statistics"}).exception
    assert "choose another network" in words(open_page(answer="wrong"))


@pytest.mark.usefixtures("data")
def test_the_sample_says_that_it_is_one(monkeypatch):
    sample = dataclasses.replace(mnist.load_mnist(), is_sample=True)
    monkeypatch.setattr(mnist, "load_mnist", lambda: sample)
    assert "these are 5,000 of its training digits" in open_page().info[0].value


@pytest.mark.parametrize("training", [1, 2])
def test_a_digit_of_a_tiny_data_set_opens_and_its_map_is_none(data, monkeypatch, training):
    """Regression: a lone training image has no components, to be compared by or laid out along."""
    path = data / "tiny.npz"
    images = np.random.default_rng(1).integers(0, 256, (training, 28, 28)).astype(np.uint8)
    path.write_bytes(npz(x_train=images, y_train=np.full(training, 6, np.uint8)))
    monkeypatch.setenv("MNIST_PATH", str(path))
    page = open_page(digit=0)
    assert "digit 0, labelled 6**" in words(page)
    assert ("Nearest training digits" in words(page)) == (training > 1)
    assert "A map takes 10 training digits or more" in words(open_page(**{"view-data": "Map"}))


def arrive(**parameters: str) -> AppTest:
    """Open the page by an address."""
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for name, value in parameters.items():
        page.query_params[name] = value
    return page.run()


@pytest.mark.usefixtures("data")
def test_an_address_opens_its_digit_and_its_filter():
    page = arrive(place="3", split="test")
    assert page.session_state["digit"] == 3
    assert "**Test images: 400**" in words(page)
    assert page.button(key="close-digit").click().run().query_params.get("place") is None
    assert page.session_state["wall-turn"] == (1, 3)  # it scrolls there
    for nonsense in ("99999", "-1", "x"):
        assert "digit" not in arrive(place=nonsense).session_state


@pytest.mark.usefixtures("data")
def test_a_digit_is_open_in_the_view_in_which_it_was_picked():
    """Regression: it followed into Map and Doubtful labels and filled half of them."""
    page = arrive(place="3")
    assert page.button(key="close-digit")
    for view in ("Doubtful labels", "Digits"):
        page.segmented_control(key="view-data").set_value(view).run()
        assert not page.exception
        assert "close-digit" not in [button.key for button in page.button]
        assert "place" not in page.query_params


@pytest.mark.usefixtures("data")
def test_a_network_is_in_the_address_for_as_long_as_it_is_chosen():
    page = arrive(answer="wrong", network="cnn")
    assert page.selectbox(key="network").value == page.query_params["network"] == "cnn"
    page.selectbox(key="answer").set_value("anything").run()
    assert "network" not in page.query_params
    page = arrive(answer="wrong", network="cnn")
    page.segmented_control(key="view-data").set_value("Doubtful labels").run()
    page.segmented_control(key="doubtful-split").set_value("dense").run()
    assert "network" not in page.query_params
    assert page.query_params["doubtful-split"] == "dense"
    page.segmented_control(key="view-data").set_value("Digits").run()
    assert "doubtful-split" not in page.query_params


@pytest.mark.usefixtures("data")
def test_an_address_names_the_newest_run_though_it_is_the_first_choice():
    """The next run would be the first choice of the same address."""
    for name in registry.SLOTS:
        (registry.model_dir(name) / registry.EVALUATION_FILE).unlink()
    run = queue.get_run(finished_run())
    dataset = mnist.load_mnist()
    stored = registry.Evaluation(answers({}), dataset.y_test, dataset.digest, "test")
    registry.save_evaluation(run.folder, stored)
    page = arrive(answer="wrong")
    assert page.query_params["network"] == page.selectbox(key="network").value == run.run_id


@pytest.mark.usefixtures("data")
def test_an_address_opens_its_digit_on_every_view_that_shows_one(monkeypatch, caplog):
    """Regression: outside Digits no digit was open, and the address lost it."""
    monkeypatch.setattr(browse, "PAGE_SIZE", 2)
    doubtful = {
        "view-data": "Doubtful labels",
        "doubtful-split": "test, read by the dense network",
        "doubtful-page-dense": "2",
    }
    not_computed = {"view-data": "Map", "layout": "t-SNE"}, {"view-data": "Doubtful labels"}
    for view in (*not_computed, doubtful, {"view-data": "Map", "layout": "PCA"}):
        page = arrive(place="1003", **view)
        assert not page.exception
        assert "**Test digit 3, labelled 3**" in words(page)
        assert page.query_params["place"] == "1003"
        assert "This opens the page as you see it." in words(page)
    assert arrive(**doubtful).session_state["doubtful-page-dense"] == 2
    assert "default value" not in caplog.text  # beside one that was set
    assert page.segmented_control(key="layout").value == "PCA"
