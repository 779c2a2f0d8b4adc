"""Every reader of files from outside, with the files that it is given to read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.fuzz import whole
from benchmarks.fuzz.mutations import Files, mutate
from benchmarks.fuzz.whole import RUN
from mnist_core import words
from mnist_core.data.drawing import checked_strokes
from mnist_core.data.formats import read_kaggle_test
from mnist_core.data.mnist import Dataset, read_upload
from mnist_core.data.pendigits import load_pendigits, read_archive
from mnist_core.errors import WrongDrawing
from mnist_core.ink.photo import on_canvas, read_photo
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.models.reading import read_strokes as read_strokes_of
from mnist_core.runs import queue, report
from mnist_core.runs.folder import look
from mnist_core.runs.progress import Progress
from mnist_core.views import answer_view, figures_training
from mnist_core.views.canvas_state import CanvasState, render
from mnist_core.web import read
from mnist_core.web.room_schemas import DrawingSent, ReadingSent, VoteSent
from mnist_core.web.schemas import parse

SHIPPED = Path(__file__).resolve().parents[2] / "artifacts"


@dataclass(frozen=True)
class Reader:
    """A reader: where its hostile files come from, and how they are read.

    `read` gets the files and an empty folder of its own, named by $MNIST_ARTIFACTS, too; it
    raises MnistError where they are refused, and AssertionError where what it read is nonsense.
    """

    name: str
    files: Callable[[], list[Files]]
    read: Callable[[Files, Path], None]
    most_mb: int = 64  # memory that reading one of these small inputs may take

    def input(self, seed: int, number: int) -> Files:
        """Return the hostile input of this number; the same one every time."""
        random = Random(f"{self.name} {seed} {number}")
        files = dict(random.choice(self.files()))
        name = random.choice(list(files))
        files[name] = mutate(files[name], random)
        return files


def read_picture(files: Files, folder: Path) -> None:
    """A photo, as the Draw page takes it."""
    ink = read_photo(files["photo"])
    assert ink.dtype == np.uint8
    assert ink.max() == 255
    assert max(ink.shape) <= 700
    on_canvas(ink, 336)


def read_data(files: Files, folder: Path) -> None:
    """Uploaded files of a data set, as the Dataset page takes them."""
    dataset = read_upload(files)
    assert isinstance(dataset, Dataset)
    assert dataset.x_train.shape == (len(dataset.y_train), 28, 28)
    assert dataset.x_train.dtype == dataset.y_train.dtype == np.uint8
    assert dataset.y_train.max() <= 9


def read_test(files: Files, folder: Path) -> None:
    """The test images that `submission` reads."""
    path = folder / "test.csv"
    path.write_bytes(files["test.csv"])
    images = read_kaggle_test(path)
    assert images.dtype == np.uint8
    assert images.shape[1:] == (28, 28)


def read_strokes(files: Files, folder: Path) -> None:
    """UCI's archive, as `fetch pendigits` takes it."""
    arrays = read_archive(files["archive.zip"])
    assert len(arrays["drawing_start"]) == len(arrays["labels"]) + 1
    assert arrays["labels"].max() <= 9


def read_kept_strokes(files: Files, folder: Path) -> None:
    """The strokes that $PENDIGITS_PATH names."""
    path = folder / "strokes.npz"
    path.write_bytes(files["strokes.npz"])
    kept = load_pendigits(path)
    assert len(kept.drawings) == len(kept.labels) == len(kept.is_test)
    assert all(stroke.shape[1] == 2 for drawing in kept.drawings for stroke in drawing)


def read_canvas(files: Files, folder: Path) -> None:
    """A browser's message, as Streamlit hands it over: parsed, and nothing else; or as kept."""
    resumed = CanvasState()
    resumed.resume(files["canvas.json"].decode("utf-8", "replace"), "a machine")
    json.dumps(resumed.initial)
    try:
        message = json.loads(files["canvas.json"])
    except (ValueError, RecursionError):
        raise WrongDrawing("Streamlit refuses what is no JSON before this app sees it.") from None
    state = CanvasState()
    state.see(message)
    picture = render(state.objects)
    assert picture.shape == (336, 336)
    assert picture.dtype == np.uint8
    for change in (state.arrive, state.undo, state.undo, state.redo):
        change()
    json.dumps(state.initial)


def read_request(files: Files, folder: Path) -> None:
    """A drawing that comes over HTTP, answered by the networks that ship."""
    with _networks_that_ship():
        answers = read.read_json(files["drawing.json"])
    json.dumps(answers, allow_nan=False)
    for slot in registry.SLOTS:
        assert np.isclose(sum(answers[slot]["probabilities"]), 1, atol=1e-4)


def read_phone(files: Files, folder: Path) -> None:
    """What a phone of a room sends: a drawing, which the networks answer, a vote, a reading."""
    parse(VoteSent, files["vote.json"])
    parse(ReadingSent, files["reading.json"])
    sent = parse(DrawingSent, files["drawing.json"])
    strokes = [np.array([point[:2] for point in stroke], float) for stroke in sent.strokes]
    with _networks_that_ship():
        found = read_strokes_of(strokes, sent.width, sent.size)
    assert set(found.answers) == set(registry.SLOTS)
    json.dumps(checked_strokes(sent.strokes), allow_nan=False)


@contextmanager
def _networks_that_ship() -> Iterator[None]:
    """Answer with them, and not with those of the input's own folder, where there are none."""
    before = os.environ["MNIST_ARTIFACTS"]
    os.environ["MNIST_ARTIFACTS"] = str(SHIPPED)
    try:
        yield
    finally:
        os.environ["MNIST_ARTIFACTS"] = before


def read_run(files: Files, folder: Path) -> None:
    """A run's folder, as the Retrain page looks at it."""
    run_folder = folder / "runs" / RUN
    run_folder.mkdir(parents=True)
    for name, content in files.items():
        (run_folder / name).write_bytes(content)
    run = look(run_folder)
    assert run is not None
    report.table([run])
    report.plain(run.title)
    said = "".join([*queue.command(run), run.reason, run.log_tail, run.title])
    assert b"\0" not in said.encode()
    progress = Progress(run_folder)
    progress.update()
    assert 0 <= progress.fraction <= 1
    words.duration(progress.seconds_left)
    if progress.epochs:
        last = progress.epochs[-1]
        images = np.zeros((len(last["examples"]), 28, 28), np.uint8)
        assert all(example["index"] >= 0 for example in last["examples"])
        shown = figures_training.validation_digits(images, last["examples"])
        shown += figures_training.validation_confusion(last["confusion"])
        assert "<img src=x>" not in shown


def read_keras(files: Files, folder: Path) -> None:
    """A network and the card that vouches for it, as they are where LiteRT cannot answer."""
    directory = run_model(files, folder)
    registry.save_card(directory, {"tflite_of": registry.file_digest(directory / "model.keras")})
    assert registry.load_keras(RUN).count_params() < 100_000


def run_model(files: Files, folder: Path) -> Path:
    """Write a run's model; return its folder."""
    directory = folder / "runs" / RUN
    directory.mkdir(parents=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


def read_card(files: Files, folder: Path) -> None:
    """A card, and everything that is said from it without the network."""
    run_model({"card.json": files["card.json"], "model.keras": b"none"}, folder)
    (folder / "active.json").write_bytes(files["active.json"])
    assert set(registry.active()) == {"dense", "cnn"}
    report.test_accuracy(RUN)
    even = np.full((1, 10), 0.1, np.float32), np.array([0.5], np.float32)
    classifier = Classifier(RUN, registry.load_card(RUN), lambda images: even, "none")
    answer = classifier.answer(np.zeros((28, 28), np.float32))
    assert np.isclose(answer.probabilities.sum(), 1)
    if classifier.can_tell_non_digits:
        answer_view.reason(classifier, answer)


def read_evaluation(files: Files, folder: Path) -> None:
    """A model's stored answers, as the Confusion page takes them."""
    run_model(files, folder)
    stored = registry.load_evaluation(RUN)
    assert stored.probabilities.shape == (len(stored.y_true), 10)
    assert np.isfinite(stored.probabilities).all()
    assert stored.y_true.dtype.kind == "u"
    assert not len(stored.y_true) or stored.y_true.max() <= 9
    assert stored.digit_scores is None or stored.digit_scores.shape == stored.y_true.shape


READERS = {
    reader.name: reader
    for reader in (
        Reader("photo", whole.photos, read_picture, most_mb=400),  # 40 million pixels
        Reader("npz", whole.npz_files, read_data),
        Reader("idx", whole.idx_files, read_data),
        Reader("kaggle-train", whole.kaggle_train, read_data),
        Reader("kaggle-test", whole.kaggle_test, read_test),
        Reader("strokes-archive", whole.archives, read_strokes),
        Reader("strokes-npz", whole.stroke_files, read_kept_strokes),
        Reader("canvas", whole.canvases, read_canvas),
        Reader("request", whole.requests, read_request),
        Reader("phone", whole.phones, read_phone),
        Reader("run", whole.run_files, read_run),
        Reader("card", whole.card_files, read_card),
        Reader("evaluation", whole.evaluations, read_evaluation),
        Reader("keras", whole.networks, read_keras),
    )
}
