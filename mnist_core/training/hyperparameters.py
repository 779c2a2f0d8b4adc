"""What can be set about a training, how it is changed, and which values are possible."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mnist_core.errors import RecipeError

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
SCHEDULES = ("constant", "cosine", "one-cycle")
MONITORS = ("val_loss", "val_accuracy")


@dataclass(frozen=True)
class Augmentation:
    """How far training images are changed at random, each amount uniform up to its bound."""

    rotation_degrees: float = 0.0
    shift: float = 0.0  # fraction of the 28 pixels
    shear_degrees: float = 0.0
    zoom: float = 0.0  # 0.2 = between 0.8 and 1.2
    horizontal_flip: bool = False
    elastic_px: float = 0.0  # largest displacement of the smooth warp (Simard et al. 2003)
    thickness: float = 0.0  # share of the images whose lines are made thinner or thicker


@dataclass(frozen=True)
class Hyperparameters:
    """What can be changed about a training without changing the network's layers."""

    epochs: int = 5
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    dropout: float | None = None  # None: the network has no dropout
    l2: float = 0.0
    augmentation: Augmentation | None = None
    patience: int | None = None  # epochs without progress before stopping; None: never stop early
    monitor: str = "val_loss"
    # 5,000 of the 60,000 training images choose and calibrate; the test images never do.
    validation_split: float = 1 / 12
    share: float = 1.0  # of the training images
    seed: int = 1


def override(hyperparameters: Hyperparameters, **changes: Any) -> Hyperparameters:
    """Return the hyperparameters with some of them changed.

    `augmentation` may be an Augmentation, None, or a dictionary of amounts.
    Raises RecipeError for an unknown name or an impossible value.
    """
    known = {field.name for field in dataclasses.fields(Hyperparameters)}
    for name in changes:
        if name not in known:
            raise RecipeError(f"There is no hyperparameter {name!r}; {nearest(name, known)}")
    if isinstance(changes.get("augmentation"), dict):
        changes["augmentation"] = _augmentation(changes["augmentation"])
    changed = dataclasses.replace(hyperparameters, **changes)
    _check(changed)
    return changed


def split_of(card: dict[str, Any]) -> dict[str, Any]:
    """Return what chose the images that a network learnt from, so that the same ones validate."""
    told = card.get("hyperparameters")
    if not isinstance(told, dict):
        told = {"seed": card.get("seed", 1)}
    return {name: told[name] for name in ("seed", "validation_split", "share") if name in told}


def _augmentation(amounts: dict[str, Any]) -> Augmentation:
    known = {field.name for field in dataclasses.fields(Augmentation)}
    for name in amounts:
        if name not in known:
            raise RecipeError(f"There is no augmentation {name!r}; {nearest(name, known)}")
    return Augmentation(**amounts)


def _check(chosen: Hyperparameters) -> None:
    _check_range("epochs", chosen.epochs, 1, 1000, whole=True)
    _check_range("batch_size", chosen.batch_size, 1, 4096, whole=True)
    _check_range("learning_rate", chosen.learning_rate, 1e-7, 10)
    _check_range("weight_decay", chosen.weight_decay, 0, 1)
    _check_range("label_smoothing", chosen.label_smoothing, 0, 0.5)
    _check_range("l2", chosen.l2, 0, 1)
    _check_range("validation_split", chosen.validation_split, 0.01, 0.5)
    _check_range("share", chosen.share, 0.001, 1)
    _check_range("seed", chosen.seed, 0, 2**31 - 1, whole=True)
    if chosen.dropout is not None:
        _check_range("dropout", chosen.dropout, 0, 0.95)
    if chosen.patience is not None:
        _check_range("patience", chosen.patience, 1, 1000, whole=True)
    _check_choice("optimizer", chosen.optimizer, OPTIMIZERS)
    _check_choice("schedule", chosen.schedule, SCHEDULES)
    _check_choice("monitor", chosen.monitor, MONITORS)
    if chosen.augmentation is not None:
        amounts = chosen.augmentation
        _check_range("rotation_degrees", amounts.rotation_degrees, 0, 180)
        _check_range("shift", amounts.shift, 0, 0.5)
        _check_range("shear_degrees", amounts.shear_degrees, 0, 60)
        _check_range("zoom", amounts.zoom, 0, 0.9)
        _check_range("elastic_px", amounts.elastic_px, 0, 8)
        _check_range("thickness", amounts.thickness, 0, 1)


def _check_range(name: str, value: object, least: float, most: float, whole: bool = False) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise RecipeError(f"{name} is {value!r}; it must be {kind} from {least:g} to {most:g}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RecipeError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...? " with the known name that is nearest, or "" where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"did you mean {close[0]!r}? " if close else ""
