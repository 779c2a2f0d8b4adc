"""WCAG 2.2 AA on every page, light and dark, by axe-core in Chromium; and use by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core.ink.examples import EXAMPLES
from mnist_core.room import host

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = {
    "": ".st-key-answer-cnn",
    "dataset": ".st-key-digit-grid",
    "confusion": ".st-key-confusion-matrix",
    "retrain": ".st-key-train-start",
    "room": ".st-key-pages",
}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(params=["light", "dark"])
def window(request, chromium: Browser) -> Iterator[Page]:
    """A page of a desktop window, in one scheme and then the other, without movement."""
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768}, color_scheme=request.param, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """Return what axe-core finds on a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def found(page: Page) -> list[str]:
        page.wait_for_timeout(1500)  # what comes after the first elements
        result = axe.run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
        assert result.response["passes"]
        return [
            f"{page.url}: {violation['id']} at {node['html'][:120]}"
            for violation in result.response["violations"]
            for node in violation["nodes"]
        ]

    return found


def test_no_page_violates_wcag(window, address, violations):
    found = []
    for name, sign in PAGES.items():
        window.goto(f"{address}/{name}")
        window.locator(sign).first.wait_for(timeout=60_000)
        found += violations(window)
    assert found == []


def test_nor_does_what_is_asked_for(window, address, violations):
    window.goto(address)
    window.get_by_role("button", name=EXAMPLES[0].name.capitalize()).first.click()
    expect(window.get_by_role("status").first).to_contain_text("reads")
    window.get_by_role("button", name="Why do they answer that?").click()
    window.locator(".st-key-push-turn").wait_for(timeout=60_000)
    assert violations(window) == []


def test_nor_does_a_room(window, server, violations):
    room = host.open_room("key")
    host.start_round(room.code, "draw", None)
    found = []
    for path, sign in (("", "#canvas"), ("/wall", "#title")):
        window.goto(f"{server.address}/r/{room.code}{path}")
        expect(window.locator(sign)).to_be_visible()
        found += violations(window)
    window.goto(f"{server.address}/r/results/{room.results_key}")
    assert found + violations(window) == []


def test_an_example_is_read_and_explained_by_keyboard_and_the_answer_is_heard(chromium, address):
    page = chromium.new_context(viewport={"width": 1366, "height": 768}).new_page()
    page.goto(address)
    heard = page.get_by_role("status").first
    seven = next(example for example in EXAMPLES if example.label == 7)
    tab_to(page, seven.name.capitalize())
    page.keyboard.press("Enter")
    expect(heard).to_contain_text("7")
    tab_to(page, "Why do they answer that?")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-push-turn")).to_be_visible(timeout=60_000)
    page.context.close()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of that name has the focus."""
    page.get_by_role("button", name=name).first.wait_for()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip().endswith(name):
            return
    raise AssertionError(f"{name!r} cannot be reached by Tab")
