"""The wall in a browser, with all that it asks for made up here: no server is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from mnist_core.web.room_pages import FOLDER, qr_svg

pytestmark = pytest.mark.browser

SITE = "http://wall.test"


@pytest.fixture
def open_wall(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a wall whose stream is answered as given, in a window of some size."""
    contexts = []

    def open_(code: str, stream: Callable[[Route], None], **options) -> Page:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()

        def serve(route: Route) -> None:
            path = route.request.url.removeprefix(SITE).partition("?")[0]
            if path.endswith("/events"):
                stream(route)
            elif path.endswith("/qr.svg"):
                route.fulfill(body=qr_svg(f"{SITE}/r/{code}"), content_type="image/svg+xml")
            else:
                route.fulfill(path=FOLDER / ("wall.html" if path.endswith("/wall") else
                                             path.rpartition("/")[2]))  # fmt: skip

        page.route(f"{SITE}/**", serve)
        page.goto(f"{SITE}/r/{code}/wall")
        return page

    yield open_
    for context in contexts:
        context.close()


def refuse(status: int, body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, content_type="application/json")


@pytest.mark.parametrize(("status", "body", "said"), [
    (404, '{"error": "There is no room"}', "There is no open room with this code."),
    (404, "<h1>Not found</h1>", "Connecting…"),
    (503, '{"error": "The database is away."}', "Connecting…"),
    (429, '{"error": "You ask too often."}', "Connecting…"),
])  # fmt: skip
def test_a_wall_says_that_there_is_no_room_only_where_there_is_none(open_wall, status, body, said):
    """It said so of every refusal, also of a server that was only busy."""
    page = open_wall("BCDF", refuse(status, body))
    expect(page.locator("#subtitle")).to_have_text(said)
