"""What a cluster of one's own machine costs, bears and lists:

    python -m benchmarks.cluster overhead   # eight short runs: the queue of one, then two workers
    python -m benchmarks.cluster kills      # thirty short runs, a worker killed every 20 s
    python -m benchmarks.cluster listing    # the queue and the Retrain page over 10,000 run folders

A short run is `fast` on the app's sample of 5,000 digits with as many epochs as take some ten
seconds. Each figure comes from an artifacts folder of its own, which is deleted afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import results, serving
from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.runs import cluster, embedded, engine, group, limits, queue, report
from mnist_core.runs.folder import Run
from mnist_core.runs.progress import EVENTS_FILE

RECIPE = "fast"
KILL_EVERY_S = 20.0
LOOK_S = 0.25


def overhead(runs: int, epochs: int) -> dict[str, object]:
    """Time the same runs by the queue of one, and by an embedded cluster of one-thread workers."""
    os.environ.pop("MNIST_CLUSTER", None)
    alone = timed(runs, epochs)
    os.environ["MNIST_CLUSTER"] = "local"
    start = time.perf_counter()
    embedded.address()
    cluster_start_s = time.perf_counter() - start
    side_by_side = timed(runs, epochs)
    ratio = alone["total_s"] / side_by_side["total_s"]
    print(f"the cluster's own start: {cluster_start_s:.1f} s; ratio of the totals: {ratio:.2f}")
    return {
        "runs": runs,
        "epochs": epochs,
        "queue_of_one": alone,
        "cluster": side_by_side,
        "cluster_start_s": round(cluster_start_s, 1),
        "ratio": round(ratio, 2),
    }


def timed(runs: int, epochs: int) -> dict[str, float]:
    """Train a group; return its total time, and the share of it in which places did not train.

    A run trains from the moment at which its process takes the lock of who trains to its outcome;
    before that come its attendant, Dask, and the start of Python.
    """
    places = engine.chosen().places()
    start = time.time()
    group.request_seeds(RECIPE, {"epochs": epochs}, seeds=runs)
    while queue.live_runs():
        queue.go_on()
        time.sleep(LOOK_S)
    done = queue.list_runs()[:runs]
    assert all(run.has_model for run in done), [run.reason for run in done]
    total_s = max(run.ended_at or 0.0 for run in done) - start
    trained_s = [(run.ended_at or 0.0) - began(run) for run in done]
    before_s = [began(run) - (run.started_at or 0.0) for run in done]
    told = {
        "places": places,
        "total_s": round(total_s, 1),
        "a_run_s": round(statistics.median(trained_s), 1),
        "before_it_s": round(statistics.median(before_s), 1),
        "loss": round(1 - sum(trained_s) / (places * total_s), 3),
    }
    print(
        f"{runs} runs, {places} at once: {total_s:.0f} s in all; a run {told['a_run_s']} s and "
        f"{told['before_it_s']} s before it (medians); {told['loss']:.1%} of the places' time lost"
    )
    return told


def began(run: Run) -> float:
    """Return when a run's training began, in seconds since 1970."""
    return (run.folder / "training.lock").stat().st_mtime


def kills(runs: int, epochs: int) -> dict[str, object]:
    """Train while a worker is killed again and again; return how the runs ended."""
    os.environ["MNIST_CLUSTER"] = "local"
    address, chooser = embedded.address(), random.Random(1)
    start = time.time()
    asked = group.request_seeds(RECIPE, {"epochs": epochs}, seeds=runs)
    killed, next_kill = 0, time.monotonic() + KILL_EVERY_S
    while queue.live_runs():
        queue.go_on()
        if time.monotonic() > next_kill:
            next_kill += KILL_EVERY_S
            killed += kill_a_worker(address, chooser)
        time.sleep(LOOK_S)
    total_s = time.time() - start
    there = {run.run_id: run for run in queue.list_runs()}
    ended = [there[run.run_id] for run in asked.runs if run.run_id in there]
    told: dict[str, object] = {
        "runs": runs,
        "epochs": epochs,
        "total_s": round(total_s),
        "killed": killed,
        "lost_from_the_list": runs - len(ended),
        "states": dict(Counter(run.state for run in ended)),
        "reasons": sorted({run.reason for run in ended if run.reason}),
        "attempts": dict(sorted(Counter(run.attempt for run in ended).items())),
        "trained_twice_at_once": [run.run_id for run in ended if not is_one_training(run.folder)],
        "without_a_whole_model": [run.run_id for run in ended if not is_whole(run, epochs)],
    }
    print(json.dumps(told, indent=1))
    return told


def kill_a_worker(address: str, chooser: random.Random) -> int:
    """Kill one of the workers' processes, as a power cut would; return how many were."""
    with cluster.connected(address) as client:
        pids = cluster.call(client, os.getpid, seconds=5.0)
    if not pids:
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(chooser.choice(sorted(pids.values())), signal.SIGKILL)
    return 1


def is_one_training(folder: Path) -> bool:
    """Return whether a run's events are those of trainings one after the other.

    Each training counts its batches upwards from where it began; two at once would interleave.
    """
    last = (0, 0)
    for line in (folder / EVENTS_FILE).read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["type"] == "started":
            last = (0, 0)
        elif event["type"] == "batch":
            if (event["epoch"], event["step"]) <= last:
                return False
            last = (event["epoch"], event["step"])
    return True


def is_whole(run: Run, epochs: int) -> bool:
    """Return whether a run that finished learnt for all its epochs and left a model."""
    if run.state != "finished":
        return True
    card = registry.load_card(run.run_id)
    registry.keras_path(run.run_id)
    return run.has_model and card["epochs"] == epochs


def listing(folders: int) -> dict[str, object]:
    """Time what looks through all run folders, with so many that ended."""
    make_runs(folders)
    asked: dict[str, Callable[[], object]] = {
        "live_runs": queue.live_runs,
        "list_runs": queue.list_runs,
        "table": lambda: report.table(queue.list_runs()),
        "taken_bytes": limits.taken_bytes,
    }
    told: dict[str, object] = {"folders": folders}
    for name, function in asked.items():
        told[name] = times_ms(function)
        print(f"{name:<14}" + ", ".join(f"{ms:,.0f} ms" for ms in told[name]))
    told["page"] = page_ms()
    print(f"{'page':<14}" + ", ".join(f"{ms:,.0f} ms" for ms in told["page"]))
    return told


def make_runs(folders: int) -> None:
    """Write run folders as they lie there once their trainings have finished."""
    card = registry.load_card("cnn") | {"recipe": RECIPE}
    for number in range(folders):
        run = queue.create(RECIPE, {"seed": number}, f"run {number}")
        write_json(run.folder / "process.json", {"started_at": time.time(), "pid": 1})
        write_json(run.folder / "outcome.json", {
            "state": "finished", "ended_at": time.time(), "reason": "", "log_tail": "",
        })  # fmt: skip
        write_json(run.folder / registry.CARD_FILE, card)
        for name in (registry.KERAS_FILE, registry.LITERT_FILE, registry.EVALUATION_FILE,
                     EVENTS_FILE, "train.log", "process.lock", "training.lock"):  # fmt: skip
            (run.folder / name).touch()


def times_ms(function: Callable[[], object], times: int = 5) -> list[float]:
    """Return how long a function takes, the first time and the median of those after it."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append((time.perf_counter() - start) * 1000)
    return [round(taken[0], 1), round(statistics.median(taken[1:]), 1)]


def page_ms() -> list[float]:
    """Return how long the Retrain page's script takes, as `times_ms` does."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(serving.ROOT / "pages" / "retrain.py"), default_timeout=120)

    def run() -> None:
        page.run()
        assert not page.exception, page.exception

    return times_ms(run)


@contextlib.contextmanager
def own_house() -> Iterator[None]:
    """Work in an artifacts folder of one's own, on the sample; gone afterwards."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["MNIST_ARTIFACTS"] = str(serving.own_artifacts(folder))
        os.environ["MNIST_PATH"] = str(serving.few_digits(folder))
        os.environ["MNIST_READY"] = "0"  # nothing is to wait beside what is timed
        try:
            yield
        finally:
            for run in reversed(queue.live_runs()):
                queue.stop(run.run_id)
            shutil.rmtree(registry.runs_dir(), ignore_errors=True)  # ends an embedded cluster


def main(words: Sequence[str] | None = None) -> None:
    """Measure one of the three, print it and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["overhead", "kills", "listing"])
    parser.add_argument("--runs", type=int, help="default: 8, 30 or 10,000 folders")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--notes", default="", help="what else the machine was doing")
    given = parser.parse_args(words)
    with own_house():
        if given.what == "overhead":
            told = overhead(given.runs or 8, given.epochs)
        elif given.what == "kills":
            told = kills(given.runs or 30, given.epochs)
        else:
            told = listing(given.runs or 10_000)
    print(results.keep(f"cluster-{given.what}", told, given.notes))


if __name__ == "__main__":
    main()
