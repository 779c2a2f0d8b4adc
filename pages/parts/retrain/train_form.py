"""What can be trained: the recipes, their hyperparameters, and the button that starts one."""

import dataclasses
from typing import Any

import streamlit as st

from mnist_core.errors import MnistError
from mnist_core.runs import queue, report
from mnist_core.runs.report import USUAL_AUGMENTATION
from mnist_core.training import layers
from mnist_core.training.hyperparameters import OPTIMIZERS, SCHEDULES, override
from mnist_core.training.recipes import RECIPES, Recipe
from mnist_core.views import figures_training
from mnist_core.words import percent
from pages.parts.attempt import attempt
from pages.parts.first_visit import did
from pages.parts.permission import guest
from pages.parts.retrain.run_moments import own_digits

FIRST_CHOICE = "fast"  # ends within a minute on two cores


def choose_and_train(allowed: bool, busy: bool) -> None:
    """Let a person choose a recipe, change it, and start it."""
    row = st.container(horizontal=True, vertical_alignment="bottom", key="train-form")
    first = list(RECIPES).index(FIRST_CHOICE)
    recipe = RECIPES[row.selectbox("Recipe", list(RECIPES), first, key="recipe", width=240)]
    button = row.container(width="content")
    try:
        with row:
            values = hyperparameter_widgets(recipe)
        changes = report.changes_from(recipe.hyperparameters, values)
        override(recipe.hyperparameters, **changes)
    except MnistError as error:
        st.error(str(error))
        changes, allowed = {}, False
    # What a widget holds counts even if it was changed in the moment before the click, so the
    # click is only noted, and acted on here, after all widgets have been read.
    button.button(
        "Join the queue" if busy else "Train",
        key="train-start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not allowed,
        on_click=st.session_state.update,
        kwargs={"asked_to_train": True},
    )
    describe(recipe, changes)
    if st.session_state.pop("asked_to_train", False) and allowed:
        if attempt(queue.request, recipe.name, changes, "", guest(), own_digits()):
            did("retrain")
        st.rerun()


def describe(recipe: Recipe, changes: dict[str, Any]) -> None:
    """Say what a recipe is, what was changed about it, and show its layers."""
    reported = recipe.reported_accuracy
    says = "" if reported is None else f", which reports {percent(reported)} on the test images"
    changed = f" **Changed:** {report.changes_in_words(changes)}." if changes else ""
    st.markdown(
        f"{recipe.summary} **{recipe.parameters:,}** parameters, from {recipe.source}{says}."
        f"{changed}"
    )
    st.html(figures_training.layer_diagram(layers.all_layers().get(recipe.name, [])))


def hyperparameter_widgets(recipe: Recipe) -> dict[str, Any]:
    """Show a widget per hyperparameter; return the values."""
    standing = recipe.hyperparameters

    def number(column: Any, label: str, name: str, least: float, most: float, **more: Any) -> Any:
        value = getattr(standing, name) or least
        return column.number_input(label, least, most, value, key=f"{name}-{recipe.name}", **more)

    def choice(column: Any, label: str, name: str, choices: tuple[str, ...]) -> str:
        index = choices.index(getattr(standing, name))
        return column.selectbox(label, choices, index, key=f"{name}-{recipe.name}")

    values = {"epochs": number(st, "Epochs", "epochs", 1, 1000, width=130)}
    share = st.slider(
        "Share of the training images, %", 1, 100, 100, key=f"share-{recipe.name}", width=230
    )
    values["share"] = share / 100
    with st.popover("More hyperparameters"):
        one, two, three = st.columns(3)
        values |= {
            "batch_size": number(one, "Batch size", "batch_size", 1, 4096),
            "learning_rate": number(
                two, "Learning rate", "learning_rate", 1e-7, 10.0, format="%.7g", step=0.001
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
