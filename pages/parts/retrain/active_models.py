"""Which networks answer on the Draw page now, and the way back to those that shipped."""

import streamlit as st

from mnist_core.models import registry
from mnist_core.runs import report
from mnist_core.views.answer_view import Html
from mnist_core.views.network_chips import network_chips
from mnist_core.words import capitalised, network
from pages.parts.attempt import attempt
from pages.parts.names import model_title, plain_title


def show_active(allowed: bool) -> None:
    """Show both networks that answer; offer to undo where one is not the one that shipped."""
    active = registry.active_with_reasons()
    told = {
        slot: ("" if name == slot else model_title(name), report.test_accuracy(name))
        for slot, (name, _) in active.items()
    }
    st.html(Html(network_chips(told)))
    for slot, (name, reason) in active.items():
        if name == slot and not reason:
            continue
        row = st.container(horizontal=True, vertical_alignment="center")
        if reason:
            row.warning(f"{capitalised(network(slot))} that shipped answers. {reason}")
        else:
            row.markdown(f"**{plain_title(name)}** answers as {network(slot)} on the Draw page.",
                         width="content")  # fmt: skip
        row.button("Undo", key=f"undo-{slot}", icon=":material/undo:", disabled=not allowed,
                   on_click=attempt, args=[registry.restore_shipped, slot])  # fmt: skip
