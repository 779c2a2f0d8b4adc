"""Train a recipe while people watch, then let it answer on the Draw page."""

import dataclasses
import zlib
from pathlib import Path
from typing import Any

import streamlit as st

from mnist_core import figures_training, layers, registry, run_report, runs
from mnist_core.admin import password_matches
from mnist_core.datasets import load_mnist
from mnist_core.errors import MnistError
from mnist_core.hyperparameters import OPTIMIZERS, SCHEDULES, override
from mnist_core.progress import Progress
from mnist_core.recipes import RECIPES, Recipe
from mnist_core.run_folder import RUNNING, WAITING, Run
from mnist_core.run_report import USUAL_AUGMENTATION, plain
from pages import within_app

FIRST_CHOICE = "fast"  # ends within a minute on two cores
mnist = st.cache_resource(load_mnist, show_spinner="Loading MNIST")


def admin_password() -> str | None:
    """Return the administrator's password, "" where none is set, None where it cannot be read."""
    try:
        return str(st.secrets.get("admin_password", ""))
    except (OSError, ValueError):
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
        return None if there else ""


def may_change() -> bool:
    """Say who may train, ask for the administrator's password where there is one."""
    expected = admin_password()
    if expected is None:
        st.error("Nobody can train, activate or delete: secrets.toml is damaged; correct it.")
        return False
    if not expected:
        st.caption("Anyone who sees this page can train: no administrator's password is set.")
        return True
    if st.session_state.get("is_admin"):
        return True
    entered = st.text_input("Administrator's password", type="password", key="admin-password")
    if entered and password_matches(entered, expected):
        st.session_state["is_admin"] = True
        st.rerun()
    if entered:
        st.error("That is not the administrator's password.")
    else:
        st.caption("Training, activating and deleting ask for the password; watching does not.")
    return False


def attempt(action: Any, *arguments: Any) -> None:
    """Do something that was asked for with a button; keep what went wrong for the next run."""
    try:
        action(*arguments)
    except MnistError as error:
        st.session_state["retrain_error"] = str(error)


def hyperparameter_widgets(recipe: Recipe) -> dict[str, Any]:
    """Show a widget per hyperparameter; return the values."""
    standing = recipe.hyperparameters

    def number(column: Any, label: str, name: str, least: float, most: float, **more: Any) -> Any:
        value = getattr(standing, name) or least
        return column.number_input(label, least, most, value, key=f"{name}-{recipe.name}", **more)

    def choice(column: Any, label: str, name: str, choices: tuple[str, ...]) -> str:
        index = choices.index(getattr(standing, name))
        return column.selectbox(label, choices, index, key=f"{name}-{recipe.name}")

    left, right = st.columns(2)
    values = {"epochs": number(left, "Epochs", "epochs", 1, 1000)}
    percent = right.slider(
        "Share of the training images, %", 1, 100, 100, key=f"share-{recipe.name}"
    )
    values["share"] = percent / 100
    with st.popover("More hyperparameters"):
        one, two, three = st.columns(3)
        values |= {
            "batch_size": number(one, "Batch size", "batch_size", 1, 4096),
            "learning_rate": number(
                two, "Learning rate", "learning_rate", 1e-7, 10.0, format="%.4f", step=0.001
            ),
            "optimizer": choice(three, "Optimizer", "optimizer", OPTIMIZERS),
            "schedule": choice(one, "Schedule", "schedule", SCHEDULES),
            "l2": number(two, "L2", "l2", 0.0, 1.0, format="%.5f", step=0.0001),
            "label_smoothing": number(three, "Label smoothing", "label_smoothing", 0.0, 0.5),
            "dropout": number(one, "Dropout (0: none)", "dropout", 0.0, 0.95) or None,
            "patience": number(two, "Patience (0: never early)", "patience", 0, 1000) or None,
            "seed": number(three, "Seed", "seed", 0, 2**31 - 1),
            "augmentation": augmentation_widgets(recipe),
        }
    return values


def augmentation_widgets(recipe: Recipe) -> dict[str, Any] | None:
    """Show the amounts of augmentation; None where it is off."""
    standing = recipe.hyperparameters.augmentation
    label = "Augmentation: change the images at random"
    if not st.toggle(label, standing is not None, key=f"augmentation-{recipe.name}"):
        return None
    values = dataclasses.asdict(standing or USUAL_AUGMENTATION)
    bounds = {"rotation_degrees": 90.0, "shift": 0.5, "zoom": 0.9}
    for column, (name, most) in zip(st.columns(3), bounds.items(), strict=True):
        label = name.replace("_", " ").capitalize()
        values[name] = column.slider(
            label, 0.0, most, float(values[name]), key=f"{name}-{recipe.name}"
        )
    return values


def choose_and_train(allowed: bool, busy: bool) -> None:
    """Let a person choose a recipe, change it, and start it."""
    recipe = RECIPES[
        st.selectbox("Recipe", list(RECIPES), list(RECIPES).index(FIRST_CHOICE), key="recipe")
    ]
    reported = recipe.reported_accuracy
    says = "" if reported is None else f", which reports {reported:.2%} on the test images"
    st.markdown(
        f"{recipe.summary} **{recipe.parameters:,}** parameters, from {recipe.source}{says}."
    )
    st.html(figures_training.layer_diagram(layers.all_layers().get(recipe.name, [])))
    try:
        changes = run_report.changes_from(recipe.hyperparameters, hyperparameter_widgets(recipe))
        override(recipe.hyperparameters, **changes)
    except MnistError as error:
        st.error(str(error))
        allowed = False
    else:
        if changes:
            st.caption(f"Changed: {run_report.changes_in_words(changes)}.")
    # What a widget holds counts even if it was changed in the moment before the click, so the
    # click is only noted, and acted on here, after all widgets have been read.
    st.button(
        "Join the queue" if busy else "Train",
        key="train-start",
        type="primary",
        disabled=not allowed,
        on_click=st.session_state.update,
        kwargs={"asked_to_train": True},
    )
    if st.session_state.pop("asked_to_train", False) and allowed:
        attempt(runs.request, recipe.name, changes)
        st.rerun()


def show_queue(live: list[Run], allowed: bool) -> None:
    """Show who waits, and a way out of the queue."""
    for place, run in enumerate((run for run in live if run.state == WAITING), start=1):
        words, leave = st.columns([4, 1], vertical_alignment="center")
        changes = run_report.changes_in_words(run.changes)
        changed = f" ({changes})" if changes else ""
        words.markdown(f"**{place}. in the queue:** {plain(run.title)}{changed}")
        leave.button(
            "Leave", key=f"leave-{run.run_id}", on_click=attempt, args=[runs.stop, run.run_id],
            disabled=not allowed,
        )  # fmt: skip


def watched(run: Run) -> Progress:
    """Return this session's reader of a run's events."""
    if st.session_state.get("watched_run") != run.run_id:
        st.session_state["watched_run"] = run.run_id
        st.session_state["watched_progress"] = Progress(run.folder)
    return st.session_state["watched_progress"]


def look_after_queue() -> None:
    """Start what waits; draw the page anew when a run began or ended, whoever asked for it."""
    try:
        runs.start_next()
    except MnistError as error:
        st.warning(str(error))
    seen = [(one.run_id, one.state) for one in runs.live_runs()]
    if seen != st.session_state["queue_seen"]:
        st.rerun(scope="app")


@st.fragment(run_every=3.0)
def watch_idle() -> None:
    """Notice a run that somebody else begins."""
    look_after_queue()


@st.fragment(run_every=1.0)
def watch_status(run: Run) -> None:
    """The line that changes every second; looks after the queue, too."""
    look_after_queue()
    progress = watched(run)
    progress.update()
    epochs = int(progress.started.get("epochs", 1))
    number = min(int(progress.last_batch.get("epoch", 1)), epochs)
    row = st.container(horizontal=True)
    row.metric("Epoch", f"{number} of {epochs}")
    accuracies = [epoch["val_accuracy"] for epoch in progress.epochs]
    row.metric("Validation accuracy", f"{accuracies[-1]:.1%}" if accuracies else "–")
    row.metric("Time left", run_report.duration(progress.seconds_left) or "–")
    st.progress(progress.fraction, run_report.stage_in_words(run, progress))
    if progress.damaged_lines:
        st.caption(f"{progress.damaged_lines} damaged line(s) of its progress were skipped.")


@st.fragment(run_every=1.5)
def watch_curves(run: Run) -> None:
    """The curves, batch by batch; below them what changes once an epoch."""
    progress = watched(run)
    draw_curves(progress)
    if len(progress.epochs) != st.session_state.get("epochs_drawn"):
        st.session_state["epochs_drawn"] = len(progress.epochs)
        st.session_state["epoch_figures"] = epoch_figures(progress)
    show_epoch(st.session_state["epoch_figures"])


def draw_curves(progress: Progress) -> None:
    """Draw loss and accuracy beside each other."""
    for column, quantity in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        figure = figures_training.live_curves(quantity, progress.batches, progress.epochs)
        column.plotly_chart(figure, width="stretch", config={"displayModeBar": False},
                            key=f"curves-{quantity}")  # fmt: skip


def epoch_figures(progress: Progress) -> tuple[str, str] | None:
    """Return the HTML of the confusion and of the digits after the last epoch."""
    if not progress.epochs:
        return None
    last = progress.epochs[-1]
    images = mnist().x_train[[example["index"] for example in last["examples"]]]
    digits = figures_training.validation_digits(images, last["examples"])
    return figures_training.validation_confusion(last["confusion"]), digits


def show_epoch(figures: tuple[str, str] | None) -> None:
    """Show what the last epoch left to see."""
    if figures is None:
        return
    left, right = st.columns(2)
    with left:
        st.caption("Digits it does not train on, and what it answers")
        st.html(figures[1])
    with right, st.container(key="validation-confusion"):
        st.caption("All of them: true digit down, answer across")
        st.html(figures[0])


def say_end(run: Run) -> None:
    """Say how a run ended."""
    (st.success if run.has_model else st.error)(run_report.end_in_words(run))
    if run.log_tail:
        st.code(run.log_tail, language=None)


def show_result(run: Run, allowed: bool) -> None:
    """Show how a run ended, and let it answer on the Draw page."""
    say_end(run)
    active = registry.active()
    if run.has_model:
        accuracies = run_report.comparison(run, active)
        for column, (name, value) in zip(st.columns(len(accuracies)), accuracies, strict=True):
            column.metric(name, "not tested" if value is None else f"{value:.2%}")
        slot = run_report.slot_for(run.recipe)
        st.button(
            f"Use this model as the {slot} network", key="use-model", type="primary",
            disabled=not allowed or active[slot] == run.run_id, on_click=attempt,
            args=[registry.activate, slot, run.run_id],
        )  # fmt: skip


def show_active(past: list[Run], allowed: bool) -> None:
    """Say which models answer on the Draw page, and offer what shipped."""
    titles = {run.run_id: run.title for run in past}
    for slot, (name, reason) in registry.active_with_reasons().items():
        if name == slot and not reason:
            continue
        words, undo = st.columns([4, 1], vertical_alignment="center")
        if reason:
            words.warning(f"The {slot} network that shipped answers. {reason}")
        else:
            title = f"**{plain(titles.get(name, name))}** (`{name}`)"
            words.markdown(f"{title} answers as the {slot} network on the Draw page.")
        undo.button("Undo", key=f"undo-{slot}", disabled=not allowed, on_click=attempt,
                    args=[registry.restore_shipped, slot])  # fmt: skip


def show_past(past: list[Run], allowed: bool) -> None:
    """List the past runs; compare those selected; rename, delete or download one."""
    st.subheader("Past runs")
    if not past:
        st.caption("None yet.")
        return
    chosen = chosen_runs(past)
    if not chosen:
        st.caption("Select one to rename, delete, download or use it; several to compare them.")
        return
    if len(chosen) > 1:
        curves = run_report.histories(chosen)
        for column, quantity in zip(st.columns(2), ("accuracy", "loss"), strict=True):
            figure = figures_training.compared_curves(quantity, curves)
            column.plotly_chart(figure, width="stretch", key=f"compared-{quantity}")
        return
    manage(chosen[0], allowed)


def chosen_runs(past: list[Run]) -> list[Run]:
    """Show the table of past runs; return those that are selected in it.

    What is selected are rows; where other runs take their places, the table is a new one, with
    the same runs selected.
    """
    ids = [run.run_id for run in past]
    before = st.session_state.get("chosen_runs", [])
    accuracy = st.column_config.NumberColumn(format="percent")
    with st.container(key="past-runs"):
        event = st.dataframe(
            run_report.table(past), key=f"past-runs-{zlib.crc32(' '.join(ids).encode())}",
            on_select="rerun", selection_mode="multi-row", hide_index=True,
            selection_default={"selection": {"rows": [ids.index(i) for i in before if i in ids]}},
            column_config={"Test accuracy": accuracy},
        )  # fmt: skip
    chosen = [past[row] for row in event.selection.rows if row < len(past)]
    st.session_state["chosen_runs"] = [run.run_id for run in chosen]
    return chosen


def manage(run: Run, allowed: bool) -> None:
    """Rename, delete, download or use one past run."""
    st.text_input("Name", run.title, key=f"title-{run.run_id}", max_chars=80)
    row = st.container(horizontal=True)
    row.button("Rename", disabled=not allowed, on_click=rename, args=[run.run_id])
    with row.popover("Delete", disabled=not allowed):
        st.write("Its model, curves and log will be gone.")
        st.button("Delete for good", key="delete-run", on_click=attempt,
                  args=[runs.delete, run.run_id])  # fmt: skip
    if run.has_model:
        row.download_button("Download model and card", lambda: run_report.archive(run),
                            f"{run.run_id}.zip", "application/zip", on_click="ignore")  # fmt: skip
        slot = run_report.slot_for(run.recipe)
        row.button(f"Use as the {slot} network", key="use-past", disabled=not allowed,
                   on_click=attempt, args=[registry.activate, slot, run.run_id])  # fmt: skip


def rename(run_id: str) -> None:
    """Give a run the title that its field holds now."""
    attempt(runs.rename, run_id, st.session_state[f"title-{run_id}"])


def page() -> None:
    """The page, from top to bottom."""
    st.title("Retrain")
    if error := st.session_state.pop("retrain_error", None):
        st.error(error)
        st.toast(error, icon=":material/error:")  # seen wherever the page is scrolled to
    allowed = may_change()
    live, past = runs.live_runs(), [run for run in runs.list_runs() if run.is_settled]
    st.session_state["queue_seen"] = [(run.run_id, run.state) for run in live]
    show_active(past, allowed)
    chooser = st.expander("Train something else") if live else st.container()
    with chooser:
        choose_and_train(allowed, bool(live))
    last = run_report.ended_last(past)
    with st.container(key="run-status"):
        if live and live[0].state == RUNNING:
            if last is not None and run_report.was_waited_for(last, live[0]):
                say_end(last)
            show_running(live[0], allowed)
        else:
            if last is not None:
                show_settled(last, allowed)
            watch_idle()
        show_queue(live, allowed)
    show_past(past, allowed)


def show_running(run: Run, allowed: bool) -> None:
    """Show the run in progress, live."""
    title, stop = st.columns([4, 1], vertical_alignment="center")
    changes = run_report.changes_in_words(run.changes)
    title.markdown(f"**{plain(run.title)}** is training{f' ({changes})' if changes else ''}")
    stop.button("Stop", key="train-stop", disabled=not allowed or run.stop_requested,
                on_click=attempt, args=[runs.stop, run.run_id])  # fmt: skip
    st.session_state["epochs_drawn"] = None
    watched(run).update()
    watch_status(run)
    watch_curves(run)


def show_settled(run: Run, allowed: bool) -> None:
    """Show the run that ended last, with its curves."""
    show_result(run, allowed)
    progress = watched(run)
    progress.update()
    if progress.epochs:
        draw_curves(progress)
        show_epoch(epoch_figures(progress))


within_app()
page()
