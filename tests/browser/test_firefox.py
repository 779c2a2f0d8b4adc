"""Draw with the mouse in Firefox, Debian's own, driven as Mozilla drives it (Marionette).

Selenium would need geckodriver, which Debian's stable release does not carry.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mnist_core.ink.examples import EXAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.fixture
def firefox(tmp_path) -> Iterator[Any]:
    """A Firefox without a window, with a profile of its own."""
    marionette = pytest.importorskip("marionette_driver.marionette")
    if PROGRAM is None:
        pytest.skip("Firefox is not installed: apt-get install firefox-esr")
    (tmp_path / "user.js").write_text('user_pref("marionette.port", 0);\n')
    command = [PROGRAM, "--headless", "--marionette", "--no-remote", "--profile", str(tmp_path)]
    process = subprocess.Popen([*command, "about:blank"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        port_file = tmp_path / "MarionetteActivePort"
        port = wait_for(lambda: port_file.is_file() and port_file.read_text())
        driver = marionette.Marionette(host="127.0.0.1", port=int(port))
        driver.start_session()
        driver.set_window_rect(width=1366, height=768)
        yield driver
        driver.delete_session()
    finally:
        process.terminate()
        process.wait(30)


def wait_for(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what `holds` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise TimeoutError


def canvas_box(driver: Any) -> list[float]:
    """Return left and top of the canvas once it stands still."""
    seen = [None]

    def stands_still() -> bool:
        seen.append(driver.execute_script(
            "const r = [...document.querySelectorAll('.st-key-canvas *')]"
            ".map(e => e.shadowRoot && e.shadowRoot.querySelector('canvas.upper-canvas'))"
            ".find(e => e)?.getBoundingClientRect(); return r && [r.left, r.top];"
        ))  # fmt: skip
        return seen[-1] is not None and seen[-1] == seen[-2]

    wait_for(stands_still)
    return seen[-1]


def draw(driver: Any, strokes: list[np.ndarray]) -> None:
    """Draw on the canvas with the mouse."""
    box = canvas_box(driver)
    for stroke in strokes:
        points = [
            (int(box[0] + x), int(box[1] + y)) for x, y in stroke[:: max(1, len(stroke) // 12)]
        ]
        mouse = driver.actions.sequence("pointer", "mouse", {"pointerType": "mouse"})
        mouse.pointer_move(*points[0]).pointer_down()
        for x, y in points[1:]:
            mouse.pointer_move(x, y, duration=20)
        mouse.pointer_up().perform()


def test_digits_are_drawn_and_read_in_firefox(firefox, address):
    firefox.navigate(address)
    invited = "return document.body.innerText.includes('with mouse, pen or finger')"
    wait_for(lambda: firefox.execute_script(invited))
    seven = next(one for one in EXAMPLES if one.label == 7)
    draw(firefox, seven.strokes)

    def answer() -> str:
        return firefox.execute_script(
            "return document.querySelector('.st-key-answer-cnn').innerText.trim()"
        ).split("\n")[0]

    wait_for(lambda: answer() == "7", 30)
    shown = firefox.execute_script(
        "return document.querySelector('.st-key-network-input img').naturalWidth"
    )
    assert shown == 28
