"""What may come in and what goes out, as pydantic checks it and the API's description says it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mnist_core.errors import MnistError
from mnist_core.ink.brush import BRUSH_WIDTH_PX
from mnist_core.ink.strokes import CANVAS_SIZE_PX

MOST_POINTS = 2000
# No hand leaves a canvas as far, but times may count from 1970 on: milliseconds until 2286.
LARGEST = 1e13
WIDEST_SHARE = 0.3  # of the canvas: wider than this, no brush draws a digit

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=3)]
Width = Annotated[float, Field(ge=0.1, le=3000, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
Sent = TypeVar("Sent", bound=BaseModel)


class BadRequest(MnistError):
    """A request that cannot be answered as it is; `status` is HTTP's number for why."""

    def __init__(self, status: int, sentence: str, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after_s = retry_after_s


class Drawing(BaseModel):
    """Pen strokes on a square canvas."""

    model_config = ConfigDict(strict=True, extra="forbid")

    strokes: list[list[Point]] = Field(
        description="Strokes in the order they were drawn, each a list of points [x, y], y down, "
        "in canvas pixels, or [x, y, t] with t in milliseconds from any moment on, the speed of a "
        "replay; "
        f"{MOST_POINTS:,} points at most in all."
    )
    width: Width | list[Width] = Field(
        BRUSH_WIDTH_PX,
        description="Width of the round brush in canvas pixels, or a list of one for each stroke.",
    )
    size: float = Field(
        CANVAS_SIZE_PX, ge=16, le=10_000, description="Width and height of the canvas in pixels."
    )

    @model_validator(mode="after")
    def _what_a_hand_draws(self) -> Drawing:
        points = sum(len(stroke) for stroke in self.strokes)
        if points > MOST_POINTS:
            raise ValueError(f"has {points} points; send {MOST_POINTS} at most")
        widths = self.width if isinstance(self.width, list) else [self.width]
        if isinstance(self.width, list) and len(widths) != len(self.strokes):
            raise ValueError(f"has {len(self.strokes)} strokes and {len(widths)} widths")
        if max(widths, default=0) > WIDEST_SHARE * self.size:
            raise ValueError(
                f"has a brush {max(widths):g} wide on a canvas of {self.size:g}; "
                f"use one of {WIDEST_SHARE * self.size:g} at most"
            )
        return self

    def arrays(self) -> list[np.ndarray]:
        """Return where the pen was seen: each stroke (n, 2) float64; n is 0 where it was not."""
        return [
            np.array([point[:2] for point in stroke], np.float64).reshape(-1, 2)
            for stroke in self.strokes
        ]

    def timed_arrays(self) -> list[np.ndarray]:
        """Return each stroke as (n, 3) where every point has milliseconds, else as (n, 2)."""
        return [
            np.array(stroke, np.float64)
            if stroke and all(len(point) == 3 for point in stroke)
            else where
            for stroke, where in zip(self.strokes, self.arrays(), strict=True)
        ]


class Answer(BaseModel):
    """What one network says."""

    digit: int = Field(ge=0, le=9)
    confidence: Probability = Field(description="The digit's probability, calibrated.")
    probabilities: list[Probability] = Field(min_length=10, max_length=10)
    is_digit: bool = Field(description="false: this does not look like one digit")


class WholeAnswer(Answer):
    """What one network says of a drawing taken as one digit, and of the digits seen in it."""

    number: str = Field(
        pattern="^[0-9]+$", description='All the digits that were seen, left to right: "42".'
    )


class NoAnswer(BaseModel):
    """Why one of the networks does not answer."""

    error: str


class OneOfSeveral(BaseModel):
    """What both networks say of one of several digits."""

    box: list[float] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right and bottom of its ink, in pixels of your canvas; of a "
        f"picture, on the canvas of {CANVAS_SIZE_PX} pixels that the app lays it on.",
    )
    dense: Answer | None = Field(description="null: no answer.")
    cnn: Answer | None
    image: str = Field(description="The 28x28 image that was read, as a PNG in a data: address.")


class Answers(BaseModel):
    """What both networks say of a drawing."""

    dense: WholeAnswer | NoAnswer
    cnn: WholeAnswer | NoAnswer
    digits: int = Field(ge=1, description="How many digits were seen side by side.")
    each: list[OneOfSeveral] = Field(
        description="Of several digits, what both networks say of each; empty where one was seen."
    )
    image: str = Field(description="The 28x28 image that was read, as a PNG in a data: address.")
    steps_ms: float = Field(description="What it took to make that image, milliseconds.")
    pause_ms: int | None = Field(
        description="How long whoever asks again and again, as the Draw page does while the pen "
        "moves, should wait before the next time, milliseconds; null: the server is busy, ask for "
        "finished drawings alone."
    )


class Moment(BaseModel):
    """What both networks said at one moment of a drawing."""

    at_ms: float = Field(description="From the beginning of the drawing on.")
    dense: list[Probability] | None = Field(description="Ten probabilities; null: no answer.")
    cnn: list[Probability] | None
    image: str = Field(description="The 28x28 image of what was drawn by then, a data: address.")


class Change(BaseModel):
    """When a network began to say a digit."""

    at_ms: float
    digit: int


class Replayed(BaseModel):
    """A drawing as it came to be."""

    strokes: list[list[list[float]]] = Field(
        description="The strokes with times from 0 on, [x, y, t]; long pauses are cut short."
    )
    moments: list[Moment]
    changes: dict[str, list[Change]] = Field(description="By network; the last is its answer.")
    words: list[str] = Field(description="When each network made up its mind, in sentences.")


class Refusal(BaseModel):
    """Why there is no answer, and what to do."""

    error: str


def parse(kind: type[Sent], body: bytes) -> Sent:
    """Return what a JSON body describes. Raises BadRequest, with one sentence that can be shown."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
    if problem["type"] == "json_invalid":
        raise BadRequest(400, "The body is no JSON; see docs/http.md.")
    place = ".".join(str(part)[:40] for part in problem["loc"]) or "The body"
    said = str(problem["msg"]).removeprefix("Value error, ")
    sentence = f"{place}: {said[:1].lower()}{said[1:]}."
    raise BadRequest(422, "".join(c if c.isprintable() else " " for c in sentence))
