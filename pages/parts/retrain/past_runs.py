"""The runs that ended: a table of them, their curves compared, and what can be done with one."""

import zlib
from functools import partial

import streamlit as st

from mnist_core.errors import RunError
from mnist_core.models import registry
from mnist_core.runs import gate_report, limits, queue, report
from mnist_core.runs.folder import Run
from mnist_core.runs.report import plain
from mnist_core.views import figures_training
from mnist_core.views.take_home import take_home
from mnist_core.words import network
from pages.parts.attempt import attempt
from pages.parts.download import download
from pages.parts.link import once_from_address, put_in_address, show_own_link
from pages.parts.retrain.gate_result import overrule
from pages.parts.retrain.run_moments import from_address
from pages.parts.retrain.run_watch import show_curves

MOST_SHOWN = 1000  # each costs every rerun a little, and a browser as many rows


def show_past(past: list[Run], allowed: bool, above: Run | None) -> None:
    """List the past runs; compare those selected, or look at one and manage it.

    above: the run whose moments the page shows already.
    """
    st.subheader("Past runs")
    if not past:
        st.caption("None yet.")
        return
    propose_deletion(past, allowed)
    chosen = chosen_runs(past)
    if len(past) > MOST_SHOWN:
        st.caption(f"The newest {MOST_SHOWN:,} of {len(past):,}; the command `runs` lists all.")
    if not chosen:
        st.caption("Select one to see how it learnt, and to rename, delete, download or use it; "
                   "several to compare them.")  # fmt: skip
        return
    if len(chosen) > 1:
        curves = report.histories(chosen)
        for column, quantity in zip(st.columns(2), ("accuracy", "loss"), strict=True):
            figure = figures_training.compared_curves(quantity, curves)
            column.plotly_chart(figure, width="stretch", key=f"compared-{quantity}")
        return
    is_above = above is not None and chosen[0].run_id == above.run_id
    manage(chosen[0], allowed, is_above)
    if is_above:
        st.caption("Its curves and moments are above.")
    else:
        show_curves(chosen[0], "past")


def propose_deletion(past: list[Run], allowed: bool) -> None:
    """Where past runs take more disk than they may, offer to delete the oldest unused ones."""
    try:
        too_many = proposed(" ".join(run.run_id for run in past))
    except RunError as error:
        st.warning(str(error))
        return
    if not too_many:
        return
    titles = ", ".join(plain(run.title) for run in past if run.run_id in too_many[:5])
    more = f" and {len(too_many) - 5} more" if len(too_many) > 5 else ""
    st.warning(
        f"Past runs take more than the {limits.budget_bytes() / 1e9:g} GB that they may, so "
        f"nothing new can be trained. The oldest that nobody uses: {titles}{more}."
    )
    with st.popover("Delete these", disabled=not allowed):
        st.write("Their models, curves and logs will be gone.")
        st.button("Delete them for good", key="delete-oldest", disabled=not allowed,
                  on_click=delete_all, args=[too_many])  # fmt: skip


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def proposed(run_ids: str) -> list[str]:
    """Return the ids of the runs to delete; measuring ten thousand folders takes a while.

    run_ids: with a space between two, for Streamlit takes long to tell apart thousands of texts.
    """
    runs = [queue.get_run(run_id) for run_id in run_ids.split()]
    return [run.run_id for run in limits.proposed_for_deletion(runs)]


def delete_all(run_ids: list[str]) -> None:
    """Delete runs, as many as can be."""
    for run_id in run_ids:
        attempt(queue.delete, run_id)
    proposed.clear()


def chosen_runs(past: list[Run]) -> list[Run]:
    """Show the table of past runs; return those that are selected in it.

    What is selected are rows; where other runs take their places, the table is a new one, with
    the same runs selected.
    """
    arrived = once_from_address("runs").split() or list(from_address())
    before = st.session_state.get("chosen_runs", arrived)
    past = [*past[:MOST_SHOWN], *(run for run in past[MOST_SHOWN:] if run.run_id in before)]
    ids = [run.run_id for run in past]
    accuracy = st.column_config.NumberColumn(format="percent")
    with st.container(key="past-runs"):
        event = st.dataframe(
            report.table(past), key=f"past-runs-{zlib.crc32(' '.join(ids).encode())}",
            on_select="rerun", selection_mode="multi-row", hide_index=True,
            selection_default={"selection": {"rows": [ids.index(i) for i in before if i in ids]}},
            column_config={"Test accuracy": accuracy},
        )  # fmt: skip
    chosen = [past[row] for row in event.selection.rows if row < len(past)]
    st.session_state["chosen_runs"] = [run.run_id for run in chosen]
    put_in_address("runs", " ".join(st.session_state["chosen_runs"]) or None)
    return chosen


def manage(run: Run, allowed: bool, is_above: bool) -> None:
    """Rename, delete, download or use one past run; is_above: its result is on the page already."""
    st.text_input("Name", run.title, key=f"title-{run.run_id}", max_chars=80)
    row = st.container(horizontal=True)
    row.button("Rename", key="rename-run", disabled=not allowed, on_click=rename,
               args=[run.run_id])  # fmt: skip
    with row.popover("Delete", disabled=not allowed):
        st.write("Its model, curves and log will be gone.")
        st.button("Delete for good", key="delete-run", disabled=not allowed, on_click=attempt,
                  args=[queue.delete, run.run_id])  # fmt: skip
    with row.popover("Link", icon=":material/link:"):
        show_own_link()
    if run.has_model:
        with row:
            download("Download model and card", partial(report.archive, run),
                     f"{run.run_id}.zip", "application/zip", icon=None)  # fmt: skip
            download("Take it home", partial(take_home, run.run_id), f"{run.run_id}.html",
                     "text/html", icon=None,
                     help="One file that reads digits in any browser, without a server."
                     )  # fmt: skip
        slot = report.slot_for(run.recipe)
        answers = registry.active()[slot] == run.run_id
        judged = gate_report.load(run.folder)
        if judged is None or judged.verdict.passed:
            row.button(f"Use as {network(slot)}", key="use-past", disabled=not allowed or answers,
                       on_click=attempt, args=[registry.activate, slot, run.run_id])  # fmt: skip
        elif not answers and not is_above:
            overrule(run, judged, allowed, "use-past")


def rename(run_id: str) -> None:
    """Give a run the title that its field holds now."""
    attempt(queue.rename, run_id, st.session_state[f"title-{run_id}"])
