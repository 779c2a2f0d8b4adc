"""Addresses of what one sees, short enough for a QR code."""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from urllib.parse import urlencode, urlsplit, urlunsplit

import numpy as np

MOST_CHARACTERS = 1500  # of a digit in an address; 784 bytes that do not shrink have 1,060
_PIXELS = 28 * 28


def digit_code(image: np.ndarray) -> str:
    """Return a (28, 28) float32 image in [0, 1] as characters that an address can hold."""
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    packed = zlib.compress(pixels.tobytes(), 9)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def digit_of(code: str) -> np.ndarray | None:
    """Return the (28, 28) uint8 image of a code, None for anything else."""
    if len(code) > MOST_CHARACTERS:
        return None
    try:
        packed = base64.b64decode(code + "=" * (-len(code) % 4), b"-_", validate=True)
        unpacking = zlib.decompressobj()
        pixels = unpacking.decompress(packed, _PIXELS + 1)
    except (ValueError, binascii.Error, zlib.error):
        return None
    if len(pixels) != _PIXELS or not unpacking.eof:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(28, 28)


def address(page: str, **shown: str) -> str:
    """Return a page's address with what is shown on it; what stood behind its ? is left out."""
    parts = urlsplit(page)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(shown), ""))


def qr_code(link: str) -> str:
    """Return a link as a QR code: an SVG, black on white, in a data: address."""
    import segno  # not at the start: only who asks needs it

    made = io.BytesIO()
    segno.make(link, error="l", micro=False).save(made, kind="svg", border=3, light="white")
    return "data:image/svg+xml;base64," + base64.b64encode(made.getvalue()).decode("ascii")
