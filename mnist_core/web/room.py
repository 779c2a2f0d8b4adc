"""What phones and walls of a room ask for, under /r/CODE."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mnist_core.data.database import reading
from mnist_core.data.drawing import record
from mnist_core.errors import (
    DatabaseError,
    MnistError,
    ModelError,
    NoSuchRoom,
    NotAMember,
    NotNow,
    RoomPaused,
)
from mnist_core.models import recent
from mnist_core.models.reading import read_strokes
from mnist_core.room import ballot, deletion, labels, phone_state, phones, store, wall
from mnist_core.room.store import Member, Room
from mnist_core.web import gate
from mnist_core.web.room_hub import Hub
from mnist_core.web.room_keeper import Keeper
from mnist_core.web.room_schemas import DrawingSent, LabelSent, ReadingSent, VoteSent
from mnist_core.web.schemas import BadRequest, parse

MOST_BYTES = 100_000  # of a drawing: 5,000 points are half of that
# A phone draws once a second at most; what it kept while it was away comes at once.
A_PHONE, A_HALL = gate.Rate(5, 60), gate.Rate(400, 1000)
A_HALLS_WALLS = gate.Rate(5, 60)  # each is told at once all that there is to show
A_PHONES_JOINS, A_HALLS_JOINS = gate.Rate(0.2, 10), gate.Rate(10, 600)
_STATUS: dict[type[MnistError], int] = {
    NoSuchRoom: 404,
    NotAMember: 401,
    NotNow: 409,
    RoomPaused: 423,  # the same is right later, as with 429 and 503
    DatabaseError: 503,
    ModelError: 503,
}
# That listen at one address: a full room, with connections of before that nobody has given up yet.
MOST_PHONES, MOST_WALLS = 2500, 200
KNOWN_FOR_S, MOST_KNOWN = 30.0, 5000
Handler = Callable[[Request], Awaitable[Response]]


class RoomRoutes:
    """The routes; know who listens."""

    def __init__(self) -> None:
        self._hub = Hub()
        self._sends = gate.Limiter(A_PHONE, A_HALL)
        self._walls = gate.Limiter(A_HALLS_WALLS, A_HALLS_WALLS)
        self._joins = gate.Limiter(A_PHONES_JOINS, A_HALLS_JOINS)
        # SQLite lets one write at a time: threads that wait for each other in a queue of their
        # own take turns sooner than those that sleep and ask again.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="room-write")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="room-read")
        self._kept = Keeper(self._writer)
        # code, token -> member's id, until when, monotonic
        self._known: dict[tuple[str, str], tuple[int, float]] = {}
        self._networks = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="room-answer")

    def routes(self, prefix: str = "") -> list[BaseRoute]:
        """Return the routes of this module."""
        posts: dict[str, Handler] = {
            "join": self.join,
            "here": self.here,
            "name": self.rename,
            "drawings": self.draw,
            "labels": self.label,
            "votes": self.vote,
            "readings": self.read,
        }
        gets: dict[str, Handler] = {
            "state": self.state,
            "candidate": self.candidate,
            "pixels/{round_id:int}": self.pixels,
            "events": self.phone_events,
            "wall/events": self.wall_events,
        }
        at = f"{prefix}/r/{{code}}"
        return [
            Route(f"{prefix}/r/forget", _told(self.forget), methods=["POST"]),
            *(Route(f"{at}/{name}", _told(to), methods=["POST"]) for name, to in posts.items()),
            *(Route(f"{at}/{name}", _told(to)) for name, to in gets.items()),
        ]

    async def join(self, request: Request) -> Response:
        """Let a phone in, or back in; answer with its state."""
        gate.admit(request, self._joins)
        code, token = request.path_params["code"], _token(request)
        await self._do(self._writer, phones.join, code, token)
        return JSONResponse(await self._do(self._readers, phone_state.state, code, token))

    async def here(self, request: Request) -> Response:
        """Note that a phone is still here: an open connection does not say so."""
        gate.admit(request, self._sends)
        code, token = request.path_params["code"], _token(request)
        self._hub.hear_of(await self._member_id(code, token))
        return JSONResponse({})

    async def rename(self, request: Request) -> Response:
        """Roll another name."""
        gate.admit(request, self._joins)
        code, token = request.path_params["code"], _token(request)
        return JSONResponse({"name": await self._do(self._writer, phones.rename, code, token)})

    async def state(self, request: Request) -> Response:
        """Answer with what a phone is told when it comes back."""
        gate.admit(request, self._sends)
        code, token = request.path_params["code"], _token(request)
        return JSONResponse(await self._do(self._readers, phone_state.state, code, token))

    async def draw(self, request: Request) -> Response:
        """Keep a drawing, and answer with what both networks say of it."""
        gate.admit(request, self._sends)
        body = await gate.limited_body(request, MOST_BYTES)
        code, token = request.path_params["code"], _token(request)
        await self._member_id(code, token)  # only members may let the networks work
        sent, answers = await self._do(self._networks, _answered, body)
        entry = await self._kept.keep(code, phones.Drawn(token, sent, answers))
        return JSONResponse({"entry": entry, **answers})

    async def _member_id(self, code: str, token: str) -> int:
        """Return who holds the token; who did a moment ago is not looked up again.

        Raises NoSuchRoom, NotAMember.
        """
        now = time.monotonic()
        member_id, until = self._known.get((code, token), (0, 0.0))
        if now > until:
            _, member = await self._do(self._readers, _member, code, token)
            member_id = member.id
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known[code, token] = member_id, now + KNOWN_FOR_S
        return member_id

    async def candidate(self, request: Request) -> Response:
        """Answer with a drawing to vote on, or null."""
        gate.admit(request, self._sends)
        code, token = request.path_params["code"], _token(request)
        found = await self._do(self._readers, ballot.candidate, code, token)
        if found is not None:
            entry = found.pop("entry")
            found = {"entry": entry, **wall.as_path(**found)}
        return JSONResponse(found)

    async def label(self, request: Request) -> Response:
        """Keep what somebody says of a drawing of their own; answer with its label."""
        gate.admit(request, self._sends)
        sent = parse(LabelSent, await gate.limited_body(request, MOST_BYTES))
        code, token = request.path_params["code"], _token(request)
        kept = await self._do(self._writer, labels.say, code, token, sent.entry, sent.label)
        return JSONResponse({"label": kept})

    async def vote(self, request: Request) -> Response:
        """Keep a vote."""
        gate.admit(request, self._sends)
        sent = parse(VoteSent, await gate.limited_body(request, MOST_BYTES))
        code, token = request.path_params["code"], _token(request)
        await self._do(self._writer, ballot.vote, code, token, sent.entry, sent.digit)
        return JSONResponse({})

    async def read(self, request: Request) -> Response:
        """Keep what somebody reads in a hard digit."""
        gate.admit(request, self._sends)
        sent = parse(ReadingSent, await gate.limited_body(request, MOST_BYTES))
        code, token = request.path_params["code"], _token(request)
        await self._do(
            self._writer, ballot.read, code, token, sent.round, sent.question, sent.digit
        )
        return JSONResponse({})

    async def pixels(self, request: Request) -> Response:
        """Answer with the hard digits."""
        gate.admit(request, self._sends)
        params, token = request.path_params, _token(request)
        found = await self._do(
            self._readers, phone_state.pixels, params["code"], token, params["round_id"]
        )
        return JSONResponse(found)

    async def forget(self, request: Request) -> Response:
        """Delete a phone from all rooms, with everything it drew."""
        gate.admit(request, self._sends)
        gone = await self._do(self._writer, deletion.forget, _token(request))
        return JSONResponse({"deleted": gone})

    async def phone_events(self, request: Request) -> Response:
        """Stream what a phone has to know at once."""
        gate.admit(request, self._sends)
        code, token = request.path_params["code"], _token(request)
        room, member = await self._do(self._readers, _member, code, token)
        self._hub.hear_of(member.id)
        first = functools.partial(phone_state.state, code, token)
        return self._stream(request, room, member.id, first)

    async def wall_events(self, request: Request) -> Response:
        """Stream what the wall shows."""
        gate.admit(request, self._walls)
        code = request.path_params["code"]
        room = await self._do(self._readers, _room, code)
        return self._stream(request, room, None, functools.partial(wall.state, code))

    def _stream(
        self,
        request: Request,
        room: Room,
        member_id: int | None,
        first: Callable[[], dict[str, Any]],
    ) -> Response:
        address = request.client.host if request.client else ""
        is_wall = member_id is None
        if self._hub.listening(address, is_wall) >= (MOST_WALLS if is_wall else MOST_PHONES):
            raise BadRequest(429, "Too many listen at your address; ask again in a while.", 30)
        return StreamingResponse(
            self._hub.listen(room, member_id, first, address),
            media_type="text/event-stream",
            # X-Accel-Buffering: nginx passes on what comes as it comes.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _do(self, where: ThreadPoolExecutor, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(where, work, *given)


def _told(handler: Handler) -> Handler:
    """Return the handler, for pages of this site, with its refusals turned into one clear answer
    each."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            gate.refuse_other_sites(request)
            return await handler(request)
        except BadRequest as error:
            return gate.refusal(error, {})
        except MnistError as error:
            status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 422)
            later = 2 if status in (423, 503) else None
            return gate.refusal(BadRequest(status, str(error), later), {})

    return answer


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotAMember("This phone has not said who it is; open the room's address anew.")
    return token


def _room(code: str) -> Room:
    with reading() as connection:
        return store.find_room(connection, code)


def _member(code: str, token: str) -> tuple[Room, Member]:
    with reading() as connection:
        room = store.find_room(connection, code)
        return room, store.member_of(connection, room, token)


def _answered(body: bytes) -> tuple[phones.Sent, dict[str, dict[str, Any]]]:
    """Return the drawing of a body, and what both networks say of it."""
    sent = parse(DrawingSent, body)
    strokes = sent.strokes
    arrays = [np.array([point[:2] for point in stroke], np.float64) for stroke in strokes]
    # The phone's page has just asked about this very ink while it was drawn.
    found = recent.recall(arrays, sent.width, sent.size)
    if found is None:
        reading = read_strokes(arrays, sent.width, sent.size)
        found = reading.answers, reading.models
        if not reading.answers:
            raise ModelError(" ".join(reading.problems.values()))
    answers, models = found
    said = {slot: record(models[slot], answer) for slot, answer in answers.items()}
    kept = phones.Sent(sent.key, sent.round, sent.task, strokes, sent.width, sent.size)
    return kept, said
