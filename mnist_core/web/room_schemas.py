"""What phones send, as pydantic checks it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mnist_core.data.people import MOST_POINTS
from mnist_core.web.schemas import BadRequest

# What `people.checked_strokes` takes, so that nothing else reaches the networks.
Number = Annotated[float, Field(ge=-8192, le=8192, allow_inf_nan=False)]
Time = Annotated[float, Field(ge=-1e8, le=1e8, allow_inf_nan=False)]
Point = tuple[Number, Number] | tuple[Number, Number, Time]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=5000)]
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
    strokes: list[Stroke] = Field(min_length=1, max_length=100)
    width: float = Field(gt=0, le=4096, allow_inf_nan=False)
    size: float = Field(ge=16, le=4096, allow_inf_nan=False)

    @model_validator(mode="after")
    def _what_a_hand_draws(self) -> DrawingSent:
        points = sum(len(stroke) for stroke in self.strokes)
        if points > MOST_POINTS:
            raise ValueError(f"has {points:,} points; send {MOST_POINTS:,} at most")
        return self


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
    message = str(problem["msg"]).removeprefix("Value error, ")
    raise BadRequest(422, f"{place}: {message[:1].lower()}{message[1:]}.")
