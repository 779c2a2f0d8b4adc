"""Pen strokes: loading, parsing, drawing them in many hands, and what is no digit."""

import io
import zipfile

import numpy as np
import pytest

from mnist_core.data import pendigits as pendigits_module
from mnist_core.data.pendigits import content_digest, load_pendigits, read_archive
from mnist_core.errors import DatasetError
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.glyphs import digit_prototypes, other_prototypes
from mnist_core.ink.non_digits import KINDS
from mnist_core.ink.pen import another_hand, in_another_style, photograph
from mnist_core.ink.strokes import bounds, draw_strokes, place
from mnist_core.training.augmentation import augment
from mnist_core.training.hyperparameters import Augmentation

PROTOTYPES = digit_prototypes()
UNIPEN = """.COMMENT made for a test
.SEGMENT DIGIT ? "{label}"
.PEN_DOWN
 10 200
 12 -20
.PEN_UP
.DT 100
.PEN_DOWN
 5 100
 30 100
.PEN_UP
"""


def archive(train: str, test: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("pendigits-orig.tra", train)
        file.writestr("pendigits-orig.tes", test)
    return buffer.getvalue()


def test_uci_s_format_becomes_strokes_with_y_down(tmp_path):
    arrays = read_archive(archive(UNIPEN.format(label=7), UNIPEN.format(label=4)))
    assert arrays["labels"].tolist() == [7, 4]
    assert arrays["is_test"].tolist() == [False, True]
    np.savez(tmp_path / "pen.npz", **arrays)
    loaded = load_pendigits(tmp_path / "pen.npz")
    np.testing.assert_array_equal(loaded.drawings[0][0], [[10, -200], [12, 20]])
    assert [len(drawing) for drawing in loaded.drawings] == [2, 2]
    assert loaded.digest == content_digest(arrays)


def test_the_strokes_at_hand_are_uci_s(pendigits):
    assert pendigits.digest == pendigits_module.CONTENT_SHA256
    assert (len(pendigits.labels), int(pendigits.is_test.sum())) == (10_992, 3_498)


@pytest.mark.parametrize(
    "content", [b"", b"no zip", archive("", "")[:60]], ids=["empty", "no zip", "cut off"]
)
def test_a_foreign_archive_is_refused(content):
    with pytest.raises(DatasetError, match="not UCI's"):
        read_archive(content)


def broken(**changes) -> dict[str, np.ndarray]:
    arrays = read_archive(archive(UNIPEN.format(label=7), UNIPEN.format(label=4)))
    return arrays | changes


@pytest.mark.parametrize(
    "arrays",
    [
        broken(labels=np.array([7, 12], np.uint8)),
        broken(drawing_start=np.array([0, 9, 4], np.int32)),
        broken(points=np.zeros((3, 3), np.int16)),
        broken(is_test=np.array([True])),
        {"something": np.zeros(3)},
        broken(points=np.array([None], object)),
    ],
)
def test_a_damaged_file_of_strokes_gets_a_sentence(tmp_path, arrays):
    np.savez(tmp_path / "pen.npz", **arrays)
    with pytest.raises(DatasetError, match=r"pen\.npz is no file of pen strokes"):
        load_pendigits(tmp_path / "pen.npz")


def test_missing_strokes_say_how_to_get_them(tmp_path):
    with pytest.raises(DatasetError, match="fetch pendigits"):
        load_pendigits(tmp_path / "none.npz")


def test_there_are_prototypes_of_every_digit():
    assert {label for label, _ in PROTOTYPES} == set(range(10))
    for strokes in [*(s for _, s in PROTOTYPES), *other_prototypes()]:
        assert all(stroke.ndim == 2 and np.isfinite(stroke).all() for stroke in strokes)


@pytest.mark.parametrize("number", range(len(PROTOTYPES)))
def test_any_hand_and_pen_gives_an_image(number, random):
    label, strokes = PROTOTYPES[number]
    image = photograph(another_hand(in_another_style(strokes, label, random), random), random)
    assert image.shape == (28, 28)
    assert image.dtype == np.float32
    assert 0 < image.sum() < 400


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_non_digit_can_be_drawn(kind, random):
    drawings = [strokes for _, strokes in PROTOTYPES]
    labels = np.array([label for label, _ in PROTOTYPES])
    images = [photograph(KINDS[kind](drawings, labels, random), random) for _ in range(20)]
    assert np.std(images, axis=0).max() > 0.1  # they differ from each other


def test_examples_are_written_as_they_are_called():
    """Regression: since the styles were rewritten the zero had no slash and the seven no bar."""
    plain = {digit: len(strokes) for digit, strokes in reversed(PROTOTYPES)}  # of the first style
    drawn = {one.name.split()[0]: (one.label, len(one.strokes)) for one in EXAMPLES}
    for name in ("slashed", "barred", "one", "eight"):
        digit, strokes = drawn[name]
        assert strokes == plain[digit] + 1


def test_place_keeps_the_aspect_and_the_corner():
    left, top, right, bottom = bounds(place([np.array([[0, 0], [10, 40]])], 5, 7, 80))
    assert (left, top, right, bottom) == (5, 7, 25, 87)


def test_a_stroke_is_as_wide_as_its_brush():
    canvas = draw_strokes([np.array([[50, 100], [250, 100]])], 336, 20)[..., 0]
    assert (canvas[:, 150] > 128).sum() == pytest.approx(20, abs=1)


def test_no_augmentation_changes_nothing(random):
    images = random.random((5, 28, 28)).astype(np.float32)
    np.testing.assert_allclose(augment(images, Augmentation(), random), images, atol=1e-5)


def test_a_shift_moves_the_ink_and_a_flip_mirrors_it(random):
    images = np.zeros((200, 28, 28), np.float32)
    images[:, 12:16, 5] = 1
    moved = augment(images, Augmentation(shift=0.1), random)
    columns = (moved * np.arange(28)).sum(axis=(1, 2)) / moved.sum(axis=(1, 2))
    assert columns.min() == pytest.approx(5 - 2.8, abs=0.3)
    assert columns.max() == pytest.approx(5 + 2.8, abs=0.3)
    flipped = augment(images, Augmentation(horizontal_flip=True), random)
    share = (flipped[:, :, 22].sum(axis=1) > 3).mean()
    assert 0.35 < share < 0.65
