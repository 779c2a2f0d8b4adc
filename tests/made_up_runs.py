"""Runs as they lie in their folders, without a training."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.runs import progress, queue
from mnist_core.runs.folder import Run, settle

ROOT = Path(__file__).resolve().parent.parent
# A training that does nothing: python -c STAND_IN FOLDER SECONDS
STAND_IN = """
import sys, time
from pathlib import Path
from mnist_core.runs.progress import append_event
from mnist_core.runs.folder import holding, settle, should_stop
folder = Path(sys.argv[1])
with holding(folder):
    append_event(folder, {"type": "started", "epochs": 1000})
    print("training", flush=True)
    until = time.time() + float(sys.argv[2])
    while time.time() < until and not should_stop(folder):
        time.sleep(0.01)
    settle(folder, "stopped" if should_stop(folder) else "finished")
"""


def tell_epochs(folder: Path, count: int) -> None:
    progress.append_event(folder, {"type": "started", "epochs": 4})
    for epoch in range(1, count + 1):
        batch = {"type": "batch", "epoch": epoch, "step": 10, "steps": 10, "seconds": 5 * epoch}
        progress.append_event(folder, batch | {"loss": 1 / epoch, "accuracy": 0.8})
        examples = [{"index": 3, "label": 1, "probabilities": [0.05] * 9 + [0.55]}]
        event = {"type": "epoch", "epoch": epoch, "seconds": 5.0, "loss": 1.0, "accuracy": 0.8,
                 "val_loss": 0.5, "val_accuracy": 0.91, "confusion": [[7] * 10] * 10,
                 "examples": examples}  # fmt: skip
        progress.append_event(folder, event)


def stand_in(run: Run, seconds: float = 60) -> subprocess.Popen[bytes]:
    """Start a process that is the run, as a training would be; return it once it is."""
    command = [sys.executable, "-c", STAND_IN, str(run.folder), str(seconds)]
    log = (run.folder / "train.log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log)
    log.close()
    while queue.get_run(run.run_id).state == "waiting":
        time.sleep(0.02)
    return process


def finished_run(recipe: str = "fast", title: str = "", accuracy: float = 0.9917) -> str:
    """Make a run as it lies there when it has finished; return its id."""
    run = queue.create(recipe, {"epochs": 2}, title)
    (run.folder / "model.keras").write_bytes(b"PK\x05\x06" + bytes(18))  # an empty zip
    digest = registry.file_digest(run.folder / "model.keras")
    card = {"test_accuracy": accuracy, "tflite_of": digest, "recipe": recipe}
    registry.save_card(run.folder, card)
    write_json(run.folder / "process.json", {"started_at": time.time() - 48})
    tell_epochs(run.folder, 2)
    settle(run.folder, "finished")
    return run.run_id
