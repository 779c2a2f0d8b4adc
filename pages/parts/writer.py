"""Who draws: a secret in the browser, so that people can take back what they gave.

It is in a cookie, which another visit and the app's other addresses see too, and which is set
when something is kept for the first time, not before. Where the browser takes no cookie, it
lasts as long as the visit.
"""

import re

import streamlit as st

from mnist_core.data import people

COOKIE = "writer"
_KEPT_SECONDS = 180 * 24 * 3600
_JS = """
export default function ({data}) {
  document.cookie = `${data.name}=${data.token}; path=/; max-age=${data.seconds}; SameSite=Lax`;
}
"""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_cookie_writer = st.components.v2.component("cookie_writer", js=_JS)


def token() -> str:
    """Return the secret of whoever looks at the page."""
    if "writer" not in st.session_state:
        brought = st.context.cookies.get(COOKIE, "")
        st.session_state["writer"] = brought if _TOKEN.fullmatch(brought) else people.new_token()
    return st.session_state["writer"]


def is_known() -> bool:
    """Return whether this browser may have given something, now or at an earlier visit."""
    return "writer" in st.session_state or COOKIE in st.context.cookies


def remember() -> None:
    """Let the browser keep the secret."""
    if st.context.cookies.get(COOKIE) != token():
        data = {"name": COOKIE, "token": token(), "seconds": _KEPT_SECONDS}
        _cookie_writer(key="cookie-writer", data=data)
