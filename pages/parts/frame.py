"""What stands around every page: the visual language, and the names of the pages."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

STYLE = Path(__file__).parents[1] / "style.css"


def frame(pages: Sequence[StreamlitPage], here: StreamlitPage) -> None:
    """Put up the style sheet and the pages' names: on top, on a phone at the thumb.

    Streamlit's own navigation hides the names behind an arrow on a phone.
    """
    st.html(STYLE)
    with st.container(horizontal=True, key="pages"):
        for page in pages:
            label = f"**{page.title}**" if page.title == here.title else page.title
            st.page_link(page, label=label, icon=page.icon, width="content")
