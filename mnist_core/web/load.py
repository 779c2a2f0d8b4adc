"""How busy this process is: what the pages that ask while the pen moves are slowed down by."""

from __future__ import annotations

import threading
import time

# Python runs one thread at a time, so a process that uses about one core has nothing left.
FREE_CORES, BUSY_CORES = 0.45, 0.8
SOONEST_MS, LATEST_MS = 100, 1000
LONGEST_WAIT_S = 0.05  # a request that waited longer for its turn found a busy server
_WINDOW_S = 0.5


class Load:
    """How many cores this process has used lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = (time.monotonic(), time.process_time())
        self._cores = 0.0

    def cores(self) -> float:
        """Return the cores in use over the last half second or more, as of the last call."""
        with self._lock:
            now, used = time.monotonic(), time.process_time()
            elapsed = now - self._looked[0]
            if elapsed >= _WINDOW_S:
                self._cores = (used - self._looked[1]) / elapsed
                self._looked = (now, used)
            return self._cores


def pause_ms(cores: float, waited_s: float) -> int | None:
    """Return how long a page should wait before it asks again while its pen moves.

    cores: in use; waited_s: how long this request waited for its turn. None: do not ask again
    before the pen is lifted.
    """
    if cores >= BUSY_CORES or waited_s > LONGEST_WAIT_S:
        return None
    busy = max(0.0, (cores - FREE_CORES) / (BUSY_CORES - FREE_CORES))
    return round(SOONEST_MS * (LATEST_MS / SOONEST_MS) ** busy)
