"""All digits of a selection in a box that scrolls; a click says which one.

HTML, CSS and JavaScript for `st.components.v2.component`. It asks for what comes into sight by
the numbers of chunks ("wanted"), keeps the pictures it has, and says what was chosen ("clicked",
the place within the selection). Arrow keys move, Enter chooses.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.data.browse import png, sprite

HTML = '<div class="wall" tabindex="0" role="listbox"><div class="field"></div></div>'
CSS = (Path(__file__).parent / "wall.css").read_text(encoding="utf-8")
JS = (Path(__file__).parent / "wall.js").read_text(encoding="utf-8")
COLUMNS = 25  # of a chunk's picture
CHUNK = 10 * COLUMNS
CELL_PX = 42


def chunk(
    number: int, images: np.ndarray, titles: Sequence[str], captions: Sequence[str]
) -> dict[str, Any]:
    """Return one chunk of a selection: up to CHUNK digits as one picture.

    images: (n, 28, 28) uint8; titles: what a digit is called on hover; captions: what stands in
    its corner, shown only with an "→" in it.
    """
    return {
        "number": number,
        "picture": base64.b64encode(png(sprite(images, COLUMNS))).decode("ascii"),
        "titles": list(titles),
        "captions": list(captions),
    }


def wall_data(
    selection: str,
    total: int,
    chunks: Sequence[dict[str, Any]],
    chosen: int | None = None,
    show: int | None = None,
    turn: int = 0,
) -> dict[str, Any]:
    """Return what the wall reads.

    selection: names which digits these are, in which order; where it changes, the wall begins
    anew. total: how many; chosen: the framed one; show: the one to scroll to, when `turn` changes.
    """
    return {
        "selection": selection, "total": total, "chunks": list(chunks), "chosen": chosen,
        "show": show, "turn": turn, "chunk": CHUNK, "columns": COLUMNS, "cell_px": CELL_PX,
    }  # fmt: skip
