"""The shell: page config and navigation. Run with: streamlit run app.py"""

from pathlib import Path

import streamlit as st

st.set_page_config(page_title="Draw a digit", page_icon=":material/draw:", layout="wide")

PAGES = {"draw": ":material/draw:", "retrain": ":material/model_training:"}
PAGES |= {"dataset": ":material/grid_view:", "confusion": ":material/grid_on:"}

st.navigation(
    [
        st.Page(f"pages/{name}.py", title=name.capitalize(), icon=icon, default=name == "draw")
        for name, icon in PAGES.items()
        if Path(__file__).with_name("pages").joinpath(f"{name}.py").is_file()
    ],
    position="top",
).run()
