"""How often a password may be tried: each wrong one makes its client wait longer.

Kept for the whole process, so a new session, a new tab or a cleared cookie does not begin anew;
and counted over all clients, so many of them together are not faster than a few.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

FREE_TRIES = 3  # for fingers that slip
LONGEST_WAIT_SECONDS = 300.0
FORGOTTEN_AFTER_SECONDS = 3600.0
MOST_WRONG_IN_ALL = 30  # within ten minutes, over all clients
IN_ALL_SECONDS = 600.0
_MOST_CLIENTS = 10_000


class Attempts:
    """Counts wrong passwords; safe from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock  # monotonic: setting the machine's clock back changes nothing
        self._lock = threading.Lock()
        # client -> wrong ones in a row, and when the last of them was
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=MOST_WRONG_IN_ALL)

    def check(self, client: str, entered: str, expected: str) -> tuple[bool, float]:
        """Return whether the password is right, and how many seconds to wait where it is not
        even looked at.

        client: whatever tells one from another, such as an address. A try counts as wrong before
        it is compared, so that a thousand at once are not a thousand tries.
        """
        with self._lock:
            if wait := self._seconds_to_wait(client):
                return False, wait
            now = self._clock()
            before = self._wrong.get(client, (0, now))[0]
            self._wrong[client] = (before + 1, now)
            self._wrong.move_to_end(client)
            if len(self._wrong) > _MOST_CLIENTS:
                self._wrong.popitem(last=False)
            self._recent.append(now)
        # In a time that does not tell how much of it is right.
        if not hmac.compare_digest(entered.encode(), expected.encode()):
            return False, 0.0
        with self._lock:
            self._wrong.pop(client, None)
            if self._recent:
                self._recent.pop()
        return True, 0.0

    def _seconds_to_wait(self, client: str) -> float:
        now = self._clock()
        count, last = self._wrong.get(client, (0, now))
        if now - last > FORGOTTEN_AFTER_SECONDS:
            del self._wrong[client]
            count = 0
        doublings = min(count - FREE_TRIES, 10)  # more would be longer than the longest wait
        own = min(2.0**doublings, LONGEST_WAIT_SECONDS) if doublings >= 0 else 0.0
        wait = last + own - now
        if len(self._recent) == MOST_WRONG_IN_ALL:
            wait = max(wait, self._recent[0] + IN_ALL_SECONDS - now)
        return max(0.0, wait)
