"""The examples to start from, as small pictures of what would land on the canvas."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from mnist_core.ink.examples import EXAMPLES, Example
from mnist_core.ink.strokes import draw_strokes
from mnist_core.views.answer_view import data_url

PICTURE_PX = 84  # twice as many as CSS pixels, for screens that show them
STROKE_WIDTH_PX = 26.0  # thicker than on the canvas: the pictures are small


@cache
def pictures(class_prefix: str) -> str:
    """Return a style sheet that puts each example's picture on the button within the element
    whose class is the prefix and the example's number."""
    return "".join(
        f".{class_prefix}{number} button {{background-image: url({data_url(_picture(example))})}}"
        for number, example in enumerate(EXAMPLES)
    )


def _picture(example: Example) -> np.ndarray:
    drawn = Image.fromarray(draw_strokes(example.strokes, stroke_width_px=STROKE_WIDTH_PX)[..., 0])
    small = drawn.resize((PICTURE_PX, PICTURE_PX), Image.Resampling.LANCZOS)
    return np.asarray(small, np.float32) / 255
