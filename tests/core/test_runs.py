"""Runs as processes and folders: with a stand-in for the training, then with real ones."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_core import words
from mnist_core.errors import ModelError, RunError
from mnist_core.files import write_json
from mnist_core.models import registry
from mnist_core.runs import engine, progress, queue, report
from mnist_core.runs import folder as run_folder
from tests.made_up_runs import STAND_IN, finished_run, tell_epochs


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    """An artifacts folder of the test's own; whatever still trains in it is ended."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    yield tmp_path
    for run in reversed(queue.live_runs()):  # first who waits, or the next would begin
        queue.stop(run.run_id)
    wait_until(lambda: not queue.live_runs())


@pytest.fixture
def train_for(monkeypatch):
    """Let every run be a process that does nothing for the given time."""

    def set_seconds(seconds: float) -> None:
        monkeypatch.setattr(
            queue,
            "command",
            lambda run: [sys.executable, "-c", STAND_IN, str(run.folder), str(seconds)],
        )

    return set_seconds


def wait_until(happened, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def wait_for_state(run_id: str, state: str) -> run_folder.Run:
    wait_until(lambda: queue.get_run(run_id).state == state)
    return queue.get_run(run_id)


def wait_for_pid(run_id: str) -> int:
    wait_until(lambda: queue.get_run(run_id).pid)
    return int(queue.get_run(run_id).pid or 0)


def test_a_run_starts_at_once_and_finishes(train_for):
    train_for(0.1)
    run = queue.request("fast", {"epochs": 2}, title="First try")
    assert run.state == "running"
    assert run.title == "First try"
    assert run.changes == {"epochs": 2}
    run = wait_for_state(run.run_id, "finished")
    assert 0 < run.seconds < 60
    assert queue.live_runs() == []
    assert "training" in run_folder.log_tail(run.folder)


def test_one_at_a_time_in_the_order_of_the_requests(train_for):
    train_for(30)
    first, second, third = (queue.request("fast") for _ in range(3))
    assert [run.run_id for run in queue.live_runs()] == [first.run_id, second.run_id, third.run_id]
    assert [run.state for run in queue.live_runs()] == ["running", "waiting", "waiting"]
    queue.stop(second.run_id)  # its owner leaves the queue
    with pytest.raises(RunError, match="no run"):
        queue.get_run(second.run_id)
    queue.stop(first.run_id)
    assert wait_for_state(first.run_id, "stopped").reason == ""
    wait_for_state(third.run_id, "running")  # nobody had to look


def test_beside_a_cluster_this_machine_trains_one_at_a_time(train_for, monkeypatch):
    """Regression: each lesson that waited took a place of the cluster's, and all began here.

    And another: what trained here took a place of the cluster's, and a full cluster this machine's.
    """

    class Cluster(engine.ThisMachine):
        def places(self) -> int:
            return 1

        def submit(self, command, folder, ended) -> None:
            with engine.locked(folder, on_cluster=True) as handle:
                process = engine.start(command, handle, subprocess.DEVNULL, dict(os.environ))
            engine.watch(process, ended)

    train_for(30)
    here = queue.request("fast")  # while there was no cluster
    monkeypatch.setattr(engine, "chosen", Cluster)
    first, second = (queue.request("fast", {"from": "dense"}) for _ in range(2))
    elsewhere, further = (queue.request("fast") for _ in range(2))
    states = {run.run_id: run.state for run in queue.live_runs()}
    assert [states[run.run_id] for run in (here, first, second, elsewhere, further)] == [
        "running", "waiting", "waiting", "running", "waiting",
    ]  # fmt: skip
    queue.stop(here.run_id)
    wait_for_state(first.run_id, "running")
    assert [run.run_id for run in queue.live_runs()[2:]] == [second.run_id, further.run_id]
    assert [run.on_cluster for run in queue.live_runs()[:2]] == [False, True]


def test_a_clock_that_is_set_back_stops_nothing(train_for, monkeypatch):
    train_for(0.5)
    first = queue.request("fast")
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() - 3600)
    second = queue.request("fast")
    assert queue.get_run(first.run_id).seconds == 0
    assert wait_for_state(first.run_id, "finished").seconds < 60
    assert wait_for_state(second.run_id, "finished").seconds >= 0


def test_many_requests_at_once_start_one_process(train_for, artifacts):
    train_for(30)
    requesting = (
        "import sys; from mnist_core.runs import queue; queue.create('fast'); queue.start_next()"
    )
    stand_in = f"""
from mnist_core.runs import queue
queue.command = lambda run: [{sys.executable!r}, "-c", {STAND_IN!r}, str(run.folder), "30"]
"""
    servers = [subprocess.Popen([sys.executable, "-c", stand_in + requesting]) for _ in range(4)]
    assert [server.wait() for server in servers] == [0] * 4
    states = [run.state for run in queue.live_runs()]
    assert states == ["running", "waiting", "waiting", "waiting"]
    for run in reversed(queue.live_runs()):
        queue.stop(run.run_id)


def test_a_run_in_the_making_is_not_swept_away(monkeypatch):
    """Regression: a sweep took the folder of a run that was being made for one cut off."""
    other = queue.create("fast")
    write_json = queue.write_json
    sweeping = threading.Thread(target=queue.delete, args=[other.run_id])

    def while_another_sweeps(file, content):
        write_json(file, content)
        sweeping.start()
        sweeping.join(0.3)

    monkeypatch.setattr(queue, "write_json", while_another_sweeps)
    run = queue.create("fast")
    sweeping.join()
    assert queue.list_runs() == [run]


def test_a_run_that_begins_while_it_is_stopped_leaves_the_queue(train_for, monkeypatch):
    """Regression: it began between the look and the deletion, which failed, and trained on."""
    train_for(30)
    run = queue.create("fast")
    get_run = queue.get_run
    starting = threading.Thread(target=queue.start_next)

    def while_another_starts_it(run_id):
        seen = get_run(run_id)
        monkeypatch.setattr(queue, "get_run", get_run)
        starting.start()
        starting.join(0.3)
        return seen

    monkeypatch.setattr(queue, "get_run", while_another_starts_it)
    queue.stop(run.run_id)
    starting.join()
    assert queue.list_runs() == []


def test_who_looks_as_a_run_begins_keeps_it_from_no_lock(tmp_path):
    """Regression: a look in that instant left the run without its lock, and so lost."""
    with (tmp_path / "process.lock").open("wb") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        looking = threading.Timer(0.3, looked_at.close)
        looking.start()
        with run_folder.holding(tmp_path):
            looking.join()
            assert run_folder.is_alive(tmp_path)
        assert not run_folder.is_alive(tmp_path)


def test_a_run_survives_the_server_that_started_it(train_for):
    """The process has a session of its own, and a lock that is not the server's."""
    server = f"""
from mnist_core.runs import queue
queue.command = lambda run: [{sys.executable!r}, "-c", {STAND_IN!r}, str(run.folder), "30"]
print(queue.request("fast").run_id, flush=True)
import time; time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", server], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        run_id = process.stdout.readline().decode().strip()
        os.killpg(process.pid, signal.SIGKILL)
    wait_for_pid(run_id)
    assert queue.get_run(run_id).state == "running"
    queue.stop(run_id)
    wait_for_state(run_id, "stopped")


def test_a_killed_process_is_found_out_at_the_next_look(train_for):
    train_for(30)
    run = queue.request("fast")
    waiting = queue.request("fast")
    pid = wait_for_pid(run.run_id)
    wait_until(lambda: "training" in run_folder.log_tail(run.folder))
    os.kill(pid, signal.SIGKILL)
    run = wait_for_state(run.run_id, "lost")
    assert "killed" in run.reason
    assert "training" in run.log_tail
    assert run.ended_at >= run.started_at
    wait_for_state(waiting.run_id, "running")


def test_the_pid_of_another_process_is_not_taken_for_the_run(artifacts):
    """Regression: after a restart of the machine the same pid belongs to something else."""
    run = queue.create("fast")
    write_json(run.folder / "process.json", {"started_at": time.time(), "pid": os.getpid()})
    (run.folder / "process.lock").touch()
    assert queue.get_run(run.run_id).state == "lost"
    assert json.loads((run.folder / "outcome.json").read_text())["state"] == "lost"


def test_killed_between_the_card_and_its_last_word_is_finished():
    run = queue.create("fast")
    write_json(run.folder / "process.json", {"started_at": time.time()})
    for name in (registry.KERAS_FILE, registry.CARD_FILE):
        (run.folder / name).touch()
    assert queue.get_run(run.run_id).state == "finished"


def test_a_command_that_cannot_be_started_fails_in_a_sentence(monkeypatch):
    monkeypatch.setattr(queue, "command", lambda run: ["/no/such/program"])
    run = queue.request("fast")
    assert run.state == "failed"
    assert "could not be started" in run.reason


def test_a_deleted_folder_ends_its_training(train_for):
    train_for(30)
    run = queue.request("fast")
    pid = wait_for_pid(run.run_id)
    run.folder.rename(run.folder.with_name(".gone"))
    assert queue.list_runs() == []
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert not run.folder.exists()


def test_rename_and_delete(train_for):
    train_for(0)
    run = wait_for_state(queue.request("fast").run_id, "finished")
    queue.rename(run.run_id, "  The one\nfor the fair ")
    assert queue.get_run(run.run_id).title == "The one for the fair"
    with pytest.raises(RunError, match="at least one character"):
        queue.rename(run.run_id, "  ")
    queue.delete(run.run_id)
    assert queue.list_runs() == []
    with pytest.raises(RunError, match="no run"):
        queue.delete(run.run_id)


def test_what_a_kill_left_half_made_or_half_deleted_goes_with_the_next_deletion(artifacts):
    """Regression: it counted towards the disk's budget, and nothing listed or removed it."""
    run = queue.create("fast")
    left = [artifacts / "runs" / name for name in (".deleted-x-1", ".new-x-2")]
    for folder in left:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    queue.delete(run.run_id)
    assert not any(folder.exists() for folder in left)


def test_runs_of_one_title_and_minute_are_told_apart(monkeypatch):
    noon = SimpleNamespace(time=lambda: 1_764_000_000.0, strftime=time.strftime, gmtime=time.gmtime)
    monkeypatch.setattr(queue, "time", noon)
    runs = [queue.create("fast", title=title) for title in ("same", "other", "same", "same")]
    assert [run.title for run in runs] == ["same", "other", "same (2)", "same (3)"]
    queue.rename(runs[1].run_id, "same")
    queue.rename(runs[2].run_id, "same (2)")
    assert [queue.get_run(run.run_id).title for run in runs[1:3]] == ["same (4)", "same (2)"]
    noon.time = lambda: 1_764_000_060.0
    assert queue.create("fast", title="same").title == "same"


def test_who_asks_or_renames_at_the_same_moment_gets_a_title_of_their_own(monkeypatch):
    """Regression: only guests' runs and groups were made one after the other."""
    noon = SimpleNamespace(time=lambda: 1_764_000_000.0, strftime=time.strftime, gmtime=time.gmtime)
    monkeypatch.setattr(queue, "time", noon)
    monkeypatch.setattr(queue, "go_on", lambda: None)
    first, told_apart = queue.create("fast"), words.told_apart
    started = threading.Barrier(3)

    def slowly(title: str, taken: set[str]) -> str:
        found = told_apart(title, taken)
        time.sleep(0.3)
        return found

    def at_once(do, *arguments) -> None:
        started.wait()
        do(*arguments)

    monkeypatch.setattr(words, "told_apart", slowly)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(at_once, queue.request, "fast", {}, "same") for _ in range(2)]
        asked.append(pool.submit(at_once, queue.rename, first.run_id, "same"))
        for one in asked:
            one.result()
    assert {run.title for run in queue.list_runs()} == {"same", "same (2)", "same (3)"}


def test_a_running_run_is_not_deleted(train_for):
    train_for(30)
    run = queue.request("fast")
    with pytest.raises(RunError, match="stop it before"):
        queue.delete(run.run_id)
    assert queue.get_run(run.run_id).state == "running"


@pytest.mark.parametrize("name", ["../dense", "", ".hidden", "a/b", "a..b", "x" * 101])
def test_names_do_not_reach_outside_the_folder(name):
    with pytest.raises(RunError, match="no run's name"):
        queue.delete(name)


def test_a_full_disk_starts_nothing_and_leaves_nothing(monkeypatch, artifacts):
    def full(path, content):
        raise ModelError("config.json could not be saved (No space left on device).")

    monkeypatch.setattr(queue, "write_json", full)
    with pytest.raises(RunError, match="No space left"):
        queue.request("fast")
    assert [left.name for left in (artifacts / "runs").iterdir()] == [".queue.lock"]


def test_a_full_disk_stops_a_training_in_a_sentence(tmp_path):
    (tmp_path / progress.EVENTS_FILE).symlink_to("/dev/full")
    with pytest.raises(RunError, match="No space left on device"):
        progress.append_event(tmp_path, {"type": "started"})


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"changes": 3}'])
def test_a_damaged_config_is_said_and_can_be_deleted(content):
    run = queue.create("fast")
    (run.folder / "config.json").write_text(content)
    (found,) = queue.list_runs()
    assert found.state == "lost"
    assert "damaged" in found.reason
    assert queue.start_next() is None
    queue.delete(run.run_id)
    assert queue.list_runs() == []


def test_what_ended_is_read_once_until_one_of_its_files_changes(monkeypatch):
    run = queue.get_run(finished_run(title="before"))
    assert report.test_accuracy(run.run_id) == 0.9917
    with monkeypatch.context() as unread:
        unread.setattr(run_folder, "read_json_object", None)
        unread.setattr(registry, "read_json_object", None)
        assert queue.list_runs() == [run]
        assert report.test_accuracy(run.run_id) == 0.9917
    queue.rename(run.run_id, "after")
    registry.save_card(run.folder, {"test_accuracy": 0.5})
    assert queue.get_run(run.run_id).title == "after"
    assert report.test_accuracy(run.run_id) == 0.5
    (run.folder / "config.json").write_text("{")
    assert queue.get_run(run.run_id).reason == "Its file config.json is damaged."
    queue.delete(run.run_id)
    assert queue.list_runs() == []
    assert report.test_accuracy(run.run_id) is None


def test_the_command_line_carries_every_change():
    run = queue.create("cnn-3x3", {"learning_rate": 0.01, "patience": None, "epochs": 3})
    line = queue.command(run)
    assert line[1:5] == ["-m", "mnist_core", "train", "cnn-3x3"]
    assert line[5:-2] == ["--learning-rate", "0.01", "--patience", "none", "--epochs", "3"]
    assert line[-2:] == ["--run-folder", str(run.folder)]


def test_damaged_lines_are_skipped_and_counted(tmp_path):
    lines = [
        {"type": "started", "epochs": 2},
        {"type": "batch", "epoch": 1, "step": 5, "steps": 10, "seconds": 1.0, "loss": 2.0,
         "accuracy": 0.5},
    ]  # fmt: skip
    file = tmp_path / progress.EVENTS_FILE
    text = "\n".join(map(json.dumps, lines))
    file.write_bytes(b'\xff\xfe\n{"type": "batch", "epoch": "x"}\n[]\n' + text.encode() + b'\n{"ty')
    seen = progress.Progress(tmp_path)
    assert seen.update()
    assert seen.damaged_lines == 3
    assert seen.fraction == pytest.approx(0.25)
    assert seen.seconds_left == pytest.approx(3.0)
    assert not seen.update()
    with file.open("ab") as appended:
        appended.write(b'pe": "finished", "seconds": 1}\n')
    assert seen.update()
    assert (seen.damaged_lines, seen.fraction) == (3, 1.0)


def test_an_epoch_that_comes_again_after_a_cut_stands_once(tmp_path):
    """Regression: its curves went back, and it counted twice towards the end."""
    tell_epochs(tmp_path, 3)
    tell_epochs(tmp_path, 2)
    seen = progress.Progress(tmp_path)
    seen.update()
    assert [epoch["epoch"] for epoch in seen.epochs] == [1, 2]
    assert seen.fraction == 0.5


def test_batch_curves_stay_short_however_long_the_run(tmp_path):
    seen = progress.Progress(tmp_path)
    for step in range(1, 10001):
        event = {"type": "batch", "epoch": 1, "step": step, "steps": 10000, "seconds": 1.0}
        seen._take(json.dumps(event | {"loss": 1 / step, "accuracy": 0.5}).encode())
    assert 150 <= len(seen.batches["epoch"]) <= progress.MAX_POINTS
    assert seen.batches["epoch"] == sorted(seen.batches["epoch"])
    assert seen.batches["epoch"][-1] > 0.99
