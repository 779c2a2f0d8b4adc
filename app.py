"""The app: Streamlit's pages, and HTTP beside them. Run with: streamlit run app.py"""

import streamlit as st

from mnist_core.web.server import middleware, routes
from pages.parts.base_path import base_path


def api_origins() -> list[str]:
    """Return the other sites whose pages may ask over HTTP, from the secrets."""
    try:
        return [str(origin) for origin in st.secrets.get("api_origins", [])]
    except (OSError, ValueError):  # no secrets, or damaged ones
        return []


app = st.App("pages/shell.py", routes=routes(base_path(), api_origins), middleware=middleware())
