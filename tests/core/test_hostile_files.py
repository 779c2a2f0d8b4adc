"""Files that fuzzing found to cost too much, or that were made to: each is refused before it does.

The others are in `test_fuzz`, which makes up new ones.
"""

from __future__ import annotations

import copy
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from benchmarks.fuzz.whole import RUN, networks, run_files, stroke_files
from mnist_core.data import formats, pendigits
from mnist_core.data.formats import read_kaggle_test
from mnist_core.data.pendigits import load_pendigits, read_archive
from mnist_core.errors import DatasetError, ModelError, UnreadableImage
from mnist_core.files import (
    MOST_MEMBERS,
    finite,
    opened_zip,
    parse_json,
    read_array,
    read_json_object,
)
from mnist_core.ink.photo import MOST_SCANS, read_photo
from mnist_core.models import checks, registry
from mnist_core.runs.progress import Progress
from mnist_core.views.canvas_state import render


def zipped(path: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def array_file(header: str, data: bytes = b"") -> bytes:
    """An .npy file with any header."""
    words = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\1\0" + len(words).to_bytes(2, "little") + words + data


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (999999999999,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<U99999999', 'fortran_order': False, 'shape': (9,), }",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 4), }",
        "((((((((",
        "",
    ],
)
def test_an_array_must_be_plain_and_no_larger_than_what_is_there(tmp_path, header):
    """NumPy took memory as the header said, and let tokenize.TokenError out of odd ones."""
    path = zipped(tmp_path / "x.npz", {"a.npy": array_file(header, b"1234")})
    with pytest.raises(ValueError, match=r"^a "), opened_zip(path) as archive:
        read_array(archive, "a", 10_000)


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    arrays = {
        "empty": np.zeros((0, 28), np.uint8),
        "scalar": np.array("words"),
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "big": np.arange(5, dtype=">i4"),
    }
    np.savez_compressed(tmp_path / "x.npz", **arrays)
    with opened_zip(tmp_path / "x.npz") as archive:
        for name, array in arrays.items():
            read = read_array(archive, name, 1000)
            np.testing.assert_array_equal(read, array)
            assert read.dtype == array.dtype


def test_a_zip_of_very_many_files_is_not_opened(tmp_path):
    """Each costs memory before any of them is read."""
    members = {f"{number}.npy": b"" for number in range(MOST_MEMBERS + 1)}
    path = zipped(tmp_path / "many.zip", members)
    for source in (path, path.read_bytes()):
        with pytest.raises(ValueError, match="more than 1,000 files"), opened_zip(source):
            pass


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """Every name of the directory names the one content: 900 members, 1 MB each, of one."""
    path = zipped(tmp_path / "one.zip", {"a.npy": bytes(1_000_000)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(path, "a") as archive:
        (first,) = archive.infolist()
        for number in range(900):
            double = copy.copy(first)
            double.filename = f"{number:03}.npy"
            archive.filelist.append(double)
            archive.NameToInfo[double.filename] = double
        archive.comment = b"written anew"
    assert path.stat().st_size < 1_100_000
    with pytest.raises(ValueError, match="overlap"), opened_zip(path):
        pass


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_may_only_be_packed_as_numpy_and_keras_pack(tmp_path, packing):
    """LZMA's own header asks for up to 4 GB of memory."""
    path = zipped(tmp_path / "odd.npz", {"a.npy": b"x" * 1000}, packing)
    with pytest.raises(ValueError, match="unusual way"), opened_zip(path) as archive:
        read_array(archive, "a", 10_000)


def test_json_that_is_too_deep_too_long_or_no_object(tmp_path):
    with pytest.raises(ValueError, match="too deep"):
        parse_json("[" * 100_000)
    path = tmp_path / "card.json"
    for content in ("[1]", "{", '{"a": ' + "9" * 5000 + "}", '{"a": "' + "x" * 1_000_000 + '"}'):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"\w"):
            read_json_object(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -1, True, "7", None, [7]])
def test_only_a_number_in_its_bounds_is_one(value):
    """A card with an integer of hundreds of digits ended the page with an OverflowError."""
    assert finite(value, 0, 1e12) is None
    assert finite(7) == 7.0


def jpeg_of_scans(scans: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (64, 64), 200).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last_scan = content[content.rfind(b"\xff\xda") : -2]
    return content[:-2] + last_scan * scans + content[-2:]


def test_a_jpeg_of_thousands_of_scans_is_refused():
    """Each costs as long as the whole picture: 20 MB of them took hours."""
    with pytest.raises(UnreadableImage, match="too many scans"):
        read_photo(jpeg_of_scans(MOST_SCANS + 1))


def test_a_table_takes_no_memory_for_rows_that_are_not_there(tmp_path):
    """With its rows limited by NumPy, room for 500,000 was taken at once, 14 GB of a wide one."""
    path = tmp_path / "test.csv"
    path.write_text(",".join(f"pixel{i}" for i in range(784)) + "\n" + ",".join(["7"] * 784) + "\n")
    tracemalloc.start()
    try:
        assert read_kaggle_test(path).shape == (1, 28, 28)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_a_table_of_odd_characters_never_reaches_numpy(tmp_path):
    """NumPy 2.4 looks such a character up in the C library's table of digits, far beyond its end:
    the server died."""
    path = tmp_path / "test.csv"
    row = ",".join(["8\U000e6c61", *["0"] * 783])
    path.write_text(",".join(f"pixel{i}" for i in range(784)) + f"\n{row}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="ascii"):
        read_kaggle_test(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("pixel0\n" + "1" * 70_000, "a line has more than 65,536 characters"),
        ("pixel0\n" + "1\n" * 11, "more than 10 rows"),
        (",".join(["x"] * 1001) + "\n1", "1,001 columns"),
    ],
)
def test_tables_have_limits(tmp_path, monkeypatch, content, said):
    monkeypatch.setattr(formats, "MOST_IMAGES", 10)
    path = tmp_path / "test.csv"
    path.write_text(content)
    with pytest.raises(DatasetError, match=said):
        read_kaggle_test(path)


def test_a_packed_member_of_uci_s_archive_that_swells_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(pendigits, "MOST_DOWNLOAD_BYTES", 1000)
    codes = [ord("x"), *range(257, 457)]  # each code after the first says one more x
    bits = sum(code << (9 * place) for place, code in enumerate(codes))
    packed = b"\x1f\x9d\x90" + bits.to_bytes(9 * len(codes) // 8 + 1, "little")
    members = dict.fromkeys(("pendigits-orig.tra.Z", "pendigits-orig.tes.Z"), packed)
    with pytest.raises(DatasetError, match="swells"):
        read_archive(zipped(tmp_path / "uci.zip", members).read_bytes())


def test_strokes_of_odd_numbers_get_a_sentence(tmp_path):
    """np.diff of text, an empty list of starts and points beyond the tablet were exceptions."""
    for change in (
        {"stroke_start": np.array(["a", "b"])},
        {"stroke_start": np.zeros(0, np.int32)},
        {"points": np.full((8, 2), 40_000, np.int32)},
    ):
        (tmp_path / "whole.npz").write_bytes(stroke_files()[0]["strokes.npz"])
        with np.load(tmp_path / "whole.npz") as whole:
            np.savez(tmp_path / "odd.npz", **(dict(whole) | change))
        with pytest.raises(DatasetError, match=r"odd\.npz is no file of pen strokes"):
            load_pendigits(tmp_path / "odd.npz")


@pytest.mark.parametrize(
    "item",
    [
        {"path": [["M", 5]]},
        {"path": [["M", 1, 2], ["Q", 1, 2, 3]]},
        {"path": [["L", float("nan"), 1]]},
        {"path": [None], "strokeWidth": {}},
        {"path": "M 1 2", "type": []},
        {"type": "image", "src": "data:image/png;base64,AAAA"},
        {"type": "image", "src": 7},
    ],
)
def test_what_is_no_stroke_draws_nothing(item):
    """A browser's message was taken on trust: each of these ended the page's run."""
    assert not render([item]).any()


@pytest.fixture
def run_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    folder = tmp_path / "runs" / RUN
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    "card",
    [
        {"temperature": "hot"},
        {"temperature": 0.0},
        {"digit_threshold": float("nan")},
        {"test_accuracy": [0.99]},
        {"tflite_of": 7},
    ],
)
def test_a_card_s_numbers_are_numbers(run_folder, card):
    (run_folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"card\.json of the model .* is damaged \(its"):
        registry.load_card(RUN)


@pytest.mark.parametrize(
    "change",
    [
        {"y_true": np.array([1, 2, 12], np.uint8)},
        {"y_true": np.array([1.0, 2.0, 3.0])},
        {"probabilities": np.full((3, 9), 0.1, np.float32)},
        {"probabilities": np.full((3, 10), np.nan, np.float32)},
        {"digit_scores": np.ones(2, np.float32)},
        {"split": np.array(7)},
    ],
)
def test_stored_answers_are_answers(run_folder, change):
    arrays = {
        "probabilities": np.full((3, 10), 0.1, np.float32),
        "y_true": np.array([1, 2, 3], np.uint8),
        "data_digest": np.array("0"),
        "split": np.array("test"),
    }
    np.savez(run_folder / "evaluation.npz", **(arrays | change))
    with pytest.raises(ModelError, match="damaged"):
        registry.load_evaluation(RUN)


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_config(change) -> bytes:
    """The network of every layer, its configuration changed."""

    def changed(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change({layer["class_name"]: layer for layer in config["config"]["layers"]})
        members["config.json"] = json.dumps(config).encode()

    return with_members(changed)


def with_members(change) -> bytes:
    """The network of every layer, the files in it changed."""
    members = members_of(networks()[0]["model.keras"])
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_weights(change) -> bytes:
    """The network of every layer, its weights changed."""

    def changed(members: dict[str, bytes]) -> None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        members["model.weights.h5"] = buffer.getvalue()

    return with_members(changed)


def packed_zeros(file: h5py.File) -> None:
    file.create_dataset("bomb", shape=(10**12,), dtype="f4", chunks=(10**6,), compression="gzip")


HOSTILE_NETWORKS = {
    "Python code": (lambda: networks()[2]["model.keras"], "names the class_name Lambda"),
    "a module": (
        lambda: with_config(lambda layers: layers["Dense"].update(module="os")),
        "names the module os",
    ),
    "terabytes": (
        lambda: with_config(lambda layers: layers["Dense"]["config"].update(units=10**6)),
        "asks for .* numbers but holds",
    ),
    "a lie about its input": (
        lambda: with_config(
            lambda layers: layers["Conv2D"]["build_config"].update(input_shape=[None, 9, 9, 10**6])
        ),
        "asks for .* numbers but holds",
    ),
    "no size": (
        lambda: with_config(lambda layers: layers["Dense"].pop("build_config")),
        "a Dense does not say its sizes",
    ),
    "another file": (
        lambda: with_members(lambda members: members.update({"../assets/x": b""})),
        "and nothing else",
    ),
    "weights elsewhere": (
        lambda: with_weights(lambda file: file.update(x=h5py.ExternalLink("/etc/passwd", "/"))),
        "its weights are elsewhere",
    ),
    "weights that swell": (lambda: with_weights(packed_zeros), "no plain arrays"),
    "cut off": (lambda: networks()[1]["model.keras"][:-1], "damaged"),
}


@pytest.mark.parametrize(("content", "said"), HOSTILE_NETWORKS.values(), ids=HOSTILE_NETWORKS)
def test_keras_never_sees_a_network_that_is_not_ours(run_folder, monkeypatch, content, said):
    import keras

    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras saw it"))
    (run_folder / "model.keras").write_bytes(content())
    digest = registry.file_digest(run_folder / "model.keras")
    registry.save_card(run_folder, {"tflite_of": digest})
    with pytest.raises(ModelError, match=said):
        registry.load_keras(RUN)


def test_keras_itself_reads_in_safe_mode(run_folder, monkeypatch):
    """The second lock, should the first one fail."""
    monkeypatch.setattr(checks, "check_keras", lambda path: None)
    (run_folder / "model.keras").write_bytes(networks()[2]["model.keras"])
    digest = registry.file_digest(run_folder / "model.keras")
    registry.save_card(run_folder, {"tflite_of": digest})
    with pytest.raises(ModelError, match="Lambda"):
        registry.load_keras(RUN)


def test_a_network_is_the_one_that_its_card_describes(run_folder):
    (run_folder / "model.keras").write_bytes(networks()[0]["model.keras"])
    registry.save_card(run_folder, {"tflite_of": "0" * 64})
    with pytest.raises(ModelError, match="not the file that the card describes"):
        registry.load_keras(RUN)


@pytest.mark.parametrize(("size", "answers"), [(28, 9), (30, 10)])
def test_a_network_of_another_task_is_refused(size, answers):
    import keras

    layers = [keras.Input((size, size, 1)), keras.layers.Flatten(), keras.layers.Dense(answers)]
    with pytest.raises(ValueError, match=f"it makes .*{answers}.* of .*{size}"):
        checks.check_model(keras.Sequential(layers))


def test_an_answer_of_nine_probabilities_is_a_damaged_line(tmp_path):
    """Such a line of a run's events ended the Retrain page with an IndexError."""
    (events,) = {files["events.jsonl"] for files in run_files()}
    nine = events.replace(b"[0.05, ", b"[")
    (tmp_path / "events.jsonl").write_bytes(nine)
    progress = Progress(tmp_path)
    progress.update()
    assert progress.damaged_lines == nine.count(b'"examples"') == 2
