"""Where phones reach this machine."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit


def for_phones(seen_at: str, port: int) -> str:
    """Return the address to put into a QR code, such as "http://192.168.1.5:8501".

    seen_at: the address at which the host's browser sees the app. Where that is this very
    machine's own ("localhost"), phones need the machine's address in the local network instead.
    """
    parts = urlsplit(seen_at)
    name = parts.hostname or ""
    if parts.scheme in ("http", "https") and name and not _is_own(name):
        return f"{parts.scheme}://{parts.netloc}"
    return f"http://{in_local_network()}:{parts.port or port}"


def _is_own(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback or name == "0.0.0.0"  # noqa: S104
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def in_local_network() -> str:
    """Return this machine's address in the network that leads out, "127.0.0.1" without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the system only picks the way out
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
