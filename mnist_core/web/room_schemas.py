"""What phones send, as pydantic checks it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mnist_core.web.schemas import BadRequest

Number = Annotated[float, Field(allow_inf_nan=False)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Sent = TypeVar("Sent", bound="FromPhone")


class FromPhone(BaseModel):
    """Anything that a phone sends."""

    model_config = ConfigDict(strict=True, extra="forbid")


class DrawingSent(FromPhone):
    """A finished drawing."""

    key: str = Field(min_length=8, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")
    round: Id
    task: int | None = Field(None, ge=0, le=999)
    strokes: list[list[list[Number]]] = Field(min_length=1, max_length=100)
    width: float = Field(gt=0, le=4096, allow_inf_nan=False)
    size: float = Field(ge=16, le=4096, allow_inf_nan=False)


class VoteSent(FromPhone):
    """What another phone's drawing is."""

    entry: Id
    digit: int = Field(ge=0, le=10)


class ReadingSent(FromPhone):
    """What a hard digit is."""

    round: Id
    question: int = Field(ge=0, le=99)
    digit: int = Field(ge=0, le=9)


def parse(kind: type[Sent], body: bytes) -> Sent:
    """Return what a body says. Raises BadRequest with one sentence."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
    if problem["type"] == "json_invalid":
        raise BadRequest(400, "The body is no JSON.")
    place = ".".join(str(part)[:40] for part in problem["loc"]) or "The body"
    message = str(problem["msg"])
    raise BadRequest(422, f"{place}: {message[:1].lower()}{message[1:]}.")
