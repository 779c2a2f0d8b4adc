"""The Chromium of the benchmarks and of the browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


def chromium_path() -> str | None:
    """Return where Chromium is: $CHROMIUM or the system's; None where only Playwright has one."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open a Chromium without a window; close it afterwards."""
    with sync_playwright() as playwright:
        # Its own sandbox needs rights that a container does not have.
        options = {"executable_path": chromium_path(), "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        try:
            yield browser
        finally:
            browser.close()
