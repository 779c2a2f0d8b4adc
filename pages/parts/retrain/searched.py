"""The newest search of hyperparameters: its plot, and its trials, the best first."""

import streamlit as st

from mnist_core import words
from mnist_core.errors import RunError
from mnist_core.runs import group, report, search
from mnist_core.runs.folder import FINISHED, Run
from mnist_core.runs.group import Group
from mnist_core.runs.report import plain
from mnist_core.views import figures_search
from mnist_core.views.answer_view import SLOT_COLOURS
from pages.parts.repeated import every


def show_search(runs: list[Run]) -> None:
    """Show the newest search, if there is one; it goes on while the page is open."""
    found = [one for one in group.groups(runs) if one.is_search]
    if not found:
        return
    st.subheader(plain(found[0].title))
    if found[0].is_settled:
        show_trials(found[0])
    else:
        watch_trials(found[0].group_id)


@every(5.0)
def watch_trials(group_id: str) -> None:
    """The trials as they come; the page anew where they have left the queue."""
    try:
        trials = group.get_group(group_id)
    except RunError:
        st.rerun()
    show_trials(trials)


def show_trials(trials: Group) -> None:
    """Draw each trial's validation accuracy, then list them."""
    reached = search.reached(trials.runs)
    changed = [report.changes_in_words(run.changes) for run in trials.runs]
    figure = figures_search.trials(
        reached, [run.state == FINISHED for run in trials.runs], changed,
        SLOT_COLOURS[report.slot_for(trials.runs[0].recipe)],
    )  # fmt: skip
    with st.container(key="search"):
        st.plotly_chart(figure, width="stretch", config={"displayModeBar": False},
                        key=f"trials-{trials.group_id}")  # fmt: skip
        best = search.ranked(trials.runs)
        st.dataframe(
            [
                {
                    "Run": report.name_of(run),
                    "Validation": words.percent(value) if value is not None else "–",
                    "State": run.state,
                    "Changes": report.changes_in_words(run.changes) or "as in the recipe",
                }
                for run, value in best
            ],
            hide_index=True,
        )
        st.caption("Validation images choose. A trial that falls behind is stopped early.")
