"""`search`: hyperparameters tried one after the other, or side by side on a cluster."""

from __future__ import annotations

import argparse
import os
import re
import sys
from argparse import Namespace
from pathlib import Path

from mnist_core import words
from mnist_core.cli.terminal import StopRequest
from mnist_core.errors import RunError
from mnist_core.files import replacing
from mnist_core.runs import report
from mnist_core.runs.folder import FINISHED, Run
from mnist_core.runs.search import Search, ranked, reached
from mnist_core.views import figures_search
from mnist_core.views.answer_view import SLOT_COLOURS

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Return the seconds that "20m", "90s" or "2h" stand for; a number alone is minutes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if found is None or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s, 20m or 2h")
    return float(found[1]) * _SECONDS[found[2] or "m"]


def search(arguments: Namespace) -> int:
    """Search a recipe's hyperparameters; print a table of the trials and write their plot."""
    if arguments.cluster:
        os.environ["MNIST_CLUSTER"] = arguments.cluster
    fixed = {name: vars(arguments)[name] for name in ("epochs", "share") if name in arguments}
    looked_for = Search(arguments.recipe, fixed)
    if before := len(looked_for.runs):
        print(f"{words.count(before, 'trial')} of it done before; deleting their runs begins anew.")
    with StopRequest(sys.stdout) as stop:
        looked_for.go_on(arguments.trials, arguments.budget, _say_end, lambda: stop.requested)
    runs = looked_for.runs
    print(table(runs))
    output = arguments.output or Path(f"search-{arguments.recipe}.html")
    with replacing(output) as temporary:
        temporary.write_text(plot(runs), encoding="utf-8")
    print(f"The plot: {output}. More trials: the same command with more of them, or more time.")
    return 0


def _say_end(run: Run) -> None:
    (best,) = reached([run])
    told = f": {words.percent(best)}" if best is not None else ""
    print(f"{run.title} {run.state}{told} ({_changes(run)})", flush=True)


def _changes(run: Run) -> str:
    return report.changes_in_words(run.changes) or "as in the recipe"


def table(runs: list[Run]) -> str:
    """Return a table of trials for the terminal, the best first by validation."""
    lines = [f"{'validation':>10}  {'test':>7}  {'state':<9} {'run':<34} changes"]
    for run, best in ranked(runs):
        test = report.test_accuracy(run.run_id) if run.has_model else None
        lines.append(
            f"{words.percent(best) if best is not None else '–':>10}  "
            f"{words.percent(test) if test is not None else '–':>7}  "
            f"{run.state:<9} {run.run_id:<34} {_changes(run)}"
        )
    return "\n".join(lines)


def plot(runs: list[Run]) -> str:
    """Return a page with the figure of the trials, which needs no network."""
    if not runs:
        raise RunError("No trial began within that time; give the search more.")
    figure = figures_search.trials(
        reached(runs), [run.state == FINISHED for run in runs], [_changes(run) for run in runs],
        SLOT_COLOURS[report.slot_for(runs[0].recipe)],
    )  # fmt: skip
    figure.update_layout(
        title_text=runs[0].group_title, template="plotly_white", height=480, margin_t=110
    )
    return figure.to_html(include_plotlyjs=True, full_html=True)
