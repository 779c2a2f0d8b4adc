"""The shell: page config and navigation around every page. Run by app.py, for each visitor."""

import streamlit as st

from pages import come_back, spare_what_stays
from pages.parts.frame import frame

st.set_page_config(page_title="Draw a digit", page_icon="✏️", layout="wide")

PAGES = {"draw": ":material/draw:", "retrain": ":material/model_training:"}
PAGES |= {"dataset": ":material/grid_view:", "confusion": ":material/grid_on:"}
PAGES |= {"room": ":material/groups:"}

pages = [
    st.Page(f"{name}.py", title=name.capitalize(), icon=icon, default=name == "draw")
    for name, icon in PAGES.items()
]
page = st.navigation(pages, position="hidden")
frame(pages, page)
page.run()
come_back()
spare_what_stays(page.title)
