"""What people drew: a drawing as it was drawn, what it may be, and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_core.errors import WrongDrawing
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import Stroke
from mnist_core.models.classifier import Answer
from mnist_core.models.reading import draw_ink

# The writer said it; was asked to draw it; others voted; it came in a file; somebody who looked
# at what the networks contradict said that it is so.
LABEL_SOURCES = ("said", "asked", "voted", "imported", "confirmed")
MOST_STROKES, MOST_POINTS = 100, 5000
LARGEST_PX = 4096.0


@dataclass(frozen=True)
class Drawing:
    """One drawing. Times are seconds since 1970."""

    client_key: str  # chosen by whoever sends it; the same key twice is one drawing
    # points [x, y] or [x, y, ms since the first], canvas pixels
    strokes: Sequence[Sequence[Sequence[float]]]
    width_px: float  # of the brush
    size_px: float  # of the square canvas
    label: int | None = None  # 0 to 9, 10 = not a digit, None = nobody has said
    label_source: str | None = None  # one of LABEL_SOURCES
    # network -> {"model", "digit", "confidence", "probabilities", "is_digit"}
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    room_code: str | None = None
    round_id: int | None = None
    hidden: bool = False
    created_at: float = 0.0  # 0: now
    id: int = 0
    writer_id: int = 0

    @property
    def ink(self) -> list[Stroke]:
        """Return the strokes as (n, 2) float arrays in canvas pixels."""
        return [np.array([point[:2] for point in stroke], float) for stroke in self.strokes]

    def image(self) -> np.ndarray:
        """Return what the networks read of it: (28, 28) float32 in [0, 1], white ink on black.

        Raises BlankDrawing.
        """
        return mnist_image(draw_ink(self.ink, self.width_px, self.size_px))


def record(model: str, answer: Answer) -> dict[str, Any]:
    """Return a network's answer as it is kept with a drawing."""
    return {
        "model": model,
        "digit": answer.digit,
        "confidence": round(answer.confidence, 5),
        "probabilities": [round(float(p), 5) for p in answer.probabilities],
        "is_digit": answer.is_digit,
    }


def agreed_label(answers: Collection[tuple[int, bool]]) -> int:
    """Return what all networks say that a drawing is: 0 to 9, or 10 for "not a digit".

    answers: each one's digit, and whether it takes the drawing for a digit. Raises WrongDrawing
    where they differ: only a person can say then.
    """
    said = {digit if is_digit else NOT_A_DIGIT for digit, is_digit in answers}
    if len(said) != 1:
        same = len({digit for digit, _ in answers}) == 1
        why = "One network does not take it for a digit" if same else "The networks do not agree"
        raise WrongDrawing(f"{why}: say which digit it is.")
    return said.pop()


def check_drawing(drawing: Drawing) -> None:
    """Raise WrongDrawing for what no database of drawings takes; strokes: see `checked_strokes`."""
    check_label(drawing.label, drawing.label_source)
    if not 0 < len(drawing.client_key) <= 80:
        raise WrongDrawing("A drawing's key has 1 to 80 characters.")
    if not (16 <= drawing.size_px <= LARGEST_PX and 0 < drawing.width_px <= drawing.size_px):
        raise WrongDrawing(
            f"A canvas has 16 to {LARGEST_PX:,.0f} pixels and a brush no more than that, "
            f"not {drawing.size_px:g} and {drawing.width_px:g}."
        )


def checked_strokes(value: object) -> list[list[list[float]]]:
    """Return strokes as they are kept, rounded to a hundredth pixel; `value` may be anything.

    Raises WrongDrawing for what is no drawing, and for more than a hand draws.
    """
    try:
        strokes = [_checked_stroke(stroke) for stroke in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError):
        raise WrongDrawing(
            "A drawing is a list of strokes, each a list of points [x, y] or [x, y, time in ms]."
        ) from None
    points = sum(len(stroke) for stroke in strokes)
    if not 0 < len(strokes) <= MOST_STROKES or points > MOST_POINTS:
        raise WrongDrawing(
            f"A drawing has 1 to {MOST_STROKES} strokes and at most {MOST_POINTS:,} points, "
            f"not {len(strokes):,} and {points:,}."
        )
    return strokes


def _checked_stroke(stroke: Any) -> list[list[float]]:
    if isinstance(stroke, str | bytes | dict) or not 0 < len(stroke) <= MOST_POINTS:
        raise ValueError
    points = [[round(float(number), 2) for number in point] for point in stroke]
    for point in points:
        if not 2 <= len(point) <= 3 or not all(abs(number) <= 1e8 for number in point):
            raise ValueError
        if max(abs(point[0]), abs(point[1])) > 2 * LARGEST_PX:
            raise ValueError
    return points


def check_label(label: int | None, source: str | None) -> None:
    """Raise WrongDrawing for what is no label, or a label that does not say where it is from."""
    if label is not None and (isinstance(label, bool) or label not in range(NOT_A_DIGIT + 1)):
        raise WrongDrawing(f"A label is 0 to 9, or {NOT_A_DIGIT} for “not a digit”, not {label!r}.")
    if (source not in LABEL_SOURCES) if label is not None else (source is not None):
        raise WrongDrawing(f"A label comes from one of {', '.join(LABEL_SOURCES)}, not {source!r}.")
