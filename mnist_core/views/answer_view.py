"""Answers and images as pieces of HTML; what is not a number or a picture is escaped.

A chart library takes tens of milliseconds a figure, and an element of the page a third of one;
these strings take microseconds, and a room full of people redraws them with every stroke.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from mnist_core.ink.preprocessing import Steps
from mnist_core.models.classifier import Answer, Classifier
from mnist_core.views.canvas_state import CanvasState, StripEntry

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
.answers {display: flex; flex-wrap: wrap; gap: .75rem}
.answers > div {flex: 1 1 0; min-width: 9rem; padding: .8rem; border-radius: .6rem;
                border: 1px solid rgba(128, 128, 128, .3)}
.answer-title {font-weight: 700; margin: .4rem 0}
.note {margin: .5rem 0; padding: .6rem .8rem; border-radius: .6rem; line-height: 1.4}
.doubt {background: rgba(255, 196, 0, .2)}
.waiting {background: rgba(0, 114, 178, .14)}
.problem {background: rgba(255, 43, 43, .14)}
.aside {font-size: .875rem; opacity: .7}
.agreement {margin: 1rem 0 0}
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
INVITATION = (
    "<h3>Draw a digit, 0 to 9</h3><p>With mouse, pen or finger. Two networks answer "
    "after every stroke: one sees 784 numbers, the other a picture.</p>"
)
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


def reading(content: str, state: CanvasState) -> str:
    """Return HTML in a frame that tells the style sheet what can be done to the canvas."""
    can_not = {
        "blank": state.image is None, "no-undo": not state.objects, "no-redo": not state.undone
    }  # fmt: skip
    return f'<div class="{" ".join(kind for kind, so in can_not.items() if so)}">{content}</div>'


def card(slot: str, given: Answer, classifier: Classifier, remark: str | None = None) -> str:
    """Return what one network says as HTML: the digit, its title, doubts, the ten bars."""
    name = classifier.name
    title = SLOT_TITLES[slot] + (f" · run {name}" if name != slot else "")
    doubtful = doubt(given)
    if doubtful and not given.is_digit:
        doubtful += f" {reason(classifier, given)}"
    return _card(
        slot,
        large_digit(given),
        f'<p class="answer-title">{html.escape(title)}</p>',
        note("doubt", doubtful) if doubtful else "",
        probability_bars(given.probabilities, SLOT_COLOURS[slot]),
        f'<p class="aside">{html.escape(remark)}</p>' if remark else "",
    )


def card_without_answer(slot: str, kind: str, sentence: str) -> str:
    """Return why one network does not answer as HTML; kind: "waiting" or "problem"."""
    return _card(slot, f'<p class="answer-title">{SLOT_TITLES[slot]}</p>', note(kind, sentence))


def note(kind: str, sentence: str) -> str:
    """Return a sentence that stands out as HTML; kind: "doubt", "waiting" or "problem"."""
    return f'<div class="note {kind}" role="status">{html.escape(sentence)}</div>'


def agreement(answers: Mapping[str, Answer | None], steps_seconds: float) -> str:
    """Return whether the two networks agree, and how long it all took, as HTML."""
    dense, cnn = answers["dense"], answers["cnn"]
    if dense is None or cnn is None:
        return ""
    total_ms = (steps_seconds + dense.seconds + cnn.seconds) * 1000
    if not dense.is_digit and not cnn.is_digit:
        verdict = "Both say that this is no digit."
    elif dense.digit == cnn.digit:
        verdict = f"✓ Both read a <b>{cnn.digit}</b>."
    else:
        verdict = f"⇄ They disagree: <b>{dense.digit}</b> against <b>{cnn.digit}</b>."
    return (
        f'<p class="agreement">{verdict} '
        f'<span class="aside">Answered in {total_ms:.1f} ms.</span></p>'
    )


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
    return (
        '<div class="st-key-network-input"><h3>What the networks see</h3>'
        f'<div class="steps">{"".join(figures)}</div></div>'
    )


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


def _card(slot: str, *parts: str) -> str:
    return f'<div class="st-key-answer-{slot}">{"".join(parts)}</div>'


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
