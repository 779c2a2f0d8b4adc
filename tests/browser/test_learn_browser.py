"""In Chromium: from a correction on the Draw page to a candidate that is refused, and to one that
takes over and answers on another visitor's page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core.data import database, people
from mnist_core.ink.examples import EXAMPLES
from mnist_core.models import registry
from tests.browser.conftest import DESKTOP, Server, steady_box
from tests.browser.test_draw import Pen, open_page, until_read
from tests.made_up_people import fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FOUR = next(example for example in EXAMPLES if example.label == 4)

# A server whose lessons are processes of the stand-in.
SITE = """
import sys
if "streamlit" in sys.orig_argv:
    from mnist_core.runs import queue
    queue.command = lambda run: [sys.executable, STAND_IN, run.changes["learn"],
                                 run.changes["from"], str(run.folder)]
"""
# What `train --learn` does, without TensorFlow: the lesson's candidate is a copy of the network it
# starts from, which the gate lets through where there is a file named `passes`.
STAND_IN = """
import shutil, sys
from pathlib import Path
from types import SimpleNamespace
from mnist_core.analysis.gate import MNIST, PEN, PEOPLE, Part, Verdict
from mnist_core.analysis.opinions import opinions
from mnist_core.models import registry
from mnist_core.models.classifier import Classifier
from mnist_core.runs import learning
from mnist_core.runs.folder import RunProcess, alone, should_stop

def learn(name, collection, dataset, **more):
    passes = (registry.artifacts_dir() / "passes").exists()
    good = Part(len(collection), 9, 2, 8, 1, 0.02, True)
    worse = Part(10_000, 63, 90, 5, 32, 0.0001, passes)
    said = opinions(Classifier.load(name), collection)
    verdict = Verdict({PEOPLE: good, MNIST: good if passes else worse, PEN: good})
    return SimpleNamespace(model=name, card={}, evaluation=None, verdict=verdict, before=said,
                           after=said, of_others=True)

def save_model(folder, model, card, evaluation):
    shutil.copytree(registry.model_dir(model), folder, dirs_exist_ok=True)

slot, base, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
sys.modules["mnist_core.training.learning"] = SimpleNamespace(learn=learn)
registry.save_model = save_model
with alone(folder), RunProcess(folder) as process:
    process.stopped = learning.learn_into(
        folder, slot, base, changes={}, on_event=print, should_stop=lambda: should_stop(folder))
"""


@pytest.fixture
def server(house, tmp_path) -> Iterator[Server]:
    """A server at which three people have drawn, with short lessons."""
    fill(writers=3, each=10)
    database.engine().dispose()
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"STAND_IN = {str(tmp_path / 'stand_in.py')!r}{SITE}")
    paths = [str(site), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    server = Server(**house, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    yield server
    server.kill()
    database.engine().dispose()


def visit(chromium: Browser, server: Server) -> tuple[Page, Pen]:
    """Return the Draw page of a visitor who has drawn a four."""
    page = chromium.new_context(**DESKTOP).new_page()
    pen = open_page(page, server.address)
    pen.draw(FOUR.strokes)
    until_read(page, len(FOUR.strokes))
    expect(page.locator(".st-key-answer-cnn .large-digit")).to_have_text("4")
    return page, pen


def let_the_dense_network_learn(page: Page) -> None:
    """Press the button on the Retrain page, for one network."""
    page.get_by_text("Learn from people").first.click()
    who = page.get_by_role("toolbar", name="Who learns")
    chosen = who.get_by_role("button", pressed=True)
    expect(chosen).to_have_text(["Dense network", "CNN"])
    steady_box(who)  # the drawings above have come
    who.get_by_role("button", name="CNN").click()
    expect(chosen).to_have_text(["Dense network"])
    start = page.locator(".st-key-learn-start button")
    expect(start).to_be_enabled()
    start.click()


def test_from_a_correction_to_a_refusal_and_to_a_takeover(chromium, server, house):
    other, others_pen = visit(chromium, server)
    page, _ = visit(chromium, server)
    page.locator(".st-key-feedback").get_by_role("radio", name="4", exact=True).click()
    expect(page.get_by_text("Kept with your strokes: this is a 4")).to_be_visible()
    assert [one.label for one in people.listed()][-1] == 4
    page.get_by_role("link", name="Retrain").click()
    let_the_dense_network_learn(page)
    gate = page.locator(".st-key-gate")
    expect(gate).to_contain_text("The gate refused it. On MNIST’s test images it won 5")
    expect(gate).to_contain_text("31 drawings by 4 people")
    assert registry.active() == {"dense": "dense", "cnn": "cnn"}

    (Path(house["MNIST_ARTIFACTS"]) / "passes").touch()
    let_the_dense_network_learn(page)
    expect(gate).to_contain_text("It answers as the dense network now.")
    card = other.locator(".st-key-answer-dense")
    expect(card).not_to_contain_text("Lesson from people")
    others_pen.draw(FOUR.strokes[:1])
    expect(card).to_contain_text("Lesson from people")
    expect(other.locator(".st-key-answer-cnn")).not_to_contain_text("Lesson")
    for visitor in (other, page):
        visitor.context.close()
