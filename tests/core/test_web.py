"""Reading over HTTP: answers as the page gives them, and one sentence for everything else."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import re
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.applications import Starlette

from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.photo import read_photo
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import place
from mnist_core.models import registry, serving
from mnist_core.models.classifier import Classifier
from mnist_core.models.reading import draw_ink
from mnist_core.views.answer_view import data_url
from mnist_core.views.canvas_state import CanvasState, render
from mnist_core.web import gate, server
from mnist_core.web.gate import A_CLIENT, AN_ADDRESS, Limiter
from mnist_core.web.load import pause_ms
from mnist_core.web.read import IMAGE_TYPES
from mnist_core.web.schemas import Answers, Replayed

SEVEN = next(example for example in EXAMPLES if example.label == 7)


class Client:
    """Asks the routes, without a server between."""

    def __init__(self, **given: Any) -> None:
        self.app = Starlette(routes=server.routes(**given), middleware=server.middleware())

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
                return await client.request(method, path, **request)

        with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
            return thread.submit(asyncio.run, ask()).result()

    def post(self, path: str, **request: Any) -> httpx.Response:
        """Ask as a page of its own, so that no test is refused for another's requests."""
        headers = {"X-Client": secrets.token_hex(8)} | request.pop("headers", {})
        return self.request("POST", path, headers=headers, **request)


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


def drawing(strokes=SEVEN.strokes, **more) -> dict:
    return {"strokes": [stroke.tolist() for stroke in strokes], **more}


def test_a_drawing_gets_the_answers_that_the_page_gives(client):
    answered = client.post("/api/read", json=drawing(width=18, size=336))
    assert answered.status_code == 200
    said = answered.json()
    image = mnist_image(draw_ink(SEVEN.strokes, 18, 336))
    assert said["image"] == data_url(image)
    for slot in ("dense", "cnn"):
        expected = Classifier.load(slot).answer(image)
        assert said[slot]["digit"] == expected.digit == 7
        assert said[slot]["number"] == "7"
        assert said[slot]["is_digit"] is True
        assert said[slot]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
        assert said[slot]["confidence"] == max(said[slot]["probabilities"])


def test_the_size_of_the_canvas_does_not_matter(client):
    small = [stroke / 4 for stroke in SEVEN.strokes]
    at_home = client.post("/api/read", json=drawing(width=16, size=336)).json()
    away = client.post("/api/read", json=drawing(small, width=4, size=84)).json()
    assert away["image"] == at_home["image"]


def test_times_may_stand_beside_the_points(client):
    timed = [[[x, y, 8.0 * n] for n, (x, y) in enumerate(s.tolist())] for s in SEVEN.strokes]
    said = client.post("/api/read", json={"strokes": timed}).json()
    assert said["image"] == client.post("/api/read", json=drawing()).json()["image"]


def test_several_digits_are_read_each(client):
    """The four of two strokes stays one digit; the boxes are in the sender's pixels."""
    four = place(next(e.strokes for e in EXAMPLES if e.label == 4), 20, 30, 100)
    two = place(next(e.strokes for e in EXAMPLES if e.label == 2), 130, 35, 95)
    said = client.post("/api/read", json=drawing([*four, *two], width=10, size=224)).json()
    assert said["digits"] == 2
    assert (said["dense"]["number"], said["cnn"]["number"]) == ("42", "42")
    assert [one["cnn"]["digit"] for one in said["each"]] == [4, 2]
    left, top, right, bottom = said["each"][1]["box"]
    assert (left, top) == pytest.approx((125, 30), abs=2)
    assert max(right - left, bottom - top) == pytest.approx(105, abs=2)
    ink = draw_ink([*four, *two], 10, 224)
    buffer = io.BytesIO()
    Image.fromarray(255 - ink).convert("RGB").save(buffer, "png")
    headers = {"Content-Type": "image/png"}
    photographed = client.post("/api/read", content=buffer.getvalue(), headers=headers).json()
    assert photographed["cnn"]["number"] == "42"
    assert Answers.model_validate(photographed).digits == 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_read_as_the_page_reads_an_uploaded_one(client, kind):
    buffer = io.BytesIO()
    Image.fromarray(255 - draw_ink(SEVEN.strokes)).convert("RGB").save(buffer, kind)
    content, headers = buffer.getvalue(), {"Content-Type": f"image/{kind}"}
    said = client.post("/api/read", content=content, headers=headers).json()
    assert (said["dense"]["digit"], said["cnn"]["digit"]) == (7, 7)
    state = CanvasState()
    state.load_picture(read_photo(content))
    assert said["image"] == data_url(mnist_image(render(state.objects)))


@pytest.mark.parametrize(
    ("kind", "content", "status", "words"),
    [
        ("image/png", b"no picture", 422, "no PNG, JPEG"),
        ("image/x-icon", b"icon", 415, "must be a PNG, JPEG"),
        ("image/jpeg", b"\xff\xd8" + bytes(10_000_000), 413, "10,000,000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(client, kind, content, status, words):
    answered = client.post("/api/read", content=content, headers={"Content-Type": kind})
    assert (answered.status_code, list(answered.json())) == (status, ["error"])
    assert words in answered.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "no JSON"),
        ("[]", 422, "The body"),
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
        ('{"strokes": [[[1, 2]]], "width": 200}', 422, "a brush 200 wide"),
        ('{"strokes": [[[1, 2]]], "size": 1e999}', 422, "size"),
        ('{"strokes": [[[1, 2]]], "brush": 3}', 422, "brush"),
        ('{"strokes": [[[1' + "0" * 400 + ", 2]]]}", 422, "strokes.0.0.0"),
        (b'{"strokes": "\xff"}', 400, "no JSON"),
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


NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([1e300, -0.0, 10**400]))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["strokes", "width", "size", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"strokes": st.lists(st.lists(st.lists(NUMBERS, max_size=4), max_size=3), max_size=3)},
    optional={"width": NUMBERS, "size": NUMBERS, "x": ANYTHING},
)


@settings(max_examples=150)
@given(st.one_of(ANYTHING.map(json.dumps), NEARLY.map(json.dumps), st.binary(max_size=40)))
def test_whatever_comes_in_gets_an_answer_or_one_sentence(client, body):
    answered = client.post("/api/read", content=body)
    if answered.status_code == 200:
        Answers.model_validate(answered.json())
    else:
        assert answered.status_code in (400, 422)
        assert list(answered.json()) == ["error"]


def test_who_asks_too_often_waits_and_the_neighbours_do_not():
    now = [0.0]
    limiter = Limiter(clock=lambda: now[0])
    assert [limiter.wait_s("a", "one") for _ in range(int(A_CLIENT.burst))] == [0] * 60
    assert 0 < limiter.wait_s("a", "one") <= 1 / A_CLIENT.a_second
    assert limiter.wait_s("a", "two") == 0
    now[0] += 1.01 / A_CLIENT.a_second
    assert limiter.wait_s("a", "one") == 0
    assert limiter.wait_s("a", "one") > 0


def test_a_room_behind_one_router_may_ask_150_times_a_second():
    now = [0.0]
    limiter = Limiter(clock=lambda: now[0])
    for request in range(150 * 20):
        now[0] += 1 / 150
        assert limiter.wait_s("router", f"phone {request % 60}") == 0


def test_new_names_do_not_lift_the_limit_of_an_address():
    limiter = Limiter(clock=lambda: 0.0)
    waits = [limiter.wait_s("a", str(name)) for name in range(2 * int(AN_ADDRESS.burst))]
    assert waits.count(0) == AN_ADDRESS.burst


def test_too_many_requests_are_told_when_to_ask_again(monkeypatch):
    monkeypatch.setattr(gate, "Limiter", functools.partial(Limiter, clock=lambda: 0.0))
    client = Client()
    answers = [client.request("POST", "/api/read", content=b"{") for _ in range(200)]
    refused = [answered for answered in answers if answered.status_code == 429]
    assert len(refused) == 200 - A_CLIENT.burst
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert "wait 1 s" in refused[0].json()["error"]


def test_pages_of_other_sites_may_ask_only_where_the_secrets_name_them(client):
    foreign = {"Origin": "https://example.org"}
    refused = client.post("/api/read", json=drawing(), headers=foreign)
    assert refused.status_code == 403
    assert "api_origins" in refused.json()["error"]
    assert client.post("/api/read", json=drawing(), headers={"Origin": "http://app"}).is_success
    open_to_one = Client(origins=lambda: ["https://example.org"])
    allowed = open_to_one.post("/api/read", json=drawing(), headers=foreign)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://example.org"
    asked = open_to_one.request("OPTIONS", "/api/read", headers=foreign)
    assert asked.status_code == 204
    assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
    almost = open_to_one.post("/api/read", json=drawing(), headers={"Origin": "http://example.org"})
    assert almost.status_code == 403
    for odd in ("http://[", "null", "http://app:port"):
        answered = client.post("/api/read", json=drawing(), headers={"Origin": odd})
        assert answered.status_code == 403


def test_the_busier_the_server_the_longer_a_page_pauses():
    pauses = [pause_ms(cores, 0.0) for cores in (0.0, 0.5, 0.6, 0.7, 0.79)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 100
    assert pause_ms(0.9, 0.0) is None
    assert pause_ms(0.0, 0.2) is None


def test_the_description_names_what_is_sent_and_answered(client):
    described = client.request("GET", "/api/openapi.json").json()
    read = described["paths"]["/api/read"]["post"]
    assert set(read["requestBody"]["content"]) == {"application/json", *IMAGE_TYPES}
    assert {"415", "503"} <= set(read["responses"])
    assert not {"415", "503"} & set(described["paths"]["/api/replay"]["post"]["responses"])
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert references <= set(described["components"]["schemas"])
    answered = client.post("/api/read", json=drawing()).json()
    assert set(answered) == set(described["components"]["schemas"]["Answers"]["properties"])
    assert Answers.model_validate(answered).cnn.digit == 7


def test_a_replay_tells_every_moment_and_when_both_made_up_their_minds(client):
    timed = [[[x, y, 8.0 * n] for n, (x, y) in enumerate(s.tolist())] for s in SEVEN.strokes]
    answered = client.post("/api/replay", json={"strokes": timed})
    made = Replayed.model_validate(answered.json())
    read = client.post("/api/read", json={"strokes": timed}).json()
    assert made.moments[-1].image == read["image"]
    assert made.moments[-1].cnn == pytest.approx(read["cnn"]["probabilities"], abs=1e-4)
    assert made.strokes[-1][-1][2] == pytest.approx(made.moments[-1].at_ms, abs=0.1)
    assert [changes[-1].digit for changes in made.changes.values()] == [7, 7]
    assert [words[:20] for words in made.words] == ["The dense network sa", "The CNN said 7 from "]
    assert client.post("/api/replay", content='{"strokes": []}').status_code == 422


@pytest.mark.parametrize("began", [1.5e8, 1.8e12])
def test_a_clock_may_count_from_whenever_it_likes(client, began):
    """A tab open for more than 28 hours, or Date.now(), got no answers any more."""
    timed = [[[x, y, began + 8.0 * n] for n, (x, y) in enumerate(s.tolist())]
             for s in SEVEN.strokes]  # fmt: skip
    assert client.post("/api/read", json={"strokes": timed}).json()["cnn"]["digit"] == 7
    replayed = client.post("/api/replay", json={"strokes": timed}).json()
    assert replayed["strokes"][0][1][2] == pytest.approx(8, abs=0.1)


def test_the_answers_follow_an_activated_model(client, tmp_path, monkeypatch):
    for slot in registry.SLOTS:
        shutil.copytree(registry.model_dir(slot), tmp_path / slot)
    shutil.copytree(registry.model_dir("dense"), tmp_path / "runs" / "20260101-000000-other")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    before = client.post("/api/read", json=drawing()).json()
    assert before["cnn"]["probabilities"] != before["dense"]["probabilities"]
    registry.activate("cnn", "20260101-000000-other")
    monkeypatch.setattr(serving, "ACTIVE_FOR_S", 0.0)
    after = client.post("/api/read", json=drawing()).json()
    assert after["cnn"] == after["dense"] == before["dense"]


def test_a_network_that_cannot_answer_says_why(client, tmp_path, monkeypatch):
    shutil.copytree(registry.model_dir("dense"), tmp_path / "dense")
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    said = client.post("/api/read", json=drawing()).json()
    assert "cnn/card.json" in said["cnn"]["error"]
    assert said["dense"]["digit"] == 7
    shutil.rmtree(tmp_path / "dense")
    refused = client.post("/api/read", json=drawing())
    assert refused.status_code == 503
    assert "missing" in refused.json()["error"]


def test_the_app_may_stand_below_its_servers_root():
    below = Client(prefix="/digits")
    assert below.post("/digits/api/read", json=drawing()).is_success
    assert "/digits/api/read" in below.request("GET", "/digits/api/openapi.json").json()["paths"]


def test_the_examples_of_the_documentation_work(client):
    """The Python example is run as it stands; what curl and JavaScript send is sent."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL))
    sent = re.search(r"-d '(\{.*?\})'", blocks["sh"], re.DOTALL)
    in_script = re.search(r"const drawing = (\{.*?\});", blocks["js"], re.DOTALL)
    assert sent is not None
    assert in_script is not None
    for body in (sent[1], re.sub(r"(\w+):", r'"\1":', in_script[1])):
        assert client.post("/api/read", content=body).json()["cnn"]["digit"] == 7
    printed: list[str] = []

    def post(url: str, **request: Any) -> httpx.Response:
        return client.post(httpx.URL(url).path, **request)

    code = blocks["python"].replace("import httpx\n", "")
    exec(code, {"httpx": SimpleNamespace(post=post), "print": printed.append})  # noqa: S102
    assert printed == [7]
    Answers.model_validate(json.loads(blocks["json"]))
