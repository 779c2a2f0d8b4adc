"""Do the HTML files that one takes home answer as the app does? python -m benchmarks.take_home

Draws 500 digits (pendigits' test writers where PENDIGITS_PATH or the user's data folder has
them, hands of ours otherwise), lets the app read them, and the file in Chromium, from the same
pixels. Prints for each model the weight of its file, differing answers, the largest difference of
a probability and of a pixel, and what reading one drawing takes in the browser. With --train,
also of the recipe `fast`, trained for it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import browser, results
from benchmarks.serving import own_artifacts
from mnist_core.data.pendigits import load_pendigits
from mnist_core.errors import DatasetError
from mnist_core.ink.glyphs import digit_prototypes
from mnist_core.ink.pen import another_hand
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import CANVAS_SIZE_PX, draw_strokes, place
from mnist_core.models.classifier import Classifier
from mnist_core.runs import queue
from mnist_core.views.take_home import take_home

SEED = 1
DRAWINGS = 500
# Reads pictures as the page reads its own canvas.
READ = """async (pictures) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 336;
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const said = [];
  let seconds = 0;
  for (const picture of pictures) {
    const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
    pen.drawImage(await createImageBitmap(new Blob([bytes], {type: "image/png"})), 0, 0);
    const pixels = pen.getImageData(0, 0, 336, 336).data, start = performance.now();
    const {image, probabilities, digit, isDigit} = read(pixels, 336, 336);
    seconds += (performance.now() - start) / 1000;
    said.push({image: Array.from(image), probabilities: Array.from(probabilities), digit, isDigit});
  }
  return {said, seconds};
}"""


def pictures(count: int) -> list[np.ndarray]:
    """Return canvases with a digit each: (336, 336, 4) uint8."""
    random = np.random.default_rng(SEED)
    try:
        pen = load_pendigits()
    except DatasetError:
        prototypes = [strokes for _, strokes in digit_prototypes()]
        drawn = [another_hand(prototypes[i % len(prototypes)], random) for i in range(count)]
    else:
        chosen = random.choice(np.flatnonzero(pen.is_test), count, replace=False)
        drawn = [pen.drawings[index] for index in chosen]
    sizes = random.uniform(0.1, 0.7, len(drawn)) * CANVAS_SIZE_PX  # small ones are enlarged
    corners = [random.uniform(10, CANVAS_SIZE_PX - 10 - size, 2) for size in sizes]
    return [
        draw_strokes(place(strokes, *corner, size), stroke_width_px=random.uniform(6, 20))
        for strokes, corner, size in zip(drawn, corners, sizes, strict=True)
    ]


def compare(page: Any, html: str, classifier: Classifier, drawn: list[np.ndarray]) -> dict:
    """Return how the file's answers differ from the classifier's; page: of Playwright."""
    images = np.array([mnist_image(picture) for picture in drawn])
    expected = classifier.probabilities(images)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digit.html"
        file.write_text(html, encoding="utf-8")
        page.goto(file.as_uri())
        found = page.evaluate(READ, [_png(picture) for picture in drawn])
    said = found["said"]
    probabilities = np.array([one["probabilities"] for one in said])
    digits = np.array([one["digit"] for one in said])
    accepted = np.array([one["isDigit"] for one in said])
    seen = np.array([one["image"] for one in said]).reshape(images.shape)
    return {
        "drawings": len(drawn),
        "kilobytes": round(len(html.encode()) / 1000, 1),
        "other_digits": int((digits != expected.argmax(axis=1)).sum()),
        "other_refusals": int((accepted != classifier.is_digit(images)).sum()),
        "largest_difference": float(np.abs(probabilities - expected).max()),
        "largest_difference_of_a_pixel": float(np.abs(seen - images).max()),
        "milliseconds_a_drawing": round(found["seconds"] / len(drawn) * 1000, 1),
    }


def _png(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def main() -> None:
    """Compare the models that ship, and `fast` where asked to train it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drawings", type=int, default=DRAWINGS)
    parser.add_argument("--train", action="store_true", help="train `fast` and compare it too")
    arguments = parser.parse_args()
    drawn = pictures(arguments.drawings)
    figures = {}
    with tempfile.TemporaryDirectory() as temporary, browser.chromium() as chromium:
        os.environ["MNIST_ARTIFACTS"] = str(own_artifacts(Path(temporary)))
        names = {"dense": "dense", "cnn": "cnn"}
        if arguments.train:
            names["fast"] = _train_fast()
        for title, name in names.items():
            page = chromium.new_page()
            page.set_default_timeout(120_000)
            figures[title] = compare(page, take_home(name), Classifier.load(name), drawn)
            print(title, json.dumps(figures[title]), flush=True)
    print(results.keep("take_home", figures))


def _train_fast() -> str:
    from mnist_core.__main__ import main as command

    assert command(["train", "fast"]) == 0
    return queue.list_runs()[0].run_id


if __name__ == "__main__":
    main()
