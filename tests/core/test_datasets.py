"""Every form that digits come in, written by the tests, whole and damaged."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import formats
from mnist_core.data import mnist as mnist_files
from mnist_core.data.formats import IDX_FILES, read_idx, read_kaggle_test
from mnist_core.data.mnist import read_dataset, read_upload
from mnist_core.errors import DatasetError

TRAIN, TEST = 30, 20


def made_up() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {
        "x_train": random.integers(0, 256, (TRAIN, 28, 28)).astype(np.uint8),
        "y_train": (np.arange(TRAIN) % 10).astype(np.uint8),
        "x_test": random.integers(0, 256, (TEST, 28, 28)).astype(np.uint8),
        "y_test": (np.arange(TEST) % 10).astype(np.uint8),
    }


def write_npz(path: Path, **changes: np.ndarray) -> Path:
    np.savez(path, **(made_up() | changes))
    return path


def idx(array: np.ndarray) -> bytes:
    """The array in LeCun's format, written independently of the reader."""
    header = bytes([0, 0, 8, array.ndim])
    return header + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_files(suffix: str = "") -> dict[str, bytes]:
    pack = gzip.compress if suffix else bytes
    return {stem + suffix: pack(idx(made_up()[name])) for name, stem in IDX_FILES.items()}


def kaggle_csv(columns: list[str] | None = None, cell: str | None = None, rows: int = 4) -> str:
    columns = columns or ["label", *(f"pixel{i}" for i in range(784))]
    arrays = made_up()
    lines = [",".join(columns)]
    for row in range(rows):
        pixels = arrays["x_train"][row].ravel().tolist()
        values = [*([row % 10] if columns[0][:5] != "pixel" else []), *pixels][: len(columns)]
        lines.append(",".join(map(str, values)))
    if cell is not None:
        lines[-1] = cell + lines[-1][lines[-1].index(",") :]
    return "\n".join(lines) + "\n"


def check(dataset: mnist_files.Dataset) -> None:
    for name, array in made_up().items():
        np.testing.assert_array_equal(getattr(dataset, name), array)
        assert not getattr(dataset, name).flags.writeable


def test_npz(tmp_path):
    check(read_dataset(write_npz(tmp_path / "digits.npz")))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_folder(tmp_path, suffix):
    for name, content in idx_files(suffix).items():
        (tmp_path / name).write_bytes(content)
    check(read_dataset(tmp_path))


@pytest.mark.parametrize("suffix", ["", ".gz", " (1).gz"])
def test_uploaded_idx_files(suffix):
    """A browser's second copy, "... (1).gz", was taken for one of the four and then not found."""
    check(read_upload(idx_files(suffix)))


def test_uploaded_npz_and_csv(tmp_path):
    content = write_npz(tmp_path / "digits.npz").read_bytes()
    check(read_upload({"digits.npz": content}))
    uploaded = read_upload({"../train.csv": kaggle_csv().encode()})
    np.testing.assert_array_equal(uploaded.x_train, made_up()["x_train"][:4])


def test_kaggle_csv_has_no_test_split(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(kaggle_csv())
    dataset = read_dataset(path)
    np.testing.assert_array_equal(dataset.x_train, made_up()["x_train"][:4])
    np.testing.assert_array_equal(dataset.y_train, [0, 1, 2, 3])
    assert dataset.x_test.shape == (0, 28, 28)


def test_kaggle_test_csv_keeps_its_order(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text(kaggle_csv([f"pixel{i}" for i in range(784)]))
    np.testing.assert_array_equal(read_kaggle_test(path), made_up()["x_train"][:4])


def test_the_digest_is_of_the_content_not_of_the_container(tmp_path):
    first = read_dataset(write_npz(tmp_path / "first.npz"))
    assert read_upload(idx_files()).digest == first.digest
    labels = made_up()["y_train"].copy()
    labels[0] = 9
    assert read_dataset(write_npz(tmp_path / "other.npz", y_train=labels)).digest != first.digest


IMAGES = made_up()["x_train"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x_train": IMAGES.reshape(TRAIN, 784)}, "shape (30, 784), not (n, 28, 28)"),
        ({"x_train": IMAGES[:, :20]}, "shape (30, 20, 28)"),
        ({"x_train": IMAGES / 255}, "pixels must be whole numbers from 0 to 255"),
        ({"x_train": IMAGES.astype(int) + 1}, "pixels must be whole numbers from 0 to 255"),
        ({"x_train": IMAGES.astype(int) - 1}, "pixels must be whole numbers from 0 to 255"),
        ({"y_train": np.arange(TRAIN)}, "labels must be whole numbers from 0 to 9"),
        ({"y_test": np.zeros(3, np.uint8)}, "20 test images have labels of the shape (3,)"),
        ({"x_train": IMAGES[:0], "y_train": np.zeros(0, np.uint8)}, "no training images"),
        ({"x_train": np.array([{"a": 1}] * TRAIN, dtype=object)}, "no .npz of plain arrays"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, changes, said):
    with pytest.raises(DatasetError) as error:
        read_dataset(write_npz(tmp_path / "wrong.npz", **changes))
    assert said in str(error.value)


def test_pickled_objects_are_never_unpickled(tmp_path):
    touched = tmp_path / "touched"

    class Trap:
        def __reduce__(self):
            return (Path.touch, (touched,))

    trapped = np.empty(1, dtype=object)
    trapped[0] = Trap()
    with pytest.raises(DatasetError):
        read_dataset(write_npz(tmp_path / "trap.npz", x_train=trapped))
    assert not touched.exists()


@pytest.mark.parametrize(
    ("columns", "cell", "said"),
    [
        (["digit", *(f"pixel{i}" for i in range(784))], None, "no column 'label'"),
        (["label", *(f"pixel{i}" for i in range(783))], None, "no column 'pixel783'"),
        (None, "three", "no table of whole numbers"),
        (None, "", "no table of whole numbers"),
        (None, "256", "has the value 256; pixels are 0 to 255"),
        (None, "-1", "has the value -1"),
        (None, "10", "has the label 10; labels are 0 to 9"),
        (None, "9" * 30, "no table of whole numbers"),
    ],
)
def test_wrong_tables_are_named(tmp_path, columns, cell, said):
    path = tmp_path / "train.csv"
    path.write_text(kaggle_csv(columns, cell))
    with pytest.raises(DatasetError) as error:
        read_dataset(path)
    assert said in str(error.value)


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data:UserWarning")
@pytest.mark.parametrize("content", ["", "label\n", "label,pixel0\n1\n", "\0\1\2\n\3"])
def test_tables_of_nothing(tmp_path, content):
    path = tmp_path / "train.csv"
    path.write_text(content)
    with pytest.raises(DatasetError):
        read_dataset(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:5],
        lambda content: b"",
        lambda content: content[:2] + b"\x0d" + content[3:],
        lambda content: content + b"\0",
        lambda content: gzip.compress(content)[:-9],
        lambda content: b"\x1f\x8b" + content,
    ],
)
def test_damaged_idx_files_are_named(damage):
    with pytest.raises(DatasetError, match="images"):
        read_idx(damage(idx(IMAGES)), "images")


def test_an_idx_header_that_promises_the_moon():
    with pytest.raises(DatasetError, match="header promises"):
        read_idx(bytes([0, 0, 8, 3]) + b"\xff" * 12 + b"\0" * 100, "images")


@pytest.mark.parametrize("kept", [0, 10, 500, -30])
def test_a_truncated_npz_is_named(tmp_path, kept):
    path = write_npz(tmp_path / "cut.npz")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DatasetError, match=r"cut\.npz is no \.npz of plain arrays"):
        read_dataset(path)


def test_an_npz_that_swells_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "MOST_BYTES", 10_000)
    with pytest.raises(DatasetError, match="larger than"):
        read_dataset(write_npz(tmp_path / "large.npz"))
    with pytest.raises(DatasetError, match="larger than"):
        read_idx(gzip.compress(idx(IMAGES)), "images")


def test_an_npz_without_an_array_is_named(tmp_path):
    np.savez(tmp_path / "three.npz", x_train=IMAGES)
    with pytest.raises(DatasetError, match="has no array 'y_train'"):
        read_dataset(tmp_path / "three.npz")
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        for name in IDX_FILES:
            archive.writestr(f"{name}.npy", "not an array")
    with pytest.raises(DatasetError, match="plain arrays"):
        read_dataset(tmp_path / "text.npz")


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DatasetError, match="no file or folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="has no file train-images-idx3-ubyte"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", ["cat.jpg", "train-images-idx3-ubyte", "digits.tar.gz"])
def test_an_upload_that_is_no_data_set(name):
    with pytest.raises(DatasetError, match="the four IDX files"):
        read_upload({name: b"something"})


def test_mnist_path_comes_first_and_is_never_silently_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_PATH", str(write_npz(tmp_path / "digits.npz")))
    check(mnist_files.load_mnist())
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "gone.npz"))
    with pytest.raises(DatasetError, match=r"gone\.npz"):
        mnist_files.load_mnist()


def test_the_cache_then_the_download_then_the_sample(tmp_path, monkeypatch):
    monkeypatch.delenv("MNIST_PATH", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(mnist_files, "_download", lambda: None)
    assert mnist_files.load_mnist().is_sample
    cached = tmp_path / "datasets" / "mnist.npz"
    cached.parent.mkdir()
    cached.write_bytes(b"cut off")
    assert mnist_files.load_mnist().is_sample
    write_npz(cached)
    check(mnist_files.load_mnist())


def test_the_sample_is_5000_genuine_digits_400_and_100_of_each():
    sample = mnist_files.load_sample()
    assert np.bincount(sample.y_train).tolist() == [400] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10
    assert sample.is_sample
    assert "5,000" in sample.source


def test_full_mnist_is_known_by_its_content(mnist):
    assert mnist_files.is_mnist(mnist.x_train)
    assert mnist.digest == mnist_files.MNIST_DIGEST
    changed = mnist.x_train.copy()
    changed[0, 0, 0] = 1
    assert not mnist_files.is_mnist(changed)


def test_the_split_is_stratified_seeded_and_disjoint(tmp_path):
    sample = mnist_files.load_sample()
    train, validation = mnist_files.train_validation_split(sample, 0.25, seed=1)
    assert not np.intersect1d(train, validation).size
    assert len(train) + len(validation) == len(sample.y_train)
    assert np.bincount(sample.y_train[validation]).tolist() == [100] * 10
    again = mnist_files.train_validation_split(sample, 0.25, seed=1)
    np.testing.assert_array_equal(again[0], train)
    half, _ = mnist_files.train_validation_split(sample, 0.25, seed=1, share=0.5)
    assert len(half) == 1500
    tiny = read_dataset(write_npz(tmp_path / "tiny.npz"))
    with pytest.raises(DatasetError, match="Use a larger share"):
        mnist_files.train_validation_split(tiny, 0.1, seed=1)


def test_files_hold_what_numpy_writes():
    """The reader of IDX agrees with the writer above on a shape that is not square."""
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(read_idx(io.BytesIO(idx(array)).read(), "images"), array)
