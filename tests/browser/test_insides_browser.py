"""Touch the arithmetic with mouse, finger and keys: the sums are the network's own."""

import base64
import io
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from mnist_core.analysis import arithmetic
from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.models import registry
from mnist_core.models.keras_file import read_network
from mnist_core.views import arithmetic_view
from tests.browser.conftest import steady_box
from tests.browser.test_draw import open_page, until_read
from tests.core.test_insides import first_activation

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BELOW, ABOVE = "What is below 0 becomes 0", "Above 0"


FOUR = next(example.strokes for example in EXAMPLES if example.label == 4)


@pytest.fixture
def component(chromium) -> Iterator[Callable[[np.ndarray, dict], Page]]:
    """Show the component as a page does, with an image (28, 28) and a layer."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    page.set_content(f"<style>{arithmetic_view.CSS}</style>{arithmetic_view.HTML}")
    script = arithmetic_view.JS.replace("export default function", "window.show = function")
    page.add_script_tag(content=script)

    def show(image: np.ndarray, layer: dict) -> Page:
        data = {"image": image.ravel().tolist(), "layer": layer}
        page.evaluate("data => show({data, parentElement: document.body})", data)
        return page

    yield show
    page.close()


def press(page: Page, canvas: str, row: int, column: int, cells: int) -> list[float]:
    """Press a cell of a picture; return the numbers of the sentence that tells its sum."""
    target = page.locator(f"canvas.{canvas}")
    wide = target.bounding_box()["width"] / cells
    target.click(position={"x": (column + 0.5) * wide, "y": (row + 0.5) * wide})
    return parsed(page.locator(".line").inner_text())


def test_fifty_cells_add_up_to_what_keras_computes(component):
    """Also at the edges, where a kernel lies in part beside the drawing."""
    image, random = mnist_image(draw_strokes(FOUR)), np.random.default_rng(1)
    model = registry.load_keras("cnn")
    layers = arithmetic_view.layers(read_network("cnn"), image).values()
    for name, layer in zip(("narrow", "broad"), layers, strict=True):
        column = first_activation(model.get_layer(name))
        maps = column.predict(image[np.newaxis, ..., np.newaxis], verbose=0)[0]
        page, above_0, size = component(image, layer), 0, layer["size"]
        assert maps.shape[:2] == (size, size)
        edges = [(0, 0), (size - 1, 0), (0, size - 1), (size - 1, size - 1)]
        for row, place in [*edges, *random.integers(size, size=(21, 2))]:
            kernel = int(random.integers(maps.shape[2]))
            page.get_by_role("button", name=f"Filter {kernel + 1}", exact=True).click()
            added, bias, total, output = press(page, "map", row, place, size)
            assert total == pytest.approx(added + bias, abs=0.0015)  # each rounded to 0.001
            assert output == pytest.approx(max(total, 0), abs=0.0001)
            assert output == pytest.approx(maps[row, place, kernel], abs=0.0006)
            above_0 += output > 0
        assert above_0 > 3


def test_the_units_shown_add_up_to_what_keras_computes(component):
    image, random = mnist_image(draw_strokes(FOUR)), np.random.default_rng(1)
    model, network = registry.load_keras("dense"), read_network("dense")
    excited = first_activation(model).predict(image[np.newaxis, ..., np.newaxis], verbose=0)[0]
    (layer,) = arithmetic_view.layers(network, image).values()
    page = component(image, layer)
    assert len(layer["numbers"]) == 12
    for place, unit in enumerate(layer["numbers"]):
        page.get_by_role("button", name=f"Unit {unit + 1}", exact=True).click()
        for row, column in random.integers(28, size=(4, 2)):
            told = press(page, "map", row, column, 28)
            ink, weight = image[row, column], layer["weights"][place][28 * row + column]
            assert told[:2] == [row + 1, column + 1]
            assert told[2:5] == pytest.approx([ink, weight, ink * weight], abs=0.0006)
            assert told[-1] == pytest.approx(excited[unit], abs=0.0006)


def test_mouse_and_keys_choose_a_cell_of_the_map(page, address):
    open_page(page, address).draw(FOUR)
    until_read(page, len(FOUR))
    source = page.locator(".st-key-network-input img").first.get_attribute("src")
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))
    image = np.asarray(picture.convert("L"), np.float32) / 255  # in 8 bits; the page has 32
    page.get_by_role("button", name="Why do they answer that?").click()
    page.get_by_text("Arithmetic", exact=True).click()
    cells = page.get_by_label("The feature map; arrow keys choose a cell")
    cells.wait_for()
    network = read_network("cnn")
    index = arithmetic.first_convolutions(network)[0]
    maps = network.run(image[np.newaxis], wanted=[index])[index][0]
    size = network.steps[index].shape[0]

    def check(row: int, column: int, kernel: int) -> None:
        line = page.get_by_text(re.compile("The products add up to")).inner_text()
        assert parsed(line)[-1] == pytest.approx(maps[row, column, kernel], abs=0.02)

    wide = steady_box(cells)["width"] / size
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
