"""What a page or the command line says of runs: in words, as table rows, as a file to take home."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from mnist_core.errors import ModelError, RunError
from mnist_core.models import registry
from mnist_core.runs.folder import Run
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
    words = []
    for name, value in changes.items():
        if isinstance(value, Mapping):
            value = "changed"
        words.append(f"{name.replace('_', ' ')} {'none' if value is None else value}")
    return ", ".join(words)


def duration(seconds: float | None) -> str:
    """Return a length of time as people say it: "48 s", "3 min 5 s", "1 h 12 min"."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def test_accuracy(name: str) -> float | None:
    """Return the test accuracy on a model's card; None where there is none."""
    try:
        value = registry.load_card(name).get("test_accuracy")
    except ModelError:
        return None
    return None if value is None else float(value)


def table(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row per run, for a list of past runs."""
    return [
        {
            "Run": run.title,
            "Test accuracy": test_accuracy(run.run_id) if run.has_model else None,
            "State": run.state,
            "Recipe": run.recipe,
            "Changes": changes_in_words(run.changes),
            "Duration": duration(run.seconds),
            "Date": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.requested_at)),
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
    ends = {"finished": "has finished", "stopped": "was stopped", "failed": "failed"}
    kept = "; its best weights were kept" if run.state == "stopped" and run.has_model else ""
    took = f" after {duration(run.seconds)}" if run.seconds is not None else ""
    name = f"**{plain(run.title)}** ({plain(run.recipe)})"
    return f"{name} {ends.get(run.state, 'is lost')}{kept}{took}. {plain(run.reason)}".rstrip()


def stage_in_words(run: Run, progress: Progress) -> str:
    """Return what a run in progress is doing now."""
    if run.stop_requested or (run.folder / "stop").exists():
        return "Stopping; the best weights so far are being kept"
    if progress.finished:
        return "Saving the model"
    if progress.seconds_left is None:
        return "Getting ready: loading TensorFlow and the images"
    batch = progress.last_batch
    return f"Batch {batch.get('step', 0)} of {batch.get('steps', 0)}"


def histories(runs: Sequence[Run]) -> dict[str, dict[str, list[float]]]:
    """Return each run's curves by a title that no two of them share."""
    curves: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        progress = Progress(run.folder)
        progress.update()
        title = run.title if run.title not in curves else f"{run.title} {run.run_id[-4:]}"
        curves[title] = progress.history
    return curves


def comparison(run: Run, active: Mapping[str, str]) -> list[tuple[str, float | None]]:
    """Return the accuracies to show beside each other when a run has ended, with their names."""
    slot = slot_for(run.recipe)
    recipe = RECIPES.get(run.recipe)
    rows = [("This run, test images", test_accuracy(run.run_id))]
    if active[slot] != run.run_id:
        rows.append((f"Active {slot} ({active[slot]})", test_accuracy(active[slot])))
    if recipe is not None and recipe.reported_accuracy is not None:
        rows.append((f"Reported by {recipe.source}", recipe.reported_accuracy))
    return rows


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
