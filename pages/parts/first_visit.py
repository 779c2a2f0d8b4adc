"""One sentence that explains a page to who sees it for the first time, gone once it was done.

What was done is kept in a cookie, for as long as the browser keeps it.
"""

import re

import streamlit as st

_COOKIE = "done"
_JS = """
export default function ({data}) {
  document.cookie = `done=${data}; path=/; max-age=31536000; SameSite=Lax`;
}
"""
_cookie_writer = st.components.v2.component("done_writer", js=_JS)


def first_visit(page: str, sentence: str) -> None:
    """Show the sentence until `did` was called for this page; "": there is nothing to say now."""
    if page not in _done():
        if sentence:
            with st.container(key="first-visit"):
                st.markdown(f":material/touch_app: {sentence}")
    elif st.session_state.get("did_now") == page:
        _cookie_writer(key=f"did-{page}", data=".".join(sorted(_done())), height=0)
        del st.session_state["did_now"]


def did(page: str) -> None:
    """Note that a visitor has done what the page is for."""
    if page not in _done():
        _done().add(page)
        st.session_state["did_now"] = page


def _done() -> set[str]:
    if "done" not in st.session_state:
        kept = str(st.context.cookies.get(_COOKIE, ""))
        st.session_state["done"] = set(re.findall(r"[a-z]{1,20}", kept[:200]))
    return st.session_state["done"]
