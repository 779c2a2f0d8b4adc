"""Everything that app.py serves beside Streamlit: each module's routes, and what is around them."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from mnist_core.web import read
from mnist_core.web.admission import Admission
from mnist_core.web.headers import SecurityHeaders
from mnist_core.web.messages import BoundedMessages


def routes() -> list[BaseRoute]:
    """Return the routes of all modules of this room."""
    return [*read.routes()]


def middleware() -> list[Middleware]:
    """Return what every request passes through before Streamlit's own middleware."""
    return [Middleware(one) for one in (SecurityHeaders, Admission, BoundedMessages)]
