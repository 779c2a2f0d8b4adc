"""WCAG 2.2 AA on every page, light and dark, by axe-core in Chromium."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = {
    "": ".st-key-answer-cnn",
    "dataset": ".st-key-digit-grid",
    "confusion": ".st-key-confusion-matrix",
    "retrain": ".st-key-train-start",
    "room": ".st-key-pages",
}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_violates_wcag(chromium, address, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    found = []
    for name, sign in PAGES.items():
        page.goto(f"{address}/{name}")
        page.locator(sign).first.wait_for(timeout=60_000)
        page.wait_for_timeout(2500)  # what comes after the first elements
        result = axe.run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
        found += [
            f"/{name}: {violation['id']} at {node['html'][:120]}"
            for violation in result.response["violations"]
            for node in violation["nodes"]
        ]
    context.close()
    assert found == []
