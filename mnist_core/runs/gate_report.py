"""What the gate said of a run that learnt from people, in its folder: `gate.json`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core import words
from mnist_core.analysis.gate import MNIST, PEN, PEOPLE, SETS, Part, Verdict
from mnist_core.runs.folder import read_json, write

FILE = "gate.json"
WHAT = {
    PEOPLE: "people it has not learnt from",
    MNIST: "MNIST’s test images",
    PEN: "pen strokes of others",
}
OWN_STROKES = "this project’s own pen strokes"  # instead of PEN, without pendigits


@dataclass(frozen=True)
class Change:
    """A drawing that one network gets and the other does not."""

    drawing_id: int
    label: int
    before: int  # the answer, 10 = not a digit
    after: int


@dataclass(frozen=True)
class GateReport:
    """The verdict on a run, and what it rests on."""

    verdict: Verdict
    slot: str  # whose place the candidate wants: "dense" or "cnn"
    base: str  # the model that it started from
    taken_over: bool
    drawings: int  # learnt from
    writers: int
    left_out: int  # labels that were doubted
    won: list[Change]
    lost: list[Change]
    doubted_after: list[int]  # ids: contradicted with confidence before and after
    of_others: bool = True  # whether other people drew the pen strokes

    def what(self, name: str) -> str:
        """Return what one of the three sets is, in words."""
        return OWN_STROKES if name == PEN and not self.of_others else WHAT[name]


def save(folder: Path, report: GateReport) -> None:
    """Write the report down. Raises RunError."""
    content = dataclasses.asdict(report)
    content["verdict"] = {name: dataclasses.asdict(p) for name, p in report.verdict.parts.items()}
    write(folder / FILE, content)


def load(folder: Path) -> GateReport | None:
    """Return a run's report; None where it has none, or a damaged one."""
    content = read_json(folder / FILE)
    try:
        parts = {name: Part(**content["verdict"][name]) for name in SETS}
        changes = {key: [Change(**one) for one in content[key]] for key in ("won", "lost")}
        for number in [n for p in parts.values() for n in dataclasses.astuple(p)]:
            if not isinstance(number, int | float):
                raise TypeError
        report = GateReport(**{**content, "verdict": Verdict(parts), **changes})
        report_in_words(report)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return report


def report_in_words(report: GateReport) -> str:
    """Return the verdict as a sentence or two."""
    network = words.network(report.slot)
    if report.verdict.passed:
        took = (
            f"It answers as {network} now."
            if report.taken_over
            else f"It did not take over by itself: it was to be kept as a run alone, or another "
            f"model had become {network} meanwhile."
        )
        return f"The gate let it through: better on people, no worse elsewhere. {took}"
    reasons = [part_in_words(report, name) for name in report.verdict.failed]
    return f"The gate refused it. {' '.join(reasons)}"


def part_in_words(report: GateReport, name: str) -> str:
    """Return what the gate found on one of its three sets, as a sentence."""
    part = report.verdict.parts[name]
    told = f"On {report.what(name)} it won {part.won:,} and lost {part.lost:,} of {part.images:,}"
    p = f"p = {part.p_value:.2g}" if part.p_value >= 1e-4 else "p < 0.0001"
    if part.passed:
        end = "better by more than chance" if name == PEOPLE else "no worse than noise"
    elif name == PEOPLE:
        more = part.won > part.lost
        end = "that may be chance; more drawings would tell" if more else "that is no gain"
    else:
        end = "it has forgotten something"
    return f"{told}: {end} (McNemar’s exact test, {p})."


def rows(report: GateReport) -> list[dict[str, Any]]:
    """Return the table of before and after, a row a set."""
    return [
        {
            "Judged on": words.capitalised(report.what(name)),
            "Verdict": "passed" if part.passed else "failed",
            "Errors before": part.errors_before,
            "Errors after": part.errors_after,
            "Won": part.won,
            "Lost": part.lost,
            "Images": part.images,
            "p": round(part.p_value, 4),
        }
        for name, part in report.verdict.parts.items()
    ]
