"""What is borne of guests, of passwords tried, of disk, and of long computations at once."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import namedtuple

import pytest

from mnist_core.analysis.turns import Turns
from mnist_core.errors import RunError
from mnist_core.runs import group, limits, queue
from mnist_core.web.attempts import FREE_TRIES, LONGEST_WAIT_SECONDS, MOST_WRONG_IN_ALL, Attempts
from tests.made_up_runs import finished_run, stand_in


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    monkeypatch.setattr(queue, "start_next", lambda: None)
    return tmp_path


def test_a_guest_has_three_trainings_waiting_and_the_next_guest_three_more(artifacts):
    for _ in range(3):
        queue.request("fast", guest="anna")
    with pytest.raises(RunError, match="You have 3 trainings waiting"):
        queue.request("fast", guest="anna")
    assert queue.request("fast", guest="ben").requested_by == "ben"
    assert queue.request("fast").requested_by == ""  # nobody's guest
    assert len(queue.live_runs()) == 5


def test_a_training_under_way_does_not_count_as_waiting(artifacts):
    runs = [queue.request("fast", guest="anna") for _ in range(3)]
    process = stand_in(runs[0])
    assert queue.request("fast", guest="anna").state == "waiting"
    process.terminate()
    process.wait()


def test_all_guests_together_have_two_dozen(artifacts):
    """The owner's were counted among them."""
    for _ in range(3):
        queue.request("fast")
    for number in range(limits.WAITING_IN_ALL):
        queue.request("fast", guest=f"guest {number // 2}")
    with pytest.raises(RunError, match="24 trainings of guests are waiting already"):
        queue.request("fast", guest="one more")


@pytest.mark.parametrize("request_one", [queue.request, group.request_seeds])
def test_guests_who_ask_at_once_do_not_slip_in_together(artifacts, request_one):
    refused = []

    def ask() -> None:
        try:
            request_one("fast", guest="anna")
        except RunError:
            refused.append(True)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 9
    assert len({run.group or run.run_id for run in queue.live_runs()}) == 3


def test_a_guests_training_is_of_bounded_length(artifacts):
    with pytest.raises(RunError, match="1000 epochs would keep everybody else waiting"):
        queue.request("fast", {"epochs": 1000}, guest="anna")
    assert queue.list_runs() == []
    queue.request("fast", {"epochs": limits.MOST_EPOCHS}, guest="anna")
    queue.request("fast", {"epochs": 1000})


def test_a_disk_that_is_nearly_full_is_said_before_the_training(artifacts, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**10, 10**10 - 10**8, 10**8))
    with pytest.raises(RunError, match="nearly full: 100 MB left"):
        queue.request("fast")
    with pytest.raises(RunError, match="nearly full: 100 MB left"), queue.own("fast"):
        pass
    assert queue.list_runs() == []


def test_runs_have_a_budget_and_the_oldest_unused_are_proposed_not_deleted(artifacts, monkeypatch):
    ids = [finished_run(title=f"run {number}") for number in range(4)]
    for age, run_id in enumerate(reversed(ids)):
        (artifacts / "runs" / run_id / "model.keras").write_bytes(bytes(1_000_000))
        config = artifacts / "runs" / run_id / "config.json"
        config.write_text(
            config.read_text().replace('"requested_at": 1', f'"requested_at": {9 - age}e8, "x": 1')
        )
    runs = queue.list_runs()
    assert limits.proposed_for_deletion(runs) == []
    monkeypatch.setenv("MNIST_RUNS_GB", "0.003")
    monkeypatch.setattr(limits, "active", lambda: {"dense": "dense", "cnn": ids[0]})
    with pytest.raises(RunError, match=r"take 0\.0 GB of the 0\.0 GB"):
        queue.request("fast")
    proposed = limits.proposed_for_deletion(runs)
    assert [run.run_id for run in proposed] == ids[1:4]
    assert len(queue.list_runs()) == 4


@pytest.mark.parametrize("value", ["much", "-1", "0", "nan", "inf"])
def test_a_budget_that_is_none_is_said(artifacts, monkeypatch, value):
    monkeypatch.setenv("MNIST_RUNS_GB", value)
    with pytest.raises(RunError, match="should be gigabytes"):
        limits.budget_bytes()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_wrong_password_waits_longer_and_the_right_one_waits_too():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FREE_TRIES):
        assert attempts.check("anna", "wrong", "right") == (False, 0.0)
    waits = []
    for _ in range(6):
        refused, wait = attempts.check("anna", "right", "right")
        assert not refused
        waits.append(wait)
        clock.now += wait
        assert attempts.check("anna", "wrong", "right") == (False, 0.0)
    assert waits == [1, 2, 4, 8, 16, 32]
    assert attempts.check("ben", "right", "right") == (True, 0.0)  # another client
    clock.now += 300
    assert attempts.check("anna", "right", "right") == (True, 0.0)
    assert attempts.check("anna", "wrong", "right") == (False, 0.0)  # begins anew


def test_a_thousand_wrong_passwords_wait_as_long_as_a_dozen():
    """After 1,027 of them the wait was too large a number, and the page showed an error."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(1100):
        assert attempts.check("anna", "wrong", "right") == (False, 0.0)
        clock.now += LONGEST_WAIT_SECONDS
    clock.now -= 1
    assert attempts.check("anna", "right", "right") == (False, 1.0)


def test_many_clients_together_are_not_faster():
    clock = Clock()
    attempts = Attempts(clock)
    for number in range(MOST_WRONG_IN_ALL):
        assert attempts.check(f"client {number}", "wrong", "right") == (False, 0.0)
        clock.now += 1
    right, wait = attempts.check("yet another", "right", "right")
    assert not right
    assert wait == pytest.approx(600 - MOST_WRONG_IN_ALL)
    clock.now += wait + 1
    assert attempts.check("yet another", "right", "right")[0]


def test_turns_come_in_the_order_of_arrival_and_an_error_gives_ones_turn_away():
    turns = Turns(at_once=1)
    order, places = [], []
    arrived, all_are_here = threading.Semaphore(0), threading.Event()

    def compute(name: int) -> None:
        with contextlib.suppress(SystemExit), turns.ticket() as number:
            places.append(turns.ahead(number))
            arrived.release()
            while turns.wait(number, 5.0):
                pass
            order.append(name)
            all_are_here.wait(10)
            if name == 1:
                raise SystemExit  # as a page's script ends when its visitor leaves

    threads = [threading.Thread(target=compute, args=[name]) for name in range(5)]
    for thread in threads:
        thread.start()
        assert arrived.acquire(timeout=10)
    all_are_here.set()
    for thread in threads:
        thread.join(timeout=10)
    assert order == places == [0, 1, 2, 3, 4]


def test_nobody_waits_where_nobody_computes():
    turns = Turns(at_once=1)
    with turns.ticket() as number:
        began = time.monotonic()
        assert turns.wait(number, 60.0) == 0
        assert time.monotonic() - began < 30


def test_a_place_gained_is_told_before_the_turn_comes():
    turns = Turns(at_once=1)
    told = []
    with contextlib.ExitStack() as line:
        others = [line.enter_context(contextlib.ExitStack()) for _ in range(40)]
        for one in others:
            one.enter_context(turns.ticket())
        number = line.enter_context(turns.ticket())
        thread = threading.Thread(target=lambda: told.append(turns.wait(number, 60.0)))
        thread.start()
        for one in others:
            thread.join(timeout=0.05)
            if not thread.is_alive():
                break
            one.close()
        thread.join(timeout=10)
    assert 0 < told[0] < 40


def test_a_line_that_is_too_long_takes_nobody_more():
    turns = Turns(at_once=1, most_waiting=1)
    with turns.ticket() as first, turns.ticket() as second, turns.ticket() as third:
        assert (turns.ahead(first), turns.ahead(second), third) == (0, 1, None)
    with turns.ticket() as again:
        assert turns.ahead(again) == 0
