"""Two copies behind nginx: one model for both, and no visitor lost with a copy that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.balancer import NGINX, Balanced, balanced
from benchmarks.two_copies import (
    CNN,
    FOUR,
    clear,
    copy_of,
    draw,
    expect_digit,
    until_activated,
    visitor,
)
from mnist_core.ink.strokes import draw_strokes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Balanced]:
    """Both copies and the balancer."""
    with balanced(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def visitors(chromium: Browser, site: Balanced) -> Iterator[dict[str, Page]]:
    """A visitor of each copy; copies that an earlier test killed are started again."""
    for name in site.ports:
        site.revive(name)
    pages = {name: visitor(chromium, site, name) for name in site.ports}
    yield pages
    for page in pages.values():
        page.context.close()


def upload_four(page: Page, folder: Path) -> None:
    Image.fromarray(255 - draw_strokes(FOUR)[..., 0]).save(folder / "four.png")
    page.locator("input[type=file]").first.set_input_files(folder / "four.png")


def test_a_model_activated_on_one_copy_answers_on_the_other(visitors):
    visitors["a"].get_by_role("link", name="Retrain").click()
    until_activated(visitors["a"], visitors["b"])
    visitors["a"].locator(".st-key-undo-cnn button").click()


def test_an_upload_reaches_the_copy_that_has_the_session(visitors, site, tmp_path):
    for page in visitors.values():
        upload_four(page, tmp_path)
        expect_digit(page, 4)
    known = [(named, answered) for named, answered in site.requests() if named in site.ports]
    assert {named for named, _ in known} == {"a", "b"}
    assert all(answered in (named, "") for named, answered in known)


def test_visitors_of_a_killed_copy_carry_on_in_the_middle_of_a_stroke(visitors, site):
    page, neighbour = visitors["a"], visitors["b"]
    for visiting in (page, neighbour):
        draw(visiting, FOUR[0])
        visiting.locator(CNN).wait_for()
    draw(page, FOUR[1], in_the_middle=lambda: (site.kill("a"), page.wait_for_timeout(3000)))
    expect_digit(page, 4)
    assert copy_of(page) == "b"
    draw(neighbour, FOUR[1])
    expect_digit(neighbour, 4)


def test_the_drawing_outlives_all_copies_and_uploads_work_again(visitors, site, tmp_path):
    page = visitors["b"]
    draw(page, FOUR[0])
    page.locator(CNN).wait_for()

    def start_anew():
        for name in site.ports:
            site.kill(name)
        site.revive("b")
        page.wait_for_timeout(3000)

    draw(page, FOUR[1], in_the_middle=start_anew)
    expect_digit(page, 4)
    clear(page)
    upload_four(page, tmp_path)
    expect_digit(page, 4)
