"""Read digits from every form they come in; refuse what is damaged, in one clear sentence."""

import contextlib
import gzip
import io
import pickle
import sys
import zipfile

import numpy as np
import pytest

from mnist_core import datasets
from mnist_core.datasets import (
    IDX_FILES,
    load_mnist,
    load_sample,
    read_dataset,
    read_kaggle_test,
    read_upload,
    train_validation_split,
)
from mnist_core.errors import DatasetError

PIXELS = [f"pixel{i}" for i in range(784)]


@pytest.fixture
def arrays(random):
    """Forty training and ten test images of noise, every label four times and once."""
    return {
        "x_train": random.integers(0, 256, (40, 28, 28)).astype(np.uint8),
        "y_train": (np.arange(40) % 10).astype(np.uint8),
        "x_test": random.integers(0, 256, (10, 28, 28)).astype(np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }


def idx(array):
    shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def write_idx_folder(folder, arrays, compress=lambda content: content, ending=""):
    for name, stem in IDX_FILES.items():
        (folder / f"{stem}{ending}").write_bytes(compress(idx(arrays[name])))
    return folder


def write_csv(path, images, labels=None, header=None, cell=None):
    rows = images.reshape(len(images), 784).astype(int).tolist()
    if labels is not None:
        rows = [[int(label), *row] for label, row in zip(labels, rows, strict=True)]
    if cell is not None:
        rows[0][cell[0]] = cell[1]
    header = header or ([*PIXELS] if labels is None else ["label", *PIXELS])
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_npz(path, arrays, **changes):
    np.savez(path, **{k: v for k, v in (arrays | changes).items() if v is not None})
    return path


def sentence(error):
    """Return the message, which has to be one sentence on one line."""
    text = str(error.value)
    assert text
    assert "\n" not in text
    assert len(text) < 400
    return text


def assert_holds(dataset, arrays):
    for name, array in arrays.items():
        read = getattr(dataset, name)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == np.uint8
        assert not read.flags.writeable


def test_every_form_holds_the_same_digits(tmp_path, arrays):
    write_idx_folder(tmp_path, arrays)
    plain = read_dataset(tmp_path)
    (tmp_path / "zipped").mkdir()
    zipped = read_dataset(write_idx_folder(tmp_path / "zipped", arrays, gzip.compress, ".gz"))
    archive = read_dataset(write_npz(tmp_path / "a.npz", arrays))
    for dataset in (plain, zipped, archive):
        assert_holds(dataset, arrays)
        assert not dataset.is_sample
    assert plain.digest == zipped.digest == archive.digest


def test_the_digest_changes_with_any_array(tmp_path, arrays):
    digest = read_dataset(write_npz(tmp_path / "a.npz", arrays)).digest
    changed = arrays["y_test"][::-1].copy()
    assert read_dataset(write_npz(tmp_path / "b.npz", arrays, y_test=changed)).digest != digest


def test_a_kaggle_csv_has_training_digits_and_no_test_labels(tmp_path, arrays):
    path = write_csv(tmp_path / "train.csv", arrays["x_train"], arrays["y_train"])
    dataset = read_dataset(path)
    np.testing.assert_array_equal(dataset.x_train, arrays["x_train"])
    np.testing.assert_array_equal(dataset.y_train, arrays["y_train"])
    assert dataset.x_test.shape == (0, 28, 28)
    assert dataset.y_test.shape == (0,)


def test_kaggle_columns_are_found_by_name_whatever_their_order(tmp_path, arrays):
    path = tmp_path / "train.csv"
    turned = arrays["x_train"].reshape(-1, 784)[:, ::-1]
    write_csv(path, turned, arrays["y_train"], ["label", *PIXELS[::-1]])
    np.testing.assert_array_equal(read_dataset(path).x_train, arrays["x_train"])


def test_kaggles_test_csv_keeps_its_order(tmp_path, arrays):
    path = write_csv(tmp_path / "test.csv", arrays["x_test"])
    np.testing.assert_array_equal(read_kaggle_test(path), arrays["x_test"])


@pytest.mark.parametrize(
    ("cell", "names"),
    [((5, 256), "256"), ((5, -1), "-1"), ((5, "ink"), "ink"), ((5, ""), "whole numbers"),
     ((5, 0.5), "0.5"), ((0, 10), "10"), ((5, 10**30), "whole numbers")],
)  # fmt: skip
def test_a_csv_with_an_impossible_cell_is_refused(tmp_path, arrays, cell, names):
    path = write_csv(tmp_path / "t.csv", arrays["x_train"], arrays["y_train"], cell=cell)
    with pytest.raises(DatasetError) as error:
        read_dataset(path)
    assert names in sentence(error)


@pytest.mark.parametrize("missing", ["label", "pixel0", "pixel783"])
def test_a_csv_without_a_column_is_refused(tmp_path, arrays, missing):
    header = ["other" if name == missing else name for name in ["label", *PIXELS]]
    path = write_csv(tmp_path / "t.csv", arrays["x_train"], arrays["y_train"], header)
    with pytest.raises(DatasetError) as error:
        read_dataset(path)
    assert missing in sentence(error)


@pytest.mark.parametrize("text", ["", "label\n", "label,pixel0\n", "a,b\n1,2,3\n", "\0\0\n", "é"])
def test_a_csv_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DatasetError) as error:
        read_dataset(tmp_path / "t.csv")
    sentence(error)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("x_train", np.zeros((40, 27, 28), np.uint8)),
        ("x_train", np.zeros((40, 784), np.uint8)),
        ("x_train", np.full((40, 28, 28), 256)),
        ("x_train", np.full((40, 28, 28), -1)),
        ("x_train", np.zeros((40, 28, 28), np.float32)),
        ("x_train", np.zeros((0, 28, 28), np.uint8)),
        ("y_train", np.full(40, 10)),
        ("y_train", np.full(39, 1)),
        ("y_train", np.full(40, "1")),
        ("y_test", np.zeros((10, 1), np.uint8)),
        ("x_test", np.array(5)),
        ("y_test", None),
    ],
)
def test_an_npz_with_a_wrong_array_is_refused(tmp_path, arrays, name, wrong):
    with pytest.raises(DatasetError) as error:
        read_dataset(write_npz(tmp_path / "a.npz", arrays, **{name: wrong}))
    sentence(error)


class Bomb:
    """Ends the test run if it is ever unpickled."""

    def __reduce__(self):
        return (sys.exit, ("unpickled",))


def test_pickled_objects_are_never_unpickled(tmp_path, arrays):
    objects = np.empty(40, object)
    objects[:] = Bomb()
    np.savez(tmp_path / "a.npz", **(arrays | {"y_train": objects}))
    with pytest.raises(DatasetError) as error:
        read_dataset(tmp_path / "a.npz")
    sentence(error)
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DatasetError):
        read_dataset(tmp_path / "b.npz")


@pytest.mark.parametrize("kept", [0, 10, 0.3, 0.9, 0.999])
def test_a_truncated_npz_is_refused(tmp_path, arrays, kept):
    whole = write_npz(tmp_path / "a.npz", arrays).read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(DatasetError) as error:
        read_dataset(tmp_path / "b.npz")
    sentence(error)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_npz_never_raises_anything_but_our_error(tmp_path, arrays, seed):
    random = np.random.default_rng(seed)
    path = tmp_path / "a.npz"
    (np.savez if seed % 2 else np.savez_compressed)(path, **arrays)
    content = bytearray(path.read_bytes())
    for position in random.integers(0, len(content), 60):
        content[position] = random.integers(256)
    path.write_bytes(content)
    with contextlib.suppress(DatasetError):
        assert read_dataset(path).x_train.shape[1:] == (28, 28)


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "MOST_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", bytes(200_000))
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(DatasetError, match="larger"):
        read_dataset(tmp_path / "a.npz")


def npy_header(shape):
    """Return the first bytes of an .npy that claims a shape."""
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [(10**12,), (10**7, 28, 28), (2**62, 28, 28)])
def test_a_header_that_promises_too_much_is_refused(tmp_path, arrays, shape):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in IDX_FILES:
            archive.writestr(f"{name}.npy", npy_header(shape) + bytes(100))
    with pytest.raises(DatasetError) as error:
        read_dataset(path)
    sentence(error)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08\x03",
        b"\0\0\x08\x03\0\0\0\x01\0\0",
        b"\0\0\x0d\x03" + bytes(12),
        bytes([0, 0, 8, 3]) + b"\xff" * 12 + bytes(784),
        bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784),
        bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(785),
        gzip.compress(bytes(100))[:-4],
        b"\x1f\x8b" + bytes(20),
        b"<html>404</html>",
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path, arrays, content):
    write_idx_folder(tmp_path, arrays)
    (tmp_path / IDX_FILES["x_train"]).write_bytes(content)
    with pytest.raises(DatasetError) as error:
        read_dataset(tmp_path)
    assert IDX_FILES["x_train"] in sentence(error)


def test_a_gzip_bomb_is_not_unpacked_further_than_allowed(tmp_path, arrays, monkeypatch):
    write_idx_folder(tmp_path, arrays)
    (tmp_path / IDX_FILES["x_train"]).write_bytes(gzip.compress(bytes(5_000_000)))
    monkeypatch.setattr(datasets, "MOST_BYTES", 100_000)
    with pytest.raises(DatasetError, match="larger"):
        read_dataset(tmp_path)


def test_a_large_idx_file_is_refused_before_it_is_read(tmp_path, arrays, monkeypatch):
    write_idx_folder(tmp_path, arrays)
    with (tmp_path / IDX_FILES["x_train"]).open("wb") as file:
        file.truncate(64 << 30)  # sparse: takes no room on the disk, but would in memory
    with pytest.raises(DatasetError, match="larger"):
        read_dataset(tmp_path)


def test_a_folder_without_one_of_the_files_names_it(tmp_path, arrays):
    write_idx_folder(tmp_path, arrays)
    (tmp_path / IDX_FILES["y_test"]).unlink()
    with pytest.raises(DatasetError, match=IDX_FILES["y_test"]):
        read_dataset(tmp_path)


def test_uploads_are_read_by_what_they_are(tmp_path, arrays):
    archive = write_npz(tmp_path / "a.npz", arrays).read_bytes()
    assert_holds(read_upload({"a.npz": archive}), arrays)
    files = {f"{IDX_FILES[name]}.gz": gzip.compress(idx(a)) for name, a in arrays.items()}
    assert_holds(read_upload(files), arrays)
    table = write_csv(tmp_path / "x.csv", arrays["x_train"], arrays["y_train"]).read_bytes()
    np.testing.assert_array_equal(read_upload({"x.csv": table}).y_train, arrays["y_train"])


@pytest.mark.parametrize(
    "files",
    [{"a.txt": b"hello"}, {"a.npz": b"hello"}, {"a.csv": b"\xff\xfe\0"}, {"..": b"x"}, {"": b"x"},
     {"a/../../b.npz": b"x"}, {"a.npz": b"", "b.npz": b""}, {"x" * 400 + ".npz": b"x"},
        {"\u0663" * 99 + ".npz": b"x"},
     {"nul\0.npz": b"x"}],
)  # fmt: skip
def test_an_upload_that_is_no_dataset_is_refused(files):
    with pytest.raises(DatasetError) as error:
        read_upload(files)
    sentence(error)


def test_mnist_path_comes_first(tmp_path, arrays, monkeypatch):
    monkeypatch.setenv("MNIST_PATH", str(write_npz(tmp_path / "a.npz", arrays)))
    assert_holds(load_mnist(), arrays)
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "absent.npz"))
    with pytest.raises(DatasetError, match=r"absent\.npz"):
        load_mnist()


def test_keras_cache_is_read_without_tensorflow(tmp_path, arrays, monkeypatch):
    monkeypatch.delenv("MNIST_PATH", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    (tmp_path / "datasets").mkdir()
    write_npz(tmp_path / "datasets" / "mnist.npz", arrays)
    assert_holds(load_mnist(), arrays)


def test_without_cache_and_network_the_sample_is_shown(tmp_path, monkeypatch):
    monkeypatch.delenv("MNIST_PATH", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(datasets, "_download", lambda: None)
    dataset = load_mnist()
    assert dataset.is_sample
    assert "5,000" in dataset.source
    assert dataset.x_train.shape == (4000, 28, 28)
    np.testing.assert_array_equal(np.bincount(dataset.y_train), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(dataset.y_test), np.full(10, 100))


def test_the_sample_is_genuine_mnist(mnist):
    sample = load_sample()
    known = {
        image.tobytes(): label for image, label in zip(mnist.x_train, mnist.y_train, strict=True)
    }
    for image, label in zip(sample.x_train, sample.y_train, strict=True):
        assert known[image.tobytes()] == label


def test_full_mnist_is_recognised_by_its_content(mnist):
    assert datasets.is_mnist(mnist.x_train)
    assert mnist.source.startswith("MNIST")
    altered = mnist.x_train.copy()
    altered[0, 0, 0] ^= 1
    assert not datasets.is_mnist(altered)


@pytest.mark.parametrize(("share", "used"), [(1.0, 4000), (0.25, 1000)])
def test_validation_digits_are_others_in_the_same_proportions(tmp_path, random, share, used):
    path = write_npz(
        tmp_path / "a.npz",
        {"x_train": np.zeros((4000, 28, 28), np.uint8), "y_train": np.arange(4000) % 10,
         "x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)},
    )  # fmt: skip
    dataset = read_dataset(path)
    train, validation = train_validation_split(dataset, 0.1, 7, share)
    assert len(train) + len(validation) == used
    assert not set(train) & set(validation)
    np.testing.assert_array_equal(
        np.bincount(dataset.y_train[validation]), np.full(10, used // 100)
    )
    again, _ = train_validation_split(dataset, 0.1, 7, share)
    np.testing.assert_array_equal(train, again)
    other, _ = train_validation_split(dataset, 0.1, 8, share)
    assert not np.array_equal(train, other)


def test_too_few_digits_to_split_is_one_sentence(tmp_path, arrays):
    dataset = read_dataset(write_npz(tmp_path / "a.npz", arrays))
    with pytest.raises(DatasetError) as error:
        train_validation_split(dataset, 0.1, 7)
    sentence(error)
