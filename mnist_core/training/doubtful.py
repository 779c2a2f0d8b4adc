"""Digits whose label a network contradicts most confidently, by answers it gives out of sample.

For training digits: 5-fold cross-validation, each digit read by a network that never saw it
(the idea of confident learning, Northcutt, Jiang & Chuang 2021). Computed once by
`python -m mnist_core doubtful` and kept as indices, labels, opinions and scores. Test digits
need no such thing: every network is a stranger to them, and its stored answers will do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mnist_core.data.mnist import Dataset
from mnist_core.errors import DatasetError
from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.training.recipes import get_recipe

FOLDS = 5
RECIPE = "fast"
SEED = 1
MOST_KEPT = 400


@dataclass(frozen=True)
class Doubtful:
    """Digits of one split that a network reads differently, the most confident first, or the
    first of them."""

    indices: np.ndarray  # (n,) int64 into the split
    labels: np.ndarray  # (n,) uint8, what the data set says
    opinions: np.ndarray  # (n,) uint8, what the network says
    scores: np.ndarray  # (n,) float32, the network's probability for its opinion, 0 to 1
    total: int  # how many are read differently; no fewer than n

    def __len__(self) -> int:
        return len(self.indices)


def contradicted(probabilities: np.ndarray, labels: np.ndarray) -> Doubtful:
    """Return the digits whose answer is not their label, the most confident answer first.

    probabilities: (n, 10) out-of-sample answers; labels: (n,) integers 0 to 9.
    """
    opinions, scores = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(opinions != labels)
    order = wrong[np.argsort(-scores[wrong], kind="stable")]
    return Doubtful(
        order,
        labels[order].astype(np.uint8),
        opinions[order].astype(np.uint8),
        scores[order].astype(np.float32),
        len(order),
    )


def stored_path() -> Path:
    """Return where the training digits with doubtful labels are kept."""
    return registry.artifacts_dir() / "doubtful.json"


def load(dataset: Dataset, path: Path | None = None) -> Doubtful:
    """Return the kept doubtful training digits of this data set.

    Raises DatasetError where there are none, or they are of another data set.
    """
    path = path or stored_path()
    remedy = "find them with: python -m mnist_core doubtful"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest, rows = content["data_digest"], content["rows"]
        columns = np.asarray(rows, dtype=np.float64).reshape(-1, 4).T
        total = round((1 - content["out_of_sample_accuracy"]) * len(dataset.y_train))
    except FileNotFoundError:
        raise DatasetError(
            f"Nobody has looked for doubtful training labels yet; {remedy}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise DatasetError(f"{path.name} is damaged ({error}); {remedy}") from None
    if digest != dataset.digest:
        raise DatasetError(
            f"The doubtful training labels of {path.name} belong to another data set; {remedy}"
        )
    indices = columns[0].astype(np.int64)
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(dataset.y_train):
        raise DatasetError(f"{path.name} names digits that are not there; {remedy}")
    labels, opinions = (column.astype(np.uint8) for column in columns[1:3])
    scores = columns[3].astype(np.float32)
    return Doubtful(indices, labels, opinions, scores, max(total, len(indices)))


def splits(dataset: Dataset) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each fold the indices of the training digits to fit, and of those held out."""
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    return list(splitter.split(dataset.y_train, dataset.y_train))


def fold_of(dataset: Dataset, number: int) -> Dataset:
    """Return a data set whose training digits are those to fit, whose test digits are held out.

    number: the fold, from 1 to FOLDS.
    """
    fit, held_out = splits(dataset)[number - 1]
    return replace(
        dataset,
        x_train=dataset.x_train[fit],
        y_train=dataset.y_train[fit],
        x_test=dataset.x_train[held_out],
        y_test=dataset.y_train[held_out],
    )


def cross_validate(dataset: Dataset) -> np.ndarray:
    """Return (n, 10) float32: each training digit read by a network that never saw it."""
    from rich.progress import track

    from mnist_core.training.fit import train

    probabilities = np.zeros((len(dataset.y_train), 10), np.float32)
    for number, (_, held_out) in enumerate(track(splits(dataset), description="folds"), start=1):
        evaluation = train(get_recipe(RECIPE), fold_of(dataset, number)).evaluation
        assert evaluation is not None  # noqa: S101 - the fold has digits held out
        probabilities[held_out] = evaluation.probabilities
    return probabilities


def store(dataset: Dataset, probabilities: np.ndarray, output: Path | None = None) -> str:
    """Keep the doubtful ones of the training digits; return what was found.

    probabilities: (n, 10), as `cross_validate` returns them.
    """
    output = output or stored_path()
    found = contradicted(probabilities, dataset.y_train)
    kept = [
        [int(index), int(label), int(opinion), round(float(score), 4)]
        for index, label, opinion, score in zip(
            found.indices, found.labels, found.opinions, found.scores, strict=True
        )
    ][:MOST_KEPT]
    accuracy = 1 - len(found) / len(dataset.y_train)
    content = {
        "command": "python -m mnist_core doubtful",
        "method": f"{FOLDS}-fold cross-validation with the recipe {RECIPE!r} "
        f"at {get_recipe(RECIPE).hyperparameters.epochs} epochs, seed {SEED}",
        "data_digest": dataset.digest,
        "out_of_sample_accuracy": round(accuracy, 5),
        "columns": ["index", "label", "opinion", "score"],
        "rows": kept,
    }
    write_json(output, content)
    return (
        f"{len(found):,} of {len(dataset.y_train):,} training digits are read differently by a "
        f"network that never saw them; the {len(kept)} most confident are in {output}"
    )
