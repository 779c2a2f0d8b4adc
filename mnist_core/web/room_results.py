"""The page of a room's results: a link to share, the drawings as CSV, the wall as a picture."""

from __future__ import annotations

import asyncio
import functools
import html
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from mnist_core.errors import MnistError, NoSuchRoom
from mnist_core.room import results
from mnist_core.room.store import Room
from mnist_core.web import gate
from mnist_core.web.schemas import BadRequest

A_HALL = gate.Rate(10, 600)  # the whole room opens the page at once
FILE_COST = 10.0  # of a page: a file is made of every drawing
MOST_TILES = 1000  # of a round
# Whoever asks to be forgotten is gone from here at once, so nothing is kept on the way.
_PRIVATE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


def routes(prefix: str = "") -> list[BaseRoute]:
    """Return the routes of this module."""
    at = f"{prefix}/r/results/{{key}}"
    limiter = gate.Limiter(A_HALL, A_HALL)
    # One after the other: what a full room drew is work for a second.
    maker = ThreadPoolExecutor(1, thread_name_prefix="room-results")

    def route(path: str, made: Callable[[Room], Response], cost: float) -> Route:
        async def answer(request: Request) -> Response:
            try:
                gate.admit(request, limiter, cost)
            except BadRequest as error:
                return _refusal(error)
            key = request.path_params["key"]
            return await asyncio.get_running_loop().run_in_executor(maker, _answer, made, key)

        return Route(path, answer)

    return [
        route(f"{at}/wall.png", _picture, FILE_COST),
        route(f"{at}/drawings.csv", _csv, FILE_COST),
        route(at, _page, 1.0),
    ]


def _answer(made: Callable[[Room], Response], key: str) -> Response:
    try:
        return made(results.room_of_key(key))
    except NoSuchRoom as error:
        return _refusal(BadRequest(404, str(error)))
    except MnistError as error:  # the database is away for a moment
        return _refusal(BadRequest(503, str(error), 2))


def _refusal(error: BadRequest) -> Response:
    later = error.retry_after_s
    headers = {} if later is None else {"Retry-After": str(later)}
    return Response(str(error), error.status, headers, "text/plain")


def _page(room: Room) -> Response:
    made = page(room) if room.closed_at is None else _page_of_closed(room)
    return HTMLResponse(made, headers=_PRIVATE)


def _picture(room: Room) -> Response:
    return Response(results.picture(room), media_type="image/png", headers=_PRIVATE)


def _csv(room: Room) -> Response:
    named = {"Content-Disposition": f'attachment; filename="room-{room.code}.csv"'}
    return Response(results.drawings_csv(room), media_type="text/csv", headers=_PRIVATE | named)


def page(room: Room) -> str:
    """Return the page as HTML."""
    key = html.escape(room.results_key)
    rounds = "".join(
        _round(shown, results.drawings(room, shown["round"]["id"], MOST_TILES + 1))
        for shown in results.report(room)
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


# The clock changes nothing in a closed room, and everything else raises its revision.
_page_of_closed = functools.lru_cache(maxsize=4)(page)


def _round(shown: dict[str, Any], drawn: list[dict[str, Any]]) -> str:
    title = html.escape(f"{shown['round']['number']}. {shown['title']}")
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in results.facts(shown))
    tiles = "".join(map(_tile, drawn[-MOST_TILES:]))
    if len(drawn) > MOST_TILES:
        facts += f"<li>Below are the newest {MOST_TILES:,}; the CSV has them all.</li>"
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
