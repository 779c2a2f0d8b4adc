"""What one visitor's canvas holds: its strokes, what was undone, and the drawings so far.

Kept in a mapping that the page hands in (its session), so that a drawing survives a change of
page. The canvas component is redrawn by giving it a new version and an initial drawing. When the
server is gone, and the session with it, the browser brings the drawing to the next session: what
was drawn in the canvas's own value, which is found by the version, and the rest in `kept`.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import secrets
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from mnist_core.errors import WrongDrawing
from mnist_core.files import finite
from mnist_core.ink.brush import curve_of_path, ink_of, seen_points
from mnist_core.ink.examples import canvas_json
from mnist_core.ink.photo import DECODER_ERRORS, on_canvas
from mnist_core.ink.several import Part, parts_of_picture, parts_of_strokes
from mnist_core.ink.strokes import CANVAS_SIZE_PX, Stroke
from mnist_core.views.png import png_address

STRIP_LENGTH = 24
# More than a hand draws; a browser that sends more is no visitor's.
MOST_OBJECTS = 1000
MOST_POINTS = 5000
MOST_PICTURE_CHARACTERS = 1_000_000
WIDEST_STROKE_PX = 100.0
NOT_BY_HAND = "Only what is drawn by hand can be kept, no examples and no pictures."
_KEY = "canvas_state"


@dataclass
class StripEntry:
    """One drawing of this visit."""

    drawing: int
    picture: str  # data: address of the 28x28 image
    dense: str  # the digit or the number, or "–" where there was no answer
    cnn: str


@dataclass
class CanvasState:
    """One visitor's canvas."""

    session: str = field(default_factory=lambda: secrets.token_hex(8))
    begun: bool = False  # whether this session has shown its canvas before
    in_sight: bool = False  # whether the browser still showed the canvas when the session began
    version: int = 0  # the canvas component's key; a new one redraws it
    drawing: int = 0  # counts the drawings that were begun
    initial: dict[str, Any] | None = None
    objects: list[dict[str, Any]] = field(default_factory=list)
    given: int = 0  # how many of the objects, the first, no hand drew: an example, a picture
    undone: list[dict[str, Any]] = field(default_factory=list)
    strip: list[StripEntry] = field(default_factory=list)
    image: np.ndarray | None = None  # (28, 28) float32: what the networks read last; None: nothing
    seen_files: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """The canvas component's key in the session."""
        return f"canvas-{self.version}"

    def see(self, raw: object) -> None:
        """Take note of what the canvas holds now; a browser can say anything."""
        objects = _objects(raw)
        if len(objects) > len(self.objects):
            self.undone = []
            self.given = min(self.given, len(self.objects))
        self.objects = objects

    def kept(self, machine: str) -> str:
        """Return what the browser has to keep for `resume`; machine: the name of this one."""
        drawn = self.initial or {"objects": []}
        told = {"session": self.session, "machine": machine, "version": self.version}
        given = min(self.given, len(drawn["objects"]))
        return json.dumps(told | {"given": given} | drawn)

    def told(self) -> dict[str, Any]:
        """Return what the pen's companion has to know of the canvas as it was last redrawn."""
        objects = (self.initial or {"objects": []})["objects"]
        strokes = []
        for path, width_px in _strokes(objects):
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                strokes.append({"points": seen_points(path).tolist(), "width": width_px})
        is_picture = any("src" in item for item in objects)
        return {"version": self.version, "strokes": strokes, "isPicture": is_picture}

    def resume(self, kept: str, machine: str) -> None:
        """Take up where an earlier session ended; `kept` comes from outside and may be anything."""
        try:
            content = json.loads(kept)
        except (ValueError, RecursionError):
            return
        if isinstance(content, dict) and isinstance(content.get("version"), int):
            self.version, self.in_sight = content["version"], content.get("machine") == machine
            self.objects = _objects(content)
            self.initial = {"objects": self.objects} if self.version else None
            given = content.get("given")
            self.given = given if isinstance(given, int) else 0

    def begin(self) -> bool:
        """Begin the session; return True if the browser brought a drawing that it lost sight of.

        Streamlit's front end empties the page when another machine answers than before.
        """
        self.begun = True
        lost = bool(self.objects) and not self.in_sight
        if lost:
            self._redraw(self.objects)
        return lost

    def arrive(self) -> None:
        """Redraw what was there when the visitor comes (back) to the page."""
        if self.objects:
            self._redraw(self.objects)

    def undo(self) -> None:
        """Take the last stroke back."""
        if self.objects:
            self.undone.append(self.objects[-1])
            self._redraw(self.objects[:-1])

    def redo(self) -> None:
        """Draw again what was taken back last."""
        if self.undone:
            self._redraw([*self.objects, self.undone.pop()])

    def clear(self) -> None:
        """Begin a new drawing on an empty canvas."""
        self._begin([])

    def load_strokes(self, strokes: list[Stroke]) -> None:
        """Begin a new drawing from an example's strokes, in canvas pixels."""
        self._begin(canvas_json(strokes)["objects"])

    def load_picture(self, ink: np.ndarray) -> None:
        """Begin a new drawing from a picture's ink: (h, w) uint8, 0 = paper."""
        self._begin([_picture_object(ink)])

    def load_image(self, image: np.ndarray) -> None:
        """Begin a new drawing from a (28, 28) uint8 digit, white ink on black.

        Where it holds no ink, the canvas is empty.
        """
        if image.any():
            self.load_picture(np.kron(image, np.ones((8, 8), np.uint8)))
        else:
            self.clear()

    def handwriting(self) -> tuple[list[Stroke], float]:
        """Return where the pen was seen, stroke by stroke, in canvas pixels, and the brush's width.

        Raises WrongDrawing where the canvas is empty, or holds what no hand drew.
        """
        if self.objects[: self.given]:
            raise WrongDrawing(NOT_BY_HAND)
        return drawn(self.objects)

    def is_new(self, file_id: str) -> bool:
        """Return True the first time that a file is asked about."""
        new = file_id not in self.seen_files
        self.seen_files.add(file_id)
        return new

    def recent_images(self, most: int) -> np.ndarray:
        """Return the last drawings of this visit as the networks read them: (n, 28, 28) uint8."""
        images = []
        for entry in reversed(self.strip[-most:]):
            encoded = entry.picture.partition("base64,")[2]
            with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=("PNG",)) as picture:
                small = picture.convert("L").resize((28, 28), Image.Resampling.BOX)
            images.append(np.asarray(small))
        return np.array(images, np.uint8).reshape(-1, 28, 28)

    def remember(self, picture: str, said: Mapping[str, str]) -> None:
        """Keep the drawing as it is now in the strip; one entry a drawing, the last 24.

        said: by slot, what the network read; one that does not answer is left out.
        """
        entry = StripEntry(self.drawing, picture, said.get("dense", "–"), said.get("cnn", "–"))
        if self.strip and self.strip[-1].drawing == self.drawing:
            self.strip[-1] = entry
        else:
            self.strip = [*self.strip, entry][-STRIP_LENGTH:]

    def _begin(self, objects: list[dict[str, Any]]) -> None:
        self.begun = True  # whatever the browser has kept is not wanted any more
        self.drawing += 1
        self.undone = []
        self.given = len(objects)
        self._redraw(objects)

    def _redraw(self, objects: list[dict[str, Any]]) -> None:
        self.version += 1
        self.objects = objects
        self.initial = {"objects": objects}


def of(session: MutableMapping[str, Any]) -> CanvasState:
    """Return the canvas state of a visitor's session, begun if there is none."""
    if _KEY not in session:
        session[_KEY] = CanvasState()
    return session[_KEY]


def look_again(session: MutableMapping[str, Any]) -> bool:
    """Take note of what the canvas has sent by now; return whether that is news.

    What is drawn is in the session before the page that shows the canvas runs again.
    """
    state = of(session)
    sent = session.get(state.key)
    drawing = sent.get("drawing") if isinstance(sent, Mapping) else None
    before = state.objects
    if isinstance(drawing, Mapping):
        state.see(drawing.get("raw"))
    return state.objects != before


def _objects(value: object) -> list[dict[str, Any]]:
    """Return the objects in a canvas's value, or none; a browser can say anything."""
    told = value.get("objects") if isinstance(value, dict) else None
    listed = told if isinstance(told, list) else []
    return [item for item in listed if isinstance(item, dict)][:MOST_OBJECTS]


def render(objects: list[dict[str, Any]]) -> np.ndarray:
    """Return what the canvas shows for these objects: (336, 336) uint8, 0 = paper, 255 = ink.

    Drawn here and not sent by the browser, so that a drawing is read alike from wherever it comes:
    pictures first, then strokes.
    """
    canvas = np.zeros((CANVAS_SIZE_PX, CANVAS_SIZE_PX), np.uint8)
    for item in objects[:MOST_OBJECTS]:
        if _is_picture(item):
            picture = _picture(str(item.get("src", "")))
            canvas = canvas if picture is None else np.asarray(picture)
    lines, widths_px = _lines(objects)
    return np.maximum(canvas, ink_of(lines, widths_px)) if lines else canvas


def parts(objects: list[dict[str, Any]]) -> list[Part]:
    """Return each digit of a number on the canvas, left to right; none where it is one digit."""
    if any(_is_picture(item) for item in objects[:MOST_OBJECTS]):
        return parts_of_picture(render(objects))
    return parts_of_strokes(*_lines(objects))


def _lines(objects: list[dict[str, Any]]) -> tuple[list[Stroke], list[float]]:
    """Return the lines that the brush followed, and its widths."""
    lines, widths_px = [], []
    for path, width_px in _strokes(objects):
        try:
            lines.append(curve_of_path(path))
            widths_px.append(width_px)
        except (ValueError, TypeError, OverflowError):
            continue  # no stroke of ours; what is, is drawn
    return lines, widths_px


def _is_picture(item: dict[str, Any]) -> bool:
    return str(item.get("type")).lower() == "image"


def drawn(objects: list[dict[str, Any]]) -> tuple[list[Stroke], float]:
    """Return where the pen was seen, stroke by stroke, in canvas pixels, and the brush's width.

    Raises WrongDrawing where there is something else than strokes: a picture was put on the canvas.
    """
    strokes, widths = [], []
    for item in objects[:MOST_OBJECTS]:
        if not isinstance(item.get("path"), list):
            raise WrongDrawing(NOT_BY_HAND)
        try:
            strokes.append(seen_points(item["path"][:MOST_POINTS]))
        except (ValueError, TypeError, OverflowError):
            continue
        widths.append(_width_px(item))
    if not strokes:
        raise WrongDrawing("There is nothing on the canvas yet; draw something first.")
    return strokes, float(np.median(widths))


def _strokes(objects: list[dict[str, Any]]) -> Iterator[tuple[list[Any], float]]:
    """Yield every stroke's path and width in pixels; beyond 5,000 commands the rest is left out."""
    commands_left = MOST_POINTS
    for item in objects[:MOST_OBJECTS]:
        path = item.get("path")
        if isinstance(path, list) and path[:commands_left]:
            yield path[:commands_left], _width_px(item)
            commands_left -= len(path)
            if commands_left <= 0:
                return


def _width_px(item: dict[str, Any]) -> float:
    return finite(item.get("strokeWidth"), 0.1, WIDEST_STROKE_PX) or 1.0


def _picture(source: str) -> Image.Image | None:
    """Return a picture that fills the canvas, grey; None where the source is none."""
    _, _, encoded = source[:MOST_PICTURE_CHARACTERS].partition(";base64,")
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded)), formats=("PNG",)) as picture:
            return picture.convert("L") if picture.size == (CANVAS_SIZE_PX,) * 2 else None
    except DECODER_ERRORS:
        return None


def _picture_object(ink: np.ndarray) -> dict[str, Any]:
    """Return the ink as a picture that fills the canvas, in the canvas's own form."""
    return {
        "type": "Image",
        "src": png_address(np.asarray(on_canvas(ink, CANVAS_SIZE_PX))),
        "left": 0,
        "top": 0,
        "originX": "left",
        "originY": "top",
        "width": CANVAS_SIZE_PX,
        "height": CANVAS_SIZE_PX,
    }
