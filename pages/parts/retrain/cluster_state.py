"""The cluster that trains: its workers and what each does; the runs beside the one shown."""

import os
from urllib.parse import urlsplit

import streamlit as st

from mnist_core import words
from mnist_core.errors import RunError
from mnist_core.runs import engine, queue, report
from mnist_core.runs.cluster import DaskCluster, State
from mnist_core.runs.folder import RUNNING, Run
from mnist_core.runs.progress import Progress
from mnist_core.runs.report import plain
from pages.parts.attempt import attempt
from pages.parts.repeated import every


def show_cluster(allowed: bool) -> None:
    """Say which workers there are and what they do; nothing where trainings run here."""
    cluster = engine.named_cluster()
    if cluster is not None:
        with st.container(key="cluster"):
            watch_cluster(cluster, allowed)


@every(3.0)
def watch_cluster(cluster: DaskCluster, allowed: bool) -> None:
    """The workers, each with what it trains now."""
    try:
        state = cluster.look()
    except RunError as error:
        waits = os.environ.get("MNIST_CLUSTER_ELSE") == "wait"
        meanwhile = "Trainings wait for it." if waits else "Meanwhile trainings run here."
        st.warning(f"{plain(str(error))} {meanwhile}")
        return
    if not state.workers:
        st.warning("The cluster has no worker yet; trainings wait for one.")
        return
    at_once = f"**{state.places} at once**" if state.places > 1 else "**one at a time**"
    told = f"Trainings run on a cluster, {at_once}."
    if state.sleeps:
        st.markdown(f"{told} It starts with the next training.")
        return
    line = st.container(horizontal=True, vertical_alignment="center")
    line.markdown(told)
    if allowed and in_the_open(cluster.address):
        st.caption("Nothing is encrypted on the way there, and whoever reaches its scheduler can "
                   "run code on its workers: use tls:// (docs/cluster.md).")  # fmt: skip
    if allowed and leads_there(state.dashboard, str(st.context.url or "")):
        line.link_button("Dask's dashboard", state.dashboard, icon=":material/open_in_new:")
    st.dataframe(rows(state, queue.live_runs()), hide_index=True, key="cluster-workers")


def in_the_open(address: str) -> bool:
    """Return whether what is said to a scheduler leaves this machine without TLS."""
    return address.startswith("tcp://") and not is_loopback(address)


def leads_there(dashboard: str, page: str) -> bool:
    """Return whether a browser that has this page at its address reaches a dashboard's.

    A dashboard at 127.0.0.1 is one of the app's machine, which only a browser there can open.
    """
    return bool(dashboard) and (not is_loopback(dashboard) or is_loopback(page))


def is_loopback(address: str) -> bool:
    """Return whether an address names the very machine that asks for it."""
    return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")


def rows(state: State, live: list[Run]) -> list[dict[str, str | int]]:
    """Return one row per worker: how many runs it takes, and which it has."""
    busy: dict[str, list[str]] = {}
    for run in live:
        if run.state == RUNNING:
            busy.setdefault(run.worker, []).append(report.name_of(run))
    return [
        {
            "Worker": worker.name,
            "Takes": f"none: {worker.trouble}"
            if worker.trouble
            else words.count(worker.places, "training"),
            "Trains": ", ".join(busy.get(worker.name, [])) or "nothing",
        }
        for worker in state.workers
    ]


def show_beside(live: list[Run], allowed: bool) -> None:
    """Show the runs in progress beside the first, which has the curves."""
    beside = [run for run in live if run.state == RUNNING][1:]
    if beside:
        watch_beside(beside, allowed)


@every(2.0)
def watch_beside(runs: list[Run], allowed: bool) -> None:
    """A bar for each of them, with a way to stop it."""
    for run in runs:
        progress = Progress(run.folder)
        progress.update()
        bar, stop = st.columns([4, 1], vertical_alignment="center")
        bar.progress(progress.fraction,
                     f"{plain(report.name_of(run))}: {report.stage_in_words(run, progress)}"
                     )  # fmt: skip
        stop.button("Stop", key=f"stop-{run.run_id}", disabled=not allowed or run.stop_requested,
                    on_click=attempt, args=[queue.stop, run.run_id])  # fmt: skip
