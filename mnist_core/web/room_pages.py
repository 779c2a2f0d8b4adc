"""The pages of a room, as files: what phones and the projector load, and the QR code."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mnist_core.room.names import tidy_code
from mnist_core.web import gate
from mnist_core.web.schemas import BadRequest

FOLDER = Path(__file__).resolve().parent / "room_files"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
LONGEST_ADDRESS = 250
SCREENS = gate.Rate(5, 60)  # walls and host's pages at an address; each keeps its code for a day


def routes(prefix: str = "") -> list[BaseRoute]:
    """Return the routes of this module."""
    at = f"{prefix}/r/{{code}}"
    return [
        Route(f"{prefix}/r/static/{{name}}", _static),
        Route(f"{at}/wall", _page("wall.html")),
        Route(f"{at}/qr.svg", _qr()),
        Route(at, _page("phone.html")),
    ]


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return _answer(request, FOLDER / name)

    return page


async def _static(request: Request) -> Response:
    files = {path.name: path for path in FOLDER.iterdir()}
    path = files.get(request.path_params["name"])
    return Response(status_code=404) if path is None else _answer(request, path)


def _answer(request: Request, path: Path) -> Response:
    content, tag = _content(path, path.stat().st_mtime_ns)
    # Asked for again each time, sent again only where it has changed.
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[path.suffix], headers=headers)


@functools.lru_cache(maxsize=32)
def _content(path: Path, changed_ns: int) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _qr() -> Callable[[Request], Awaitable[Response]]:
    limiter = gate.Limiter(SCREENS, SCREENS)

    async def qr(request: Request) -> Response:
        """Draw an address of this room as a QR code; of nothing else."""
        try:
            gate.admit(request, limiter)
        except BadRequest as error:
            return gate.refusal(error, {})
        code, address = tidy_code(request.path_params["code"]), request.query_params.get("to", "")
        is_ours = address.startswith(("http://", "https://")) and address.endswith(f"/r/{code}")
        if not is_ours or len(address) > LONGEST_ADDRESS:
            return Response("This draws addresses of a room alone.", 422, media_type="text/plain")
        headers = {"Cache-Control": "max-age=86400"}
        drawn = await asyncio.to_thread(qr_svg, address)
        return Response(drawn, media_type="image/svg+xml", headers=headers)

    return qr


@functools.lru_cache(maxsize=64)
def qr_svg(address: str) -> bytes:
    """Return an address as a QR code, an SVG of black squares on white."""
    import segno  # not at the start: only rooms need it

    made = io.BytesIO()
    segno.make(address, error="m", micro=False).save(made, kind="svg", border=2, light="white")
    return made.getvalue()
