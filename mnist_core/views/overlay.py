"""What lies over the canvas, in its pixels: a hint before the first stroke."""

from __future__ import annotations

import base64
from functools import cache

import numpy as np

from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.strokes import CANVAS_SIZE_PX, STROKE_WIDTH_PX, Stroke

HINTED = (2, 7, 5)  # one after the other, and then again
# Streamlit takes SVG out of HTML, but not out of pictures, in which it moves all the same.
_STYLE = """
polyline {fill: none; stroke: #fff; stroke-width: %spx; stroke-linecap: round;
          stroke-linejoin: round; stroke-dasharray: var(--length)}
@keyframes draw-itself {
  0%% {stroke-dashoffset: var(--length); opacity: 0}
  1%% {opacity: 1}
  9%%, 24%% {stroke-dashoffset: 0; opacity: 1}
  29%%, 100%% {stroke-dashoffset: 0; opacity: 0}
}
@media (prefers-reduced-motion: no-preference) {
  polyline {animation: draw-itself %ss var(--delay) infinite backwards}
}
@media (prefers-reduced-motion) {
  polyline:not(.first) {display: none}
}
"""
HINT_SECONDS = 4.0  # for each digit
STROKE_SECONDS = 0.9


@cache
def hint() -> str:
    """Return a hand that draws some digits on the empty canvas, one after the other, as HTML.

    Who has asked for less motion sees the first of them at once, standing still.
    """
    drawn = []
    for turn, digit in enumerate(HINTED):
        strokes = next(example.strokes for example in EXAMPLES if example.label == digit)
        for number, stroke in enumerate(strokes):
            delay_s = 0.6 + turn * HINT_SECONDS + number * STROKE_SECONDS
            drawn.append(_drawn(stroke, delay_s, "first" if turn == 0 else ""))
    style = _STYLE % (round(STROKE_WIDTH_PX), round(HINT_SECONDS * len(HINTED)))
    side = CANVAS_SIZE_PX
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f"<style>{style}</style>{''.join(drawn)}</svg>"
    )
    source = base64.b64encode(picture.encode()).decode("ascii")
    return f'<img class="over-canvas hint" alt="" src="data:image/svg+xml;base64,{source}">'


def _drawn(stroke: Stroke, delay_s: float, kind: str) -> str:
    """Return a line that draws itself after a while."""
    length_px = float(np.hypot(*np.diff(stroke, axis=0).T).sum()) + 1
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in stroke)
    return (
        f'<polyline class="{kind}" points="{points}" '
        f'style="--length:{length_px:.0f}px;--delay:{delay_s:.1f}s"/>'
    )
