"""Several digits side by side as pieces of HTML: what both networks read, digit by digit.

What stands on the page is that of `answer_view`, with this in place of the ten bars:

    .reading.several                            --digits: how many
      .st-key-answer-dense, .st-key-answer-cnn
        .large-digit                            the number alone on its line
        .bars.each
          .bar                                  one a digit; .faint: no digit
      .verdict
        .st-key-network-input img               one a digit
    .over-canvas.boxes i                        over the canvas, one a digit, within .st-key-canvas
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from mnist_core import words
from mnist_core.ink.strokes import CANVAS_SIZE_PX
from mnist_core.models.classifier import Answer
from mnist_core.models.reading import Box, number
from mnist_core.views.answer_view import SLOT_TITLES, framed_card, probability_bars

MOST_ROWS = 10  # as many as a digit has bars


def card(slot: str, each: Sequence[Answer], run: str = "") -> str:
    """Return what one network reads as HTML: the number, its title, a bar for each digit.

    run: what people call the run that answers in this network's place, "" where none does.
    """
    title = SLOT_TITLES[slot] + (f" · {run}" if run else "")
    rows = "".join(_bar(answer) for answer in each[:MOST_ROWS])
    said = ", ".join(f"{a.digit}: {words.heard_chance(a.confidence)}" for a in each)
    return framed_card(
        slot,
        f'<div class="large-digit">{number(each)}</div>',
        f'<p class="answer-title">{html.escape(title)}</p>',
        # Hidden, for the pen's companion, should the next stroke make it one digit again.
        probability_bars(np.zeros(10, np.float32), "Read digit by digit"),
        f'<div class="bars each" role="img" aria-label="{said}">{rows}</div>',
    )


def _bar(answer: Answer) -> str:
    kind = "bar" if answer.is_digit else "bar faint"
    return (
        f'<div class="{kind}" style="--p:{answer.confidence:.4f}"><span>{answer.digit}</span>'
        f'<span class="track"><i></i></span>'
        f'<span class="percent">{words.chance(answer.confidence)}</span></div>'
    )


def agreement(numbers: Mapping[str, str]) -> str:
    """Return whether both networks read one number, as HTML; numbers: by slot."""
    if len(numbers) < len(SLOT_TITLES):
        return ""
    dense, cnn = numbers["dense"], numbers["cnn"]
    same = f"✓ Both read <b>{cnn}</b>."
    told = same if dense == cnn else f"⇄ They disagree: <b>{dense}</b> against <b>{cnn}</b>."
    return f'<p class="agreement">{told}</p>'


def verdict(images: Sequence[str], agreed: str) -> str:
    """Return the images that were read, beside whether both networks agree, as HTML.

    images: their data: addresses; agreed: what `agreement` returned.
    """
    pictures = "".join(
        f'<img alt="Digit {place} of {len(images)}, 28 by 28 pixels" src="{image}">'
        for place, image in enumerate(images, 1)
    )
    return (
        f'<div class="verdict"><figure class="st-key-network-input">{pictures}</figure>'
        f"<div>{agreed}</div></div>"
    )


def spoken(numbers: Mapping[str, str]) -> str:
    """Return both numbers in a sentence, for who hears the page instead of seeing it."""
    said = (f"{words.network(slot)} reads {' '.join(read)}." for slot, read in numbers.items())
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in said)


def what_they_see() -> str:
    """Return how several digits become what the networks read, as HTML."""
    return (
        "<h3>What the networks see</h3><p>Several digits: each is taken by itself, made as large "
        "as a single one, and read.</p>"
    )


def boxes(found: Sequence[Box]) -> str:
    """Return frames around the digits, to lie over the canvas, as HTML; in canvas pixels."""
    frames = []
    for left, top, right, bottom in np.clip(found, 0, CANVAS_SIZE_PX) if len(found) else ():
        sides = {"left": left, "top": top, "width": right - left, "height": bottom - top}
        style = ";".join(f"{name}:{side / CANVAS_SIZE_PX:.2%}" for name, side in sides.items())
        frames.append(f'<i style="{style}"></i>')
    return f'<div class="over-canvas boxes">{"".join(frames)}</div>'
