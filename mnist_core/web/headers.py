"""Security headers on every response: what a page of this app may load, and who may frame it.

docs/holding-up.md says what each of them blocks.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Streamlit's front end styles elements one by one, loads components' code as blobs, and its Vega
# charts evaluate what they compile, as do tools that drive a page (Playwright waits so); these
# need their exceptions. Nothing may come from another server.
_POLICY = (
    "default-src 'self'",
    "script-src 'self' blob: 'unsafe-eval' {inline}",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "frame-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)
# The camera is for "Start from a photo"; everything else that a browser may ask a person for
# has no use here.
_PERMISSIONS = (
    "camera=(self)", "clipboard-write=(self)", "fullscreen=(self)", "accelerometer=()",
    "display-capture=()", "geolocation=()", "gyroscope=()", "hid=()",
    "microphone=()", "midi=()", "payment=()", "serial=()", "usb=()",
)  # fmt: skip
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def security_headers() -> dict[str, str]:
    """Return the headers by name. The inline scripts of Streamlit's own page are let in by their
    digests, so another version of Streamlit needs no change here."""
    page = files("streamlit").joinpath("static/index.html").read_text(encoding="utf-8")
    digests = [hashlib.sha256(text.encode()).digest() for text in _INLINE_SCRIPT.findall(page)]
    inline = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return {
        "Content-Security-Policy": "; ".join(_POLICY).format(inline=inline),
        "X-Frame-Options": "SAMEORIGIN",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": ", ".join(_PERMISSIONS),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class SecurityHeaders:
    """ASGI middleware that adds the headers to every response that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = security_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
