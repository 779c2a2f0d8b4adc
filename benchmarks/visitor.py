"""A visitor without a browser: speaks Streamlit's websocket protocol as its front end does.

Sends what the canvas sends after a stroke (the strokes so far) and
reads the answers out of what the server sends back, so that sixty of them fit beside the server.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mnist_core.ink.examples import canvas_json
from mnist_core.ink.preprocessing import preprocess
from mnist_core.ink.strokes import Stroke
from mnist_core.models.classifier import Classifier
from mnist_core.views.answer_view import data_url, large_digit
from mnist_core.views.canvas_state import render

ANSWER_LIMIT_S = 30
_LARGE_DIGIT = re.compile(r'<div class="large-digit.*?</div>')


@dataclass(frozen=True)
class Sketch:
    """A drawing after one of its strokes: what is sent, and what has to come back."""

    canvas_value: str  # the component's value, JSON
    image: str  # the data: address of the 28x28 image that the networks read
    digits: list[str]  # the dense network's answer and the CNN's, as the page shows them


def sketches(strokes: list[Stroke], classifiers: list[Classifier]) -> list[Sketch]:
    """Return a drawing after its first stroke, after its second, and so on.

    strokes: canvas pixels; classifiers: the dense network, then the CNN.
    """
    return [_sketch(strokes[: n + 1], classifiers) for n in range(len(strokes))]


def _sketch(strokes: list[Stroke], classifiers: list[Classifier]) -> Sketch:
    drawn = canvas_json(strokes)
    value = {"raw": drawn, "data": None}
    image = preprocess(render(drawn["objects"])).image
    return Sketch(
        json.dumps({"drawing": value}),
        data_url(image),
        [large_digit(classifier.answer(image)) for classifier in classifiers],
    )


@dataclass(frozen=True)
class Outcome:
    """What came back for a stroke."""

    seconds: float  # from the stroke to the end of the page's rerun
    problem: str | None  # None: both answers are those to this very drawing
    elements: int = 0  # parts of the page that were sent anew; they are what a stroke costs
    due: float = 0.0  # when the stroke was to be drawn, by time.perf_counter


class Visitor:
    """One open page. Use as `async with Visitor(url) as visitor`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session_id = ""
        self._page = self._canvas = self._fragment = ""
        self._buttons: dict[str, tuple[str, str]] = {}  # by key: id and fragment

    async def __aenter__(self) -> Visitor:
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = await websockets.connect(
            address, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None
        )
        message = BackMsg()
        message.rerun_script.query_string = ""
        await self._socket.send(message.SerializeToString())
        await self._until_finished()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def draw(self, sketch: Sketch) -> Outcome:
        """Send the canvas after a stroke; return how long both answers took and if they fit."""
        message = self._rerun(self._fragment)
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id, widget.json_value = self._canvas, sketch.canvas_value
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        bodies, error, elements = await self._until_finished()
        seconds = time.perf_counter() - start
        return Outcome(seconds, error or _difference(sketch, " ".join(bodies)), elements)

    async def clear(self) -> None:
        """Press Clear."""
        await self.press("clear")

    async def press(self, key: str, choice: str | None = None) -> str | None:
        """Press a button, or a choice of a row of buttons; return what went wrong.

        Raises KeyError where the page has shown none with this key.
        """
        identity, fragment = self._buttons[key]
        message = self._rerun(fragment)
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id = identity
        if choice is None:
            widget.trigger_value = True
        else:
            widget.string_array_value.data.append(choice)
        await self._socket.send(message.SerializeToString())
        _, error, _ = await self._until_finished()
        return error

    def _rerun(self, fragment: str) -> BackMsg:
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        message.rerun_script.fragment_id = fragment
        return message

    async def _until_finished(self) -> tuple[list[str], str | None, int]:
        """Read until the script has run; return its HTML, what went wrong, and its elements."""
        bodies: list[str] = []
        error, elements = None, 0
        while True:
            data = await asyncio.wait_for(self._socket.recv(), ANSWER_LIMIT_S)
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            kind = message.WhichOneof("type")
            elements += kind == "delta"
            if kind == "new_session":
                self._page = message.new_session.page_script_hash
                self.session_id = message.new_session.initialize.session_id
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                shown = element.WhichOneof("type")
                if shown == "html":
                    bodies.append(element.html.body)
                elif shown == "exception":
                    error = f"{element.exception.type}: {element.exception.message}"
                elif shown == "bidi_component" and "-canvas-" in element.bidi_component.id:
                    self._canvas = element.bidi_component.id
                    self._fragment = message.delta.fragment_id
                elif shown in ("button", "button_group"):
                    identity = getattr(element, shown).id  # $$ID-HASH-KEY
                    key = identity.split("-", 2)[-1]
                    self._buttons[key] = identity, message.delta.fragment_id
            elif kind == "script_finished":
                statuses = ForwardMsg.ScriptFinishedStatus
                if message.script_finished == statuses.FINISHED_EARLY_FOR_RERUN:
                    continue
                return bodies, error, elements


def _difference(sketch: Sketch, page: str) -> str | None:
    if sketch.image not in page:
        return "the 28x28 image is not that of this drawing"
    shown = _LARGE_DIGIT.findall(page)
    if shown != sketch.digits:
        return f"the answers are {shown}, not {sketch.digits}"
    return None
