"""What the gate said of a candidate: before and after, the drawings won and lost, overruling."""

import streamlit as st

from mnist_core import words
from mnist_core.data import people as people_data
from mnist_core.data.browse import png, sprite
from mnist_core.data.collection import collect
from mnist_core.errors import MnistError
from mnist_core.models import registry
from mnist_core.runs import gate_report
from mnist_core.runs.folder import Run
from mnist_core.runs.gate_report import Change, GateReport
from mnist_core.runs.report import model_title, plain
from mnist_core.words import network
from pages.parts.attempt import attempt
from pages.parts.people import words_for

SHOWN = 10


def show_gate(run: Run, report: GateReport, allowed: bool) -> None:
    """Show the verdict on a run that learnt from people."""
    with st.container(border=True, key="gate"):
        said = gate_report.report_in_words(report)
        (st.success if report.verdict.passed else st.warning)(said)
        left_out = (
            f"; {words.count(report.left_out, 'doubted label was', 'doubted labels were')} left out"
            if report.left_out else ""
        )  # fmt: skip
        drawings = words.count(report.drawings, "drawing")
        st.caption(
            f"Learnt from {drawings} by {words.count(report.writers, 'person', 'people')}"
            f"{left_out}. Each drawing was judged by a network that had not learnt from its "
            f"writer, and “before” is {plain(model_title(report.base))}."
        )
        st.dataframe(gate_report.rows(report), hide_index=True, key=f"gate-{run.run_id}")
        if report.won or report.lost:
            for column, kind in zip(st.columns(2), ("won", "lost"), strict=True):
                with column:
                    show_changes(kind, getattr(report, kind))
        if report.doubted_after:
            number = words.count(len(report.doubted_after), "label looks", "labels look")
            st.caption(f"{number} wrong before and after learning; the Dataset page shows them.")
        if not report.verdict.passed and registry.active()[report.slot] != run.run_id:
            overrule(run, report, allowed, "use-model")


def show_changes(kind: str, changes: list[Change]) -> None:
    """Show drawings that one network gets and the other does not."""
    st.markdown(f"**{words.count(len(changes), 'drawing')} {kind}**")
    try:
        found = people_data.listed(ids=[one.drawing_id for one in changes[:SHOWN]])
        shown = collect(found)
    except MnistError as error:
        st.caption(str(error))
        return
    if not len(shown):
        return
    st.image(png(sprite(shown.images, SHOWN)), width="stretch")
    of = {one.drawing_id: one for one in changes}
    told = [of[int(one)] for one in shown.ids]
    st.caption(
        "From the left: "
        + ", ".join(
            f"{words_for(one.label)} (read as {words_for(one.before)}, then {words_for(one.after)})"
            for one in told
        )
    )


def overrule(run: Run, report: GateReport, allowed: bool, key: str) -> None:
    """Let whoever is permitted use a refused candidate, knowingly; key: of the button."""
    failed = " and ".join(report.what(name) for name in report.verdict.failed)
    knows = st.checkbox(
        f"I know that it did not pass on {failed}, and want it all the same.",
        key=f"overrule-{run.run_id}", disabled=not allowed,
    )  # fmt: skip
    st.button(
        f"Use it as {network(report.slot)} all the same", key=key,
        disabled=not (allowed and knows), on_click=attempt,
        args=[registry.activate, report.slot, run.run_id],
    )  # fmt: skip
