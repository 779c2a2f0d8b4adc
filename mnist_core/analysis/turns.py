"""Turns at computations that keep a core busy for seconds: a few at a time, in order of arrival.

Two hundred people who ask for the same long answer at once would all wait for all of them, and
everybody's strokes with them.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator

AT_ONCE = 1  # strokes, and a training, need the other core
MOST_WAITING = 50


class Turns:
    """A queue in one process; safe from many threads."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._at_once, self._most = at_once, at_once + most_waiting
        self._numbers = itertools.count()
        self._tickets: list[int] = []  # who is at it, then who waits, in their order
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def ticket(self, begun: bool = False) -> Iterator[int | None]:
        """Take a place in the queue for as long as the block lasts, however it ends.

        begun: a further piece of something begun, for which there is always a place. Yields the
        ticket's number, None where too many wait already.
        """
        with self._changed:
            room = begun or len(self._tickets) < self._most
            number = next(self._numbers) if room else None
            if number is not None:
                self._tickets.append(number)
        try:
            yield number
        finally:
            if number is not None:
                with self._changed:
                    self._tickets.remove(number)
                    self._changed.notify_all()

    def ahead(self, number: int) -> int:
        """Return how many must end before this ticket's turn: 0 when it has come."""
        with self._changed:
            return max(0, self._tickets.index(number) + 1 - self._at_once)

    def wait(self, number: int, seconds: float) -> int:
        """Wait until the turn has come, or the place in the queue has changed, or the seconds
        are over; return `ahead`."""
        with self._changed:
            before = self._tickets.index(number)
            self._changed.wait_for(
                lambda: self._tickets.index(number) < max(before, self._at_once), timeout=seconds
            )
        return self.ahead(number)


TURNS = Turns()
