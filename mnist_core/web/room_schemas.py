"""What phones send, as pydantic checks it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnist_core.data.drawing import MOST_POINTS

# What `checked_strokes` takes, so that nothing else reaches the networks.
Number = Annotated[float, Field(ge=-8192, le=8192, allow_inf_nan=False)]
Time = Annotated[float, Field(ge=-1e8, le=1e8, allow_inf_nan=False)]
Point = tuple[Number, Number] | tuple[Number, Number, Time]
Stroke = Annotated[list[Point], Field(min_length=1, max_length=5000)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


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


class LabelSent(FromPhone):
    """What the phone's own drawing is."""

    entry: Id
    label: Annotated[int, Field(ge=0, le=10)] | Literal["right"] | None  # null: taken back


class ReadingSent(FromPhone):
    """What a hard digit is."""

    round: Id
    question: int = Field(ge=0, le=99)
    digit: int = Field(ge=0, le=9)
