"""Who is let in: as many as the server has file descriptors for, the others are told so.

An open page holds about four descriptors, a phone in a room one or two. A server that has none
left answers nobody and says nothing; this one keeps some back to say that it is full.
"""

from __future__ import annotations

import os
import resource
import time

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

RESERVE = 128  # descriptors kept for those who are in: files, trainings, uploads
RETRY_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.5  # counting the descriptors of a full house takes a millisecond
_FULL_PAGE = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="{RETRY_SECONDS}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>It is full</title>
<style>body {{ font: 1.4rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 20vh auto;
padding: 0 1.5rem; color-scheme: light dark; }}</style>
<h1>It is full here</h1>
<p>More people are drawing than this computer can serve. Try again in a minute: this page does
so by itself.</p></html>
"""


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit of file descriptors to its hard one; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS refuses what the kernel does not have
            return soft
    return hard


def open_descriptors() -> int:
    """Return how many file descriptors this process has open."""
    with os.scandir("/dev/fd") as entries:
        return sum(1 for _ in entries) - 1  # one of them is that of looking


class Admission:
    """ASGI middleware: new pages, sessions and a room's listeners are let in while there is room.

    It first makes as much room as the system allows (`raise_descriptor_limit`).
    """

    def __init__(self, app: ASGIApp) -> None:
        raise_descriptor_limit()
        self.app = app
        self._looked_at = float("-inf")
        self._is_full = False

    def is_full(self) -> bool:
        """Return whether only the reserve is left, as of half a second ago at most."""
        now = time.monotonic()
        if now - self._looked_at > _LOOK_AGAIN_SECONDS:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            self._is_full = 0 <= limit < open_descriptors() + RESERVE
            self._looked_at = now
        return self._is_full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or say that it is full."""
        if not _asks_to_come_in(scope) or not self.is_full():
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
            await HTMLResponse(_FULL_PAGE, 503, headers)(scope, receive, send)
        else:
            await receive()  # websocket.connect; closed before it is accepted, it is refused
            await send({"type": "websocket.close", "code": 1013})


def _asks_to_come_in(scope: Scope) -> bool:
    """Return whether a request begins a visit: a page, its session, or the news of a room."""
    if scope["type"] == "websocket":
        return True
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    accepts = dict(scope.get("headers", ())).get(b"accept", b"")
    return b"text/html" in accepts or scope["path"].endswith("/events")
