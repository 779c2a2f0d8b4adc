"""How people get in: the code, its QR code, the address that phones reach."""

import html
from urllib.parse import quote

import streamlit as st

from mnist_core.errors import RoomError
from mnist_core.room import address, host
from mnist_core.room.store import Room
from pages.parts.attempt import attempt
from pages.parts.base_path import base_path


def guessed_address() -> str:
    """Return where phones probably reach this app."""
    port = int(st.get_option("server.port"))
    return address.for_phones(str(st.context.url or ""), port) + base_path()


def show_door(room: Room) -> None:
    """Show the code and its QR code, with a field to correct the address."""
    joined = f"{room.address}/r/{room.code}"
    picture = f"{base_path()}/r/{room.code}/qr.svg?to={quote(joined, safe='')}"
    st.html(
        f'<div class="room-door"><img src="{html.escape(picture)}" alt="QR code of {room.code}">'
        f'<div><b class="room-code">{room.code}</b><br>{html.escape(room.address)}'
        f'<wbr><span class="room-path">/r/{room.code}</span></div></div>'
    )
    st.text_input(
        "Address that phones reach",
        value=room.address,
        key="room-address",
        on_change=_correct,
        args=[room.code],
        help="Phones need this machine's address in the network that they are in.",
    )
    st.link_button(
        "Open the wall",
        f"{base_path()}/r/{room.code}/wall",
        icon=":material/open_in_new:",
        type="primary",
        help="For the projector; F there is full screen, D dark or light.",
    )


def _correct(code: str) -> None:
    attempt(_set_address, code, str(st.session_state["room-address"]))


def _set_address(code: str, entered: str) -> None:
    if not entered.strip():
        raise RoomError("Phones need an address; this one was empty.")
    host.set_address(code, entered)
