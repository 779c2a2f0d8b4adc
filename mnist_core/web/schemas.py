"""What may come in: checked by pydantic before anything is done with it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mnist_core.errors import MnistError
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models.reading import BRUSH_WIDTH_PX

MOST_POINTS = 2000
# A hand leaves a canvas by some lengths of it; what is farther away was no hand.
FARTHEST_PX = 100_000.0

Coordinate = Annotated[float, Field(ge=-FARTHEST_PX, le=FARTHEST_PX, allow_inf_nan=False)]
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]


class BadRequest(MnistError):
    """A request that cannot be answered as it is; `status` is HTTP's number for why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Drawing(BaseModel):
    """Pen strokes on a square canvas."""

    model_config = ConfigDict(strict=True, extra="forbid")

    strokes: list[list[Point]] = Field(
        description="Strokes in the order they were drawn, each a list of points [x, y], y down, "
        f"in canvas pixels; {MOST_POINTS} points at most in all."
    )
    width: float = Field(
        BRUSH_WIDTH_PX, ge=0.5, le=1000, description="Width of the round brush in canvas pixels."
    )
    size: float = Field(
        CANVAS_SIZE_PX, ge=16, le=10_000, description="Width and height of the canvas in pixels."
    )

    @model_validator(mode="after")
    def _few_points(self) -> Drawing:
        points = sum(len(stroke) for stroke in self.strokes)
        if points > MOST_POINTS:
            raise ValueError(f"has {points} points; send {MOST_POINTS} at most")
        return self

    def arrays(self) -> list[np.ndarray]:
        """Return the strokes that have points, each (n, 2) float64."""
        return [np.array(stroke, np.float64) for stroke in self.strokes if stroke]


def parse_drawing(body: bytes) -> Drawing:
    """Return the drawing that a JSON body describes. Raises BadRequest, with one sentence."""
    try:
        return Drawing.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        if problem["type"] == "json_invalid":
            raise BadRequest(400, "The body is no JSON; see docs/http.md.") from None
        place = ".".join(str(part) for part in problem["loc"]) or "the drawing"
        said = str(problem["msg"]).removeprefix("Value error, ")
        raise BadRequest(422, f"{place}: {said[:1].lower()}{said[1:]}.") from None
