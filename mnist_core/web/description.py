"""GET /api/openapi.json: what can be asked over HTTP, for whoever writes or generates a client."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from mnist_core.web.read import IMAGE_TYPES
from mnist_core.web.schemas import Answers, Drawing, Refusal, Replayed

_REFUSALS = {
    "400": "The body is no JSON.",
    "403": "A page of another site asks.",
    "413": "The body is too long: 64 kB of JSON, 10 MB of a picture.",
    "415": "The picture is in a format that is not read.",
    "422": "The drawing is blank, or not what it should be.",
    "429": "Asked too often; Retry-After says when to ask again.",
    "503": "No network answers yet; Retry-After says when to ask again.",
}
_OF_READ_ALONE = ("415", "503")  # a replay has no pictures, and null for who cannot answer


def routes(prefix: str = "") -> list[BaseRoute]:
    """Return the routes of this module."""

    async def openapi(_: Request) -> JSONResponse:
        return JSONResponse(description(prefix))

    return [Route(f"{prefix}/api/openapi.json", openapi)]


@cache
def description(prefix: str = "") -> dict[str, Any]:
    """Return the description of all routes, OpenAPI 3.1."""
    _, schemas = models_json_schema(
        [
            (Drawing, "validation"),
            *((sent, "serialization") for sent in (Answers, Replayed, Refusal)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    picture = {"schema": {"type": "string", "format": "binary"}}
    body = {"application/json": {"schema": _ref("Drawing")}}
    body |= dict.fromkeys(IMAGE_TYPES, picture)
    refused = {status: _response(why, "Refusal") for status, why in _REFUSALS.items()}
    of_replay = {status: refused[status] for status in refused if status not in _OF_READ_ALONE}
    read = {
        "operationId": "read",
        "summary": "Read a drawing of a digit with both networks",
        "requestBody": {"required": True, "content": body},
        "responses": {"200": _response("What both networks say.", "Answers"), **refused},
    }
    replay = {
        "operationId": "replay",
        "summary": "Answer what both networks said at every moment of a drawing",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Drawing")}},
        },
        "responses": {
            "200": _response("The drawing as it came to be.", "Replayed"),
            **of_replay,
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Draw a digit", "version": "1"},
        "paths": {f"{prefix}/api/read": {"post": read}, f"{prefix}/api/replay": {"post": replay}},
        "components": {"schemas": schemas["$defs"]},
    }


def _response(why: str, schema: str) -> dict[str, Any]:
    return {"description": why, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}
