"""What stands before the app: security headers, bounded messages, and a full house."""

from __future__ import annotations

import gc
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from mnist_core.web import admission
from mnist_core.web.admission import Admission
from mnist_core.web.headers import SecurityHeaders
from mnist_core.web.messages import MOST_BYTES, BoundedMessages, excess

HTML = {"Accept": "text/html"}


async def page(request) -> PlainTextResponse:
    return PlainTextResponse("hello", headers={"Referrer-Policy": "no-referrer"})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())
    except WebSocketDisconnect:
        return


@pytest.fixture
def client():
    routes = [Route("/", page), WebSocketRoute("/_stcore/stream", echo)]
    middleware = [Middleware(one) for one in (SecurityHeaders, Admission, BoundedMessages)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


def test_every_response_has_the_headers_and_a_routes_own_stay(client):
    for path in ("/", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        scripts = headers["Content-Security-Policy"].partition("script-src ")[2].partition(";")[0]
        assert "unsafe-inline" not in scripts
        assert "http" not in scripts
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/").headers["Referrer-Policy"] == "no-referrer"
    assert client.get("/nowhere").headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "lists and objects"),
        (b"[" * 1000 + b"]" * 1000, "1,000 levels"),
        (b"{}," * 100_000, "100,000 lists"),
        (b"x" * (MOST_BYTES + 1), "bytes"),
        (b"]" * 500 + b"[" * 61, "61 levels"),
    ],
)
def test_what_no_page_sends_ends_the_connection_and_reaches_nobody(client, message, found):
    assert found in excess(message)
    with client.websocket_connect("/_stcore/stream") as session:
        session.send_bytes(b"fine")
        assert session.receive_bytes() == b"fine"
        session.send_bytes(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            session.receive_bytes()
        assert closed.value.code == 1009


def test_a_large_drawing_goes_through():
    stroke = b'{"type":"path","path":[' + b'["Q",100.5,200.25,101.5,201.75],' * 50 + b"]}"
    assert excess(b'{"raw":{"objects":[' + stroke * 100 + b"]}}") is None


@given(st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=50))
def test_depth_is_that_of_the_deepest_place(value):
    text = str(value).encode() + b"[]" * 300
    deepest = level = 0
    for character in text.decode():
        level += (character == "[") - (character == "]")
        deepest = max(deepest, level)
    assert (excess(text) is None) == (deepest <= 60)


def test_a_full_house_says_so_and_lets_in_again(client, monkeypatch):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(admission, "_LOOK_AGAIN_SECONDS", -1)
    monkeypatch.setattr(admission, "open_descriptors", lambda: limit - 100)
    full = client.get("/", headers=HTML)
    assert (full.status_code, full.headers["Retry-After"]) == (503, "60")
    assert "Try again in a minute" in full.text
    assert client.get("/").status_code == 200  # what a page that is open asks for
    for path in ("/r/ABCD/events", "/r/ABCD/wall/events"):  # which stay open
        assert client.get(path).status_code == 503
    with pytest.raises(WebSocketDisconnect) as refused:
        client.websocket_connect("/_stcore/stream").__enter__()
    assert refused.value.code == 1013
    monkeypatch.setattr(admission, "open_descriptors", lambda: 10)
    assert client.get("/", headers=HTML).status_code == 200


def test_descriptors_are_counted_and_the_limit_is_raised():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()  # what others left open
    before = admission.open_descriptors()
    with open("/dev/null"), open("/dev/null"):  # noqa: PTH123
        assert admission.open_descriptors() == before + 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        assert admission.raise_descriptor_limit() == hard
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
