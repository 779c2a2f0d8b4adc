"""Train a recipe while people watch, then let it answer on the Draw page."""

import streamlit as st

from mnist_core.runs import queue, report
from mnist_core.runs.folder import RUNNING, WAITING, Run
from mnist_core.runs.report import plain
from pages.parts.attempt import attempt, show_failure
from pages.parts.first_visit import first_visit
from pages.parts.permission import may_change
from pages.parts.retrain.active_models import show_active
from pages.parts.retrain.cluster_state import show_beside, show_cluster
from pages.parts.retrain.learn_from_people import learn_from_people
from pages.parts.retrain.luck import show_seeds
from pages.parts.retrain.past_runs import show_past
from pages.parts.retrain.run_result import say_end, show_result
from pages.parts.retrain.run_watch import show_curves, show_running, watch_idle
from pages.parts.retrain.searched import show_search
from pages.parts.retrain.train_form import choose_and_train

TO_DO = "Press Train: watch a network learn, then let it read your digits."


def page() -> None:
    """The page, from top to bottom: who answers, what runs or was left, what can be trained."""
    st.title("Retrain")
    show_failure()
    active, status, form, learnt, who, below = (st.container() for _ in range(6))
    with who:
        allowed = may_change()
    live, past = queue.live_runs(), [run for run in queue.list_runs() if run.is_settled]
    st.session_state["queue_seen"] = [(run.run_id, run.state) for run in live]
    with active:
        show_active(allowed)
    last = report.ended_last(past)
    with status, st.container(key="run-status"):
        show_status(live, last, allowed)
    if allowed:
        with form:
            first_visit("retrain", "" if live else TO_DO)
    with form, st.expander("Train something else") if live else st.container():
        choose_and_train(allowed, bool(live))
    with learnt:
        learn_from_people(allowed, bool(live))
    with below:
        above = None if last is None or running(live) else last
        if above is not None:
            show_curves(above)
        show_cluster(allowed)
        show_seeds([*live, *past], allowed)
        show_search([*live, *past])
        show_past(past, allowed, above)


def running(live: list[Run]) -> bool:
    """Return whether a training is in progress."""
    return bool(live) and live[0].state == RUNNING


def show_status(live: list[Run], last: Run | None, allowed: bool) -> None:
    """Show the run in progress, or how the last one ended; then who waits."""
    if running(live):
        if last is not None and report.was_waited_for(last, live[0]):
            say_end(last)
        show_running(live[0], allowed)
        show_beside(live, allowed)
    else:
        if last is not None:
            show_result(last, allowed)
        watch_idle(allowed)
    show_queue(live, allowed)


def show_queue(live: list[Run], allowed: bool) -> None:
    """Show who waits, and a way out of the queue."""
    for place, run in enumerate((run for run in live if run.state == WAITING), start=1):
        told, leave = st.columns([4, 1], vertical_alignment="center")
        changes = report.changes_in_words(run.changes)
        changed = f" ({changes})" if changes else ""
        told.markdown(f"**{place}. in the queue:** {plain(report.name_of(run))}{changed}")
        leave.button(
            "Leave", key=f"leave-{run.run_id}", on_click=attempt, args=[queue.stop, run.run_id],
            disabled=not allowed,
        )  # fmt: skip


page()
