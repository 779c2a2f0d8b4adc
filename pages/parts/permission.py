"""Who may train, activate and delete, and the field for the administrator's password."""

import hmac
from pathlib import Path

import streamlit as st


def may_change() -> bool:
    """Say who may train, ask for the administrator's password where there is one."""
    expected = admin_password()
    if expected is None:
        st.error("Nobody can train, activate or delete: secrets.toml is damaged; correct it.")
        return False
    if not expected:
        st.caption("Anyone who sees this page can train: no administrator's password is set.")
        return True
    if st.session_state.get("is_admin"):
        return True
    entered = st.text_input("Administrator's password", type="password", key="admin-password")
    if entered and password_matches(entered, expected):
        st.session_state["is_admin"] = True
        st.rerun()
    if entered:
        st.error("That is not the administrator's password.")
    else:
        st.caption("Training, activating and deleting ask for the password; watching does not.")
    return False


def admin_password() -> str | None:
    """Return the administrator's password, "" where none is set, None where it cannot be read."""
    try:
        return str(st.secrets.get("admin_password", ""))
    except (OSError, ValueError):
        there = any(Path(file).exists() for file in st.get_option("secrets.files"))
        return None if there else ""


def password_matches(entered: str, expected: str) -> bool:
    """Return whether the password is right, in a time that does not tell how much of it is."""
    return hmac.compare_digest(entered.encode("utf-8"), expected.encode("utf-8"))
