"""Answers and images as pieces of HTML; what is not a number or a picture is escaped.

A chart library takes tens of milliseconds a figure, and an element of the page a third of one;
these strings take microseconds, and a room full of people redraws them with every stroke.

What stands on the page, so that a script can move it while the pen moves, without a rerun:

    .reading[data-strokes="0" and up]           .blank: nothing drawn; .several: number_view
      .st-key-answer-dense, .st-key-answer-cnn  .at-rest, then .answered; .mute: cannot answer
        .large-digit                            the digit alone on its line, .faint: no digit
        .answer-title
        .bars[role=img][aria-label]
          .bar[data-digit="0" to "9"]           --p: the probability, 0 to 1; .best: the largest
            .percent                            the probability in words
        .note.doubt                             where it is unsure; .note summary: why, to open
      .verdict
        .st-key-network-input img               the 28x28 image, a data: address
        .agreement

All of it is there from the start, with bars at rest, and is replaced as a whole by the answer to
a stroke: a script that moved it has nothing to put back. The front end replaces only what differs,
so the number of strokes stands in it: one drawn over the last may change no pixel of the image.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mnist_core import words
from mnist_core.data.browse import png
from mnist_core.ink.preprocessing import Steps
from mnist_core.models.classifier import Answer, Classifier
from mnist_core.views.canvas_state import CanvasState, StripEntry
from mnist_core.views.png import png_address

# Of areas; text takes var(--dense-text) and var(--cnn-text) of pages/style.css, for contrast.
SLOT_COLOURS = {"dense": "#E69F00", "cnn": "#0072B2"}
# The blue of the charts would be too dark on black to tell from grey.
COLOURS_ON_BLACK = SLOT_COLOURS | {"cnn": "#56B4E9"}
SLOT_TITLES = words.NETWORK_TITLES
INVITATION = (
    "<b>Draw a digit, 0 to 9,</b> with mouse, pen or finger: two networks read it, each in its way."
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
        return "This doesn’t look like a single digit."
    if answer.confidence >= SURE_PROBABILITY:
        return None
    first, second = np.argsort(answer.probabilities)[::-1][:2]
    return f"I'm not sure: {first} or {second}?"


def reason(classifier: Classifier, answer: Answer) -> str:
    """Return why a network takes a drawing for no digit, in a sentence."""
    needed = classifier.card["digit_threshold"]
    share = classifier.card.get("validation_digits_accepted")
    reached = f"{words.percent(share, 1)} of real digits reach" if share else "a real digit reaches"
    sure = words.chance(answer.digit_score)
    return f"It is {sure} sure that this is a digit; {reached} {needed:.0%}."


def reading(content: str, state: CanvasState, digits: int = 1) -> str:
    """Return HTML in a frame that tells the style sheet what can be done to the canvas.

    digits: how many were seen side by side.
    """
    kinds = {
        "reading": True,
        "several": digits > 1,
        "blank": state.image is None,
        "no-undo": not state.objects,
        "no-redo": not state.undone,
    }
    shown = " ".join(kind for kind, so in kinds.items() if so)
    return (
        f'<div class="{shown}" style="--digits:{digits}" data-strokes="{len(state.objects)}">'
        f"{content}</div>"
    )


def at_rest() -> str:
    """Return both networks before the first stroke, as HTML: bars at rest, and what to do."""
    cards = "".join(
        framed_card(
            slot,
            '<div class="large-digit faint">?</div>',
            f'<p class="answer-title">{title}</p>',
            probability_bars(np.zeros(10, np.float32), "No answer yet"),
            kind="at-rest",
        )
        for slot, title in SLOT_TITLES.items()
    )
    invitation = f'<p class="agreement">{INVITATION}</p>'
    return f'<div class="answers">{cards}</div>{verdict(BLANK, invitation)}'


def card(
    slot: str, given: Answer, classifier: Classifier, remark: str | None = None, run: str = ""
) -> str:
    """Return what one network says as HTML: the digit, its title, the ten bars, doubts.

    run: what people call the run that answers in this network's place, "" where none does.
    """
    title = SLOT_TITLES[slot] + (f" · {run}" if run else "")
    doubtful = doubt(given)
    why = "" if given.is_digit else reason(classifier, given)
    return framed_card(
        slot,
        large_digit(given),
        f'<p class="answer-title">{html.escape(title)}</p>',
        probability_bars(given.probabilities, spoken_chances(given.probabilities)),
        note("doubt", doubtful, why) if doubtful else "",
        f'<p class="aside">{html.escape(remark)}</p>' if remark else "",
    )


def card_without_answer(slot: str, kind: str, sentence: str) -> str:
    """Return why one network does not answer as HTML; kind: "waiting" or "problem"."""
    title = f'<p class="answer-title">{SLOT_TITLES[slot]}</p>'
    return framed_card(slot, title, note(kind, sentence), kind="mute")


def note(kind: str, sentence: str, why: str = "") -> str:
    """Return a sentence that stands out as HTML; kind: "doubt", "waiting" or "problem".

    why: what opens below it, for who asks.
    """
    said = html.escape(sentence)
    if not why:
        return f'<div class="note {kind}">{said}</div>'
    return f'<details class="note {kind}"><summary>{said}</summary>{html.escape(why)}</details>'


def verdict(image: str, agreed: str) -> str:
    """Return the image that the networks read, beside whether they agree, as HTML.

    image: its data: address; agreed: what `agreement` returned.
    """
    return (
        '<div class="verdict"><figure class="st-key-network-input">'
        f'<img alt="The 28 by 28 image that the networks read" src="{image}"></figure>'
        f"<div>{agreed}</div></div>"
    )


def agreement(answers: Mapping[str, Answer | None], steps_seconds: float) -> str:
    """Return whether the two networks agree, and how long it all took, as HTML."""
    dense, cnn = answers["dense"], answers["cnn"]
    if dense is None or cnn is None:
        return ""
    total_ms = (steps_seconds + dense.seconds + cnn.seconds) * 1000
    kind = "agreement" if dense.is_digit or cnn.is_digit else "agreement no-digit"
    return (
        f'<p class="{kind}">{_verdict_in_words(dense, cnn)}</p>'
        f'<p class="aside">Answered in {total_ms:.1f} ms.</p>'
    )


def _verdict_in_words(dense: Answer, cnn: Answer) -> str:
    if not dense.is_digit and not cnn.is_digit:
        return "Both say that this is no digit."
    if dense.digit == cnn.digit:
        return f"✓ Both read {words.article(cnn.digit)} <b>{cnn.digit}</b>."
    return f"⇄ They disagree: <b>{dense.digit}</b> against <b>{cnn.digit}</b>."


def spoken(answers: Mapping[str, Answer | None]) -> str:
    """Return both answers in a sentence, for who hears the page instead of seeing it."""
    said = [
        f"{words.network(slot)} reads {answer.digit}, {words.heard_chance(answer.confidence)}."
        + ("" if answer.is_digit else " It doesn’t look like a single digit.")
        for slot, answer in answers.items()
        if answer is not None
    ]
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in said)


def large_digit(answer: Answer) -> str:
    """Return the digit, large, as HTML; faint where the drawing does not look like one."""
    kind = "large-digit" if answer.is_digit else "large-digit faint"
    return f'<div class="{kind}">{answer.digit}</div>'


def answers_to_one(answers: Mapping[str, np.ndarray], colours: Sequence[str], label: int) -> str:
    """Return what networks read in one labelled digit, side by side, as HTML.

    answers: what a network is called -> (10,) probabilities; colours: of their bars.
    """
    cards = []
    for (title, probabilities), colour in zip(answers.items(), colours, strict=True):
        read = int(probabilities.argmax())
        kind, sign = ("right", "✓") if read == label else ("wrong", "✗")
        cards.append(
            f'<div style="--colour:{colour}"><p>{html.escape(title)}</p>'
            f'<p class="read">{read} <span class="{kind}">{sign}</span></p>'
            f"{probability_bars(probabilities, spoken_chances(probabilities))}</div>"
        )
    return f'<div class="answers-to-one">{"".join(cards)}</div>'


def probability_bars(probabilities: np.ndarray, description: str) -> str:
    """Return ten bars, 0 to 9 in that order, as HTML; probabilities (10,) in [0, 1].

    All of them at 0 are bars at rest.
    """
    at_rest = not probabilities.any()
    best = -1 if at_rest else int(np.argmax(probabilities))
    rows = [
        f'<div class="{"bar best" if digit == best else "bar"}" data-digit="{digit}" '
        f'style="--p:{probability:.4f}"><span>{digit}</span><span class="track"><i></i></span>'
        f'<span class="percent">{"" if at_rest else words.chance(float(probability))}</span></div>'
        for digit, probability in enumerate(np.clip(probabilities, 0, 1))
    ]
    return f'<div class="bars" role="img" aria-label="{description}">{"".join(rows)}</div>'


def spoken_chances(probabilities: np.ndarray) -> str:
    """Return ten bars for who hears the page; probabilities (10,) in [0, 1]."""
    each = enumerate(map(float, probabilities))
    return ", ".join(f"{digit}: {words.heard_chance(p)}" for digit, p in each)


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
        *(_figure(_thinned(picture), title, title, caption) for title, picture, caption in small),
        _figure(
            image,
            "4 · Centred.",
            "4 · Centred",
            "by its centre of mass in 28 x 28 pixels, as MNIST's digits are.",
        ),
    ]
    return f'<h3>What the networks see</h3><div class="steps">{"".join(figures)}</div>'


def strip(entries: Iterable[StripEntry]) -> str:
    """Return a visit's drawings and what both networks said, as HTML, the latest first."""
    cells = [
        f'<div><img alt="A drawing of this visit" src="{entry.picture}">'
        f'<b style="color:var(--dense-text)">{entry.dense}</b> · '
        f'<b style="color:var(--cnn-text)">{entry.cnn}</b></div>'
        for entry in entries
    ]
    return (
        f'<h3>Your drawings of this visit</h3><div class="strip">{"".join(cells)}</div>'
        "<small>The dense network left (orange), the CNN right (blue).</small>"
    )


def framed_card(slot: str, *parts: str, kind: str = "answered") -> str:
    """Return one network's place on the page, with these pieces of HTML in it."""
    return f'<div class="st-key-answer-{slot} {kind}">{"".join(parts)}</div>'


def _thinned(picture: np.ndarray) -> str:
    every = math.ceil(max(picture.shape) / STEP_PX)
    return data_url(picture[::every, ::every])


def _figure(image: str, description: str, title: str, caption: str) -> str:
    return (
        f'<figure><img alt="{description}" src="{image}">'
        f"<figcaption><b>{title}</b> {caption}</figcaption></figure>"
    )


def data_url(image: np.ndarray) -> str:
    """Return a float32 image in [0, 1], (h, w) or (h, w, 3), as a PNG in a data: address."""
    return png_address(_in_8_bits(image))


def png_bytes(image: np.ndarray) -> bytes:
    """Return a float32 image in [0, 1] as a PNG file: (h, w) grey, (h, w, 3) in colour."""
    return png(_in_8_bits(image))


def _in_8_bits(image: np.ndarray) -> np.ndarray:
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


BLANK = data_url(np.zeros((28, 28), np.float32))  # the image before the first stroke
