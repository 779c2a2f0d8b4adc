"""Answers and images as pieces of HTML; what is not a number or a picture is escaped.

A chart library takes tens of milliseconds a figure, and an element of the page a third of one;
these strings take microseconds, and a room full of people redraws them with every stroke.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable

import numpy as np
from PIL import Image

from mnist_core.canvas_state import StripEntry
from mnist_core.inference import Answer, Classifier
from mnist_core.preprocessing import Steps

SLOT_COLOURS = {"dense": "#E69F00", "cnn": "#0072B2"}
SLOT_TITLES = {"dense": "Dense network", "cnn": "Convolutional network"}
# How they look; a page that shows them puts this up once.
STYLE = """
.large-digit {font-size: 5.5rem; line-height: 1; font-weight: 700; text-align: center}
.faint {opacity: .3}
.bar {display: flex; align-items: center; gap: .5rem; line-height: 1.35;
      font-variant-numeric: tabular-nums}
.best {font-weight: 700}
.bar span:first-child {width: 1ch}
.bar span:nth-child(2) {flex: 1; height: .85rem; border-radius: .3rem; overflow: hidden;
                        background: rgba(128, 128, 128, .18)}
.bar span:last-child {width: 6ch; text-align: right; white-space: nowrap}
.bar i {display: block; height: 100%}
.stHtml h3 {font-size: 1.75rem; font-weight: 600; line-height: 1.2; margin: 0;
            padding: .75rem 0 1rem}
.answer-title {font-weight: 700; margin: .4rem 0}
.steps {display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: 1rem}
.steps figure {margin: 0}
.steps .read {grid-column: span 2}
.steps img {width: 7.5rem; height: 7.5rem; object-fit: contain; max-width: 100%;
            image-rendering: pixelated; border-radius: .4rem; background: #000}
.steps .read img {width: 15.75rem; height: auto}
.steps figcaption, .strip + small {font-size: .875rem; opacity: .7}
.steps figcaption {margin-top: .4rem}
.strip {display: flex; flex-wrap: wrap; gap: .6rem}
.strip div {text-align: center; line-height: 1.3}
.strip img {display: block; width: 64px; image-rendering: pixelated; border-radius: .3rem}
"""
# A step is shown 120 CSS pixels wide; what has more pixels than this is thinned out.
STEP_PX = 240
# Below this the page says that it is not sure.
SURE_PROBABILITY = 0.8


class Html(str):
    """HTML that Streamlit takes as it is: a plain string it searches for indentation first."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def doubt(answer: Answer) -> str | None:
    """Return what the network is unsure of, in a sentence, or None where it is sure."""
    if not answer.is_digit:
        return "That does not look like one digit."
    if answer.confidence >= SURE_PROBABILITY:
        return None
    first, second = np.argsort(answer.probabilities)[::-1][:2]
    return f"I'm not sure: {first} or {second}?"


def reason(classifier: Classifier, answer: Answer) -> str:
    """Return why a network takes a drawing for no digit, in a sentence."""
    needed = classifier.card["digit_threshold"]
    share = classifier.card.get("validation_digits_accepted")
    reached = f"{share:.0%} of real digits reach" if share else "a real digit reaches"
    return f"Its score for being a digit is {answer.digit_score:.0%}; {reached} {needed:.0%}."


def large_digit(answer: Answer) -> str:
    """Return the digit, large, as HTML; faint where the drawing does not look like one."""
    kind = "large-digit" if answer.is_digit else "large-digit faint"
    return f'<div class="{kind}">{answer.digit}</div>'


def probability_bars(probabilities: np.ndarray, colour: str) -> str:
    """Return ten bars, 0 to 9 in that order, as HTML; probabilities (10,) in [0, 1]."""
    best = int(np.argmax(probabilities))
    rows = []
    for digit, probability in enumerate(np.clip(probabilities, 0, 1)):
        kind = "bar best" if digit == best else "bar"
        rows.append(
            f'<div class="{kind}"><span>{digit}</span>'
            f'<span><i style="width:{probability * 100:.1f}%;background:{colour}"></i></span>'
            f"<span>{_percent(probability)}</span></div>"
        )
    return f'<div role="img" aria-label="{_spoken(probabilities)}">{"".join(rows)}</div>'


def answer(title: str, given: Answer, colour: str) -> tuple[str, str]:
    """Return one network's answer as HTML: the digit with the title, and the ten bars."""
    head = f'{large_digit(given)}<p class="answer-title">{html.escape(title)}</p>'
    return head, probability_bars(given.probabilities, colour)


def steps_in_pictures(steps: Steps, image: str) -> str:
    """Return how a drawing became what the networks read, as HTML.

    image: the data: address of the 28x28 image that `steps` ended in.
    """
    rows, columns = steps.scaled.shape
    small = (
        ("1 · Ink found.", steps.ink, "Whatever differs from the background is ink."),
        ("2 · Cropped.", steps.cropped, "Only the box around the ink counts, not its place."),
        (
            "3 · Scaled.",
            steps.scaled,
            f"The longer side becomes 20 pixels: {columns} x {rows} here.",
        ),
    )
    figures = [
        _figure(image, "The 28 by 28 image that the networks read", "4 · Centred",
                "by its centre of mass in 28 x 28 pixels, as MNIST's digits are.", "read"),
        *(_figure(_thinned(picture), title, title, words) for title, picture, words in small),
    ]  # fmt: skip
    return f'<h3>What the networks see</h3><div class="steps">{"".join(figures)}</div>'


def strip(entries: Iterable[StripEntry]) -> str:
    """Return a visit's drawings and what both networks said, as HTML, the latest first."""
    cells = [
        f'<div><img alt="A drawing of this visit" src="{entry.picture}">'
        f'<b style="color:{SLOT_COLOURS["dense"]}">{entry.dense}</b> · '
        f'<b style="color:{SLOT_COLOURS["cnn"]}">{entry.cnn}</b></div>'
        for entry in entries
    ]
    return (
        f'<h3>Your drawings of this visit</h3><div class="strip">{"".join(cells)}</div>'
        "<small>Dense network left (orange), convolutional network right (blue).</small>"
    )


def _thinned(picture: np.ndarray) -> str:
    every = math.ceil(max(picture.shape) / STEP_PX)
    return data_url(picture[::every, ::every])


def _figure(image: str, description: str, title: str, words: str, kind: str = "") -> str:
    return (
        f'<figure class="{kind}"><img alt="{description}" src="{image}">'
        f"<figcaption><b>{title}</b> {words}</figcaption></figure>"
    )


def data_url(image: np.ndarray) -> str:
    """Return a float32 image in [0, 1], (h, w) or (h, w, 3), as a PNG in a data: address."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(image)).decode("ascii")


def png_bytes(image: np.ndarray) -> bytes:
    """Return a float32 image in [0, 1] as a PNG file: (h, w) grey, (h, w, 3) in colour."""
    buffer = io.BytesIO()
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _percent(probability: float) -> str:
    return "<1 %" if 0 < probability < 0.005 else f"{probability * 100:.0f} %"


def _spoken(probabilities: np.ndarray) -> str:
    return ", ".join(f"{digit}: {p * 100:.0f} percent" for digit, p in enumerate(probabilities))
