"""What being watched costs a training: python -m benchmarks.watched_training

Trains `fast` in pairs, with eight probes and every moment kept, and with neither, in turns; prints
the ratios of their times, of wall clock and of the processor, and how much of the watched training
passed while it was looked at, which other work on the machine disturbs less. Wants MNIST
(MNIST_PATH).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import keras

from benchmarks import results
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.runs.moments import MOST_PROBES
from mnist_core.runs.progress import append_event
from mnist_core.training import fit
from mnist_core.training.hyperparameters import override
from mnist_core.training.moments import Moments
from mnist_core.training.recipes import get_recipe

RECIPE = "fast"


@dataclass(frozen=True)
class Training:
    """The seconds that a training took: by the clock, of the processor, and of being looked at."""

    clock: float
    processor: float
    looked_at: float


class Timed(Moments):
    """Moments that add up the seconds they take."""

    seconds = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        start = time.perf_counter()
        super().on_train_begin(logs)
        Timed.seconds += time.perf_counter() - start

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        start = time.perf_counter()
        super().on_train_batch_end(batch, logs)
        Timed.seconds += time.perf_counter() - start


def train(dataset: Dataset, epochs: int, *, watched: bool) -> Training:
    """Train as a run does; return how long it took."""
    keras.backend.clear_session()
    recipe = get_recipe(RECIPE)
    chosen = override(recipe.hyperparameters, epochs=epochs)
    moments = Timed if watched else lambda *_, **__: keras.callbacks.Callback()
    Timed.seconds = 0.0
    with tempfile.TemporaryDirectory() as temporary, patch.object(fit, "Moments", moments):
        folder = Path(temporary)
        start, processor = time.perf_counter(), time.process_time()
        fit.train(
            recipe, dataset, hyperparameters=chosen, folder=folder,
            on_event=lambda event: append_event(folder, event.as_dict()),
            probes=dataset.x_test[:MOST_PROBES],
        )  # fmt: skip
        clock = time.perf_counter() - start
        return Training(clock, time.process_time() - processor, Timed.seconds)


def in_words(ratios: list[float]) -> str:
    """Return the median of the ratios and their spread."""
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def main() -> None:
    """Train in pairs, the first of each in turns; print and keep the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=2)
    arguments = parser.parse_args()
    dataset = load_mnist()
    fit.warm_up(dataset)
    pairs = []
    for number in range(arguments.pairs):
        pair = {}
        for watched in (True, False) if number % 2 else (False, True):
            pair[watched] = train(dataset, arguments.epochs, watched=watched)
        pairs.append((pair[False], pair[True]))
        print(f"alone {pair[False]}, watched {pair[True]}", flush=True)
    clock = [watched.clock / alone.clock for alone, watched in pairs]
    processor = [watched.processor / alone.processor for alone, watched in pairs]
    looked_at = [watched.looked_at / watched.clock for _, watched in pairs]
    print(f"ratio of wall clock: {in_words(clock)}; of the processor: {in_words(processor)}; "
          f"looked at for {in_words(looked_at)} of the time; medians of {len(pairs)} pairs"
          )  # fmt: skip
    figures: dict[str, object] = {
        "data": dataset.source,
        "recipe": RECIPE,
        "epochs": arguments.epochs,
        "seconds_alone": [round(alone.clock, 2) for alone, _ in pairs],
        "seconds_watched": [round(watched.clock, 2) for _, watched in pairs],
        "ratios": [round(ratio, 4) for ratio in clock],
        "ratios_of_processor_time": [round(ratio, 4) for ratio in processor],
        "shares_looked_at": [round(share, 4) for share in looked_at],
    }
    print(results.keep("watched_training", figures))


if __name__ == "__main__":
    main()
