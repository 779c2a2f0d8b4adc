"""What the two networks say of a drawing, or why they do not yet."""

import streamlit as st

from mnist_core import answer_view, registry
from mnist_core.answer_view import SLOT_COLOURS, SLOT_TITLES, Html
from mnist_core.errors import MnistError
from mnist_core.inference import Answer, Classifier, ClassifierPool

LOADING_WAIT_S = 0.3

pool = st.cache_resource(ClassifierPool)
active_models = st.cache_data(ttl=2, show_spinner=False)(registry.active_with_reasons)


@st.fragment(run_every=1)
def answer_when_ready(name: str) -> None:
    """Ask now and then whether a network has been loaded; answer as soon as it has."""
    if pool().request(name).done():
        st.rerun()


def network_answer(slot: str, image) -> tuple[Classifier, Answer] | None:
    """Show what one network says; return both, or None while there is no answer."""
    name, reason = active_models()[slot]
    loading = pool().request(name)
    with st.container(border=True, key=f"answer-{slot}"):
        try:
            classifier = loading.result(LOADING_WAIT_S)
        except TimeoutError:
            st.info("This network is still loading; the canvas is ready, keep drawing.")
            answer_when_ready(name)
            return None
        except MnistError as error:
            st.error(str(error))
            return None
        answer = classifier.answer(image)
        title = SLOT_TITLES[slot] + (f" · run {name}" if name != slot else "")
        head, bars = answer_view.answer(title, answer, SLOT_COLOURS[slot])
        doubt = answer_view.doubt(answer)
        if doubt is None:
            st.html(Html(head + bars))
        else:
            st.html(head)
            why = "" if answer.is_digit else f" {answer_view.reason(classifier, answer)}"
            icon = ":material/help:" if answer.is_digit else ":material/block:"
            st.warning(doubt + why, icon=icon)
            st.html(bars)
        if reason:
            st.caption(reason)
    return classifier, answer


def agreement(answers: dict[str, Answer | None], steps_seconds: float) -> None:
    """Say whether the networks agree, and how long it all took."""
    dense, cnn = answers["dense"], answers["cnn"]
    if dense is None or cnn is None:
        return
    total_ms = (steps_seconds + dense.seconds + cnn.seconds) * 1000
    if not dense.is_digit and not cnn.is_digit:
        verdict = ":material/block: Both say that this is no digit."
    elif dense.digit == cnn.digit:
        verdict = f":material/check_circle: Both read a **{cnn.digit}**."
    else:
        verdict = (
            f":material/compare_arrows: They disagree: **{dense.digit}** against **{cnn.digit}**."
        )
    st.markdown(f"{verdict} :gray[Answered in {total_ms:.1f} ms.]")
