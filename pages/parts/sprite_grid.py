"""A grid of digits on a page: arrow keys move, Enter or a click chooses one."""

import streamlit as st

from mnist_core.views.sprite_grid import CSS, HTML, JS

# Registered at import, once; Streamlit registers it again on a server begun since, as AppTest does.
sprite_grid = st.components.v2.component("sprite_grid", html=HTML, css=CSS, js=JS)
