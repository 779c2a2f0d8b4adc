"""A drawing as it came to be: what both networks said at every moment of it, and when they were
done making up their minds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.errors import BlankDrawing
from mnist_core.ink.brush import BRUSH_WIDTH_PX
from mnist_core.ink.preprocessing import preprocess
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke
from mnist_core.models import serving
from mnist_core.models.classifier import Classifier
from mnist_core.models.reading import draw_ink
from mnist_core.words import article

MOMENTS = 40
# A hand that was not timed: so many pixels a millisecond, and a pause before the next stroke.
SPEED_PX_MS = 0.5
PAUSE_MS = 200.0
LONGEST_PAUSE_MS = 700.0  # who went away for a coffee is not waited for
LONGEST_MS = 20_000.0
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclass(frozen=True)
class Replay:
    """A drawing, and what the networks said while it was drawn."""

    strokes: list[np.ndarray]  # each (n, 3) float: x, y in canvas pixels, milliseconds from 0 on
    at_ms: np.ndarray  # (m,) float, rising; the last is the end of the drawing
    images: np.ndarray  # (m, 28, 28) float32 in [0, 1]
    probabilities: dict[str, np.ndarray]  # by slot: (m, 10) float32

    def changes(self, slot: str) -> list[tuple[float, int]]:
        """Return when a network began to say which digit: (milliseconds, digit), in order."""
        digits = self.probabilities[slot].argmax(axis=1)
        first = [0, *(np.flatnonzero(np.diff(digits)) + 1)]
        return [(float(self.at_ms[i]), int(digits[i])) for i in first]


def timed(strokes: Sequence[Stroke]) -> list[np.ndarray]:
    """Return strokes with times from 0 on: each (n, 3) float, n at least 1.

    strokes: each (n, 2), (x, y), or (n, 3) with milliseconds. Times that are missing are those of
    an even hand; times never run backwards, and long pauses are cut short.
    """
    done: list[np.ndarray] = []
    clock_ms = 0.0
    last_end: float | None = None  # of the stroke before, by its own clock
    for stroke in strokes:
        if not len(stroke):
            continue
        has_times = stroke.shape[1] > 2
        if has_times:
            own = np.maximum.accumulate(stroke[:, 2])
        else:
            steps = np.hypot(*np.diff(stroke[:, :2], axis=0).T)
            own = np.concatenate([[0.0], np.cumsum(steps)]) / SPEED_PX_MS
        pause_ms = 0.0 if not done else PAUSE_MS
        if done and has_times and last_end is not None:
            pause_ms = min(max(own[0] - last_end, 0.0), LONGEST_PAUSE_MS)
        last_end = float(own[-1]) if has_times else None
        times = own - own[0] + clock_ms + pause_ms
        clock_ms = float(times[-1])
        done.append(np.column_stack([stroke[:, :2], times]))
    shorter = min(1.0, LONGEST_MS / clock_ms) if clock_ms else 1.0
    return [stroke * (1, 1, shorter) for stroke in done]


def replay(
    strokes: Sequence[Stroke],
    width_px: float | Sequence[float] = BRUSH_WIDTH_PX,
    size_px: float = CANVAS_SIZE_PX,
    moments: int = MOMENTS,
) -> Replay:
    """Return what the active networks say of a drawing at so many moments of it.

    strokes: as `timed` takes them, in pixels of a canvas `size_px` wide and high; width_px: of the
    brush, or one for each stroke. A network that cannot answer is left out.

    Raises BlankDrawing where there is no ink.
    """
    widths_px = np.broadcast_to(np.asarray(width_px, float), len(strokes))
    widths_px = widths_px[[bool(len(stroke)) for stroke in strokes]]
    told = timed(strokes)
    if not told:
        raise BlankDrawing("There is nothing to replay: no stroke has a point; draw a digit.")
    end_ms = float(told[-1][-1, 2])
    at_ms, images = [], []
    for at in np.linspace(0, end_ms, moments + 1)[1:]:
        begun = [_until(stroke, at) for stroke in told]
        begun = [stroke for stroke in begun if len(stroke)]
        try:
            image = preprocess(draw_ink(begun, widths_px[: len(begun)].tolist(), size_px)).image
        except BlankDrawing:
            continue  # the pen is still beside the canvas
        at_ms.append(at)
        images.append(image)
    if not images:
        raise BlankDrawing("There is nothing to replay: no ink is on the canvas; draw a digit.")
    pictures = np.array(images, np.float32)
    probabilities = {
        slot: network.probabilities(pictures)
        for slot, network in serving.networks().items()
        if isinstance(network, Classifier)
    }
    return Replay(told, np.array(at_ms), pictures, probabilities)


def _until(stroke: np.ndarray, at_ms: float) -> np.ndarray:
    """Return where the pen was seen by then, and where it was at that moment: (n, 2)."""
    seen = stroke[stroke[:, 2] <= at_ms]
    if not len(seen) or len(seen) == len(stroke):
        return seen[:, :2]
    here = [np.interp(at_ms, stroke[:, 2], stroke[:, axis]) for axis in (0, 1)]
    return np.vstack([seen[:, :2], here])


def in_words(made: Replay, slot: str, name: str) -> str:
    """Return when a network made up its mind, in a sentence; name: "the CNN"."""
    changes = made.changes(slot)
    at_ms, digit = changes[-1]
    subject = name[:1].upper() + name[1:]
    if len(changes) == 1:
        return f"{subject} said {digit} from the start."
    before = [str(earlier) for _, earlier in changes[:-1]]
    took = f"before, it took it for {_listed(before)}"
    if at_ms >= made.at_ms[-1]:
        return f"{subject} said {digit} only at the very end; {took}."
    return f"{subject} said {digit} from {_place(made.strokes, at_ms)} on; {took}."


def _place(strokes: list[np.ndarray], at_ms: float) -> str:
    """Return the place of a moment within the drawing: "the middle of the second stroke"."""
    number = max(i for i, stroke in enumerate(strokes) if not i or stroke[0, 2] <= at_ms)
    start_ms, end_ms = strokes[number][0, 2], strokes[number][-1, 2]
    share = (at_ms - start_ms) / max(end_ms - start_ms, 1e-9)
    part = "beginning" if share < 1 / 3 else "middle" if share < 2 / 3 else "end"
    if len(strokes) == 1:
        return f"the {part} of the stroke"
    ordinal = _ORDINALS[number] if number < len(_ORDINALS) else f"{number + 1}th"
    return f"the {part} of the {ordinal} stroke"


def _listed(digits: list[str]) -> str:
    shown = [f"{article(digit)} {digit}" for digit in digits]
    if len(shown) > 4:
        shown = [*shown[:3], f"{len(shown) - 3} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
