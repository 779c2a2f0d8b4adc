"""The shell: page config and navigation. Run with: streamlit run app.py"""

import streamlit as st

st.set_page_config(page_title="Draw a digit", page_icon="✏️", layout="wide")

PAGES = {"draw": ":material/draw:", "retrain": ":material/model_training:"}
PAGES |= {"dataset": ":material/grid_view:", "confusion": ":material/grid_on:"}


@st.fragment(run_every=3600)
def come_back() -> None:
    """Do nothing, but let every open page ask for a run when it reconnects to a new session.

    Streamlit's front end asks only where something reruns by itself; without a run, the session
    does not know the fragments that strokes belong to, and ignores them.
    """


page = st.navigation(
    [
        st.Page(f"pages/{name}.py", title=name.capitalize(), icon=icon, default=name == "draw")
        for name, icon in PAGES.items()
    ],
    position="top",
)
page.run()
come_back()
