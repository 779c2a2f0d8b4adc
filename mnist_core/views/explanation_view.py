"""Explanations as pieces of HTML: the ink an answer rests on, and the insides of the networks."""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np

from mnist_core import words
from mnist_core.analysis.explanation import FARTHEST, Inside
from mnist_core.models.classifier import Answer
from mnist_core.views.answer_view import COLOURS_ON_BLACK, SLOT_TITLES, data_url

SHOWN = 8  # detectors or units in a row
_UNIMPORTANT = 0.45  # grey of ink that an answer does not need
STYLE = """<style>
.why {display: flex; flex-wrap: wrap; gap: .6rem; margin: .4rem 0}
.why img {width: 100%; image-rendering: pixelated; border-radius: .3rem}
.why figure {margin: 0; width: 9.5rem}
.why.row {display: grid; grid-template-columns: repeat(auto-fill, minmax(70px, 1fr));
          max-width: 640px}
.why figcaption, .why-words {font-size: .875rem; opacity: .8}
</style>"""


def rests_on(image: np.ndarray, importance: np.ndarray, slot: str) -> np.ndarray:
    """Return (28, 28, 3) float32 in [0, 1]: the ink, coloured where the answer rests on it.

    image: (28, 28) float32 in [0, 1]; importance: (28, 28) as `explanation.occlusion` returns it.
    """
    share = np.clip(importance, 0, None)
    # The root lets the second most important stroke be seen beside the first.
    share = np.sqrt(share / max(float(share.max()), 1e-6))[..., np.newaxis]
    code = COLOURS_ON_BLACK[slot].lstrip("#")
    colour = np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)
    return image[..., np.newaxis] * ((1 - share) * _UNIMPORTANT + share * colour)


def ink_that_counts(
    image: np.ndarray, importances: Mapping[str, np.ndarray], answers: Mapping[str, Answer]
) -> str:
    """Return the drawing once for each network, coloured where its answer rests on the ink."""
    figures = [
        f'<figure><img alt="The ink that {words.network(slot)} rests on" '
        f'src="{data_url(rests_on(image, importance, slot))}">'
        f"<figcaption>{SLOT_TITLES[slot]}: {answers[slot].digit}</figcaption></figure>"
        for slot, importance in importances.items()
    ]
    return (
        f'{STYLE}<div class="why">{"".join(figures)}</div>'
        '<div class="why-words">Coloured is the ink without which the answer would be less sure: '
        "a black square was laid over every part of the drawing in turn.</div>"
    )


def reach_in_words(reaches: Mapping[str, float], answers: Mapping[str, Answer]) -> str:
    """Return, in Markdown, how far the drawing can be pushed before each network errs."""

    def far(slot: str) -> str:
        pixels = reaches[slot]
        return f"**{pixels:.1f}**" if pixels < FARTHEST else f"at least **{FARTHEST}**"

    return (
        "Pushed out of the middle, right, left, down and up, the dense network goes on reading "
        f"{answers['dense'].digit} for {far('dense')} pixels on average, "
        f"the CNN {answers['cnn'].digit} for {far('cnn')}. Try it:"
    )


def answered(image: np.ndarray, answers: Mapping[str, Answer], description: str) -> str:
    """Return a changed image with both answers to it, as HTML; description: for who cannot see."""
    said = "<br>".join(
        f'<b style="color:var(--{slot}-text)">{answer.digit}</b> '
        f"{SLOT_TITLES[slot]}, {words.chance(answer.confidence)}"
        for slot, answer in answers.items()
    )
    return (
        f'{STYLE}<div class="why"><figure><img alt="{description}" '
        f'src="{data_url(image)}"><figcaption>{said}</figcaption></figure></div>'
    )


def inside(slot: str, found: Inside) -> str:
    """Return what the first layers of a network make of the image, as HTML; "" for nothing."""
    rows = []
    if len(found.early_maps):
        rows.append(
            _row(
                "Its first detectors look for short edges, and each is slid over the whole "
                "image: that is a convolution. Bright is where one found its edge; wherever the "
                "digit stands, the same detector finds it.",
                [_bright(one) for one in found.early_maps[:SHOWN]],
            )
        )
    if len(found.later_maps):
        rows.append(
            _row(
                "Deeper detectors are made of those: bars, bends and ends, seen more coarsely.",
                [_bright(one) for one in found.later_maps[:SHOWN]],
            )
        )
    if len(found.weights):
        rows.append(
            _row(
                f"{SHOWN} of its {len(found.weights):,} units, those that this drawing excites "
                "most: where ink speaks for them (bright) and against (dark). Each is nailed to "
                "its place: for the same stroke two pixels further on it needs another unit.",
                [_signed(one) for one in found.weights[:SHOWN]],
            )
        )
    title = f"<b>Inside {words.network(slot)}</b>"
    return f"{STYLE}{title}{''.join(rows)}" if rows else ""


def _row(caption: str, pictures: list[np.ndarray]) -> str:
    images = "".join(f'<img alt="" src="{data_url(picture)}">' for picture in pictures)
    return f'<div class="why-words">{html.escape(caption)}</div><div class="why row">{images}</div>'


def _bright(one: np.ndarray) -> np.ndarray:
    return one / max(float(one.max()), 1e-6)


def _signed(weights: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * weights / max(float(np.abs(weights).max()), 1e-6)
