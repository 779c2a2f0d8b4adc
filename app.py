"""The app: Streamlit's pages, and HTTP beside them. Run with: streamlit run app.py"""

import streamlit as st

from mnist_core.web.server import middleware, routes

app = st.App("pages/shell.py", routes=routes(), middleware=middleware())
