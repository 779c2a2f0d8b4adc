"""News for phones and walls: one look at the database every fifth of a second, for everybody.

Each process looks for itself, so whichever copy of the app a phone or wall is on, news arrives
within that time; nothing is told from one process to another.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from mnist_core.data.database import reading
from mnist_core.errors import DatabaseError, MnistError
from mnist_core.room import phone_state, rules, scores, store, wall
from mnist_core.room.store import Room
from mnist_core.room.tables import rooms

LOOK_EVERY_S = 0.2
POINTS_EVERY_S = 2.0
PRESENT_EVERY_S = 5.0  # who has left changes nothing in the database
HEARTBEAT_S = 15.0
SEEN_EVERY_S = 5.0  # phones that say that they are here are kept together
MOST_OF_A_PHONE = 3  # open pages of one phone; a fourth ends the first
MOST_WAITING = 200  # messages to somebody who does not take them; then the connection ends


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def _event(text: str) -> str:
    return f"data: {text}\n\n"


@dataclass(eq=False)
class Listener:
    """A phone or a wall that is connected."""

    member_id: int | None  # None: a wall
    address: str = ""
    news: asyncio.Queue[str | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=MOST_WAITING)
    )

    def tell(self, message: dict[str, Any] | str | None) -> None:
        """Hand over a message; None ends the connection."""
        text = _text(message) if isinstance(message, dict) else message
        with contextlib.suppress(asyncio.QueueFull):
            self.news.put_nowait(text)


@dataclass
class Channel:
    """The listeners of one room, and what they have been told."""

    revision: int = 0
    phone_revision: int = 0
    fresh: bool = True  # nobody has looked yet
    over_at: float | None = None  # when the round ends by itself, monotonic as the next two
    told_at: float = 0.0
    points_at: float = 0.0
    points_due: bool = False  # a round of "Fool it" has changed since phones heard of their points
    listeners: list[Listener] = field(default_factory=list)  # who came first is first


class Hub:
    """All listeners of this process."""

    def __init__(self) -> None:
        self._channels: dict[int, Channel] = {}
        self._heard_of: set[int] = set()  # members, since that was kept last
        self._looking: asyncio.Task[None] | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="room-news")

    def listening(self, address: str, walls: bool) -> int:
        """Return how many walls, or else phones, of an address listen."""
        return sum(
            one.address == address and (one.member_id is None) == walls
            for channel in self._channels.values()
            for one in channel.listeners
        )

    async def listen(
        self,
        room: Room,
        member_id: int | None,
        first: Callable[[], dict[str, Any]],
        address: str = "",
    ) -> AsyncIterator[str]:
        """Yield server-sent events until the listener goes or the room is closed.

        first: reads what the listener is told before any news, in the thread that looks for news.
        """
        listener = Listener(member_id, address)
        channel = self._channels.setdefault(room.id, Channel(room.revision, room.phone_revision))
        channel.listeners.append(listener)
        if member_id is not None:
            of_phone = [one for one in channel.listeners if one.member_id == member_id]
            for older in of_phone[:-MOST_OF_A_PHONE]:
                older.tell(None)
        self._begin_to_look()
        try:
            # Read only now, so that nothing is missed, and by the thread that looks, so that what
            # has been told meanwhile is no newer.
            loop = asyncio.get_running_loop()
            state = await loop.run_in_executor(self._reader, first)
            while not listener.news.empty():
                listener.news.get_nowait()
            yield _event(_text(state))
            while True:
                try:
                    text = await asyncio.wait_for(listener.news.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if text is None:
                    return
                yield _event(text)
                if listener.news.full():
                    return
        except MnistError:  # the room was closed this very moment, or the database is away
            return
        finally:
            channel.listeners.remove(listener)
            if not channel.listeners:
                self._channels.pop(room.id, None)

    def hear_of(self, member_id: int) -> None:
        """Note that a phone is here; it need not listen to this copy of the app."""
        self._heard_of.add(member_id)
        self._begin_to_look()

    def _begin_to_look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        seen_at = 0.0
        while self._channels or self._heard_of:
            began = loop.time()
            with contextlib.suppress(DatabaseError):  # away for a moment: the next look tells all
                told = await loop.run_in_executor(self._reader, _look, dict(self._channels))
                for room_id, news in told.items():
                    if room_id in self._channels:
                        _tell(self._channels[room_id], news)
                if self._heard_of and began - seen_at > SEEN_EVERY_S:
                    seen_at = began
                    here = list(self._heard_of)
                    await loop.run_in_executor(self._reader, store.seen, here)
                    self._heard_of.difference_update(here)
            await asyncio.sleep(max(0.02, LOOK_EVERY_S - (loop.time() - began)))


def _look(channels: dict[int, Channel]) -> dict[int, dict[str, Any]]:
    """Return what is new in each room: {"room", "over_at", "points_due", "wall", "phones",
    "points"}; the last three where there is something to tell."""
    told: dict[int, dict[str, Any]] = {}
    with reading() as connection:
        found = connection.execute(sa.select(rooms).where(rooms.c.id.in_(list(channels))))
        there = {row.id: Room(**row._mapping) for row in found}
        now = time.monotonic()
        for room_id, channel in channels.items():
            room = there.get(room_id)
            if room is None:  # deleted
                told[room_id] = {"room": None}
                continue
            over = channel.over_at is not None and now >= channel.over_at
            changed = room.revision != channel.revision
            count_points = (changed or channel.points_due) and (
                now - channel.points_at >= POINTS_EVERY_S
            )
            stale = now - channel.told_at >= PRESENT_EVERY_S
            if not (changed or over or channel.fresh or count_points or stale):
                continue
            round_ = store.latest_round(connection, room)
            left_s = None if round_ is None else round_.left_s(room)
            fooling = round_ is not None and round_.kind == rules.FOOL
            news: dict[str, Any] = {
                "room": room,
                "over_at": now + left_s if left_s and room.paused_at is None else None,
                "points_due": fooling and (changed or channel.points_due),
            }
            if any(one.member_id is None for one in channel.listeners.copy()):
                news["wall"] = wall.state_of(connection, room, round_, channel.revision)
            if over or room.phone_revision != channel.phone_revision:
                news["phones"] = phone_state.of_everyone(connection, room)
            if round_ is not None and fooling and count_points:
                news["points"] = dict(scores.fool_points(connection, round_))
            told[room_id] = news
    return told


def _tell(channel: Channel, news: dict[str, Any]) -> None:
    room: Room | None = news["room"]
    listeners = list(channel.listeners)
    if room is None:
        for listener in listeners:
            listener.tell(None)
        return
    channel.revision, channel.phone_revision = room.revision, room.phone_revision
    channel.over_at = news["over_at"]
    channel.fresh = False
    channel.told_at = time.monotonic()
    channel.points_due = news["points_due"]
    if "wall" in news:
        text = _text(news["wall"])
        for listener in listeners:
            if listener.member_id is None:
                listener.tell(text)
    if "phones" in news:
        for listener in listeners:
            if listener.member_id is not None:
                listener.tell(phone_state.for_member(news["phones"], listener.member_id))
    if "points" in news:  # and thereby: there may be something to vote on
        channel.points_at, channel.points_due = time.monotonic(), False
        for listener in listeners:
            if listener.member_id is not None:
                listener.tell({"points": news["points"].get(listener.member_id, 0)})
    if room.closed_at is not None:
        for listener in listeners:
            listener.tell(None)
