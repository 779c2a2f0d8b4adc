"""The address of what one sees: to copy and, as a QR code, to scan."""

from urllib.parse import urlencode

import streamlit as st

from mnist_core.views import links
from mnist_core.views.answer_view import Html

AS_SEEN = "the page as you see it"


def show_link(link: str) -> None:
    """Show an address, to copy and as a QR code."""
    st.code(link, language=None)
    picture = links.qr_code(link)
    st.html(Html(f'<img alt="The link as a QR code" src="{picture}" style="width: 15rem">'))


def put_in_address(name: str, value: str | None) -> None:
    """Let the page's address hold a value, or no longer."""
    if st.query_params.get(name) == value:
        return
    if value is None:
        del st.query_params[name]
    else:
        st.query_params[name] = value


def once_from_address(name: str) -> str:
    """Return what the address brought under this name when the visit began, "" ever after."""
    if f"arrived-with-{name}" in st.session_state:
        return ""
    st.session_state[f"arrived-with-{name}"] = True
    return str(st.query_params.get(name, ""))


def offer_own_link(opens: str = AS_SEEN) -> None:
    """Offer the address of the page as it is now, behind a button; opens: what it shows others."""
    with st.popover("Link", icon=":material/link:", width="content"):
        show_own_link(opens)


def show_own_link(opens: str = AS_SEEN) -> None:
    """Show the address of the page as it is now: the browser's own, with all that it shows."""
    shown = {name: st.query_params.get_all(name) for name in st.query_params}
    st.caption(f"This opens {opens}. Copy or scan it.")
    show_link(links.address(st.context.url or "") + (f"?{urlencode(shown, True)}" if shown else ""))
