"""The address of a drawing and its explanation: to copy, to scan, and to arrive by."""

import numpy as np
import streamlit as st

from mnist_core.views import links
from mnist_core.views.canvas_state import CanvasState
from pages.parts.link import put_in_address, show_link

DIGIT, EXPLANATION = "digit", "explained"


def arrive_by_link(state: CanvasState) -> None:
    """Put the digit of the address on the canvas, its explanation first to be shown, once."""
    code = st.query_params.get(DIGIT)
    if code is None or st.session_state.get("arrived-by") == code:
        return
    st.session_state["arrived-by"] = code
    image = links.digit_of(code)
    if image is None or not image.any():
        st.toast("The link holds no digit; draw one.")
        return
    state.load_image(image)
    st.session_state["arrived-drawing"] = state.drawing
    if EXPLANATION in st.query_params:
        st.session_state["explained-last"] = st.query_params[EXPLANATION]


def leave_link(state: CanvasState) -> None:
    """Let the address name a digit no longer once the canvas holds more than it, or another
    drawing: a session that begins anew, after the server was away, would put it over that."""
    arrived = st.session_state.get("arrived-drawing")
    drawn_on = any("path" in one for one in state.objects)
    if arrived is not None and (state.drawing != arrived or drawn_on):
        for name in (DIGIT, EXPLANATION):
            put_in_address(name, None)


def offer_link(image: np.ndarray, explanation: str) -> None:
    """Show the address of what is seen, to copy and as a QR code.

    image: (28, 28) float32 in [0, 1].
    """
    shown = {DIGIT: links.digit_code(image), EXPLANATION: explanation}
    link = links.address(st.context.url or "", **shown)
    with st.popover("Link to this", icon=":material/link:"):
        st.caption("Opens this digit; who asks why there sees this explanation. Copy or scan it.")
        show_link(link)
