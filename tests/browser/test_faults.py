"""Things that break while pages are open, and people who mean no good, in a real Chromium."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import urllib.parse

import pytest
from playwright.sync_api import Page, expect

from mnist_core.models import registry
from mnist_core.runs import queue, report
from tests.browser.conftest import select_run
from tests.made_up_runs import finished_run, stand_in, tell_epochs

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SAD = ".stException, .stAlertContainer:has-text('encountered an error')"


@pytest.fixture
def visit(chromium, server):
    """Open pages of the app, each as a visitor of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1600})
    context.set_default_timeout(30_000)

    def open_page(name: str = "") -> Page:
        page = context.new_page()
        page.goto(f"{server.address}/{name}", wait_until="commit")
        return page

    yield open_page
    context.close()


def status(page: Page):
    return page.locator(".st-key-run-status")


def expect_top_menu(page: Page) -> None:
    """Expect the app's own menu, not Streamlit's older one of file names in a sidebar."""
    names = page.locator(".st-key-pages").get_by_role("link")
    expect(names.first).to_be_visible()
    assert names.count() >= 4
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").click()


def draw_a_one(page: Page, aside: int = 0) -> None:
    box = page.locator(".st-key-canvas canvas").last.bounding_box()
    page.mouse.move(box["x"] + 170 + aside, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 165 + aside, box["y"] + 270, steps=6)
    page.mouse.up()


def usable_run() -> str:
    """Make a finished run with the files of the CNN that ships; return its id."""
    run_id = finished_run()
    for name in (registry.KERAS_FILE, registry.LITERT_FILE, registry.CARD_FILE):
        shutil.copy(registry.model_dir("cnn") / name, registry.model_dir(run_id))
    return run_id


def test_a_killed_training_is_said_while_the_next_one_runs(visit):
    run = queue.create("fast", title="The unlucky one")
    training = stand_in(run)
    page = visit("retrain")
    expect(status(page)).to_contain_text(re.compile("The unlucky one, .* is training"))
    following = queue.create("softmax", {"epochs": 1})
    training.kill()
    training.wait()
    expect(status(page)).to_contain_text(re.compile("softmax, .* is training"))
    expect(status(page)).to_contain_text(re.compile(r"The unlucky one, .*\(fast\) was lost after"))
    expect(status(page)).to_contain_text("killed, or the machine stopped")
    queue.stop(following.run_id)


def test_a_killed_server_comes_back_to_the_training_that_went_on(visit, server):
    run = queue.create("fast")
    training = stand_in(run)
    page = visit("retrain")
    page.locator(".st-key-curves-loss .js-plotly-plot").wait_for()
    server.kill()
    tell_epochs(run.folder, 2)
    server.start()
    expect(status(page)).to_contain_text("2 of 4")
    expect_top_menu(page)
    queue.stop(run.run_id)
    training.wait()
    expect(status(page)).to_contain_text(re.compile("fast, .* was stopped after"))
    assert not [path for path in run.folder.parent.rglob(".*") if path.name != ".queue.lock"]


def test_models_damaged_and_deleted_while_people_draw(visit):
    run_id = usable_run()
    registry.activate("cnn", run_id)
    page = visit()
    answer = page.locator(".st-key-answer-cnn")
    page.get_by_text("With mouse, pen or finger").wait_for()
    draw_a_one(page)
    expect(answer).to_contain_text(report.name_of(queue.get_run(run_id)))
    (registry.model_dir(run_id) / registry.KERAS_FILE).write_bytes(b"damaged")
    page.wait_for_timeout(2100)  # for so long the page takes what it knows for granted
    draw_a_one(page, 4)
    expect(answer).to_contain_text("is damaged (it is not the file that the card describes)")
    shutil.rmtree(registry.model_dir(run_id))
    page.wait_for_timeout(2100)
    draw_a_one(page, -4)
    expect(answer).to_contain_text("is missing; train the run again, or choose another model.")
    expect(answer).not_to_contain_text("·")
    retrain = visit("retrain")
    expect(retrain.locator(".stAlertContainer").first).to_contain_text(
        "The CNN that shipped answers."
    )
    press(retrain, "undo-cnn")
    expect(retrain.locator(".stAlertContainer")).to_have_count(0)
    assert json.loads((registry.artifacts_dir() / "active.json").read_text()) == {}


def test_two_people_press_the_same_buttons_at_the_same_time(visit):
    for title in ("first", "second"):
        finished_run(title=title)
    both = [visit("retrain"), visit("retrain")]
    for page in both:
        select_run(page, 1)
        page.get_by_role("button", name="Delete", exact=True).click()
        page.locator(".st-key-delete-run button").wait_for()
    for page in both:
        page.locator(".st-key-delete-run button").click(no_wait_after=True)
    for _ in range(100):  # the server decides whose click comes second
        if any(page.get_by_text("There is no run").count() for page in both):
            break
        both[0].wait_for_timeout(100)
    else:
        pytest.fail("nobody was told that the run was gone already")
    for page in both:
        expect(page.locator(".st-key-delete-run")).to_have_count(0)
    assert [run.title for run in queue.list_runs()] == ["second"]
    for page in both:
        page.locator(".st-key-train-start button").click(no_wait_after=True)
    for page in both:
        expect(page.get_by_text("1. in the queue: fast")).to_be_visible()
        expect(page.locator(SAD)).to_have_count(0)
    assert [run.state for run in queue.live_runs()] == ["running", "waiting"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "text.png",
            b"hello",
            "The file is no PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC or AVIF picture",
        ),
        ("empty.jpg", b"", "The file is no PNG, JPEG, WebP, GIF, TIFF, BMP, HEIC or AVIF picture"),
        ("huge.png", bytes(21_000_000), "File must be 20.0MB or smaller."),
    ],
)
def test_nonsense_as_a_photo(visit, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    page = visit()
    page.locator(".stFileUploader input").first.set_input_files(tmp_path / name)
    expect(page.get_by_text(says)).to_be_visible()
    expect(page.locator(SAD)).to_have_count(0)


def test_nonsense_as_a_data_set(visit, tmp_path):
    page = visit("dataset")
    page.get_by_text("Other data", exact=True).click()
    names = ["noise.npz", "![x](http:,,127.0.0.1,x.png) :material,home: $x$.npz"]
    for name in names:
        (tmp_path / name).write_bytes(bytes(range(256)) * 4000)
        page.locator(".stFileUploader input").set_input_files(tmp_path / name)
        expect(page.locator(".stAlertContainer")).to_contain_text("is no .npz of plain arrays")
        assert page.locator(".stAlertContainer").locator("img, a, .katex").count() == 0
        page.locator(".stFileUploader button[aria-label^=Remove]").click()
        expect(page.locator(".stAlertContainer")).to_have_count(0)


def test_the_first_requests_to_a_server_go_straight_to_subpages(visit):
    """Regression: they came without app.py around them, and an import in one visitor's thread
    broke the chart of another.
    """
    finished_run()
    pages = [visit("retrain"), visit("dataset"), visit("confusion"), visit("retrain")]
    for page, seen in zip(
        pages, ("curves-loss", "digit-grid", "matrix", "curves-loss"), strict=True
    ):
        page.locator(f".st-key-{seen}").wait_for()
    for page in pages:
        expect_top_menu(page)
        expect(page.locator(SAD)).to_have_count(0)


TITLES = (
    "<img src=x onerror=alert(1)>",
    "![x](http://127.0.0.1:9/x.png) [l](http://x.y)",
    ":material/home: :smile: :red[r] $x^2$",
    "www.evil.example a@b.cd https://e.x",
    "**b** _i_ `c` ~~s~~ &lt; # h",
)


def test_titles_are_shown_letter_by_letter(visit):
    """No markup, no link, no icon, no request; in the result, the queue, the legend."""
    page = visit("retrain")
    page.wait_for_load_state()  # before that, Chromium has nothing to reload
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    for title in TITLES:
        registry.activate("cnn", finished_run(title=title))
        page.reload()
        for element in (
            page.locator(".st-key-run-status .stAlertContainer"),
            page.locator(".stMarkdown", has_text="answers as the CNN"),
        ):
            expect(element).to_be_visible()
            assert element.inner_text().replace("\N{WORD JOINER}", "").startswith(title)
            strong = element.locator("strong")
            assert strong.locator("*").count() == 0, strong.inner_html()
    select_run(page, 0)
    select_run(page, 4)
    legend = page.locator(".st-key-compared-loss .legendtext")
    expect(legend).to_have_count(2)
    told = {text.rpartition(", ")[0] for text in legend.all_text_contents()}
    assert told == {TITLES[0], TITLES[4]}
    assert [url for url in asked if "127.0.0.1:9/" in url or "http" not in url] == []


def request(server, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
    """Return the status of a server's answer."""
    place = urllib.parse.urlsplit(server.address).netloc
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.request(method, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_other_sites_can_neither_listen_in_nor_upload(server):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    own, foreign = {"Origin": server.address}, {"Origin": "http://evil.example"}
    assert request(server, "GET", "/_stcore/stream", upgrade | own) == 101
    assert request(server, "GET", "/_stcore/stream", upgrade | foreign) == 403
    assert request(server, "PUT", "/_stcore/upload_file/session/file", foreign, b"x") == 403
