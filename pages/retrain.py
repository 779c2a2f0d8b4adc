"""Train a recipe while people watch, then let it answer on the Draw page."""

import streamlit as st

from mnist_core.models import registry
from mnist_core.runs import queue, report
from mnist_core.runs.folder import RUNNING, WAITING, Run
from mnist_core.runs.report import plain
from mnist_core.words import capitalised, network
from pages.parts.attempt import attempt, show_failure
from pages.parts.permission import may_change
from pages.parts.retrain.past_runs import show_past
from pages.parts.retrain.run_watch import show_curves, show_running, watch_idle
from pages.parts.retrain.train_form import choose_and_train


def page() -> None:
    """The page, from top to bottom."""
    st.title("Retrain")
    show_failure()
    allowed = may_change()
    live, past = queue.live_runs(), [run for run in queue.list_runs() if run.is_settled]
    st.session_state["queue_seen"] = [(run.run_id, run.state) for run in live]
    show_active(allowed)
    chooser = st.expander("Train something else") if live else st.container()
    with chooser:
        choose_and_train(allowed, bool(live))
    last = report.ended_last(past)
    with st.container(key="run-status"):
        if live and live[0].state == RUNNING:
            if last is not None and report.was_waited_for(last, live[0]):
                say_end(last)
            show_running(live[0], allowed)
        else:
            if last is not None:
                show_settled(last, allowed)
            watch_idle(allowed)
        show_queue(live, allowed)
    show_past(past, allowed)


def show_active(allowed: bool) -> None:
    """Say which models answer on the Draw page, and offer what shipped."""
    for slot, (name, reason) in registry.active_with_reasons().items():
        if name == slot and not reason:
            continue
        told, undo = st.columns([4, 1], vertical_alignment="center")
        if reason:
            told.warning(f"{capitalised(network(slot))} that shipped answers. {reason}")
        else:
            title = plain(report.model_title(name))
            told.markdown(f"**{title}** answers as {network(slot)} on the Draw page.")
        undo.button("Undo", key=f"undo-{slot}", disabled=not allowed, on_click=attempt,
                    args=[registry.restore_shipped, slot])  # fmt: skip


def show_settled(run: Run, allowed: bool) -> None:
    """Show the run that ended last, with its curves."""
    show_result(run, allowed)
    show_curves(run)


def show_result(run: Run, allowed: bool) -> None:
    """Show how a run ended, and let it answer on the Draw page."""
    say_end(run)
    active = registry.active()
    if run.has_model:
        st.markdown(report.against_active(run, active))
        slot = report.slot_for(run.recipe)
        st.button(
            f"Use it as {network(slot)}", key="use-model", type="primary",
            disabled=not allowed or active[slot] == run.run_id, on_click=attempt,
            args=[registry.activate, slot, run.run_id],
        )  # fmt: skip


def say_end(run: Run) -> None:
    """Say how a run ended."""
    (st.success if run.has_model else st.error)(report.end_in_words(run))
    if run.log_tail:
        st.code(run.log_tail, language=None)


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
