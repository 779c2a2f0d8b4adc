"""Runs on a Dask cluster of two one-thread workers: what the queue promises, with a stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest

from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import attendant, cluster, embedded, engine, probe, queue
from mnist_core.runs import folder as run_folder
from mnist_core.runs import worker as desk

distributed = pytest.importorskip("distributed")

# A training that counts, in events, in moments and in a checkpoint: at fifteen it waits for a file
# named GATE. python -c STAND_IN SECONDS GATE FOLDER
STAND_IN = """
import json, os, sys, time
from pathlib import Path
from mnist_core.runs.engine import end_with_worker
from mnist_core.runs.folder import RunProcess, alone, should_stop
from mnist_core.files import write_json
from mnist_core.runs.progress import append_event
seconds, gate, folder = float(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
end_with_worker()
with alone(folder), RunProcess(folder) as process:
    kept = folder / "checkpoint" / "epochs.json"
    kept.parent.mkdir(exist_ok=True)
    done = json.loads(kept.read_text()) if kept.is_file() else []
    print("begins after", len(done), flush=True)
    append_event(folder, {"type": "started", "epochs": 100, "pid": os.getpid()})
    while len(done) < seconds * 10 and not should_stop(folder):
        time.sleep(0.1)
        if len(done) == 15 and not gate.exists():
            continue
        done.append(len(done) + 1)
        if len(done) % 10 == 0:
            write_json(folder / "moments" / f"{len(done):03}.json", len(done))
            kept.write_text(json.dumps(done))
    process.stopped = should_stop(folder)
    for name in ("model.keras", "card.json"):
        (folder / name).write_text(json.dumps({"counted": len(done), "recipe": "fast"}))
"""


@pytest.fixture(scope="module")
def two_workers():
    """A scheduler and two workers with one thread each, in processes that may be killed."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as started:
        yield started


@pytest.fixture
def house(tmp_path, monkeypatch, two_workers):
    """An artifacts folder of the test's own, on the cluster, where trainings only count."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("MNIST_CLUSTER", two_workers.scheduler_address)
    monkeypatch.setattr(engine, "_clusters", {})
    yield tmp_path
    for run in reversed(queue.live_runs()):
        queue.stop(run.run_id)
    wait_until(lambda: not queue.live_runs())


# Whoever starts the next run, an attendant too, starts the stand-in.
EVERYWHERE = """
import json, os
if "STAND_IN" in os.environ:
    from mnist_core.runs import queue
    queue.command = lambda run: [*json.loads(os.environ["STAND_IN"]), str(run.folder)]
"""


@pytest.fixture(autouse=True)
def everywhere(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(EVERYWHERE)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def train_for(monkeypatch, seconds: float, gate: str = "/") -> None:
    words = [sys.executable, "-c", STAND_IN, str(seconds), gate]
    monkeypatch.setenv("STAND_IN", json.dumps(words))
    monkeypatch.setattr(queue, "command", lambda run: [*words, str(run.folder)])


def wait_until(happened, seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def in_progress(run_id: str) -> bool:
    run = queue.get_run(run_id)
    assert not run.is_settled, run.reason
    return "begins after" in run_folder.log_tail(run.folder)


def kill_workers() -> None:
    """End the workers' processes as a power cut would."""
    with distributed.Client(os.environ["MNIST_CLUSTER"], set_as_default=False) as client:
        pids = client.run(os.getpid)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_as_many_at_once_as_there_are_places_then_the_next_and_stop(house, monkeypatch):
    train_for(monkeypatch, 60)
    first, second, third = (queue.request("fast") for _ in range(3))
    states = [run.state for run in queue.live_runs()]
    assert states == ["running", "running", "waiting"]
    wait_until(lambda: in_progress(first.run_id) and in_progress(second.run_id))
    assert {run.worker for run in queue.live_runs()[:2]} == {"0", "1"}
    train_for(monkeypatch, 0.1)
    queue.stop(first.run_id)
    wait_until(lambda: queue.get_run(first.run_id).state == "stopped")
    wait_until(lambda: queue.get_run(third.run_id).state in ("running", "finished"))
    assert queue.get_run(second.run_id).state == "running"


@pytest.mark.slow
def test_the_runs_of_killed_workers_go_on_from_their_checkpoints_on_others(house, monkeypatch):
    """One in a folder that the workers see, one as on machines that share nothing.

    All workers die at once, so none of those that the runs were handed to is there any more.
    """
    train_for(monkeypatch, 2, gate=str(house / "gate"))
    shared = queue.request("fast")
    with monkeypatch.context() as elsewhere:
        monkeypatch.setattr(desk, "mark", lambda order: house / ".not-where-a-worker-looks")
        elsewhere.setattr(cluster.DaskCluster, "submit", attend_in_this_process)
        copied = queue.request("fast")
    for run in (shared, copied):
        wait_until((run.folder / "checkpoint" / "epochs.json").is_file)
        wait_until((run.folder / "moments" / "010.json").is_file)
    kill_workers()
    (house / "gate").touch()
    for run in (queue.get_run(run.run_id) for run in (shared, copied)):
        wait_until(lambda run=run: queue.get_run(run.run_id).is_settled)
        wait_until(lambda run=run: not run_folder.is_alive(run.folder))  # nor its attendant
        ended = queue.get_run(run.run_id)
        assert (ended.state, ended.attempt) == ("finished", 2), ended.reason
        assert registry.read_json_object(run.folder / "card.json")["counted"] == 20
        starts = [line for line in run_log(run) if line.startswith("begins after")]
        assert starts[0] == "begins after 0"
        assert int(starts[1].split()[-1]) > 0
        moments = sorted(path.name for path in (run.folder / "moments").iterdir())
        assert moments == ["010.json", "020.json"]
        assert not [path.name for path in run.folder.iterdir() if path.name.startswith(".")]


def run_log(run: run_folder.Run) -> list[str]:
    return (run.folder / "train.log").read_text().splitlines()


def attend_in_this_process(self, command, folder, ended) -> None:
    threading.Thread(
        target=attendant.attend, args=[self.address, folder, list(command[1:])], daemon=True
    ).start()
    wait_until(lambda: run_folder.is_alive(folder))


CLUSTER = """
import sys, time
from distributed import LocalCluster
if __name__ == "__main__":
    started = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None,
        host="127.0.0.1", protocol="tcp",
    )
    print(started.scheduler_address, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_the_death_of_the_scheduler_is_said_and_the_app_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(engine, "_clusters", {})
    train_for(monkeypatch, 60)
    (tmp_path / "one.py").write_text(CLUSTER)
    words, environment = [sys.executable, str(tmp_path / "one.py")], engine.training_environment()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as started:
        monkeypatch.setenv("MNIST_CLUSTER", started.stdout.readline().strip())
        run = queue.request("fast")
        wait_until(lambda: in_progress(run.run_id))
        started.kill()
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    wait_until(lambda: queue.get_run(run.run_id).is_settled)
    assert "scheduler is gone" in queue.get_run(run.run_id).reason
    monkeypatch.setattr(engine, "_clusters", {})
    assert "cannot be reached" in engine.trouble()
    train_for(monkeypatch, 0)
    following = queue.request("fast")
    wait_until(lambda: queue.get_run(following.run_id).state == "finished")


def test_nobody_reaches_the_embedded_cluster_from_another_machine(tmp_path, monkeypatch):
    """Regression: its dashboard, which asks for no password, listened on all interfaces."""

    def listening() -> set[tuple[str, int]]:
        sockets = psutil.Process().net_connections("tcp")
        return {one.laddr for one in sockets if one.status == psutil.CONN_LISTEN}

    class InThisProcess(distributed.LocalCluster):
        def __init__(self, **words) -> None:
            super().__init__(**words, processes=False, protocol="tcp", silence_logs=50)

        def __exit__(self, *error) -> None:
            found.extend(listening() - before)
            super().__exit__(*error)

    before, found = listening(), []
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("MNIST_THREADS", "1")  # which it sets for its workers
    monkeypatch.setattr(distributed, "LocalCluster", InThisProcess)
    monkeypatch.setattr(embedded, "IDLE_S", 0)
    registry.runs_dir().mkdir()
    embedded.serve(1)
    assert len(found) >= 2  # of the scheduler, and of its dashboard
    assert {address for address, _ in found} == {"127.0.0.1"}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "http://127.0.0.1:8786", "scheduler"])
def test_an_address_that_leads_nowhere_is_a_sentence(address, monkeypatch):
    monkeypatch.setenv("MNIST_CLUSTER", address)
    said_in_time(monkeypatch, r"cannot be reached|is no cluster's address")


def test_what_answers_is_no_scheduler(monkeypatch):
    """A port that takes connections and says nothing, as of some other service."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MNIST_CLUSTER", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        said_in_time(monkeypatch, "cannot be reached")


def test_who_asks_may_have_an_event_loop_that_runs(two_workers):
    async def ask() -> cluster.State:
        return cluster.ask(two_workers.scheduler_address, {})

    with ThreadPoolExecutor(1) as one:  # which surely has none yet
        assert one.submit(lambda: asyncio.run(ask())).result().places == 2


def said_in_time(monkeypatch, words: str) -> None:
    """Within ten seconds, of which the test takes a part."""
    assert cluster.CONNECT_S + cluster.ANSWER_S < 10
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    monkeypatch.setattr(cluster, "ANSWER_S", 0.2)
    start = time.monotonic()
    with pytest.raises(RunError, match=words):
        engine.named_cluster().look()
    assert time.monotonic() - start < 5
    with pytest.raises(RunError, match=words):  # who asks again does not wait again
        engine.named_cluster().look()
    assert time.monotonic() - start < 5


def test_a_cluster_that_cannot_be_used_is_waited_for_only_when_asked(monkeypatch):
    monkeypatch.setenv("MNIST_CLUSTER", "nowhere")
    monkeypatch.setattr(engine, "_clusters", {})
    assert engine.chosen() is engine.this_machine()
    monkeypatch.setenv("MNIST_CLUSTER_ELSE", "wait")
    assert engine.chosen() is engine.named_cluster()


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"tensorflow": None}, "it has no tensorflow"),
        ({"tensorflow": "2.20.0"}, "it has tensorflow 2.20.0 instead of "),
        ({"mnist_core": "0123456789ab"}, "it has mnist_core 0123456789ab instead of "),
        ({}, ""),
    ],
)
def test_a_worker_that_trains_with_something_else_is_refused(two_workers, monkeypatch, there, said):
    monkeypatch.setattr(cluster, "_portable_probe", lambda: lambda: there)
    monkeypatch.setattr(cluster, "_own_facts", lambda: dict.fromkeys(there, "2.21.0"))
    with cluster.connected(two_workers.scheduler_address) as client:
        fitting, refused = cluster.fitting_workers(client)
    assert said in refused
    assert len(fitting) == (0 if said else 2)


OLD_KERAS = "it has keras 3.0.0 instead of 3.15.0"


def asked(two_workers, monkeypatch, facts, wait_s: float = 60) -> tuple[cluster.State, dict]:
    """What the scheduler says to an app with Keras 3.15.0, whose workers' `facts` are these; and
    what is known of the workers then."""
    monkeypatch.setattr(cluster, "ANSWER_S", wait_s)
    monkeypatch.setattr(cluster, "_portable_probe", lambda: facts)
    monkeypatch.setattr(cluster, "_own_facts", lambda: {"keras": "3.15.0"})
    probed: dict = {}
    return cluster.ask(two_workers.scheduler_address, probed), probed


def test_a_worker_of_another_version_is_refused_when_it_joins(two_workers, monkeypatch):
    """Regression: its places counted, and it was said to take trainings, until one was begun."""

    def first_is_old(dask_worker=None) -> dict[str, str]:
        return {"keras": "3.0.0" if str(dask_worker.name) == "0" else "3.15.0"}

    state, probed = asked(two_workers, monkeypatch, first_is_old)
    assert [worker.trouble for worker in state.workers] == [OLD_KERAS, ""]
    assert state.places == 1
    monkeypatch.setattr(cluster, "_portable_probe", lambda: pytest.fail("asked again"))
    assert cluster.ask(two_workers.scheduler_address, probed) == state
    probed.update(dict.fromkeys(probed, OLD_KERAS))
    with pytest.raises(RunError, match=r"worker 0 cannot train for this app: it has keras 3\.0"):
        cluster.ask(two_workers.scheduler_address, probed)


def test_a_silent_worker_hides_no_others_verdict(two_workers, monkeypatch):
    """Regression: all that had joined with it were taken for workers that fit."""

    async def second_is_silent(dask_worker=None) -> dict[str, str]:
        await asyncio.sleep(60 if str(dask_worker.name) == "1" else 0)
        return {"keras": "3.0.0"}

    state, probed = asked(two_workers, monkeypatch, second_is_silent, wait_s=10)
    assert [worker.trouble for worker in state.workers] == [OLD_KERAS, ""]
    assert list(probed.values()) == [OLD_KERAS]  # the other is asked again


def test_workers_of_this_very_code_fit(two_workers):
    with cluster.connected(two_workers.scheduler_address) as client:
        assert cluster.fitting_workers(client)[1] == ""
    assert cluster.ask(two_workers.scheduler_address, {}).places == 2
    assert probe.mismatch(probe.probe(), probe.probe()) == ""


def test_a_result_is_taken_whole_or_not_at_all(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "card.json").write_text("{}")
    packed = desk.pack(tmp_path / "there")
    desk.unpack(packed, tmp_path / "here")
    assert (tmp_path / "here" / "card.json").read_text() == "{}"
    with pytest.raises(ValueError, match="zip"):
        desk.unpack(packed[:40], tmp_path / "half")
    assert not (tmp_path / "half").exists()
    with contextlib.suppress(RunError):
        attendant._replace(tmp_path / "here", packed[:40])
    assert (tmp_path / "here" / "card.json").read_text() == "{}"


def test_a_worker_that_comes_back_at_the_same_address_is_let_begin_again(tmp_path, monkeypatch):
    """It waited for ever, and the run was said to train."""
    place, workers = "tcp://10.0.0.7:4000", [SimpleNamespace(), SimpleNamespace()]
    client = SimpleNamespace(
        status="running",
        processing=lambda: {place: ["key"]},
        scheduler_info=lambda n_workers: {"workers": {place: {"name": "lab"}}},
    )
    for name in ("config.json", "process.json"):
        (tmp_path / name).write_text("{}")
    attendance = attendant.Attendance(client, tmp_path, [])
    attendance.future = SimpleNamespace(key="key")
    desk.mark(attendance.order).touch()

    def call(client, function, *arguments, workers, seconds):
        return {workers[0]: function(*arguments, dask_worker=current)}

    monkeypatch.setattr(cluster, "call", call)
    for current in workers:
        trains = desk._desks(current)[""] = desk.Desk(attendance.order)
        for _ in range(3):
            attendance._look()
        assert trains.begun.is_set()
    assert attendance.begun == 2
    monkeypatch.setattr(cluster, "call", lambda *_, **__: {})  # it only does not answer in time
    attendance._look()
    assert attendance.worker == place


@pytest.mark.parametrize("arrived_whole", [True, False])
def test_a_result_that_changed_on_its_way_is_refused(tmp_path, arrived_whole):
    trained, folder = tmp_path / "trained", tmp_path / "run"
    for one in (trained, folder):
        one.mkdir()
        (one / "config.json").write_text(json.dumps({"title": one.name}))
    (trained / "card.json").write_text("{}")
    sent = desk.pack(trained)
    (trained / "card.json").write_text('{"other": true}')  # a whole zip, of something else
    archive = sent if arrived_whole else desk.pack(trained)
    result = {"problem": "", "archive": archive, "digest": desk.digest(sent)}
    attendance = attendant.Attendance(SimpleNamespace(status="running"), folder, [])
    attendance.future = SimpleNamespace(status="finished", result=lambda timeout: result)
    before = {path.name for path in folder.iterdir()}
    if arrived_whole:
        attendance._take()
        assert (folder / "card.json").read_text() == "{}"
        assert run_folder.read_json(folder / "config.json") == {"title": "run"}
    else:
        with pytest.raises(RunError, match="damaged"):
            attendance._take()
        assert {path.name for path in folder.iterdir()} == before
