"""Touch the arithmetic with mouse, finger and keys: the sums are the network's own."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mnist_core.analysis import arithmetic
from mnist_core.ink.examples import EXAMPLES
from mnist_core.models.keras_file import read_network
from tests.browser.test_draw import open_page, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BELOW, ABOVE = "What is below 0 becomes 0", "Above 0"


def test_a_pressed_cell_shows_the_sum_that_the_network_computes(page, address):
    open_page(page, address).draw(next(e.strokes for e in EXAMPLES if e.label == 4))
    page.locator(".st-key-answer-cnn.answered").wait_for()
    settle(page)
    source = page.locator(".st-key-network-input img").first.get_attribute("src")
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))
    image = np.asarray(picture.convert("L"), np.float32) / 255  # in 8 bits; the page has 32
    page.get_by_role("button", name="Why do they answer that?").click()
    page.get_by_text("Arithmetic", exact=True).click()
    cells = page.get_by_label("The feature map; arrow keys choose a cell")
    cells.wait_for()
    settle(page)
    step = read_network("cnn").steps[arithmetic.first_convolutions(read_network("cnn"))[0]]
    size = step.shape[0]

    def check(row: int, column: int, kernel: int) -> None:
        expected = arithmetic.cell(step, image, kernel, row, column)
        line = page.get_by_text(re.compile("The products add up to")).inner_text()
        numbers = parsed(line)
        found = [expected.total - expected.bias, expected.bias, expected.total]
        assert numbers[:3] == pytest.approx(found, abs=0.02)
        assert numbers[-1] == pytest.approx(expected.output, abs=0.02)

    wide = cells.bounding_box()["width"] / size
    cells.click(position={"x": 10.5 * wide, "y": 14.5 * wide})
    check(14, 10, 0)
    cells.press("ArrowDown")
    cells.press("ArrowRight")
    check(15, 11, 0)
    page.get_by_role("button", name="Filter 6", exact=True).click()
    cells.focus()
    for _ in range(size):
        cells.press("ArrowUp")
        cells.press("ArrowLeft")
    check(0, 0, 5)
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window


def parsed(line: str) -> list[float]:
    """Return the numbers of a sentence, its minus signs typographic."""
    found = re.findall(r"−?\d+(?:\.\d+)?", line.replace(BELOW, "").replace(ABOVE, ""))
    return [float(one.replace("−", "-")) for one in found]
