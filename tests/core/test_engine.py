"""Where a run's command is started: on this machine, by a process that may have waited ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mnist_core.runs import engine, queue, ready
from mnist_core.runs import folder as run_folder
from mnist_core.training import machine
from tests.made_up_runs import STAND_IN

# A process that waits ready without TensorFlow: python -c QUICKLY HANDLE
QUICKLY = """
import sys
from mnist_core.runs import ready
ready.load = lambda: None
ready.main(int(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def artifacts(tmp_path, monkeypatch):
    """An artifacts folder of the test's own; whatever still trains in it is ended."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("MNIST_READY", "1")
    yield tmp_path
    for run in queue.live_runs():
        queue.stop(run.run_id)
    wait_until(lambda: not queue.live_runs())


@pytest.fixture
def here(monkeypatch) -> engine.ThisMachine:
    """This machine's engine, which waits ready without TensorFlow."""
    here = engine.ThisMachine()
    popen = subprocess.Popen

    def quickly(command, **more):
        if command[1:3] == ["-m", "mnist_core.runs.ready"]:
            command = [sys.executable, "-c", QUICKLY, *command[3:]]
        return popen(command, **more)

    monkeypatch.setattr(ready.subprocess, "Popen", quickly)
    monkeypatch.setattr(engine, "_here", here)
    yield here
    if here._ready is not None:
        here._ready.close()
        here._ready.process.wait(60)


def wait_until(happened, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_the_process_that_waited_ready_becomes_the_run(here, monkeypatch, tmp_path):
    """It takes over the lock, the log and the words of the command."""
    package = tmp_path / "elsewhere" / "stand_in"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(STAND_IN.replace("argv[1]", "argv[-1]").replace(
        "float(sys.argv[2])", "30"))  # fmt: skip
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(ready, "is_training", lambda command: True)
    monkeypatch.setattr(engine, "is_training", lambda command: True)
    words = [sys.executable, "-m", "stand_in", "--run-folder"]
    monkeypatch.setattr(queue, "command", lambda run: [*words, str(run.folder)])
    queue.keep_ready()
    waiting = here._ready.process.pid
    run = queue.request("fast")
    wait_until(lambda: queue.get_run(run.run_id).pid)
    assert queue.get_run(run.run_id).pid == waiting
    assert queue.get_run(run.run_id).state == "running"
    wait_until(lambda: "training" in run_folder.log_tail(run.folder))
    queue.keep_ready()  # nothing waits ready while something trains
    assert here._ready is None
    os.kill(waiting, signal.SIGKILL)
    wait_until(lambda: queue.get_run(run.run_id).state == "lost")


def test_a_ready_process_that_died_costs_a_start_and_nothing_else(here, monkeypatch):
    stand_in = [sys.executable, "-c", STAND_IN]
    monkeypatch.setattr(queue, "command", lambda run: [*stand_in, str(run.folder), "0"])
    monkeypatch.setattr(engine, "is_training", lambda command: True)
    queue.keep_ready()
    here._ready.process.kill()
    here._ready.process.wait()
    run = queue.request("fast")
    wait_until(lambda: queue.get_run(run.run_id).state == "finished")


def test_nobody_who_looks_ends_the_wait(here, monkeypatch):
    short = QUICKLY.replace("ready.load", "ready.IDLE_S = 3; ready.load")
    monkeypatch.setattr(sys.modules[__name__], "QUICKLY", short)
    queue.keep_ready()
    process = here._ready.process
    for _ in range(40):
        time.sleep(0.1)
        queue.keep_ready()
        assert here._ready.process is process
    assert process.wait(60) == 0


def test_no_process_is_left_when_the_server_is_killed():
    """Regression, held off: kill -9 of a server runs none of its clean-up."""
    server = f"""
import subprocess, sys, time
from mnist_core.runs import engine, ready
popen = subprocess.Popen
ready.subprocess.Popen = lambda command, **more: popen(
    [sys.executable, "-c", {QUICKLY!r}, *command[3:]], **more)
engine.this_machine().keep_ready()
print(engine.this_machine()._ready.process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE) as process:
        pid = int(process.stdout.readline())
        assert psutil.pid_exists(pid)
        process.kill()
    wait_until(lambda: not psutil.pid_exists(pid))


def test_no_ready_process_where_memory_is_scarce(here, monkeypatch):
    monkeypatch.setenv("MNIST_READY", "0")
    queue.keep_ready()
    assert here._ready is None


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux only")
def test_a_training_has_the_last_claim_on_the_processor():
    asked = """
import os
from mnist_core.runs.engine import step_back
step_back()
print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE)
print(open("/proc/self/autogroup").read() if os.path.exists("/proc/self/autogroup") else "")
"""
    said = [
        subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True,
                       env=os.environ | {"MNIST_NICENESS": niceness, "PYTHONPATH": "."},
                       cwd=Path(__file__).parents[2], start_new_session=True).stdout
        for niceness in ("", "7")
    ]  # fmt: skip
    assert said[0].startswith("19 True")
    assert said[1].startswith(f"{max(7, os.nice(0))} False")
    assert not Path("/proc/self/autogroup").exists() or "nice 19" in said[0]


def test_the_cores_are_counted_where_no_affinity_is_known(monkeypatch):
    """On macOS every training failed at its end, when its card was to name the hardware."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.hardware().endswith(", 6 cores")
    assert engine.training_environment()["OMP_NUM_THREADS"] == "6"
