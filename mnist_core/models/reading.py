"""A drawing in, both networks' answers out: what a page, the HTTP route and a room all ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mnist_core.errors import BlankDrawing
from mnist_core.ink.brush import BRUSH_WIDTH_PX, curve_of, ink_of
from mnist_core.ink.photo import on_canvas, read_photo
from mnist_core.ink.preprocessing import Steps, mnist_image, preprocess
from mnist_core.ink.several import Part, parts_of_picture, parts_of_strokes
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke
from mnist_core.models import recent, serving
from mnist_core.models.classifier import Answer, Classifier

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DigitReading:
    """What each network says of one digit of several."""

    box: Box  # left, top, right, bottom of its ink, in pixels of the app's canvas
    image: np.ndarray  # (28, 28) float32 in [0, 1], white ink on black
    answers: dict[str, Answer]  # by slot


@dataclass(frozen=True)
class Reading:
    """What became of a drawing, and what each network says of it."""

    steps: Steps
    answers: dict[str, Answer]  # by slot: "dense", "cnn"; a network that cannot answer is left out
    problems: dict[str, str]  # by slot: why it does not answer, in a sentence
    each: list[DigitReading] = field(default_factory=list)  # of several digits, left to right
    models: dict[str, str] = field(default_factory=dict)  # by slot: the name of who answered

    @property
    def image(self) -> np.ndarray:
        """The (28, 28) float32 image in [0, 1], white ink on black, that the networks read."""
        return self.steps.image

    def number(self, slot: str) -> str:
        """Return all the digits that were seen as one network reads them, "42"."""
        return number([one.answers[slot] for one in self.each] or [self.answers[slot]])


def number(each: Sequence[Answer]) -> str:
    """Return the digits as one network reads them, left to right: "42"."""
    return "".join(str(answer.digit) for answer in each)


def read_strokes(
    strokes: Sequence[Stroke],
    width_px: float | Sequence[float] = BRUSH_WIDTH_PX,
    size_px: float = CANVAS_SIZE_PX,
) -> Reading:
    """Return what the active networks say of pen strokes.

    strokes: each (n, 2) float, (x, y) with y down, where the pen was seen, in pixels of a canvas
    `size_px` wide and high; drawn as the app's canvas does, with a round brush `width_px` wide
    (or one width for each stroke).

    Raises BlankDrawing where no ink is on the canvas.
    """
    curves, widths_px = curves_of(strokes, width_px, size_px)
    ink = ink_of(curves, widths_px)
    reading = read_ink(ink, parts_of_strokes(curves, widths_px))
    recent.remember(strokes, width_px, size_px, reading.answers, reading.models)
    return reading


def draw_ink(
    strokes: Sequence[Stroke],
    width_px: float | Sequence[float] = BRUSH_WIDTH_PX,
    size_px: float = CANVAS_SIZE_PX,
) -> np.ndarray:
    """Return the strokes as the app's canvas shows them: (336, 336) uint8, 0 = paper.

    A canvas of another size is drawn at the app's, so that an answer does not depend on it.
    Raises BlankDrawing where there is no point.
    """
    return ink_of(*curves_of(strokes, width_px, size_px))


def curves_of(
    strokes: Sequence[Stroke], width_px: float | Sequence[float], size_px: float
) -> tuple[list[Stroke], list[float]]:
    """Return the lines that the brush follows and its widths, in pixels of the app's canvas.

    Strokes without a point are left out. Raises BlankDrawing where all of them are.
    """
    factor = CANVAS_SIZE_PX / size_px
    widths_px = np.broadcast_to(np.asarray(width_px, float), len(strokes)) * factor
    drawn = [
        (stroke, width) for stroke, width in zip(strokes, widths_px, strict=True) if len(stroke)
    ]
    if not drawn:
        raise BlankDrawing("There is no ink to read: no stroke has a point; draw a digit.")
    curves = [curve_of(np.asarray(stroke) * factor) for stroke, _ in drawn]
    return curves, [float(width) for _, width in drawn]


def read_picture(content: bytes) -> Reading:
    """Return what the active networks say of a photo or scan, in any of `photo.FORMATS`.

    Raises UnreadableImage, BlankDrawing.
    """
    ink = np.asarray(on_canvas(read_photo(content), CANVAS_SIZE_PX).convert("L"))
    return read_ink(ink, parts_of_picture(ink))


def read_ink(ink: np.ndarray, parts: Sequence[Part] = ()) -> Reading:
    """Return what the active networks say of a drawing, in any form that `preprocess` takes.

    parts: its digits where it holds several, which are read each as well. Raises BlankDrawing.
    """
    steps = preprocess(ink)
    answers: dict[str, Answer] = {}
    problems: dict[str, str] = {}
    networks: dict[str, Classifier] = {}
    for slot, network in serving.networks().items():
        if isinstance(network, Classifier):
            networks[slot] = network
            answers[slot] = network.answer(steps.image)
        else:
            problems[slot] = str(network)
    models = {slot: network.name for slot, network in networks.items()}
    return Reading(steps, answers, problems, read_parts(parts, networks), models)


def read_parts(parts: Sequence[Part], networks: Mapping[str, Classifier]) -> list[DigitReading]:
    """Return what each network, by slot, says of each digit of several."""
    read = []
    for part in parts:
        image = mnist_image(part.ink)
        answers = {slot: network.answer(image) for slot, network in networks.items()}
        read.append(DigitReading(part.box, image, answers))
    return read
