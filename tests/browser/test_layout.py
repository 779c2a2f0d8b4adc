"""The one thing of each page is wholly in sight when it opens, and nothing covers anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import steady_box

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCREENS = {
    "laptop": {"viewport": {"width": 1366, "height": 768}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
BRIGHTNESS = """getComputedStyle(document.querySelector('.stApp')).backgroundColor
    .match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3"""
# The page's address, and what has to be in sight there.
ONE_THING = {
    "": [".st-key-canvas", ".st-key-answer-dense", ".st-key-answer-cnn"],
    "dataset": [".st-key-digit-grid .wall"],
    "confusion": [".st-key-confusion-matrix .js-plotly-plot"],
    "retrain": [".st-key-recipe", ".st-key-train-start button"],
    "room": [".st-key-room-open button"],
}
COVERED = """() => [...document.querySelectorAll("button, a")].filter(element => {
    const box = element.getBoundingClientRect();
    const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    const shown = box.width > 8 && box.height > 8 && element.checkVisibility({
        checkOpacity: true, checkVisibilityCSS: true});
    if (!shown || x < 0 || y < 0 || x > innerWidth || y > innerHeight) return false;
    const top = document.elementFromPoint(x, y);
    return top && !element.contains(top) && !top.contains(element)
        && !top.closest(".st-key-pages");  // under which a long page scrolls
}).map(element => `${element.textContent.slice(0, 40)} under ${(() => {
    const box = element.getBoundingClientRect();
    return document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        .outerHTML.slice(0, 100)})()}`)"""
# Controls, and words by the box of their letters, that lie on one another though neither is a part
# of the other. The pages' names are left out: under them a long page scrolls.
OVERLAPS = """() => {
    const lettersOf = (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return range.getBoundingClientRect();
    };
    const isForScreenReadersAlone = (element) =>
        element && (getComputedStyle(element).clipPath === "inset(50%)"
            || isForScreenReadersAlone(element.parentElement));
    const seen = (element) => !element.closest(".st-key-pages")
        && !isForScreenReadersAlone(element)
        && element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
    const controls = "button, a, input:not([type=range]), [role=radio], canvas, iframe";
    const parts = [
        ...[...document.querySelectorAll(controls)].filter(seen)
            .map(element => ({element, box: element.getBoundingClientRect()})),
        ...[...document.querySelectorAll("h1, h2, h3, p, label")].filter(seen)
            .filter(element => !element.closest("button"))
            .map(element => ({element, box: lettersOf(element)})),
    ].filter(({box}) => box.width > 8 && box.height > 8 && box.bottom > 0 && box.right > 0
        && box.top < innerHeight && box.left < innerWidth);
    const name = ({element}) =>
        `<${element.tagName.toLowerCase()}> ${element.textContent.slice(0, 40)}`;
    const found = [];
    parts.forEach((one, i) => parts.slice(i + 1).forEach(other => {
        const wide = Math.min(one.box.right, other.box.right)
            - Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom)
            - Math.max(one.box.top, other.box.top);
        if (wide > 2 && high > 2 && !one.element.contains(other.element)
            && !other.element.contains(one.element)) found.push(`${name(one)} on ${name(other)}`);
    }));
    return found;
}"""


@pytest.mark.parametrize("size", [(1366, 768), (1280, 720), (820, 1180), (390, 844)])
def test_an_open_digit_is_whole_with_both_answers(chromium, address, size):
    """On a tablet the digit was cut through the middle, and its bars stood on each other."""
    page = chromium.new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.goto(f"{address}/dataset?place=500")
    closer = page.locator(".st-key-digit-closer")
    closer.locator(".answers-to-one").wait_for(timeout=60_000)
    closer.locator(".js-plotly-plot .heatmaplayer image").wait_for(timeout=60_000)
    around = closer.bounding_box()
    for part in [
        closer.locator(".js-plotly-plot .heatmaplayer image"),
        *closer.locator(".answers-to-one .read").all(),
    ]:
        box = part.bounding_box()
        assert around["x"] <= box["x"]
        assert box["x"] + box["width"] <= around["x"] + around["width"]
        assert around["y"] <= box["y"]
        assert box["y"] + box["height"] <= size[1]
    bars = closer.locator(".answers-to-one .track").all()
    assert len(bars) == 20
    assert min(bar.bounding_box()["width"] for bar in bars) > 30
    page.close()


def test_a_room_is_run_from_a_tablet(chromium, server):
    """The room's four letters stood in two lines, and "Clear the wall" read "Clea..."."""
    page = chromium.new_page(viewport={"width": 820, "height": 1180})
    page.goto(f"{server.address}/room")
    page.locator(".st-key-room-open button").click(timeout=60_000)
    code = page.locator(".room-code")
    code.wait_for(timeout=60_000)
    page.get_by_role("button", name="Clear the wall").wait_for()
    line = float(code.evaluate("element => getComputedStyle(element).lineHeight").rstrip("px"))
    assert code.bounding_box()["height"] < 1.5 * line
    cut = page.locator(".st-key-room-halves").evaluate(
        """all => [...all.querySelectorAll("button p, label p")]
            .filter(text => text.scrollWidth > text.clientWidth + 1)
            .map(text => text.textContent)"""
    )
    page.close()
    assert not cut


def test_every_page_begins_at_the_same_place(chromium, address):
    page = chromium.new_page(viewport={"width": 1920, "height": 1080})
    begins = {}
    for name in ("", "dataset", "retrain", "room"):
        page.goto(f"{address}/{name}")
        page.locator(ONE_THING[name][0]).first.wait_for(timeout=60_000)
        # Without the pages' own styles, which a busy machine has a moment later, it is 140.
        page.wait_for_function("document.querySelector('h1')?.getBoundingClientRect().top < 100")
        box = page.locator("h1").bounding_box()
        begins[name] = round(box["x"]), round(box["y"])
    page.close()
    assert len(set(begins.values())) == 1, begins


@pytest.mark.parametrize("screen", SCREENS)
def test_the_one_thing_of_each_page_is_wholly_in_sight_and_nothing_overlaps(
    chromium, address, screen
):
    """In light and in dark, which a page changes while it is open."""
    context = chromium.new_context(reduced_motion="reduce", **SCREENS[screen])
    page = context.new_page()
    found = []
    for name, selectors in ONE_THING.items():
        page.emulate_media(color_scheme="light")
        page.goto(f"{address}/{name}")
        for selector in selectors:
            page.locator(selector).first.wait_for(timeout=60_000)
        page.wait_for_function(
            "() => document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'"
        )
        found += [f"/{name}, light: {one}" for one in wrong_for_good(page, selectors)]
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"{BRIGHTNESS} < 80")
        found += [f"/{name}, dark: {one}" for one in wrong_for_good(page, selectors)]
    context.close()
    assert not found, "\n".join(found)


def wrong_for_good(page: Page, selectors: list[str]) -> list[str]:
    """Return what is still wrong after a while; figures take their width last."""
    for selector in [*selectors, ".stMainBlockContainer"]:
        steady_box(page.locator(selector).first)
    for _ in range(50):
        if not wrong(page, selectors):
            break
        page.wait_for_timeout(200)
    return wrong(page, selectors)


def wrong(page: Page, selectors: list[str]) -> list[str]:
    """Return what is not wholly in sight, or lies on something else."""
    width, height = page.evaluate("[innerWidth, innerHeight]")
    names = page.locator(".st-key-pages").first.bounding_box()
    top, bottom = (names["height"], height) if names["y"] <= 0 else (0, names["y"])
    found = []
    for selector in selectors:
        box = page.locator(selector).first.bounding_box()
        inside = (
            box["x"] >= 0
            and box["x"] + box["width"] <= width
            and box["y"] >= top
            and box["y"] + box["height"] <= bottom + 2  # a border
        )
        if not inside:
            found.append(f"{selector} at {box} is not wholly in sight")
    if page.evaluate("document.documentElement.scrollWidth") > width:
        found.append("scrolls sideways")
    return [*found, *page.evaluate(COVERED), *page.evaluate(OVERLAPS)]
