"""A small room: ten visitors draw at once, and each gets the answer to its own drawing."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import load
from benchmarks.serving import own_artifacts, serving
from benchmarks.visitor import Visitor


@pytest.fixture(scope="module")
def prepared():
    return load.prepare()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(artifacts=own_artifacts(tmp_path_factory.mktemp("room"))) as server:
        yield server


def run(work: Coroutine[None, None, Any]) -> Any:
    """Run it beside the event loop that Playwright keeps in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_ten_visitors_get_the_answers_to_their_own_drawings(server, prepared):
    found = run(load.room(server, prepared, sessions=10, interval_s=1.0, seconds=10))
    assert not found.problems
    assert len(found.outcomes) >= 30  # of a hundred where the machine does nothing else


def test_a_stroke_renews_no_more_of_the_page_than_it_changes(server, prepared):
    """The canvas, the answers and the strip, each with its frame, and the frames of several
    digits; buttons and sliders stay."""

    async def strokes():
        async with Visitor(server.url) as visitor:
            return [await visitor.draw(sketch) for sketch in prepared[0] + prepared[1]]

    assert max(outcome.elements for outcome in run(strokes())) <= 8


def test_a_visitor_notices_an_answer_that_is_not_its_own(server, prepared):
    async def draw(sketch):
        async with Visitor(server.url) as visitor:
            return await visitor.draw(sketch)

    mine, foreign = prepared[0][0], prepared[1][0]
    assert run(draw(mine)).problem is None
    assert "image" in run(draw(replace(mine, image=foreign.image))).problem
    assert "answers" in run(draw(replace(mine, digits=["none", "none"]))).problem
