"""What each command of the command line does; `__main__` reads the words."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from mnist_core import words
from mnist_core.cli import people
from mnist_core.cli.quiet import quiet
from mnist_core.errors import MnistError, ModelError, RecipeError, RunError, UnreadableImage
from mnist_core.files import replacing
from mnist_core.models import registry
from mnist_core.runs import limits, queue
from mnist_core.runs.engine import end_with_worker, step_back
from mnist_core.runs.folder import Run, RunProcess, alone, should_stop
from mnist_core.runs.moments import probes_of
from mnist_core.runs.report import USUAL_AUGMENTATION, changes_in_words, test_accuracy
from mnist_core.training.hyperparameters import Augmentation, Hyperparameters, override, split_of
from mnist_core.training.recipes import RECIPES, Recipe, get_recipe

if TYPE_CHECKING:
    from mnist_core.models.classifier import Classifier


def recipes(arguments: Namespace) -> int:
    """Print the table of the recipes; or write down their layers, for the page's diagrams."""
    if arguments.write_layers:
        from mnist_core.training.layers import write_layers

        print(write_layers())
        return 0
    reproduced = reproduced_accuracies()
    print(f"{'recipe':<24}{'parameters':>11}{'reported':>10}{'reproduced':>12}  source")
    for recipe in RECIPES.values():
        accuracies = (recipe.reported_accuracy, reproduced.get(recipe.name))
        reported, again = ("" if value is None else words.percent(value) for value in accuracies)
        print(
            f"{recipe.name:<24}{recipe.parameters:>11,}{reported:>10}{again:>12}  {recipe.source}"
        )
        print(f"    {recipe.summary}")
    return 0


def reproduced_accuracies() -> dict[str, float | None]:
    """Return each recipe's mean test accuracy as `benchmarks/recipes.py` measured it.

    For the two that ship, the accuracy of the network that ships.
    """
    shipped = {
        slot: registry.load_card(slot).get("test_accuracy")
        for slot in registry.SLOTS
        if (registry.model_dir(slot) / registry.CARD_FILE).is_file()
    }
    path = registry.artifacts_dir() / "recipes.json"
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
        return shipped | {
            name: float(np.mean(row["test_accuracy"])) for name, row in measured.items()
        }
    except FileNotFoundError:
        return shipped
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise RecipeError(f"{path.name} is damaged ({error}); restore it from git.") from None


def train(arguments: Namespace) -> int:
    """Train a recipe, in a run of its own, in the run that a page made, or as what ships."""
    recipe = get_recipe(arguments.recipe)
    changes = changed_hyperparameters(recipe, vars(arguments))
    if arguments.start_from is not None and arguments.learn is None:
        changes = _with_split_of(arguments.start_from, recipe, changes)
    hyperparameters = override(recipe.hyperparameters, **changes)
    if arguments.ship:
        return _train_to_ship(recipe, hyperparameters, arguments)
    if arguments.run_folder is not None:
        if not (arguments.run_folder / "config.json").is_file():
            raise RunError(f"{arguments.run_folder} is no folder of a run.")
        has_attendant = end_with_worker()
        step_back()
        try:
            with alone(arguments.run_folder), RunProcess(arguments.run_folder) as process:
                if arguments.learn is None:
                    process.stopped = _train(
                        recipe, hyperparameters, arguments.run_folder, sys.stdout,
                        arguments.start_from, arguments.fold,
                    )  # fmt: skip
                else:
                    process.stopped = people.learn_in(
                        arguments.run_folder, arguments.learn, arguments.start_from, changes,
                        sys.stdout,
                    )  # fmt: skip
        finally:
            if not has_attendant:  # which looks after the queue, from where the queue is
                queue.go_on()
        return 0
    if arguments.start_from is not None:
        changes["from"] = arguments.start_from
    with queue.own(recipe.name, changes, arguments.title) as run, RunProcess(run.folder) as process:
        if others := [other for other in queue.live_runs() if other.run_id != run.run_id]:
            print(f"{others[0].title} is training too, so both will be slower.")
        log = run.folder / "train.log"
        with quiet(log, verbose=arguments.verbose) as shown:
            process.stopped = _train(
                recipe, hyperparameters, run.folder, shown, arguments.start_from
            )
        print(f"{'Stopped; the best weights so far' if process.stopped else 'The model'}: "
              f"{run.folder / registry.KERAS_FILE}")  # fmt: skip
    return 0


def changed_hyperparameters(recipe: Recipe, given: dict[str, Any]) -> dict[str, Any]:
    """Return what the given words change about a recipe's hyperparameters."""
    names = {field.name for field in dataclasses.fields(Hyperparameters)} - {"augmentation"}
    changes = {name: value for name, value in given.items() if name in names}
    amounts = {
        field.name: given[field.name]
        for field in dataclasses.fields(Augmentation)
        if field.name in given
    }
    if given.get("augmentation") == "none":
        if amounts:
            raise RecipeError(f"--augmentation none and {', '.join(amounts)} exclude each other.")
        return changes | {"augmentation": None}
    if amounts:
        standing = recipe.hyperparameters.augmentation or Augmentation()
        return changes | {"augmentation": dataclasses.asdict(standing) | amounts}
    if given.get("augmentation") == "on" and recipe.hyperparameters.augmentation is None:
        return changes | {"augmentation": dataclasses.asdict(USUAL_AUGMENTATION)}
    return changes


def _with_split_of(name: str, recipe: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes by which the images validate that the model has not learnt from.

    As they are where it learnt from other data. Raises ModelError where they choose others.
    """
    from mnist_core.data.mnist import load_mnist

    card = registry.load_card(name)
    if (card.get("data") or {}).get("digest") != load_mnist().digest:
        return changes
    standing = dataclasses.asdict(recipe.hyperparameters)
    for part, value in split_of(card).items():
        option = "--" + part.replace("_", "-")
        if changes.get(part, value) != value:
            raise ModelError(
                f"{name!r} was trained with {option} {value}; with {changes[part]} images that it "
                f"learnt from would validate, so leave {option} out."
            )
        if value != standing[part]:
            changes = changes | {part: value}
    return changes


def _train_to_ship(recipe: Recipe, hyperparameters: Hyperparameters, arguments: Namespace) -> int:
    if recipe.name not in registry.SLOTS:
        raise RecipeError(f"{recipe.name!r} does not ship; --ship goes with 'dense' or 'cnn'.")
    limits.check_disk()
    folder = registry.model_dir(recipe.name)
    with quiet(verbose=arguments.verbose) as shown:
        _train(recipe, hyperparameters, folder, shown, arguments.start_from)
    print(f"The model: {folder / registry.KERAS_FILE}")
    return 0


def _train(
    recipe: Recipe,
    hyperparameters: Hyperparameters,
    folder: Path,
    shown: TextIO,
    start_from: str | None = None,
    fold: int | None = None,
) -> bool:
    """Train into a folder, showing how it goes; return whether it was stopped early.

    fold: of the search for doubtful labels, which leaves answers to what it held out, no model.
    """
    from mnist_core.cli.terminal import StopRequest, TrainingDisplay

    print(f"{recipe.name}: {recipe.summary}", file=shown, flush=True)
    is_run = (folder / "config.json").is_file()
    with (
        StopRequest(shown) as stop,
        TrainingDisplay(folder if is_run else None, shown) as display,
    ):
        from mnist_core.data.mnist import load_mnist
        from mnist_core.training import doubtful, fit

        dataset = load_mnist()
        result = fit.train(
            recipe,
            dataset if fold is None else doubtful.fold_of(dataset, fold),
            hyperparameters=hyperparameters,
            on_event=display.show,
            should_stop=lambda: stop.requested or (is_run and should_stop(folder)),
            folder=folder,
            start_from=start_from,
            probes=probes_of(folder) if is_run else None,
        )
    if is_run and not (folder / "config.json").is_file():
        raise RunError(f"The run {folder.name!r} was deleted, so its model was not kept.")
    if fold is None:
        registry.save_model(folder, result.model, result.card, result.evaluation)
    elif result.evaluation is not None:
        registry.save_evaluation(folder, dataclasses.replace(result.evaluation, split="held out"))
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return result.stopped


def evaluate(arguments: Namespace) -> int:
    """Print how well a model reads the test images; store its answers if none are stored."""
    from mnist_core.analysis import metrics, robustness
    from mnist_core.data.mnist import load_mnist
    from mnist_core.models.classifier import Classifier

    dataset = load_mnist()
    if not len(dataset.x_test):
        raise MnistError(f"{dataset.source} has no labelled test images to evaluate on.")
    images = dataset.x_test.astype(np.float32) / 255
    with quiet(verbose=arguments.verbose):
        classifier = Classifier.load(arguments.model)
        probabilities, scores, _ = classifier.answers(images)
    summary = metrics.summarise(probabilities, dataset.y_test)
    print(f"{arguments.model} ({classifier.card.get('recipe', 'unknown recipe')}), "
          f"{len(images):,} test images of {dataset.source}")  # fmt: skip
    for name, value in dataclasses.asdict(summary).items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        print(f"  {name.replace('_', ' '):<28}{shown}")
    if not (registry.model_dir(arguments.model) / registry.EVALUATION_FILE).is_file():
        stored = registry.Evaluation(
            probabilities, dataset.y_test, dataset.digest, "test",
            scores if classifier.can_tell_non_digits else None,
        )  # fmt: skip
        registry.save_evaluation(registry.model_dir(arguments.model), stored)
    if arguments.spoiled:
        indices = robustness.sample_indices(len(images))
        robustness.measure_and_keep(arguments.model, classifier, dataset, indices)
        print(f"  spoiled in {len(robustness.DEFORMATIONS)} ways: {robustness.FILE}")
    return 0


def predict(arguments: Namespace) -> int:
    """Print what the networks read in each image file."""
    from mnist_core.models.classifier import Classifier

    names = [arguments.model] if arguments.model else list(registry.active().values())
    with quiet(verbose=arguments.verbose):
        classifiers = [Classifier.load(name) for name in names]
    refused = 0
    for path in arguments.files:
        try:
            print(f"{path}: {_read_digit(path, classifiers)}")
        except MnistError as error:
            print(f"{path}: {error}", file=sys.stderr)
            refused += 1
    return 2 if refused else 0


def _read_digit(path: Path, classifiers: list[Classifier]) -> str:
    from mnist_core.ink.photo import read_photo
    from mnist_core.ink.preprocessing import mnist_image

    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"The file cannot be read ({error.strerror}).") from None
    image = mnist_image(read_photo(content))
    said = []
    for classifier in classifiers:
        answer = classifier.answer(image)
        doubt = "" if answer.is_digit else ", but this doesn’t look like a single digit"
        sure = words.chance(answer.confidence)
        said.append(f"{answer.digit} ({sure}, {words.network(classifier.name)}{doubt})")
    return "  ".join(said)


def submission(arguments: Namespace) -> int:
    """Write a model's answers to Kaggle's test.csv as ImageId,Label."""
    from mnist_core.data.formats import read_kaggle_test
    from mnist_core.models.classifier import Classifier

    images = read_kaggle_test(arguments.csv)
    with quiet(verbose=arguments.verbose):
        classifier = Classifier.load(arguments.model or registry.active()["cnn"])
        digits = classifier.probabilities(images.astype(np.float32) / 255).argmax(axis=1)
    lines = ["ImageId,Label", *(f"{i},{digit}" for i, digit in enumerate(digits, start=1))]
    with replacing(arguments.output) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(digits):,} answers of {words.network(classifier.name)} are in {arguments.output}.")
    return 0


def export(arguments: Namespace) -> int:
    """Write a model as one HTML file that reads digits without a server; or people's drawings."""
    if arguments.what == "people":
        return people.export(arguments.output or Path("people.npz"))
    from mnist_core.views.take_home import take_home

    content = take_home(arguments.what)
    output = arguments.output or Path("digit.html")
    with replacing(output) as temporary:
        temporary.write_text(content, encoding="utf-8")
    print(f"{output} ({len(content.encode()) / 1000:,.0f} kB) opens in any browser.")
    return 0


def list_runs(arguments: Namespace) -> int:
    """Print the runs, newest first; or stop, rename or delete one."""
    queue.start_next()
    if arguments.action is None:
        for run in queue.list_runs():
            print(describe_run(run))
        return 0
    if arguments.run_id is None:
        raise RunError(f"Which run? `runs {arguments.action} RUN_ID`; `runs` lists them.")
    if arguments.action == "stop":
        queue.stop(arguments.run_id)
    elif arguments.action == "rename":
        queue.rename(arguments.run_id, arguments.title or "")
    else:
        queue.delete(arguments.run_id)
    return 0


def describe_run(run: Run) -> str:
    """Return a run in one line."""
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.requested_at))
    seconds = "" if run.seconds is None else f"{run.seconds:.0f} s"
    tested = test_accuracy(run.run_id) if run.has_model else None
    accuracy = "" if tested is None else words.percent(tested)
    changes = changes_in_words(run.changes)
    row = f"{run.run_id:<42}{run.state:<10}{date}  {seconds:>7}  {accuracy:>6}  {run.title}"
    return "  ".join(filter(None, [row, changes, run.reason]))


def fetch(arguments: Namespace) -> int:
    """Fetch a data set that training needs beside MNIST."""
    from mnist_core.data import pendigits

    print(pendigits.fetch())
    return 0


def maps(arguments: Namespace) -> int:
    """Lay out the digits of the data set at hand by t-SNE, for the Dataset page's map."""
    from mnist_core.analysis import projection
    from mnist_core.data.mnist import load_mnist

    dataset = load_mnist()
    for digits in projection.SIZES:
        indices = projection.share_of(dataset, digits)
        projection.compute_tsne(dataset, indices, lambda share: None, projection.SHIPPED)
        print(f"{len(indices):,} digits of {dataset.source}", flush=True)
    return 0
