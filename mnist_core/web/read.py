"""POST /api/read: a drawing in, both networks' answers out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mnist_core.errors import BlankDrawing
from mnist_core.models.classifier import Answer
from mnist_core.models.reading import Reading, read_strokes
from mnist_core.views.answer_view import data_url
from mnist_core.web.schemas import BadRequest, parse_drawing

MOST_JSON_BYTES = 64_000
# Reading is work for a processor, not waiting: more threads than cores would only take turns.
_readers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="read")


def routes() -> list[BaseRoute]:
    """Return this module's routes."""
    return [Route("/api/read", read, methods=["POST"])]


async def read(request: Request) -> Response:
    """Answer a drawing, off the event loop."""
    try:
        body = await limited_body(request, MOST_JSON_BYTES)
        return JSONResponse(await in_thread(read_json, body))
    except BadRequest as error:
        return JSONResponse({"error": str(error)}, error.status)


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `work` returns, done in one of the readers' threads."""
    return await asyncio.get_running_loop().run_in_executor(_readers, work, *arguments)


async def limited_body(request: Request, most_bytes: int) -> bytes:
    """Return the body. Raises BadRequest (413) as soon as it is longer than `most_bytes`."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > most_bytes:
            raise BadRequest(413, f"The body is too long; send {most_bytes:,} bytes at most.")
        parts.append(part)
    return b"".join(parts)


def read_json(body: bytes) -> dict[str, Any]:
    """Return the answers to a JSON drawing, ready to be sent. Raises BadRequest."""
    drawing = parse_drawing(body)
    try:
        return as_json(read_strokes(drawing.arrays(), drawing.width, drawing.size))
    except BlankDrawing as error:
        raise BadRequest(422, str(error)) from None


def as_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as the route sends it. Raises BadRequest (503) where no network answers."""
    if not reading.answers:
        raise BadRequest(503, " ".join(reading.problems.values()))
    said: dict[str, Any] = {slot: {"error": why} for slot, why in reading.problems.items()}
    said |= {slot: _answer(answer) for slot, answer in reading.answers.items()}
    return {
        **said,
        "digits": 1,
        "image": data_url(reading.image),
        "steps_ms": round(reading.steps.seconds * 1000, 2),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "digit": answer.digit,
        "confidence": round(answer.confidence, 6),
        "probabilities": [round(float(p), 6) for p in answer.probabilities],
        "is_digit": answer.is_digit,
    }
