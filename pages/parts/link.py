"""The address of what one sees: to copy and, as a QR code, to scan."""

from urllib.parse import urlencode

import streamlit as st

from mnist_core.views import links
from mnist_core.views.answer_view import Html


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


def offer_own_link() -> None:
    """Offer the address of the page as it is now, behind a button."""
    with st.popover("Link", icon=":material/link:", width="content"):
        show_own_link()


def show_own_link() -> None:
    """Show the address of the page as it is now: the browser's own, with all that it shows."""
    shown = {name: st.query_params.get_all(name) for name in st.query_params}
    st.caption("This opens the page as you see it. Copy or scan it.")
    show_link(links.address(st.context.url or "") + (f"?{urlencode(shown, True)}" if shown else ""))
