"""Answers and images as small pieces of HTML: numbers and pictures only, no text from users.

A chart library takes tens of milliseconds a figure; these strings take microseconds, and a
room full of people redraws them with every stroke.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from mnist_core.inference import Answer, Classifier

SLOT_COLOURS = {"dense": "#E69F00", "cnn": "#0072B2"}
# Below this the page says that it is not sure.
SURE_PROBABILITY = 0.8


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
    opacity = 1 if answer.is_digit else 0.3
    return (
        '<div style="font-size:5.5rem;line-height:1;font-weight:700;text-align:center;'
        f'opacity:{opacity}">{answer.digit}</div>'
    )


def probability_bars(probabilities: np.ndarray, colour: str) -> str:
    """Return ten bars, 0 to 9 in that order, as HTML; probabilities (10,) in [0, 1]."""
    best = int(np.argmax(probabilities))
    rows = []
    for digit, probability in enumerate(np.clip(probabilities, 0, 1)):
        weight = 700 if digit == best else 400
        rows.append(
            '<div style="display:flex;align-items:center;gap:.5rem;line-height:1.35;'
            f'font-weight:{weight};font-variant-numeric:tabular-nums">'
            f'<span style="width:1ch">{digit}</span>'
            '<span style="flex:1;height:.85rem;border-radius:.3rem;'
            'background:rgba(128,128,128,.18);overflow:hidden">'
            f'<span style="display:block;height:100%;width:{probability * 100:.1f}%;'
            f'background:{colour}"></span></span>'
            '<span style="width:6ch;text-align:right;white-space:nowrap">'
            f"{_percent(probability)}</span></div>"
        )
    return f'<div role="img" aria-label="{_spoken(probabilities)}">{"".join(rows)}</div>'


def crisp_image(image: np.ndarray, width: str, description: str) -> str:
    """Return a (h, w) float32 image in [0, 1] as HTML, enlarged without smoothing.

    width: a CSS length; description: fixed text of this program, never a user's.
    """
    return (
        f'<img alt="{description}" src="{data_url(image)}" style="width:{width};max-width:100%;'
        'image-rendering:pixelated;border-radius:.4rem;background:#000">'
    )


def data_url(image: np.ndarray) -> str:
    """Return a (h, w) float32 image in [0, 1] as a PNG in a data: address."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(image)).decode("ascii")


def png_bytes(image: np.ndarray) -> bytes:
    """Return a (h, w) float32 image in [0, 1] as a grey PNG file."""
    buffer = io.BytesIO()
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _percent(probability: float) -> str:
    return "<1 %" if 0 < probability < 0.005 else f"{probability * 100:.0f} %"


def _spoken(probabilities: np.ndarray) -> str:
    return ", ".join(f"{digit}: {p * 100:.0f} percent" for digit, p in enumerate(probabilities))
