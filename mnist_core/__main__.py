"""The command line: python -m mnist_core recipes | train | evaluate | predict | submission | ...

An error that a person can act on is one sentence on stderr and exit code 2. TensorFlow is
imported by the commands that need it, so the others answer at once.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import dataclasses
import difflib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mnist_core.cli import commands, doubting, people, searching
from mnist_core.errors import MnistError
from mnist_core.training.doubtful import FOLDS
from mnist_core.training.hyperparameters import (
    MONITORS,
    OPTIMIZERS,
    SCHEDULES,
    Augmentation,
    Hyperparameters,
)

HELP = {
    "epochs": "passes over the training images",
    "batch_size": "images per step",
    "optimizer": ", ".join(OPTIMIZERS),
    "learning_rate": "size of a step (the largest, where a schedule changes it)",
    "schedule": ", ".join(SCHEDULES),
    "weight_decay": "how fast weights shrink by themselves (adamw)",
    "label_smoothing": "how much of the label is spread over the other digits",
    "dropout": "share of the features switched off at random, or none",
    "l2": "cost of large weights",
    "patience": "epochs without progress before stopping, or none to never stop early",
    "monitor": ", ".join(MONITORS),
    "validation_split": "share of the training images that only validate",
    "share": "share of the training images to use",
    "seed": "the same seed on the same machine gives the same weights",
    "rotation_degrees": "augmentation: turn by up to so much",
    "shift": "augmentation: move by up to so much of the width",
    "shear_degrees": "augmentation: slant by up to so much",
    "zoom": "augmentation: grow or shrink by up to so much",
    "horizontal_flip": "augmentation: mirror, true or false",
    "elastic_px": "augmentation: warp by up to so many pixels",
    "thickness": "augmentation: share of the images with thicker or thinner lines",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and suggest the nearest option."""

    def error(self, message: str) -> NoReturn:
        raise MnistError(f"{message[:1].upper()}{message[1:]}; `{self.prog} --help` explains.")

    def reject_unknown(self, words: Sequence[str]) -> None:
        """Raise MnistError for words that no option took."""
        if not words:
            return
        option = words[0].split("=")[0]
        near = difflib.get_close_matches(option, self._option_string_actions, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}" if near else f"`{self.prog} --help` lists the options"
        raise MnistError(f"There is no option {option!r}; {hint}.")


def number_or_none(text: str) -> int | float | None:
    """Return the number that a word stands for, or None for "none"; `override` checks it."""
    if text.lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def true_or_false(text: str) -> bool:
    """Return the truth value that a word stands for."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


number_or_none.__name__, true_or_false.__name__ = "number", "true or false"  # as argparse says it


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """Return the parser, and those of its commands by name."""
    parser = Parser(prog="python -m mnist_core", description=__doc__, allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers: dict[str, Parser] = {}

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> Parser:
        parsers[name] = subparsers.add_parser(
            name, help=summary, description=summary, allow_abbrev=False
        )
        parsers[name].set_defaults(run=run)
        parsers[name].add_argument(
            "--verbose", action="store_true", help="show what TensorFlow and others print, too"
        )
        return parsers[name]

    table = add("recipes", commands.recipes, "list the recipes, with their accuracies")
    table.add_argument(
        "--write-layers", action="store_true", help="write artifacts/layers.json anew"
    )
    _add_training_options(add("train", commands.train, "train a recipe"))
    _add_search_options(
        add("search", searching.search, "try hyperparameters, and end early what falls behind")
    )
    evaluate = add("evaluate", commands.evaluate, "print a model's figures on the test images")
    evaluate.add_argument("model", help="dense, cnn or the id of a run")
    evaluate.add_argument(
        "--spoiled",
        action="store_true",
        help="measure it on 1,000 spoiled digits, too",
    )
    predict = add("predict", commands.predict, "read digits from image files")
    predict.add_argument("files", nargs="+", type=Path, help="photos or scans of one digit each")
    predict.add_argument("--model", help="dense, cnn or the id of a run; default: both active")
    submission = add("submission", commands.submission, "answer Kaggle's test.csv")
    submission.add_argument("csv", type=Path, help="Kaggle's test.csv")
    submission.add_argument("-o", "--output", type=Path, default=Path("submission.csv"))
    submission.add_argument("--model", default=None, help="default: the active cnn")
    export = add("export", commands.export, "write a model as one HTML file, or people's drawings")
    export.add_argument("what", help="dense, cnn or the id of a run; or: people")
    export.add_argument(
        "-o", "--output", type=Path, default=None,
        help="default: digit.html, which reads digits; people.npz, which `import` reads, or "
        "a .csv of the strokes",
    )  # fmt: skip
    listing = add("runs", commands.list_runs, "list, stop, rename or delete the training runs")
    listing.add_argument("action", nargs="?", choices=["stop", "rename", "delete"])
    listing.add_argument("run_id", nargs="?")
    listing.add_argument("title", nargs="?")
    learn = add("learn", people.learn, "let the active networks learn from people's drawings")
    learn.add_argument("network", nargs="?", choices=["dense", "cnn", "both"], default="both")
    learn.add_argument(
        "--keep", action="store_true", help="keep the candidate as a run, whatever the gate says"
    )
    take_in = add("import", people.take_in, "read people's drawings from an exported file")
    take_in.add_argument("what", choices=["people"])
    take_in.add_argument("file", type=Path)
    fetch = add("fetch", commands.fetch, "fetch the pen strokes that `train dense` learns from")
    fetch.add_argument("what", choices=["pendigits"])
    add("maps", commands.maps, "lay out the digits by t-SNE, for the map of the Dataset page")
    doubtful = add("doubtful", doubting.doubtful, "find the training labels that look wrong")
    doubtful.add_argument("-o", "--output", type=Path, default=None)
    _add_cluster_option(doubtful)
    return parser, parsers


def _add_training_options(train: Parser) -> None:
    train.add_argument("recipe", help="a name from `recipes`")
    train.add_argument("--title", default="", help="what the list of runs calls it")
    train.add_argument(
        "--ship", action="store_true", help="write into artifacts/dense or artifacts/cnn"
    )
    train.add_argument(
        "--from",
        dest="start_from",
        metavar="MODEL",
        help="begin at the weights of dense, cnn or a run of the same recipe; the images validate "
        "that it has not learnt from",
    )
    train.add_argument("--learn", choices=["dense", "cnn"], help=argparse.SUPPRESS)
    train.add_argument("--fold", type=int, choices=range(1, FOLDS + 1), help=argparse.SUPPRESS)
    train.add_argument("--run-folder", type=Path, help=argparse.SUPPRESS)
    group = train.add_argument_group("hyperparameters (default: as in the recipe)")
    for field in dataclasses.fields(Hyperparameters):
        if field.name != "augmentation":
            kind = str if field.type == "str" else number_or_none
            _add_hyperparameter(group, field.name, kind)
    group.add_argument("--augmentation", choices=["on", "none"], default=argparse.SUPPRESS)
    for field in dataclasses.fields(Augmentation):
        kind = true_or_false if field.type == "bool" else number_or_none
        _add_hyperparameter(group, field.name, kind)


def _add_search_options(search: Parser) -> None:
    search.add_argument("recipe", help="a name from `recipes`")
    search.add_argument(
        "--trials", type=int, default=30, metavar="N", help="in all, with those done before"
    )
    search.add_argument(
        "--budget", type=searching.duration, default=1200.0, metavar="TIME",
        help="90s, 20m (the default) or 2h; then the search ends, and may go on later",
    )  # fmt: skip
    _add_cluster_option(search)
    search.add_argument(
        "-o", "--output", type=Path, default=None, help="the plot; default: search-RECIPE.html"
    )
    for name in ("epochs", "share"):
        _add_hyperparameter(search, name, number_or_none)


def _add_cluster_option(parser: Parser) -> None:
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="as $MNIST_CLUSTER: tcp://HOST:8786, or local"
    )


def _add_hyperparameter(group: Any, name: str, kind: Callable[[str], object]) -> None:
    option = "--" + name.replace("_", "-")
    group.add_argument(
        option, type=kind, default=argparse.SUPPRESS, metavar="X", help=HELP.get(name)
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # only what went wrong
    parser, parsers = build_parser()
    try:
        arguments, unknown = parser.parse_known_args(words)
        parsers[arguments.command].reject_unknown(unknown)
        return arguments.run(arguments)
    except MnistError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `recipes | head`
        sys.stderr.close()
        return 1


def run() -> NoReturn:
    """Run one command and end this process.

    Without waiting for TensorFlow: a training that an error ended leaves a thread that waits for
    Python's next batch, and Python, as it shuts down, for that thread; with the lock of its run it
    would stay for ever.
    """
    try:
        code = main()
    except Exception:
        code = 1
        with contextlib.suppress(OSError):  # where nothing can be written any more
            traceback.print_exc()
    if "tensorflow" in sys.modules:
        try:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
