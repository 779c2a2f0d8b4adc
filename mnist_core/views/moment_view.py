"""What is seen of a network while it learns: the visitor's own digits, kernels, and what flows.

HTML without scripts, cheap enough to be redrawn twice a second.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from mnist_core import words
from mnist_core.views.answer_view import SLOT_COLOURS
from mnist_core.views.png import png_address

_LINE = 'style="display:flex;flex-wrap:wrap;gap:8px;align-items:center;font-size:.8rem"'
_ARROW = '<span aria-hidden="true" style="opacity:.5">→</span>'
_ROW = 'style="display:flex;flex-wrap:wrap;gap:{gap}px;align-items:flex-end"'


def probes(images: np.ndarray, answers: Sequence[Sequence[float]], slot: str) -> str:
    """Return each of the visitor's digits with the network's ten bars below it.

    images: (n, 28, 28) uint8; answers: ten probabilities for each, or nothing yet.
    """
    tiles = []
    for place, image in enumerate(images):
        row = np.asarray(answers[place] if place < len(answers) else [0.0] * 10, float)
        digit = int(row.argmax())
        bars = "".join(
            f'<span style="flex:1;height:{2 + 46 * p:.0f}px;border-radius:2px 2px 0 0;'
            f"background:{SLOT_COLOURS[slot]};opacity:{1 if k == digit else 0.45};"
            'transition:height .4s"></span>'
            for k, p in enumerate(row)
        )
        heard = words.heard_chance(row[digit])
        said = f"read as {digit} with {heard}" if row.any() else "not read yet"
        tiles.append(
            f'<figure style="margin:0;width:96px" aria-label="Your drawing, {said}">'
            f'<img alt="" src="{png_address(image)}" width="96" height="96" '
            'style="image-rendering:pixelated;border-radius:4px">'
            '<div aria-hidden="true" style="display:flex;gap:2px;align-items:flex-end;height:52px">'
            f"{bars}</div>"
            '<div aria-hidden="true" style="display:flex;gap:2px;font-size:.7rem;line-height:1.2">'
            + "".join(f'<span style="flex:1;text-align:center">{k}</span>' for k in range(10))
            + "</div></figure>"
        )
    return f"<div {_ROW.format(gap=14)}>{''.join(tiles)}</div>"


def kernels(values: np.ndarray) -> str:
    """Return kernels (n, h, w), orange where ink counts for a unit, blue where against it."""
    size = 44 if values.shape[1] < 28 else 64
    most = float(np.abs(values).max()) or 1.0
    tiles = "".join(_tile(_two_colours(kernel / most), size) for kernel in values)
    return (
        '<div role="img" aria-label="The kernels of the first layer: orange where ink counts for '
        f'them, blue where it counts against them" {_ROW.format(gap=4)}>{tiles}</div>'
    )


def flow(
    image: np.ndarray, layers: Sequence[tuple[str, str, np.ndarray]], answer: np.ndarray
) -> str:
    """Return what a digit becomes from layer to layer, and the answer.

    image: (28, 28) uint8; layers: for each its column's name, its own, and its maps (n, h, w) or
    units (1, 1, n). Of several columns, each has a row.
    """
    columns = [(name, list(of)) for name, of in groupby(layers, key=lambda layer: layer[0])]
    rows = [
        f"<div {_LINE}>"
        + (f'<b style="flex:0 0 4rem">{html.escape(name)}</b>' if len(columns) > 1 else "")
        + _ARROW.join(_block(title, _activations(values)) for _, title, values in of)
        + "</div>"
        for name, of in columns
    ]
    drawing = (
        f'<img alt="" src="{png_address(image)}" width="84" height="84" '
        'style="image-rendering:pixelated;border-radius:4px">'
    )
    said = f'<b style="font-size:3rem;line-height:84px">{int(answer.argmax())}</b>'
    middle = f'<div style="flex:0 1 auto;display:grid;gap:16px">{"".join(rows)}</div>'
    parts = _block("the drawing", drawing), middle, _block("the answer", said)
    return f"<div {_LINE}>{_ARROW.join(parts)}</div>"


def _activations(values: np.ndarray) -> str:
    """Return a layer's maps (n, h, w), or its units (1, 1, n), the brighter the more active."""
    bright = np.maximum(values, 0) / (float(values.max()) or 1.0)
    if values.shape[:2] != (1, 1):
        return "".join(_tile(_grey(one), 40) for one in bright)
    units = bright[0, 0]
    if len(units) == 10:
        digits = "".join(f'<span style="flex:1;text-align:center">{k}</span>' for k in range(10))
        named = f'<div aria-hidden="true" style="display:flex">{digits}</div>'
        return f"<div>{_tile(_grey(bright[0]), 120, 24)}{named}</div>"
    padded = np.pad(units, (0, -len(units) % 8)).reshape(-1, 8)
    return _tile(_grey(padded), 84)


def _block(name: str, tiles: str) -> str:
    return (
        '<figure style="margin:0;max-width:176px"><div style="display:flex;flex-wrap:wrap;gap:3px">'
        f'{tiles}</div><figcaption style="opacity:.8">{html.escape(name)}</figcaption></figure>'
    )


def _tile(image: np.ndarray, width: int, height: int | None = None) -> str:
    return (
        f'<img alt="" src="{png_address(image)}" width="{width}" height="{height or width}" '
        'style="image-rendering:pixelated;border-radius:3px;outline:1px solid #8886">'
    )


def _two_colours(values: np.ndarray) -> np.ndarray:
    """Return values in [-1, 1] as a picture: white at zero, orange above, blue below."""
    white, above, below = np.array([[255, 255, 255], [230, 159, 0], [0, 114, 178]], float)
    share = np.abs(values)[..., np.newaxis]
    target = np.where((values > 0)[..., np.newaxis], above, below)
    return np.rint(white + share * (target - white)).astype(np.uint8)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
