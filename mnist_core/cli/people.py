"""learn, export people, import people: the networks and the drawings of those before them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any, TextIO

from mnist_core import words
from mnist_core.cli.quiet import quiet
from mnist_core.data import collection, people
from mnist_core.errors import DatasetError
from mnist_core.files import replacing
from mnist_core.models import registry
from mnist_core.runs import gate_report, learning, queue
from mnist_core.runs.folder import RunProcess, should_stop

MOST_FILE_BYTES = 400_000_000


def learn(arguments: Namespace) -> int:
    """Let one network or both learn from people; say what the gate made of it.

    Exit code 1 where a candidate was refused, or where it was stopped, which ends it for both.
    """
    slots = registry.SLOTS if arguments.network == "both" else (arguments.network,)
    verdicts = []
    for slot in slots:
        passed = _learn(slot, arguments)
        if passed is None:
            return 1
        verdicts.append(passed)
    return 0 if all(verdicts) else 1


def _learn(slot: str, arguments: Namespace) -> bool | None:
    """Return whether the candidate passed; None where it was stopped."""
    asked = learning.asked(slot)
    own = queue.own(asked.recipe, asked.changes, asked.title, asked.more)
    with own as run, RunProcess(run.folder) as process:
        with quiet(run.folder / "train.log", verbose=arguments.verbose) as shown:
            take_over = not arguments.keep
            process.stopped = learn_in(
                run.folder, slot, asked.changes["from"], {}, shown, take_over
            )
        report = gate_report.load(run.folder)
        if report is None:
            print("Stopped; nothing was changed.")
            return None
        for name in report.verdict.parts:
            print(gate_report.part_in_words(report, name))
        print(f"{run.run_id}: {gate_report.report_in_words(report)}")
        return report.verdict.passed


def learn_in(
    folder: Path,
    slot: str,
    base: str,
    changes: dict[str, Any],
    shown: TextIO,
    take_over: bool = True,
) -> bool:
    """Learn in a run's folder, showing how it goes; return whether it was stopped."""
    from mnist_core.cli.terminal import STOPPING_LESSON, StopRequest, TrainingDisplay

    with (
        StopRequest(shown, STOPPING_LESSON) as stop,
        TrainingDisplay(folder, shown, "lesson") as display,
    ):
        return learning.learn_into(
            folder,
            slot,
            base,
            changes=changes,
            on_event=display.show,
            should_stop=lambda: stop.requested or should_stop(folder),
            take_over=take_over,
        )


def export(output: Path) -> int:
    """Write people's drawings into a file that `import people` reads, or as CSV of strokes."""
    drawings = people.listed()
    is_csv = output.suffix.lower() == ".csv"
    content = collection.as_csv(drawings) if is_csv else collection.as_npz(drawings)
    with replacing(output) as temporary:
        temporary.write_bytes(content)
    print(f"{words.count(len(drawings), 'drawing')} in {output}.")
    return 0


def take_in(arguments: Namespace) -> int:
    """Read an exported file into the database; what is there already stays as it is."""
    try:
        if arguments.file.stat().st_size > MOST_FILE_BYTES:
            raise DatasetError(f"{arguments.file} is larger than any file of people's drawings.")
        content = arguments.file.read_bytes()
    except OSError as error:
        raise DatasetError(f"{arguments.file} cannot be read ({error.strerror}).") from None
    found = collection.from_npz(content)
    new = people.add_all(found)
    print(f"{words.count(new, 'drawing')} of {len(found):,} new in the database.")
    return 0
