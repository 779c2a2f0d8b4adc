"""The page of a room's results: a link to share, the drawings as CSV, the wall as a picture."""

from __future__ import annotations

import asyncio
import html
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from mnist_core.errors import NoSuchRoom
from mnist_core.room import results
from mnist_core.room.store import Room


def routes(prefix: str = "") -> list[BaseRoute]:
    """Return the routes of this module."""
    at = f"{prefix}/r/results/{{key}}"
    return [
        Route(f"{at}/wall.png", _picture),
        Route(f"{at}/drawings.csv", _csv),
        Route(at, _page),
    ]


async def _page(request: Request) -> Response:
    return await _answered(request, lambda room: HTMLResponse(page(room), headers=_PRIVATE))


async def _picture(request: Request) -> Response:
    def made(room: Room) -> Response:
        return Response(results.picture(room), media_type="image/png", headers=_PRIVATE)

    return await _answered(request, made)


async def _csv(request: Request) -> Response:
    def made(room: Room) -> Response:
        named = {"Content-Disposition": f'attachment; filename="room-{room.code}.csv"'}
        return Response(results.drawings_csv(room), media_type="text/csv", headers=_PRIVATE | named)

    return await _answered(request, made)


# Whoever asks to be forgotten is gone from here at once, so nothing is kept on the way.
_PRIVATE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


async def _answered(request: Request, made: Any) -> Response:
    def work() -> Response:
        try:
            return made(results.room_of_key(request.path_params["key"]))
        except NoSuchRoom as error:
            return Response(str(error), 404, media_type="text/plain")

    return await asyncio.get_running_loop().run_in_executor(None, work)


def page(room: Room) -> str:
    """Return the page as HTML."""
    key = html.escape(room.results_key)
    drawn = results.drawings(room)
    rounds = "".join(
        _round(shown, drawn.get(shown["round"]["id"], [])) for shown in results.report(room)
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Room {room.code}: results</title>
<link rel="stylesheet" href="../static/results.css"><link rel="icon" href="../static/icon.svg">
</head><body><header><h1>Room {room.code}</h1>
<p><a href="{key}/wall.png" download="room-{room.code}.png">The wall as a picture (PNG)</a>
<a href="{key}/drawings.csv">The drawings with their strokes (CSV)</a></p>
<p class=legend>Below each drawing: what the <b class=dense>dense network</b> and the
<b class=cnn>CNN</b> read.</p></header>
<main>{rounds or "<p>No rounds yet.</p>"}</main></body></html>"""


def _round(shown: dict[str, Any], drawn: list[dict[str, Any]]) -> str:
    title = html.escape(f"{shown['round']['number']}. {shown['title']}")
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in results.facts(shown))
    tiles = "".join(map(_tile, drawn))
    return f"<section><h2>{title}</h2><ul>{facts}</ul><div class=tiles>{tiles}</div></section>"


def _tile(one: dict[str, Any]) -> str:
    read = "".join(
        f"<b class={network}>{answer['digit'] if answer['is_digit'] else '?'}</b>"
        for network, answer in one["read"].items()
    )
    return (
        f'<figure><svg viewBox="0 0 100 100"><path d="{one["path"]}" '
        f'stroke-width="{one["width"]}"/></svg><figcaption>{read}'
        f"<span>{html.escape(one['name'])}</span></figcaption></figure>"
    )
