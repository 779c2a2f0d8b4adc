"""Runs on a Dask cluster: as many at once as its workers have threads.

`MNIST_CLUSTER=tcp://scheduler:8786` names one, `MNIST_CLUSTER=local` has one of this machine's
cores started when it is needed (see `embedded`). Dask schedules; this module asks what is there,
compares what workers train with, and starts an attendant for each run (see `attendant`).
TLS is Dask's own configuration (`distributed.comm.tls`), for `tls://` addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core.errors import RunError
from mnist_core.runs import engine, probe
from mnist_core.training.machine import cores

CONNECT_S, ANSWER_S = 5.0, 2.0
_FRESH_S, _TROUBLED_S = 2.0, 10.0  # how long what was found out is taken for true
_OLD_S = 30.0  # after which it is not even shown while the scheduler is asked again
_PROBE_S = 20.0  # a worker reads all of the code for its digest
_REQUIREMENTS = "requirements-cluster.txt"


@dataclass(frozen=True)
class Worker:
    """A worker of the cluster as its scheduler knows it."""

    address: str
    name: str
    places: int
    trouble: str = ""  # what keeps it from training for this app (see `probe.mismatch`)


@dataclass(frozen=True)
class State:
    """What a scheduler says of its cluster."""

    workers: tuple[Worker, ...]
    dashboard: str  # its address in a browser, "" where there is none
    sleeps: bool = False  # the embedded one, which the next training starts

    @property
    def places(self) -> int:
        """Return how many runs can go on at once."""
        return sum(worker.places for worker in self.workers if not worker.trouble)


class DaskCluster(engine.Engine):
    """The engine of one scheduler's cluster."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._asked_at = -1e9
        self._state: State | None = None
        self._trouble = ""
        self._probed: dict[tuple[str, str], str] = {}

    def look(self) -> State:
        """Return what is there, or was a moment ago. Raises RunError in a sentence.

        Who looks again and again, as a page does, never waits for a scheduler that is silent.
        """
        age_s = time.monotonic() - self._asked_at
        if age_s > _OLD_S:
            with self._lock:
                if time.monotonic() - self._asked_at > _OLD_S:
                    self._ask()
        elif age_s > (_TROUBLED_S if self._trouble else _FRESH_S):
            threading.Thread(target=self._ask_behind, daemon=True).start()
        state, trouble = self._state, self._trouble
        if state is None:
            raise RunError(trouble)
        return state

    def _ask(self) -> None:
        try:
            self._state, self._trouble = state_of(self.address, self._probed), ""
        except RunError as error:
            self._trouble, self._state = str(error), None
        self._asked_at = time.monotonic()

    def _ask_behind(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._lock.release()

    def places(self) -> int:
        return self.look().places

    def submit(self, command: Sequence[str], folder: Path, ended: Callable[[], None]) -> None:
        attendant = [sys.executable, "-m", "mnist_core.runs.attendant", self.address]
        words = [*attendant, str(folder.resolve()), *command[1:]]
        environment = engine.training_environment(1)
        with (
            engine.locked(folder, on_cluster=True) as handle,
            (folder / "train.log").open("ab") as log,
        ):
            process = engine.start(words, handle, log.fileno(), environment)
        engine.watch(process, ended)


def resolve(address: str) -> str:
    """Return the scheduler's address; "local" is that of the embedded cluster, started if need be.

    Raises RunError for what is no address.
    """
    if address == "local":
        from mnist_core.runs import embedded

        return embedded.address()
    if not address.startswith(("tcp://", "tls://")):
        raise RunError(
            f"{address[:60]!r} is no cluster's address; use tcp://HOST:8786, tls://HOST:8786 "
            "or local."
        )
    return address


def state_of(address: str, probed: dict[tuple[str, str], str]) -> State:
    """Return what there is at an address (see `ask`); the embedded cluster is not woken for it."""
    if address == "local":
        from mnist_core.runs import embedded

        with _installed():
            import distributed  # noqa: F401 - what it would need
        if not (known := embedded.known_address()):
            sleeping = (Worker("", str(number), 1) for number in range(cores()))
            return State(tuple(sleeping), "", sleeps=True)
        return ask(known, probed)
    return ask(resolve(address), probed)


def ask(address: str, probed: dict[tuple[str, str], str]) -> State:
    """Return what the scheduler at an address says, and what keeps workers from training.

    probed: that of workers that were asked before, by address and folder; those that joined since
    are added. Raises RunError within ten seconds, also where no worker can train for this app.
    """
    with _installed():
        from distributed.core import rpc
        from distributed.security import Security

    async def identity() -> dict[str, Any]:
        arguments = Security().get_connection_args("client")
        scheduler = rpc(address, timeout=CONNECT_S, connection_args=arguments)
        try:
            asked = scheduler.identity(n_workers=-1)
            said = await asyncio.wait_for(asked, CONNECT_S + ANSWER_S)
            if isinstance(said, dict) and said.get("type") == "Scheduler":
                await _probe_joined(scheduler, said["workers"], probed)
            return said
        finally:
            await scheduler.close_rpc()

    try:
        # In a thread of its own: the caller's may have an event loop that runs already.
        with ThreadPoolExecutor(1) as own:
            said = own.submit(asyncio.run, identity()).result()
    except (OSError, TimeoutError, ValueError, TypeError, EOFError, RuntimeError) as error:
        raise RunError(unreachable(address, error)) from None
    if not isinstance(said, dict) or said.get("type") != "Scheduler":
        raise RunError(f"What answers at {address} is no Dask scheduler; look at the address.")
    troubles = {where: trouble for (where, _), trouble in probed.items()}
    workers = (
        Worker(
            where,
            str(one.get("name", where)),
            int(one.get("nthreads", 1)),
            troubles.get(where, ""),
        )
        for where, one in said["workers"].items()
    )
    in_order = tuple(sorted(workers, key=lambda one: (len(one.name), one.name)))  # 2 before 10
    if in_order and all(one.trouble for one in in_order):
        raise RunError(_refusal(in_order[0].name, in_order[0].trouble))
    port = said.get("services", {}).get("dashboard")
    host = said["address"].split("://")[-1].rpartition(":")[0]
    return State(in_order, f"http://{host}:{port}/status" if port else "")


async def _probe_joined(
    scheduler: Any, workers: dict[str, dict[str, Any]], probed: dict[tuple[str, str], str]
) -> None:
    """Ask the workers that are new what they would train with; forget those that are gone."""
    joined = {where: (where, str(one.get("local_directory"))) for where, one in workers.items()}
    for gone in probed.keys() - set(joined.values()):
        del probed[gone]
    new = [where for where, one in joined.items() if one not in probed]
    for where, found in (await _facts(scheduler, new)).items():
        probed[joined[where]] = probe.mismatch(_own_facts(), found)


async def _facts(scheduler: Any, workers: list[str]) -> dict[str, dict[str, str | None]]:
    """Return what each worker would train with; one that is silent is left out.

    Each is asked alone: a broadcast to all ends only when the last has answered.
    """
    from distributed.protocol.pickle import dumps

    if not workers:
        return {}
    words = {"function": dumps(_portable_probe()), "args": dumps(()), "kwargs": dumps({})}
    message = {"op": "run", "wait": True, **words}

    async def ask_one(where: str) -> dict[str, Any]:
        asked = scheduler.broadcast(msg=message, workers=[where], on_error="return_pickle")
        try:
            said = (await asyncio.wait_for(asked, ANSWER_S)).get(where)
        except TimeoutError:
            return {}
        return said if isinstance(said, dict) else {}  # else what went wrong, pickled

    answers = zip(workers, await asyncio.gather(*map(ask_one, workers)), strict=True)
    return {where: said["result"] for where, said in answers if said.get("status") == "OK"}


def _refusal(worker: str, trouble: str) -> str:
    return (
        f"The worker {worker} cannot train for this app: {trouble}; install the same there "
        "(docs/cluster.md)."
    )


def unreachable(address: str, error: BaseException) -> str:
    """Return why a scheduler cannot be spoken to, and what to do, in a sentence."""
    words = " ".join(str(error).split())[:80] or type(error).__name__
    return (
        f"The cluster at {address} cannot be reached ({words}); start its scheduler, or look at "
        "the address."
    )


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect to a scheduler as a Dask client. Raises RunError where it cannot be reached."""
    with _installed():
        import dask.config
        from distributed import Client

    dask.config.set({"distributed.comm.timeouts.connect": f"{CONNECT_S} s"})
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise RunError(unreachable(address, error)) from None
    try:
        yield client
    finally:
        with contextlib.suppress(OSError, TimeoutError):
            client.close(timeout=2)


def call(
    client: Any, function: Callable[..., Any], *arguments: Any, workers: list[str] | None = None,
    seconds: float,
) -> dict[str, Any]:  # fmt: skip
    """Call a function on workers (default: all); return what those that could do it answered.

    `Client.run` itself has no time limit: a worker that just died is called for half a minute.
    """
    try:
        answers = client.sync(
            client._run, function, *arguments, workers=workers, on_error="return",
            callback_timeout=seconds,
        )  # fmt: skip
    except (OSError, TimeoutError, ValueError):
        return {}
    return {at: said for at, said in answers.items() if not isinstance(said, BaseException)}


def fitting_workers(client: Any) -> tuple[list[str], str]:
    """Return the workers that can train for this app, and why others cannot, in a sentence."""
    answers = call(client, _portable_probe(), seconds=_PROBE_S)
    fitting, refused = [], ""
    for address, found in answers.items():
        words = probe.mismatch(_own_facts(), found)
        if not words:
            fitting.append(address)
        else:
            refused = _refusal(address, words)
    return fitting, refused


@functools.cache
def _own_facts() -> dict[str, str | None]:
    return probe.probe()


def _portable_probe() -> Callable[[], dict[str, str | None]]:
    """Return the probe as something that travels whole: a worker may lack this package."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(probe)
    return probe.probe


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise RunError(
            f"A cluster needs Dask: pip install -r {_REQUIREMENTS} ({error.name} is missing)."
        ) from None
