"""How a run ended, how it compares with the network that answers, and the button to use it."""

import streamlit as st

from mnist_core.models import registry
from mnist_core.runs import gate_report, report
from mnist_core.runs.folder import FINISHED, Run
from mnist_core.words import network
from pages.parts.attempt import attempt
from pages.parts.retrain.gate_result import show_gate
from pages.parts.retrain.luck import offer_seeds


def show_result(run: Run, allowed: bool) -> None:
    """Show how a run ended, and let it answer on the Draw page."""
    active = registry.active()
    say_end(run, report.against_active(run, active) if run.has_model else "")
    slot = report.slot_for(run.recipe)
    judged = gate_report.load(run.folder)
    if judged is not None:
        show_gate(run, judged, allowed)
        if not judged.verdict.passed or active[slot] == run.run_id:
            return
    if not run.has_model:
        return
    if active[slot] == run.run_id:
        offer_seeds(run, allowed)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use it as {network(slot)}", key="use-model", type="primary", disabled=not allowed,
            on_click=attempt, args=[registry.activate, slot, run.run_id],
        )  # fmt: skip
        st.caption("It then answers on everybody's Draw page, from the next stroke; Undo is here.",
                   width="content")  # fmt: skip
        if judged is None:
            offer_seeds(run, allowed)


def say_end(run: Run, compared: str = "") -> None:
    """Say how a run ended, and how it compares."""
    told = f"{report.end_in_words(run)} {compared}".rstrip()
    (st.success if run.has_model or run.state == FINISHED else st.error)(told)
    if run.log_tail:
        st.code(run.log_tail, language=None)
