"""What the server knows of a visitor's screen before the page is there."""

import streamlit as st


def on_phone() -> bool:
    """Return whether the browser says that it is a phone's."""
    return "Mobi" in st.context.headers.get("User-Agent", "")
