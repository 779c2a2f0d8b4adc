"""Reported against reproduced: train every recipe and print the table of docs/recipes.md.

    MNIST_PATH=mnist.npz python -m benchmarks.recipes softmax dense-100 --seeds 3
    MNIST_PATH=mnist.npz python -m benchmarks.recipes race
    python -m benchmarks.recipes

With names, trains each with `--seeds` seeds and keeps the results in artifacts/recipes.json,
which also says on what hardware; without, prints the table of all that has been reproduced;
`dense` and `cnn` stand there as they ship. Where `MNIST_CLUSTER` names a cluster, the seeds are
runs of its queue, as many at once as it has places. "race" trains `fast` and `cnn-3x3` one after
the other and prints the ratio of their times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.errors import RunError
from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.runs import engine, group, queue
from mnist_core.runs.folder import FINISHED
from mnist_core.training.fit import train
from mnist_core.training.hyperparameters import override
from mnist_core.training.machine import hardware, versions
from mnist_core.training.recipes import RECIPES, get_recipe


def results_path():
    """Return where results are kept."""
    return registry.artifacts_dir() / "recipes.json"


def reproduce(name: str, seeds: int, dataset: Dataset) -> dict[str, Any]:
    """Train one recipe with seeds 1 to n; return accuracies, times and where it ran."""
    import keras  # noqa: F401 - so that the first training's time has no import in it

    recipe = get_recipe(name)
    accuracies, seconds, epochs = [], [], []
    for seed in range(1, seeds + 1):
        start = time.perf_counter()
        result = train(recipe, dataset, hyperparameters=override(recipe.hyperparameters, seed=seed))
        seconds.append(round(time.perf_counter() - start, 1))
        accuracies.append(result.card["test_accuracy"])
        epochs.append(result.card["epochs"])
        print(f"{name}, seed {seed}: {accuracies[-1]:.4f} after {seconds[-1]} s", flush=True)
    return kept(name, seeds, dataset.source, accuracies, seconds, epochs)


def side_by_side(name: str, seeds: int) -> dict[str, Any]:
    """Train one recipe with seeds 1 to n as runs of the queue; return the same of their cards."""
    asked = group.request_seeds(name, seeds=seeds)
    while not (now := group.get_group(asked.group_id)).is_settled:
        queue.go_on()
        time.sleep(1.0)
    ended_otherwise = [run for run in now.runs if run.state != FINISHED]
    if ended_otherwise:
        raise RunError(
            f"{ended_otherwise[0].title} {ended_otherwise[0].state}, so nothing is kept."
        )
    cards = [registry.load_card(run.run_id) for run in now.runs]
    for card in cards:
        print(f"{name}, seed {card['seed']}: {card['test_accuracy']:.4f} after {card['seconds']} s")
    columns = ([card[key] for card in cards] for key in ("test_accuracy", "seconds", "epochs"))
    return kept(name, seeds, cards[0]["data"]["source"], *columns)


def kept(
    name: str, seeds: int, data: str, accuracies: list[float], seconds: list[float],
    epochs: list[int],
) -> dict[str, Any]:  # fmt: skip
    """Return what artifacts/recipes.json keeps of a recipe; one value a seed."""
    return {
        "test_accuracy": accuracies,
        "seconds": seconds,
        "epochs": epochs,
        "hardware": hardware(),
        "versions": versions(),
        "data": data,
        "command": f"python -m benchmarks.recipes {name} --seeds {seeds}",
    }


def race(dataset: Dataset) -> None:
    """Print how much sooner `fast` is done than `cnn-3x3`, both by their recipes, in one run."""
    fast, classic = (reproduce(name, 1, dataset) for name in ("fast", "cnn-3x3"))
    ratio = classic["seconds"][0] / fast["seconds"][0]
    print(f"fast: {fast['seconds'][0]} s, cnn-3x3: {classic['seconds'][0]} s, ratio {ratio:.1f}")


def table() -> str:
    """Return the Markdown table of all recipes, reported beside reproduced."""
    known = _shipped() | _read()
    lines = [
        "| recipe | source | parameters | reported | reproduced (range) | runs | s an epoch |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for recipe in RECIPES.values():
        reported = f"{recipe.reported_accuracy:.4f}" if recipe.reported_accuracy else "–"
        found = known.get(recipe.name)
        if found is None:
            reproduced, runs, pace = "not yet", "–", "–"
        else:
            accuracies = found["test_accuracy"]
            reproduced = f"{statistics.mean(accuracies):.4f}"
            if len(accuracies) > 1:
                reproduced += f" ({min(accuracies):.4f}–{max(accuracies):.4f})"
            runs = str(len(accuracies))
            pace = f"{sum(found['seconds']) / sum(found['epochs']):.1f}"
        lines.append(
            f"| `{recipe.name}` | {recipe.source} | {recipe.parameters:,} | {reported} "
            f"| {reproduced} | {runs} | {pace} |"
        )
    machines = sorted({found["hardware"] for found in known.values()})
    return "\n".join([*lines, "", f"Trained on: {'; '.join(machines) or 'nothing yet'}."])


def _shipped() -> dict[str, Any]:
    """Return what the cards of the two networks that ship say, as `reproduce` says it."""
    cards = {slot: registry.load_card(slot) for slot in registry.SLOTS}
    return {
        slot: {
            "test_accuracy": [card["test_accuracy"]],
            "seconds": [card["seconds"]],
            "epochs": [card["epochs"]],
            "hardware": card["hardware"],
        }
        for slot, card in cards.items()
    }


def _read() -> dict[str, Any]:
    path = results_path()
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def main() -> None:
    """Train what is named, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.names == ["race"]:
        race(load_mnist())
        return
    for name in arguments.names:
        if engine.named_cluster() is not None:
            found = side_by_side(name, arguments.seeds)
        else:
            found = reproduce(name, arguments.seeds, load_mnist())
        write_json(results_path(), _read() | {name: found})
    sys.stdout.write(table() + "\n")


if __name__ == "__main__":
    main()
