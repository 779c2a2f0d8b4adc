"""See it learn: the visitor's own digits in a training, and any moment of it to go back to."""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from mnist_core.data.browse import training_pictures
from mnist_core.errors import RunError
from mnist_core.runs import moments, report
from mnist_core.runs.folder import Run
from mnist_core.runs.progress import Progress
from mnist_core.views import canvas_state, figures_training, moment_view
from pages.parts.link import once_from_address, put_in_address
from pages.parts.repeated import every
from pages.parts.stored_answers import mnist


def own_digits() -> dict[str, Any]:
    """Return what a run is told of this visit's drawings, so that it reads them as it learns."""
    images = canvas_state.of(st.session_state).recent_images(moments.MOST_PROBES)
    return dict(moments.as_config(images))


@every(0.5)
def watch_probes(run: Run, progress_of: Callable[[Run], Progress]) -> None:
    """The visitor's digits with bars that go from noise to certainty."""
    images = moments.probes_of(run.folder)
    if not len(images):
        st.caption("This training is watched with no drawings. One that you start after you have "
                   "drawn on the Draw page reads your digits while it learns.")  # fmt: skip
        return
    progress = progress_of(run)
    progress.update()
    with st.container(key="probes"):
        st.html(moment_view.probes(images, progress.probes, report.slot_for(run.recipe)))


@st.fragment
def look_back(run: Run, progress: Progress) -> None:
    """The moments of a run that ended; moving through them renews nothing else."""
    show_moments(run, progress)


def show_moments(run: Run, progress: Progress) -> None:
    """A slider over the moments, and what the network was like at the chosen one."""
    positions = {one["number"]: one["position"] for one in progress.moments}
    number = chosen_moment(run.run_id, positions)
    try:
        moment = moments.load_moment(run.folder, number)
    except RunError as error:
        st.info(str(error))
        return
    left, right = st.columns(2)
    with left:
        st.caption("The digits that it was furthest from, and what it answered")
        st.html(digits_html(moment.hardest))
    with right:
        st.caption("A sample that it does not train on: true digit down, answer across")
        st.html(figures_training.validation_confusion(moment.confusion))
    images = moments.probes_of(run.folder)
    if len(images) and len(moment.probes) == len(images):
        st.caption("The drawings that it was watched with, at that moment")
        st.html(moment_view.probes(images, moment.probes, report.slot_for(run.recipe)))
    if moment.filters is not None:
        st.caption("What the first layer looks for: orange where ink counts for it, blue against")
        st.html(moment_view.kernels(moment.filters.values))
    if moment.flow and len(moment.flow) <= len(images):
        show_flow(images, moment, f"flow-{run.run_id}")


def chosen_moment(run_id: str, positions: dict[int, float]) -> int:
    """Show the slider; it follows the newest moment until somebody moves it back.

    positions: for each moment's number how many epochs were done.
    """
    key, numbers = f"moment-{run_id}", sorted(positions)
    wanted = from_address()
    if wanted.get(run_id) in numbers[:-1]:
        st.session_state[key], st.session_state[f"{key}-follows"] = wanted.pop(run_id), False
    if st.session_state.get(f"{key}-follows", True) or st.session_state.get(key) not in numbers:
        st.session_state[key] = numbers[-1]
    if len(numbers) == 1:
        return numbers[0]

    def moved() -> None:
        newest = st.session_state[key] == numbers[-1]
        st.session_state[f"{key}-follows"] = newest
        put_in_address("moment", None if newest else f"{run_id}.{st.session_state[key]}")

    return st.select_slider(
        "Go back to a moment of this training",
        numbers,
        key=key,
        on_change=moved,
        format_func=lambda number: f"epoch {positions[number]:.1f}" if number else "untrained",
    )


def from_address() -> dict[str, int]:
    """Return the moment that the address named, by its run, until it was gone to."""
    run_id, _, number = once_from_address("moment").rpartition(".")
    found: dict[str, int] = st.session_state.setdefault("moments_wanted", {})
    if run_id and number.isdecimal():
        found[run_id] = int(number)
    return found


def digits_html(hardest: list[dict[str, Any]]) -> str:
    """Return the hardest digits with the network's answers."""
    pictures = training_pictures(
        mnist(), [one["index"] for one in hardest], [one["label"] for one in hardest]
    )
    return figures_training.validation_digits(pictures, hardest)


def show_flow(images: np.ndarray, moment: moments.Moment, key: str) -> None:
    """Show what one of the visitor's digits becomes from layer to layer."""
    names = [f"Drawing {place + 1}" for place in range(len(moment.flow))]
    place = 0
    if len(names) > 1:
        chosen = st.segmented_control("What flows through the network", names, default=names[0],
                                      key=key, required=True)  # fmt: skip
        place = names.index(chosen)
    layers = [(one.column, one.layer, one.values) for one in moment.flow[place]]
    st.html(moment_view.flow(images[place], layers, moment.probes[place]))
