"""A picture as a PNG in a data: address, as HTML and Plotly take it."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_address(picture: np.ndarray | Image.Image) -> str:
    """Return a picture's address; an array is uint8, (h, w) grey or (h, w, 3) in colour."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
