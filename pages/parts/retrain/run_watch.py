"""A training, live and after its end: its progress, its curves, what the last epoch left."""

import streamlit as st

from mnist_core import words
from mnist_core.data.browse import training_pictures
from mnist_core.errors import MnistError
from mnist_core.runs import queue, report
from mnist_core.runs.folder import Run
from mnist_core.runs.progress import Progress
from mnist_core.runs.report import plain
from mnist_core.views import figures_training
from pages.parts.attempt import attempt
from pages.parts.repeated import every
from pages.parts.retrain.run_moments import look_back, show_moments, watch_probes
from pages.parts.stored_answers import mnist


def show_running(run: Run, allowed: bool) -> None:
    """Show the run in progress, live."""
    row = st.container(horizontal=True, vertical_alignment="center", key="running")
    changes = report.changes_in_words(run.changes)
    row.markdown(
        f"**{plain(report.name_of(run))}** is training{f' ({changes})' if changes else ''}"
    )
    row.button("Stop", key="train-stop", icon=":material/stop:", on_click=attempt,
               disabled=not allowed or run.stop_requested, args=[queue.stop, run.run_id]
               )  # fmt: skip
    st.session_state["epochs_drawn"] = None
    watched(run).update()
    watch_status(run)
    watch_probes(run, watched)
    watch_curves(run)


def show_curves(run: Run, key: str = "curves") -> None:
    """Show the curves of a run that ended, and its moments, or at least its last epoch."""
    progress = watched(run)
    progress.update()
    if progress.epochs:
        draw_curves(progress, key)
        if progress.moments:
            look_back(run, progress)
        else:
            show_epoch(epoch_figures(progress))


def watched(run: Run) -> Progress:
    """Return this session's reader of a run's events; two are kept, as many as a page shows."""
    readers: dict[str, Progress] = st.session_state.setdefault("watched", {})
    if run.run_id not in readers:
        for old in list(readers)[:-1]:
            del readers[old]
        readers[run.run_id] = Progress(run.folder)
    return readers[run.run_id]


@every(1.0)
def watch_status(run: Run) -> None:
    """The line that changes every second; looks after the queue, too."""
    look_after_queue()
    progress = watched(run)
    progress.update()
    epochs = int(progress.started.get("epochs", 1))
    number = min(int(progress.last_batch.get("epoch", 1)), epochs)
    row = st.container(horizontal=True)
    row.metric("Epoch", f"{number} of {epochs}" if progress.started else "–")
    accuracies = [epoch["val_accuracy"] for epoch in progress.epochs]
    row.metric("Validation accuracy", words.percent(accuracies[-1]) if accuracies else "–")
    row.metric("Time left", words.duration(progress.seconds_left) or "–")
    st.progress(progress.fraction, report.stage_in_words(run, progress))
    if progress.damaged_lines:
        st.caption(
            f"{words.count(progress.damaged_lines, 'damaged line')} of its progress skipped."
        )


@every(3.0)
def watch_idle(allowed: bool) -> None:
    """Notice a run that somebody else begins; have one of one's own begin at once."""
    if allowed:
        queue.keep_ready()
    look_after_queue()


def look_after_queue() -> None:
    """Start what waits; draw the page anew when a run began or ended, whoever asked for it."""
    try:
        queue.start_next()
    except MnistError as error:
        st.warning(str(error))
    seen = [(one.run_id, one.state) for one in queue.live_runs()]
    if seen != st.session_state["queue_seen"]:
        st.rerun(scope="app")


@every(1.5)
def watch_curves(run: Run) -> None:
    """The curves, batch by batch; below them what changes once an epoch."""
    progress = watched(run)
    draw_curves(progress)
    if progress.moments:
        show_moments(run, progress)
        return
    if len(progress.epochs) != st.session_state.get("epochs_drawn"):
        st.session_state["epochs_drawn"] = len(progress.epochs)
        st.session_state["epoch_figures"] = epoch_figures(progress)
    show_epoch(st.session_state["epoch_figures"])


def draw_curves(progress: Progress, key: str = "curves") -> None:
    """Draw loss and accuracy beside each other."""
    for column, quantity in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        figure = figures_training.live_curves(
            quantity, progress.batches, progress.epochs, progress.moments
        )
        column.plotly_chart(figure, width="stretch", config={"displayModeBar": False},
                            key=f"{key}-{quantity}")  # fmt: skip


def epoch_figures(progress: Progress) -> tuple[str, str] | None:
    """Return the HTML of the confusion and of the digits after the last epoch."""
    if not progress.epochs:
        return None
    last = progress.epochs[-1]
    examples = last["examples"]
    images = training_pictures(
        mnist(), [one["index"] for one in examples], [one["label"] for one in examples]
    )
    digits = figures_training.validation_digits(images, examples)
    return figures_training.validation_confusion(last["confusion"]), digits


def show_epoch(figures: tuple[str, str] | None) -> None:
    """Show what the last epoch left to see."""
    if figures is None:
        return
    left, right = st.columns(2)
    with left:
        st.caption("Digits it does not train on, and what it answers")
        st.html(figures[1])
    with right:
        st.caption("All of them: true digit down, answer across")
        st.html(figures[0])
