"""The card of a trained network: how it was made, on what, by which machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mnist_core.training.batches import DRAWN_SHARE, MNIST_SHARE
from mnist_core.training.events import EpochEnd
from mnist_core.training.hyperparameters import Hyperparameters
from mnist_core.training.ink_pool import InkPool
from mnist_core.training.machine import hardware, versions
from mnist_core.training.recipes import Recipe

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset


def make_card(
    recipe: Recipe,
    chosen: Hyperparameters,
    dataset: Dataset,
    *,
    train_images: int,
    validation_images: int,
    pool: InkPool | None,
    epochs: Sequence[EpochEnd],
    seconds: float,
) -> dict[str, Any]:
    """Return what is known of a training as plain JSON values; counts are of images."""
    data = {
        "source": dataset.source,
        "digest": dataset.digest,
        "is_sample": dataset.is_sample,
        "train_images": train_images,
        "validation_images": validation_images,
    }
    if pool is not None:
        data["strokes"] = f"{len(pool.images):,} images drawn from {pool.source}"
        data["of_a_batch"] = {"mnist": MNIST_SHARE, "drawn": DRAWN_SHARE}
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return {
        "name": recipe.name,
        "recipe": recipe.name,
        "summary": recipe.summary,
        "source": recipe.source,
        "parameters": recipe.build(chosen).count_params(),
        "epochs": len(epochs),
        "batch_size": chosen.batch_size,
        "seed": chosen.seed,
        "hyperparameters": dataclasses.asdict(chosen),
        "data": data,
        "history": {name: [getattr(e, name) for e in epochs] for name in names},
        "seconds": round(seconds, 1),
        "hardware": hardware(),
        "versions": versions(),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
