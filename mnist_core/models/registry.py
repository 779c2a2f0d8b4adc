"""Models on disk: their folders, cards, evaluations, and which of them is active.

A model is a folder with `model.keras` (the source of truth), `model.tflite` (made from it, for
answers without TensorFlow), `card.json` (how it was made) and `evaluation.npz` (its answers to
the test images). Every file is written beside its place and renamed into it, so that a reader
never sees half a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.errors import ModelError
from mnist_core.files import (
    array_names,
    brief,
    opened_zip,
    read_array,
    read_json_object,
    replacing,
    write_json,
)
from mnist_core.models import checks

if TYPE_CHECKING:
    import keras

SLOTS = ("dense", "cnn")
KERAS_FILE, LITERT_FILE = "model.keras", "model.tflite"
CARD_FILE, EVALUATION_FILE = "card.json", "evaluation.npz"
MOST_EVALUATION_BYTES = 100_000_000  # of one array; MNIST's answers have 400,000
_BESIDE_PACKAGE = Path(__file__).resolve().parents[2] / "artifacts"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_EVALUATION_ARRAYS = {"probabilities", "y_true", "data_digest", "split"}


@dataclass(frozen=True)
class Evaluation:
    """A model's answers to the test images of one data set."""

    probabilities: np.ndarray  # (n, 10) float32, rows sum to 1, calibrated
    y_true: np.ndarray  # (n,) uint8
    data_digest: str  # Dataset.digest of the data set
    split: str  # "test"
    digit_scores: np.ndarray | None = None  # (n,) float32, higher = more like a digit


def artifacts_dir() -> Path:
    """Return the folder of all models: $MNIST_ARTIFACTS, or `artifacts/` beside this package."""
    named = os.environ.get("MNIST_ARTIFACTS")
    return Path(named) if named else _BESIDE_PACKAGE


def runs_dir() -> Path:
    """Return the folder of the training runs."""
    return artifacts_dir() / "runs"


def model_dir(name: str) -> Path:
    """Return a model's folder: "dense" and "cnn" ship with the app, other names are run ids.

    Raises ModelError for a name that cannot be one (names never reach outside the folder).
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ModelError(
            f"{name[:40]!r} is no model's name; use 'dense', 'cnn' or the id of a run."
        )
    return artifacts_dir() / name if name in SLOTS else runs_dir() / name


def save_model(
    directory: Path, model: keras.Model, card: dict[str, Any], evaluation: Evaluation | None
) -> None:
    """Write a model's folder; the card comes last, so a folder with a card is complete."""
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(directory / KERAS_FILE) as path:
        _without_optimizer(model).save(path)
    with replacing(directory / LITERT_FILE) as path:
        path.write_bytes(_to_litert(model))
    if evaluation is not None:
        save_evaluation(directory, evaluation)
    save_card(directory, card | _digests(directory))


def _digests(directory: Path) -> dict[str, str]:
    """Return what a card says of the files beside it: which were made, and from which."""
    return {
        "tflite_of": file_digest(directory / KERAS_FILE),
        "tflite_sha256": file_digest(directory / LITERT_FILE),
    }


def save_card(directory: Path, card: dict[str, Any]) -> None:
    """Write a model's card."""
    write_json(directory / CARD_FILE, card)


def save_evaluation(directory: Path, evaluation: Evaluation) -> None:
    """Write a model's answers to the test images."""
    arrays: dict[str, Any] = {
        "probabilities": evaluation.probabilities.astype(np.float32),
        "y_true": evaluation.y_true.astype(np.uint8),
        "data_digest": np.array(evaluation.data_digest),
        "split": np.array(evaluation.split),
    }
    if evaluation.digit_scores is not None:
        arrays["digit_scores"] = evaluation.digit_scores.astype(np.float32)
    with replacing(directory / EVALUATION_FILE) as path, path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_card(name: str) -> dict[str, Any]:
    """Return a model's card. Raises ModelError where it is missing or damaged."""
    path = model_dir(name) / CARD_FILE
    try:
        card = read_json_object(path)
        checks.check_card(card)
    except FileNotFoundError:
        raise missing(path, name) from None
    except ValueError as error:
        raise damaged(path, name, error) from None
    return card


def load_evaluation(name: str) -> Evaluation:
    """Return a model's stored answers to the test images.

    Raises ModelError where the file is missing or damaged; pickled objects are never loaded.
    """
    path = model_dir(name) / EVALUATION_FILE
    try:
        with opened_zip(path) as archive:
            names = array_names(archive) & {"digit_scores"} | _EVALUATION_ARRAYS
            arrays = {one: read_array(archive, one, MOST_EVALUATION_BYTES) for one in names}
        checks.check_evaluation(arrays)
    except FileNotFoundError:
        raise ModelError(
            f"The model {name!r} has no stored answers ({path.name}); "
            f"make them with: python -m mnist_core evaluate {name}"
        ) from None
    except ValueError as error:
        raise damaged(path, name, error) from None
    return Evaluation(
        probabilities=arrays["probabilities"],
        y_true=arrays["y_true"],
        data_digest=str(arrays["data_digest"]),
        split=str(arrays["split"]),
        digit_scores=arrays.get("digit_scores"),
    )


def load_keras(name: str) -> keras.Model:
    """Return the Keras model, uncompiled; code inside the file is never run.

    The file must be the one that its card describes, and hold nothing but what this app's
    networks are made of (see `checks`), before Keras, in safe mode, is asked to read it.

    Raises ModelError where the file is missing, damaged or not ours.
    """
    path = keras_path(name)
    try:
        checks.check_keras(path)
        import keras

        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        checks.check_model(model)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        ArithmeticError,
        AssertionError,
        NotImplementedError,
        zipfile.BadZipFile,
        MemoryError,
    ) as error:  # fmt: skip - Keras raises all of these on damaged files
        raise damaged(path, name, error) from None
    return model


def keras_path(name: str) -> Path:
    """Return where a model's .keras file is, once it is the file that its card describes.

    Raises ModelError where it is missing or another one.
    """
    path = model_dir(name) / KERAS_FILE
    if not path.is_file():
        raise missing(path, name)
    if load_card(name).get("tflite_of") != file_digest(path):
        raise damaged(path, name, "it is not the file that the card describes")
    return path


def litert_path(name: str) -> Path | None:
    """Return a model's .tflite file; None where there is none, or not the one that was made.

    Cards that are older than this check do not say what was made.
    """
    path = model_dir(name) / LITERT_FILE
    if not path.is_file():
        return None
    made = load_card(name).get("tflite_sha256")
    return path if made in (None, file_digest(path)) else None


def active() -> dict[str, str]:
    """Return which model answers in each slot: {"dense": name, "cnn": name}."""
    return {slot: name for slot, (name, _) in active_with_reasons().items()}


def active_with_reasons() -> dict[str, tuple[str, str | None]]:
    """Return for each slot the model that answers, and why it is not the chosen one, or None.

    A choice whose model is gone or damaged falls back to the model that shipped.
    """
    chosen, reason = _read_active()
    answering: dict[str, tuple[str, str | None]] = {}
    for slot in SLOTS:
        name = chosen.get(slot, slot)
        problem = None if name == slot else _problem_with(name)
        answering[slot] = (slot, problem or reason) if problem or reason else (name, None)
    return answering


def activate(slot: str, name: str) -> None:
    """Put a model behind "dense" or "cnn" for everybody. Raises ModelError if it cannot be."""
    if slot not in SLOTS:
        raise ModelError(f"{slot!r} is no place for a model; use 'dense' or 'cnn'.")
    problem = _problem_with(name)
    if problem:
        raise ModelError(problem)
    with _choosing():
        chosen, _ = _read_active()
        write_json(artifacts_dir() / "active.json", {**chosen, slot: name})


def restore_shipped(slot: str | None = None) -> None:
    """Let the model that shipped answer again, in one slot or in both."""
    with _choosing():
        chosen, _ = _read_active()
        kept = {key: name for key, name in chosen.items() if slot is not None and key != slot}
        write_json(artifacts_dir() / "active.json", kept)


@contextlib.contextmanager
def _choosing() -> Iterator[None]:
    """Let one process or thread at a time change which models are active, or none is lost."""
    import fcntl  # only here: whoever just looks needs no Linux or macOS

    try:
        handle = os.open(artifacts_dir() / ".active.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ModelError(
            f"The choice of models cannot be saved ({error.strerror}); "
            "make room on the disk, or let this app write to its folder."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def available_models() -> list[str]:
    """Return the names of all complete models: those that ship, then runs, newest first."""
    folders = sorted(runs_dir().iterdir(), reverse=True) if runs_dir().is_dir() else []
    names = [*SLOTS, *(folder.name for folder in folders if _NAME.fullmatch(folder.name))]
    return [name for name in names if _is_complete(model_dir(name))]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_active() -> tuple[dict[str, str], str | None]:
    path = artifacts_dir() / "active.json"
    try:
        content = read_json_object(path)
    except FileNotFoundError:
        return {}, None
    except ValueError:
        return {}, f"{path.name} is damaged, so the models that shipped answer."
    return {slot: str(content[slot]) for slot in SLOTS if slot in content}, None


def _problem_with(name: str) -> str | None:
    try:
        path = keras_path(name)
    except ModelError as error:
        return str(error)
    return None if zipfile.is_zipfile(path) else _damaged(path, name, "no zip")


def _is_complete(directory: Path) -> bool:
    return (directory / KERAS_FILE).is_file() and (directory / CARD_FILE).is_file()


def _missing(path: Path, name: str) -> str:
    return f"The file {_short(path)} of the model {name!r} is missing; {_remedy(name)}"


def damaged(path: Path, name: str, why: object) -> ModelError:
    """Return the error that says which file of which model is damaged, and what to do."""
    return ModelError(_damaged(path, name, why))


def missing(path: Path, name: str) -> ModelError:
    """Return the error that says which file of which model is missing, and what to do."""
    return ModelError(_missing(path, name))


def _damaged(path: Path, name: str, why: object) -> str:
    words = brief(why) or "unreadable"
    return f"The file {_short(path)} of the model {name!r} is damaged ({words}); {_remedy(name)}"


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:] if path.parent.parent.name == "runs" else path.parts[-2:])


def _remedy(name: str) -> str:
    if name in SLOTS:
        return f"make it again with: python -m mnist_core train {name} --ship"
    return "train the run again, or choose another model."


def _without_optimizer(model: keras.Model) -> keras.Model:
    """Return the model as answering needs it; an optimizer's memory is twice the weights."""
    bare = type(model).from_config(model.get_config())  # a clone would keep the optimizer
    bare.set_weights(model.get_weights())
    return bare


def _to_litert(model: keras.Model) -> bytes:
    import tensorflow as tf

    return tf.lite.TFLiteConverter.from_keras_model(model).convert()
