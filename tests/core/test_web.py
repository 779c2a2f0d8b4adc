"""Reading over HTTP: answers as the page gives them, and one sentence for everything else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models.classifier import Classifier
from mnist_core.views.answer_view import data_url
from mnist_core.web import server

SEVEN = next(example for example in EXAMPLES if example.label == 7)


class Client:
    """Asks the routes, without a server between."""

    def __init__(self) -> None:
        self.app = Starlette(routes=server.routes(), middleware=server.middleware())

    def post(self, path: str, **request: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
                return await client.post(path, **request)

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


def drawing(strokes=SEVEN.strokes, **more) -> dict:
    return {"strokes": [stroke.tolist() for stroke in strokes], **more}


def test_a_drawing_gets_the_answers_that_the_page_gives(client):
    answered = client.post("/api/read", json=drawing(width=18, size=336))
    assert answered.status_code == 200
    said = answered.json()
    image = mnist_image(draw_strokes(SEVEN.strokes, 336, 18))
    assert said["image"] == data_url(image)
    for slot in ("dense", "cnn"):
        expected = Classifier.load(slot).answer(image)
        assert said[slot]["digit"] == expected.digit == 7
        assert said[slot]["is_digit"] is True
        assert said[slot]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
        assert said[slot]["confidence"] == max(said[slot]["probabilities"])


def test_the_size_of_the_canvas_does_not_matter(client):
    small = [stroke / 3 for stroke in SEVEN.strokes]
    at_home = client.post("/api/read", json=drawing(width=18, size=336)).json()
    away = client.post("/api/read", json=drawing(small, width=6, size=112)).json()
    assert away["image"] == at_home["image"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "no JSON"),
        ("[]", 422, "the drawing"),
        ("{}", 422, "strokes"),
        ('{"strokes": []}', 422, "no ink"),
        ('{"strokes": [[]]}', 422, "no ink"),
        ('{"strokes": [[[-900, -900]]]}', 422, "no ink"),
        ('{"strokes": [[[NaN, 1]]]}', 422, "strokes.0.0.0"),
        ('{"strokes": [[[1e300, 1]]]}', 422, "strokes.0.0.0"),
        ('{"strokes": [[["1", 1]]]}', 422, "strokes.0.0.0"),
        ('{"strokes": [[[true, 1]]]}', 422, "strokes.0.0.0"),
        ('{"strokes": [[[1]]]}', 422, "strokes.0.0"),
        ('{"strokes": [[[1, 2]]], "width": 0}', 422, "width"),
        ('{"strokes": [[[1, 2]]], "size": 1e999}', 422, "size"),
        ('{"strokes": [[[1, 2]]], "brush": 3}', 422, "brush"),
        ('{"strokes": ' + "[" * 30_000, 400, "no JSON"),
        (json.dumps({"strokes": [[[1, 2]] * 2001]}), 422, "2001 points"),
        (" " * 64_001, 413, "64,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(client, body, status, words):
    answered = client.post("/api/read", content=body)
    assert (answered.status_code, list(answered.json())) == (status, ["error"])
    assert words in answered.json()["error"]
    assert answered.json()["error"].endswith(".")
