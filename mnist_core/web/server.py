"""Everything that app.py serves beside Streamlit: each module's routes, and what is around them."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from mnist_core.web import description, gate, room_pages, room_results
from mnist_core.web.admission import Admission
from mnist_core.web.headers import SecurityHeaders
from mnist_core.web.messages import BoundedMessages
from mnist_core.web.read import Read
from mnist_core.web.room import RoomRoutes


def routes(prefix: str = "", origins: gate.Origins = tuple) -> list[BaseRoute]:
    """Return the routes of all modules of this room.

    prefix: what all paths begin with, where the app does not stand at its server's root.
    origins: returns the other sites ("https://example.org") whose pages may ask, "*" for all.
    """
    return [
        *Read(origins).routes(prefix),
        *description.routes(prefix),
        *room_results.routes(prefix),
        *room_pages.routes(prefix),
        *RoomRoutes().routes(prefix),
    ]


def middleware() -> list[Middleware]:
    """Return what every request passes through before Streamlit's own middleware."""
    return [Middleware(one) for one in (SecurityHeaders, Admission, BoundedMessages)]
