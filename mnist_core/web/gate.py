"""Who may ask, how often, and how much: in front of every route that costs something."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mnist_core.web.schemas import BadRequest

CLIENT_HEADER = "x-client"  # by which a page tells its requests from its neighbours'
MOST_CLIENTS = 10_000
Origins = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Rate:
    """So many requests a second, after a burst of so many."""

    a_second: float
    burst: float


# A page asks ten times a second at most while its pen moves. Whole rooms share one address behind
# their router, so what an address may ask is more than the server can answer on two cores: that
# queues, and pages slow down by themselves; the limit stops a script that only floods.
A_CLIENT = Rate(30, 60)
AN_ADDRESS = Rate(300, 600)


class Limiter:
    """Token buckets, one for each client and one for each address that clients share.

    Each process counts for itself.
    """

    def __init__(
        self,
        client: Rate = A_CLIENT,
        address: Rate = AN_ADDRESS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._address, self._clock = client, address, clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}  # key -> tokens, when

    def wait_s(self, address: str, client: str, cost: float = 1.0) -> float:
        """Return 0 and count a request, or how many seconds it comes too early."""
        with self._lock:
            now = self._clock()
            if len(self._buckets) > MOST_CLIENTS:
                self._forget(now)
            wanted = [((address, client), self._client), ((address, "*"), self._address)]
            left = {key: self._tokens(key, rate, now) for key, rate in wanted}
            waits = [(cost - left[key]) / rate.a_second for key, rate in wanted]
            if max(waits) > 0:
                return max(waits)
            for key, _ in wanted:
                self._buckets[key] = (left[key] - cost, now)
            return 0.0

    def _tokens(self, key: tuple[str, str], rate: Rate, now: float) -> float:
        tokens, when = self._buckets.get(key, (rate.burst, now))
        return min(rate.burst, tokens + (now - when) * rate.a_second)

    def _forget(self, now: float) -> None:
        """Forget who has been silent long enough to have every token again; then all others."""
        longest = max(rate.burst / rate.a_second for rate in (self._client, self._address))
        kept = {key: it for key, it in self._buckets.items() if now - it[1] < longest}
        self._buckets = kept if len(kept) <= MOST_CLIENTS else {}


def admit(request: Request, limiter: Limiter, cost: float = 1.0) -> None:
    """Count a request. Raises BadRequest (429) where its client asks too often.

    A client is an address and what the header X-Client calls it; without one, all at an address
    count together. The address is uvicorn's, which believes X-Forwarded-For only of the proxies
    that the environment variable FORWARDED_ALLOW_IPS names (by default 127.0.0.1).
    """
    address = request.client.host if request.client else ""
    wait_s = limiter.wait_s(address, request.headers.get(CLIENT_HEADER, "")[:64], cost)
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        raise BadRequest(429, f"You ask too often; wait {seconds} s and ask again.", seconds)


def cors(request: Request, origins: Origins) -> dict[str, str]:
    """Return the headers by which a browser lets a page of another site read the answer.

    Pages of this site need none, nor does what is no browser. Raises BadRequest (403) for a page
    of a site that is not allowed.
    """
    origin = request.headers.get("origin")
    if origin is None or _is_own(origin, request):
        return {}
    allowed = origins()
    if origin not in allowed and "*" not in allowed:
        raise BadRequest(
            403, "Pages of other sites may not ask here; name yours as api_origins in the secrets."
        )
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Content-Type, X-Client",
        "Access-Control-Expose-Headers": "Retry-After",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


def refuse_other_sites(request: Request) -> None:
    """Raise BadRequest (403) for a page of any other site; what is no browser may ask."""
    origin = request.headers.get("origin")
    if origin is not None and not _is_own(origin, request):
        raise BadRequest(403, "Pages of other sites may not ask here.")


def _is_own(origin: str, request: Request) -> bool:
    return origin.partition("://")[2] == request.headers.get("host")


async def limited_body(request: Request, most_bytes: int) -> bytes:
    """Return the body. Raises BadRequest (413) as soon as it is longer than `most_bytes`."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > most_bytes:
            raise BadRequest(413, f"The body is too long; send {most_bytes:,} bytes at most.")
        parts.append(part)
    return b"".join(parts)


def refusal(error: BadRequest, headers: dict[str, str]) -> Response:
    """Return the answer to a request that cannot be answered as it is."""
    if error.retry_after_s is not None:
        headers = headers | {"Retry-After": str(error.retry_after_s)}
    return JSONResponse({"error": str(error)}, error.status, headers)
