"""Drawings on their way into the database: those that wait together are kept together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor

from sqlalchemy.exc import SQLAlchemyError

from mnist_core.errors import MnistError
from mnist_core.room import phones
from mnist_core.room.phones import Drawn

MOST_AT_ONCE = 50

Waiting = tuple[Drawn, "asyncio.Future[int]"]


class Keeper:
    """Keeps drawings, one transaction at a time, each with all that came meanwhile.

    With few phones that is one drawing a transaction, at once; a full room waits a moment longer
    and costs a fraction.
    """

    def __init__(self, writer: Executor) -> None:
        self._writer = writer
        self._waiting: dict[str, list[Waiting]] = defaultdict(list)  # by room
        self._keeping: set[asyncio.Task[None]] = set()

    async def keep(self, code: str, drawn: Drawn) -> int:
        """Return the number of the drawing's entry. Raises what `phones.draw` raises."""
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[code].append((drawn, kept))
        if len(self._waiting[code]) == 1:  # whoever came first keeps for all
            task = asyncio.create_task(self._keep_those_of(code))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)
        return await kept

    async def _keep_those_of(self, code: str) -> None:
        loop = asyncio.get_running_loop()
        while waiting := self._waiting[code][:MOST_AT_ONCE]:
            kept: Sequence[int | Exception]
            try:
                kept = await loop.run_in_executor(
                    self._writer, phones.draw_all, code, [drawn for drawn, _ in waiting]
                )
            except (MnistError, SQLAlchemyError) as error:
                kept = [error] * len(waiting)
            del self._waiting[code][: len(waiting)]
            for (_, future), entry in zip(waiting, kept, strict=True):
                if future.cancelled():  # the phone has gone; it will ask again
                    continue
                if isinstance(entry, Exception):
                    future.set_exception(entry)
                else:
                    future.set_result(entry)
        del self._waiting[code]
