"""Where this app stands on its server."""

import streamlit as st


def base_path() -> str:
    """Return the path before every address of this app: "/digits", or "" at the server's root."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
