"""Who may train, activate and delete, and the field for the administrator's password."""

import hashlib
from pathlib import Path

import streamlit as st

from mnist_core.web.attempts import Attempts

FIELD = "admin-password"
attempts = st.cache_resource(Attempts, show_spinner=False)


def may_change(what: str = "Training, activating and deleting", who: str = "train") -> bool:
    """Say who may do it, ask for the administrator's password where there is one."""
    expected = admin_password()
    if expected is None:
        st.error(f"Nobody can {who}: secrets.toml is damaged; correct it.")
        return False
    if not expected:
        st.caption(f"Anyone who sees this page can {who}: no administrator's password is set.")
        return True
    if st.session_state.get("is_admin"):
        return True
    st.text_input("Administrator's password", type="password", key=FIELD, on_change=enter)
    if refusal := st.session_state.pop("password_refusal", ""):
        st.error(refusal)
    else:
        st.caption(f"{what} ask for the password; watching does not.")
    return False


def enter() -> None:
    """Try the password in the field, once for each time it was entered, and empty the field."""
    entered, expected = st.session_state[FIELD], admin_password()
    st.session_state[FIELD] = ""
    if not entered or not expected:
        return
    right, wait_seconds = attempts().check(client(), entered, expected)
    st.session_state["is_admin"] = right
    if wait_seconds:
        seconds = max(1, round(wait_seconds))
        refusal = f"There were too many wrong passwords; try again in {seconds} s."
    else:
        refusal = "" if right else "That is not the administrator's password."
    st.session_state["password_refusal"] = refusal


def guest() -> str:
    """Return what tells this guest's trainings from others', "" for the administrator.

    A cookie of the browser where it has one, or else its address: a classroom behind one router
    is not one guest.
    """
    if st.session_state.get("is_admin"):
        return ""
    known = browser_cookie() or client()
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def browser_cookie() -> str:
    """Return the cookie that Streamlit gives each browser against forged requests, or ""."""
    return str(st.context.cookies.get("_streamlit_xsrf", ""))


def client() -> str:
    """Return the address that a browser comes from, as far as the server sees it."""
    return str(st.context.ip_address or "this machine")


def admin_password() -> str | None:
    """Return the administrator's password, "" where none is set, None where it cannot be read."""
    try:
        return str(st.secrets.get("admin_password", ""))
    except (OSError, ValueError):
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
        return None if there else ""
