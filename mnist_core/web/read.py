"""POST /api/read: a drawing in, both networks' answers out; POST /api/replay: how it came to be."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mnist_core import words
from mnist_core.analysis.replay import in_words, replay
from mnist_core.errors import BlankDrawing, UnreadableImage
from mnist_core.ink.photo import FORMATS
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models.classifier import Answer
from mnist_core.models.reading import Reading, read_picture, read_strokes
from mnist_core.views.answer_view import data_url
from mnist_core.web import gate
from mnist_core.web.load import Load, pause_ms
from mnist_core.web.schemas import BadRequest, Drawing, parse

IMAGE_TYPES = tuple(f"image/{name.lower()}" for name in (*FORMATS, "HEIC"))
MOST_JSON_BYTES = 64_000
MOST_IMAGE_BYTES = 10_000_000
# Of a reading of strokes: a photo takes that much longer, and a replay reads forty times.
IMAGE_COST, REPLAY_COST = 10.0, 30.0
# Reading is work for a processor, not waiting: more threads than cores would only take turns.
_readers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="read")


class Read:
    """The route; knows who asked how often, and how busy the process is."""

    def __init__(self, origins: gate.Origins, limiter: gate.Limiter | None = None) -> None:
        self._origins = origins
        self._limiter = limiter or gate.Limiter()
        self._load = Load()

    def routes(self, prefix: str = "") -> list[BaseRoute]:
        """Return the routes of this module."""
        methods = ["POST", "OPTIONS"]
        return [
            Route(f"{prefix}/api/read", self.answer, methods=methods),
            Route(f"{prefix}/api/replay", self.replay, methods=methods),
        ]

    async def answer(self, request: Request) -> Response:
        """Answer a drawing, off the event loop."""
        headers: dict[str, str] = {}
        try:
            headers = gate.cors(request, self._origins)
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=headers)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            is_image = kind.startswith("image/")
            gate.admit(request, self._limiter, IMAGE_COST if is_image else 1.0)
            if is_image:
                _check_format(kind)
            most_bytes = MOST_IMAGE_BYTES if is_image else MOST_JSON_BYTES
            body = await gate.limited_body(request, most_bytes)
            work = read_image if is_image else read_json
            asked = time.perf_counter()
            answers, began = await in_thread(_timed, work, body)
            answers["pause_ms"] = pause_ms(self._load.cores(), began - asked)
            return JSONResponse(answers, headers=headers)
        except BadRequest as error:
            return gate.refusal(error, headers)

    async def replay(self, request: Request) -> Response:
        """Answer a drawing with all of its moments."""
        headers: dict[str, str] = {}
        try:
            headers = gate.cors(request, self._origins)
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=headers)
            gate.admit(request, self._limiter, REPLAY_COST)
            body = await gate.limited_body(request, MOST_JSON_BYTES)
            return JSONResponse(await in_thread(replay_json, body), headers=headers)
        except BadRequest as error:
            return gate.refusal(error, headers)


def _check_format(kind: str) -> None:
    if kind not in IMAGE_TYPES:
        raise BadRequest(
            415,
            "The picture must be a PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC or AVIF; "
            "save it as one of them.",
        )


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `work` returns, done in one of the readers' threads."""
    return await asyncio.get_running_loop().run_in_executor(_readers, work, *arguments)


def _timed(work: Callable[[bytes], dict[str, Any]], body: bytes) -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    return work(body), began


def read_json(body: bytes) -> dict[str, Any]:
    """Return the answers to a JSON drawing, ready to be sent. Raises BadRequest."""
    drawing = parse(Drawing, body)
    try:
        reading = read_strokes(drawing.arrays(), drawing.width, drawing.size)
        return as_json(reading, drawing.size / CANVAS_SIZE_PX)
    except BlankDrawing as error:
        raise BadRequest(422, str(error)) from None


def read_image(body: bytes) -> dict[str, Any]:
    """Return the answers to a picture, ready to be sent. Raises BadRequest."""
    try:
        return as_json(read_picture(body))
    except (BlankDrawing, UnreadableImage) as error:
        raise BadRequest(422, str(error)) from None


def replay_json(body: bytes) -> dict[str, Any]:
    """Return the replay of a JSON drawing, ready to be sent. Raises BadRequest."""
    drawing = parse(Drawing, body)
    try:
        made = replay(drawing.timed_arrays(), drawing.width, drawing.size)
    except BlankDrawing as error:
        raise BadRequest(422, str(error)) from None
    slots = made.probabilities
    moments = [
        {
            "at_ms": round(float(at_ms), 1),
            "dense": _rounded(slots["dense"][number]) if "dense" in slots else None,
            "cnn": _rounded(slots["cnn"][number]) if "cnn" in slots else None,
            "image": data_url(made.images[number]),
        }
        for number, at_ms in enumerate(made.at_ms)
    ]
    return {
        "strokes": [np.round(stroke, 1).tolist() for stroke in made.strokes],
        "moments": moments,
        "changes": {
            slot: [{"at_ms": round(at, 1), "digit": digit} for at, digit in made.changes(slot)]
            for slot in slots
        },
        "words": [in_words(made, slot, words.network(slot)) for slot in slots],
    }


def as_json(reading: Reading, scale: float = 1.0) -> dict[str, Any]:
    """Return a reading as the route sends it. Raises BadRequest (503) where no network answers.

    scale: how large the sender's canvas is, in sizes of the app's.
    """
    if not reading.answers:
        raise BadRequest(503, " ".join(reading.problems.values()), retry_after_s=2)
    said: dict[str, Any] = {slot: {"error": why} for slot, why in reading.problems.items()}
    said |= {
        slot: _answer(answer) | {"number": reading.number(slot)}
        for slot, answer in reading.answers.items()
    }
    return {
        **said,
        "digits": max(1, len(reading.each)),
        "each": [
            {
                "box": [round(side * scale, 1) for side in one.box],
                "dense": _maybe(one.answers.get("dense")),
                "cnn": _maybe(one.answers.get("cnn")),
                "image": data_url(one.image),
            }
            for one in reading.each
        ],
        "image": data_url(reading.image),
        "steps_ms": round(reading.steps.seconds * 1000, 2),
    }


def _maybe(answer: Answer | None) -> dict[str, Any] | None:
    return None if answer is None else _answer(answer)


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "digit": answer.digit,
        "confidence": round(answer.confidence, 6),
        "probabilities": _rounded(answer.probabilities),
        "is_digit": answer.is_digit,
    }


def _rounded(probabilities: np.ndarray) -> list[float]:
    return [round(float(p), 6) for p in probabilities]
