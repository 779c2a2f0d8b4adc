"""What a browser says to its session: bounded before anybody takes it apart.

Streamlit reads each message of a WebSocket as protocol buffers, in which the values of components
are texts of JSON. Parsing those costs everybody's time and, nested deep enough, raises
RecursionError in the session; so a message is looked at as bytes first.
"""

from __future__ import annotations

import logging

import numpy as np
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 4_000_000  # the largest drawing that the canvas takes back has 2 MB
# Lists and objects in one message. A drawing of 5,000 points, which is the most that the page
# reads, has a list for each and some forty for each stroke.
MOST_OPENED = 20_000
MOST_DEPTH = 60  # a drawing has 6
_ALWAYS_FINE = 400  # so few brackets cannot cost anything, nor nest too deep for Python
TOO_BIG = 1009  # RFC 6455, section 7.4.1

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_log = logging.getLogger(__name__)


def excess(data: bytes) -> str | None:
    """Return what a message has too much of, in words; None where it may be read.

    Brackets within texts count as well: there is no telling them apart without parsing.
    """
    if len(data) > MOST_BYTES:
        return f"{len(data):,} bytes, more than {MOST_BYTES:,}"
    brackets = data.translate(None, delete=_OTHERS)
    if len(brackets) <= _ALWAYS_FINE:
        return None
    opened = brackets.count(b"[") + brackets.count(b"{")
    if opened > MOST_OPENED:
        return f"{opened:,} lists and objects, more than {MOST_OPENED:,}"
    level = np.cumsum(_STEPS[np.frombuffer(brackets, np.uint8)], dtype=np.int64)
    depth = int((level - np.minimum.accumulate(np.minimum(level, 0))).max())
    return f"{depth:,} levels of nesting, more than {MOST_DEPTH}" if depth > MOST_DEPTH else None


class BoundedMessages:
    """ASGI middleware that ends a WebSocket whose browser sends what no page of ours would."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand messages on, up to the first that is too much."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        is_ended = False

        async def bounded() -> Message:
            nonlocal is_ended
            message = await receive()
            found = excess(message.get("bytes") or (message.get("text") or "").encode())
            if message["type"] != "websocket.receive" or found is None:
                return message
            _log.warning("A browser's message had %s; its connection was closed.", found)
            is_ended = True
            await send({"type": "websocket.close", "code": TOO_BIG})
            return {"type": "websocket.disconnect", "code": TOO_BIG}

        async def while_open(message: Message) -> None:
            if not is_ended:
                await send(message)

        await self.app(scope, bounded, while_open)
