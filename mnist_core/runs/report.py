"""What a page or the command line says of runs: in words, as table rows, as a file to take home."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_core import words
from mnist_core.errors import ModelError, RunError
from mnist_core.files import stamp
from mnist_core.models import registry
from mnist_core.runs import queue
from mnist_core.runs.folder import Run, read_json
from mnist_core.runs.progress import Progress
from mnist_core.training.hyperparameters import Augmentation, Hyperparameters
from mnist_core.training.recipes import RECIPES

# What the switch "augmentation" turns on where a recipe has none.
USUAL_AUGMENTATION = Augmentation(rotation_degrees=10, shift=0.08, shear_degrees=10, zoom=0.1)


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is: titles come from any visitor.

    Streamlit looks for links and icons regardless of backslashes, so the signs that they are
    known by stand between word joiners, which take no room.
    """
    marked = re.sub(r"([\\`*_{}\[\]()<>#+!|$&~-])", r"\\\1", text)
    apart = "\N{WORD JOINER}\\\\\\1\N{WORD JOINER}"
    return re.sub(r"([:@]|(?<=www)\.)", apart, marked, flags=re.IGNORECASE)


def slot_for(recipe: str) -> str:
    """Return whose place on the Draw page a recipe's network would take: "dense" or "cnn"."""
    return "dense" if recipe.startswith(("dense", "softmax")) else "cnn"


def changes_from(standing: Hyperparameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that are not as in a recipe, as plain JSON values."""
    before = dataclasses.asdict(standing)
    return {name: value for name, value in values.items() if value != before[name]}


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """Return what a run changed about its recipe: "epochs 3, share 0.1"; "" for nothing."""
    said = []
    for name, value in changes.items():
        if isinstance(value, Mapping):
            value = "changed"
        said.append(f"{name.replace('_', ' ')} {'none' if value is None else value}")
    return ", ".join(said)


def name_of(run: Run) -> str:
    """Return what people call a run: its title and when it was asked for, "fast, 12:37"."""
    return words.run_title(run.title, run.requested_at)


def model_title(model: str) -> str:
    """Return what people call a model in a sentence: "the CNN", or a run's "fast, 12:37"."""
    if model in registry.SLOTS:
        return words.network(model)
    try:
        return name_of(queue.get_run(model))
    except RunError:
        return model


def test_accuracy(name: str) -> float | None:
    """Return the test accuracy on a model's card; None where there is none."""
    try:
        path = registry.model_dir(name) / registry.CARD_FILE
        return _test_accuracy(name, path, stamp(path))
    except ModelError:
        return None


@functools.lru_cache(maxsize=20_000)
def _test_accuracy(name: str, path: Path, version: object) -> float | None:
    """Read a card once; path, version: what tells it from another of the name."""
    value = registry.load_card(name).get("test_accuracy")
    return None if value is None else float(value)


def table(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row per run, for a list of past runs."""
    return [
        {
            "Run": name_of(run),
            "Test accuracy": test_accuracy(run.run_id) if run.has_model else None,
            "State": run.state,
            "Recipe": run.recipe,
            "Changes": changes_in_words(run.changes),
            "Took": words.duration(run.seconds),
        }
        for run in runs
    ]


def ended_last(runs: Sequence[Run]) -> Run | None:
    """Return the run that ended last; None where there is none."""
    return max(runs, key=lambda run: run.ended_at or 0.0, default=None)


def was_waited_for(run: Run, by: Run) -> bool:
    """Return whether it was known that a run had ended only after another was asked for."""
    try:
        return (run.folder / "outcome.json").stat().st_mtime > by.requested_at
    except OSError:
        return False


def end_in_words(run: Run) -> str:
    """Return how a run ended, as one line of Markdown."""
    ends = {"finished": "finished in", "stopped": "was stopped after", "failed": "failed after"}
    end, took = ends.get(run.state, "was lost after"), words.duration(run.seconds)
    if not took:
        end = end.removesuffix(" in").removesuffix(" after")
    kept = "; its best weights were kept" if run.state == "stopped" and run.has_model else ""
    recipe = "" if run.recipe == run.title else f" ({plain(run.recipe)})"
    told = f"**{plain(name_of(run))}**{recipe} {end} {took}".rstrip()
    return f"{told}{kept}. {plain(run.reason)}".rstrip()


def against_active(run: Run, active: Mapping[str, str]) -> str:
    """Return how a run's model compares with the one that answers, as one line of Markdown."""
    slot = slot_for(run.recipe)
    own, other = test_accuracy(run.run_id), test_accuracy(active[slot])
    if active[slot] == run.run_id:
        return f"It answers as {words.network(slot)} on the Draw page."
    if own is None:
        return "It was not tested: its data set has no labelled test images."
    told = f"It reads **{words.percent(own)}** of the test images right"
    if other is not None:
        told += f"; {plain(model_title(active[slot]))}, which answers now, {words.percent(other)}"
    recipe = RECIPES.get(run.recipe)
    if recipe is None or recipe.reported_accuracy is None:
        return f"{told}."
    return f"{told}. The recipe's source reports {words.percent(recipe.reported_accuracy)}."


def stage_in_words(run: Run, progress: Progress) -> str:
    """Return what a run in progress is doing now."""
    if run.stop_requested or (run.folder / "stop").exists():
        kept = "no candidate" if "learn" in run.changes else "the best weights so far"
        return f"Stopping; {kept} will be kept"
    if progress.finished:
        return "Saving the model"
    if waits_for := read_json(run.folder / "process.json").get("waits_for"):
        return f"Waiting for {waits_for}"
    if progress.seconds_left is None:
        return "Getting ready: loading TensorFlow and the images"
    batch = progress.last_batch
    return f"Batch {batch.get('step', 0)} of {batch.get('steps', 0)}"


def histories(runs: Sequence[Run]) -> dict[str, dict[str, list[float]]]:
    """Return each run's curves by its name; the second of a name, from before, has " (2)"."""
    curves: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        progress = Progress(run.folder)
        progress.update()
        curves[words.told_apart(name_of(run), curves)] = progress.history
    return curves


def archive(run: Run) -> bytes:
    """Return a ZIP file of a run's .keras model and its card. Raises RunError without one."""
    file = io.BytesIO()
    try:
        with zipfile.ZipFile(file, "w") as archived:
            archived.write(run.folder / registry.KERAS_FILE, f"{run.run_id}.keras")
            card = json.dumps(registry.load_card(run.run_id), indent=1)
            archived.writestr(f"{run.run_id}.json", card)
    except (OSError, ModelError) as error:
        raise RunError(f"The run {run.run_id!r} cannot be downloaded: {error}") from None
    return file.getvalue()
