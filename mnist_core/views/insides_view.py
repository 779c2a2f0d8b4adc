"""What becomes of a digit that is pushed, changed or compared, as pieces of HTML."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping

import numpy as np

from mnist_core import words
from mnist_core.analysis.explanation import FARTHEST
from mnist_core.analysis.nudges import NudgeMap
from mnist_core.analysis.smallest_change import Change
from mnist_core.views.answer_view import (
    COLOURS_ON_BLACK,
    SLOT_COLOURS,
    data_url,
    probability_bars,
    spoken_chances,
)

STYLE = """<style>
.insides {display: flex; flex-wrap: wrap; gap: 1.2rem; margin: .6rem 0}
.insides figure {margin: 0; flex: 1 1 16rem; max-width: 24rem}
.insides figure > img {width: 100%; image-rendering: pixelated; border-radius: .4rem}
.insides figcaption {margin-top: .4rem; line-height: 1.4}
.insides .bars-of {flex: 1 1 12rem; max-width: 20rem}
.lookalikes {display: grid; grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); gap: .5rem;
             max-width: 760px; margin: .4rem 0 1.2rem; text-align: center}
.lookalikes img {width: 100%; image-rendering: pixelated; border-radius: .3rem; display: block}
.lookalikes .mine img {outline: 3px solid #888}
</style>"""
REMOVED = "#FF4B7B"
_CELL = 20  # pixels of the picture for one place


def nudges(maps: Mapping[str, NudgeMap]) -> str:
    """Return for each network the answers to a digit at all 17 x 17 places, as a picture."""
    figures = []
    for slot, found in maps.items():
        digit = int(found.digits[FARTHEST, FARTHEST])
        held, all_places = int(found.holds.sum()), found.holds.size
        name = words.capitalised(words.network(slot))
        said = f"{name} reads {words.article(digit)} {digit} at {held} of {all_places} places"
        figures.append(
            f'<figure><img alt="{said}" src="{_svg(found, SLOT_COLOURS[slot])}">'
            f"<figcaption><b>{name}</b> goes on reading {digit} at "
            f"<b>{held} of {all_places}</b> places.</figcaption></figure>"
        )
    return f'{STYLE}<div class="insides">{"".join(figures)}</div>'


def _svg(found: NudgeMap, colour: str) -> str:
    """Return a map as an SVG in a data: address: coloured where the answer holds, otherwise the
    digit that is read instead."""
    cells = []
    for row, digits in enumerate(found.digits):
        for column, digit in enumerate(digits):
            x, y = column * _CELL, row * _CELL
            if found.holds[row, column]:
                shade = 0.25 + 0.75 * float(found.confidence[row, column])
                cells.append(
                    f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_CELL - 1}" '
                    f'fill="{colour}" fill-opacity="{shade:.2f}"/>'
                )
            else:
                cells.append(f'<text x="{x + _CELL / 2}" y="{y + _CELL * 0.72}">{digit}</text>')
    size, middle = (2 * FARTHEST + 1) * _CELL, FARTHEST * _CELL
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">'
        f'<rect width="{size}" height="{size}" fill="#888" fill-opacity=".16"/>'
        '<g font-family="sans-serif" font-size="13" text-anchor="middle" fill="#888">'
        f'{"".join(cells)}</g><rect x="{middle}" y="{middle}" width="{_CELL - 1}" '
        f'height="{_CELL - 1}" fill="none" stroke="#fff" stroke-width="3"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode("ascii")


def lookalikes(
    image: np.ndarray, slot: str, pictures: np.ndarray, labels: np.ndarray, likeness: np.ndarray
) -> str:
    """Return a drawing and the training digits that a network finds most like it, as HTML.

    image: (28, 28) float32 in [0, 1]; pictures: (n, 28, 28) uint8; labels: (n,); likeness: (n,).
    """
    cells = [f'<div class="mine"><img alt="Your drawing" src="{data_url(image)}">yours</div>']
    for picture, label, like in zip(pictures, labels, likeness, strict=True):
        source = data_url(picture.astype(np.float32) / 255)
        cells.append(
            f'<div><img alt="A training digit, {words.article(label)} {label}" src="{source}">'
            f'<b style="color:var(--{slot}-text)">{label}</b> '
            f"<small>{words.chance(float(like))}</small></div>"
        )
    name = html.escape(words.capitalised(words.network(slot)))
    return f'{STYLE}<b>{name}</b><div class="lookalikes">{"".join(cells)}</div>'


def changes(image: np.ndarray, found: Mapping[str, Change]) -> str:
    """Return for each network the smallest change that was found, drawn on the digit.

    image: (28, 28) float32 in [0, 1].
    """
    figures = [
        f'<figure><img alt="{change_in_words(slot, change)}" '
        f'src="{data_url(changed_ink(image, change, slot))}">'
        f"<figcaption>{change_in_words(slot, change)}</figcaption></figure>"
        for slot, change in found.items()
    ]
    return f'{STYLE}<div class="insides">{"".join(figures)}</div>'


def changed_ink(image: np.ndarray, change: Change, slot: str) -> np.ndarray:
    """Return (28, 28, 3) float32: the digit in grey, added ink in the network's colour, what was
    taken away in red."""
    shown = np.repeat(image[..., np.newaxis] * 0.75, 3, axis=2)
    if change.image is None:
        return shown
    difference = (change.image - image)[..., np.newaxis]
    # A faint change has to be seen, too.
    share = np.where(np.abs(difference) > 0.02, 0.35 + 0.65 * np.abs(difference), 0)
    colours = np.where(difference > 0, _rgb(COLOURS_ON_BLACK[slot]), _rgb(REMOVED))
    return ((1 - share) * shown + share * colours).astype(np.float32)


def change_in_words(slot: str, change: Change) -> str:
    """Return what a search found, or that it found nothing, in a sentence."""
    name = words.capitalised(words.network(slot))
    if change.image is None:
        aimed = (
            " or ".join(f"{words.article(digit)} {digit}" for digit in change.aimed_at)
            or "another digit"
        )
        return (
            f"{name}: no small change was found that turns this {change.before} into {aimed} "
            f"({change.seconds:.1f} s of search). That does not prove that there is none."
        )
    parts = [
        f"{amount:.1f} {what}"
        for amount, what in ((change.added, "added"), (change.removed, "taken away"))
        if amount >= 0.05
    ]
    told = f" ({', '.join(parts)})" if parts else ""
    return (
        f"{name} reads {words.article(str(change.after))} {change.after} instead of "
        f"{words.article(change.before)} {change.before} once "
        f"{change.ink:.1f} pixels’ worth of ink is changed{told}."
    )


def cut_answers(slot: str, before: np.ndarray, after: np.ndarray) -> str:
    """Return ten bars before and after a cut; (10,) probabilities each."""
    parts = []
    for title, probabilities in (("Whole", before), ("With the cut", after)):
        bars = probability_bars(probabilities, f"{title}: {spoken_chances(probabilities)}")
        parts.append(f'<div class="bars-of"><b>{title}</b>{bars}</div>')
    return (
        f'{STYLE}<div class="insides" style="--colour: {SLOT_COLOURS[slot]}">{"".join(parts)}</div>'
    )


def _rgb(colour: str) -> np.ndarray:
    code = colour.lstrip("#")
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)
