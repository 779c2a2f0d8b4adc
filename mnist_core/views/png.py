"""A picture as a PNG in a data: address, as HTML and Plotly take it."""

from __future__ import annotations

import base64

import numpy as np

from mnist_core.data.browse import png


def png_address(picture: np.ndarray) -> str:
    """Return the address of a uint8 picture, (h, w) grey or (h, w, 3) in colour."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")
