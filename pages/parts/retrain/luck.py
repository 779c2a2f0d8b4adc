"""Was that luck? The same recipe with several seeds, as one entry of the queue."""

import streamlit as st

from mnist_core.errors import RunError
from mnist_core.runs import group, report
from mnist_core.runs.folder import Run
from mnist_core.runs.group import Group
from mnist_core.runs.progress import Progress
from mnist_core.runs.report import plain
from mnist_core.training.recipes import RECIPES
from mnist_core.views import figures_training, luck_view
from mnist_core.views.answer_view import SLOT_COLOURS
from mnist_core.words import count
from pages.parts.attempt import attempt
from pages.parts.permission import guest
from pages.parts.repeated import every
from pages.parts.retrain.run_moments import own_digits

SEEDS = 10


def offer_seeds(run: Run, allowed: bool) -> None:
    """Offer to train a finished run's recipe with other seeds.

    Not where it began at a model's weights: that one's seed chose what validates.
    """
    if run.recipe not in RECIPES or run.group or "from" in run.changes:
        return
    with st.popover("Was that luck?", icon=":material/casino:"):
        st.write(
            "A network begins with random weights, and its images come in a random order. "
            "Trained with several seeds, the recipe shows how much of a result is chance."
        )
        seeds = st.slider("Seeds", 3, SEEDS, SEEDS, key="seeds")
        # Only noted, and acted on here: Streamlit may hear a press twice.
        st.button(f"Train {seeds} seeds", key="train-seeds", type="primary", disabled=not allowed,
                  on_click=st.session_state.update,
                  kwargs={"asked_for_seeds": run.run_id})  # fmt: skip
    if st.session_state.pop("asked_for_seeds", "") == run.run_id and allowed:
        ask(run, seeds)
        st.rerun()


def ask(run: Run, seeds: int) -> None:
    """Put the seeds into the queue."""
    changes = {name: value for name, value in run.changes.items() if name != "seed"}

    def request() -> None:
        title = f"{seeds} seeds of {run.title}"
        group.request_seeds(run.recipe, changes, seeds=seeds, title=title, guest=guest(),
                            more=own_digits())  # fmt: skip

    attempt(request)


def show_seeds(runs: list[Run], allowed: bool) -> None:
    """Show the newest group of seeds: its swarm of curves, its spread, and a comparison."""
    found = group.by_name(one for one in group.groups(runs) if not one.is_search)
    if not found:
        return
    name, newest = next(iter(found.items()))
    st.subheader(plain(name))
    if newest.is_settled:
        show_swarm(newest)
        compare(name, found)
        return
    watch_swarm(newest.group_id)
    st.button("Stop them all", key="stop-seeds", disabled=not allowed, on_click=attempt,
              args=[group.stop_group, newest.group_id])  # fmt: skip


@every(3.0)
def watch_swarm(group_id: str) -> None:
    """The swarm as its curves come; the page anew where its seeds have left the queue."""
    try:
        seeds = group.get_group(group_id)
    except RunError:
        st.rerun()
    show_swarm(seeds)


def show_swarm(seeds: Group) -> None:
    """Show a line for each seed, and mean and spread."""
    done = len(seeds.settled)
    if done < len(seeds.runs):
        st.progress(done / len(seeds.runs), f"{done} of {count(len(seeds.runs), 'seed')} done")
    colour = SLOT_COLOURS[report.slot_for(seeds.runs[0].recipe)]
    curves = [curve(run) for run in seeds.runs]
    figure = figures_training.swarm(curves, colour, seeds.title, planned_epochs(seeds.runs[0]))
    st.plotly_chart(figure, width="stretch", key=f"swarm-{seeds.group_id}",
                    config={"displayModeBar": False})  # fmt: skip
    with st.container(key="spread"):
        st.markdown(luck_view.spread_in_words(seeds.accuracies))


def planned_epochs(run: Run) -> int:
    """Return how many epochs a run may take."""
    recipe = RECIPES.get(run.recipe)
    return run.changes.get("epochs", recipe.hyperparameters.epochs if recipe else 1)


def curve(run: Run) -> tuple[list[float], list[float]]:
    """Return a run's validation accuracies and where in its epochs they were taken."""
    progress = Progress(run.folder)
    progress.update()
    points = {float(one["position"]): one["val_accuracy"] for one in progress.moments}
    points |= {float(one["position"]): one["val_accuracy"] for one in progress.epochs}
    return sorted(points), [points[position] for position in sorted(points)]


def compare(name: str, found: dict[str, Group]) -> None:
    """Say whether two groups of seeds differ by more than luck.

    name: of one of them; found: all groups by name, of which the visitor chooses the other.
    """
    earlier = [one for one in found if one != name]
    if not earlier:
        st.caption("Train seeds of another recipe, or of this one changed, to compare the two.")
        return
    other = st.selectbox("Compare with", earlier, key="compare-seeds")
    st.markdown(
        luck_view.difference_in_words(
            plain(name), found[name].accuracies, plain(other), found[other].accuracies
        )
    )
