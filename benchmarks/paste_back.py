"""Does MNIST's own rule come back? Paste test digits enlarged anywhere on a canvas and see.

    MNIST_PATH=mnist.npz python -m benchmarks.paste_back

Prints, over 1,000 test images, the mean absolute difference of pixels (0 to 1) between the
digit and what `mnist_image` makes of its enlarged copy, and the share of answers kept.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from mnist_core.data.mnist import load_mnist
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.models.classifier import Classifier

SEED, COUNT = 3, 1_000
METHODS = {
    "every pixel a square": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}


def paste(
    digit: np.ndarray,
    size_px: int,
    row: int,
    column: int,
    canvas_px: int,
    method: Image.Resampling = Image.Resampling.NEAREST,
) -> np.ndarray:
    """Return a black RGBA canvas with a (28, 28) uint8 digit enlarged on it."""
    large = np.asarray(Image.fromarray(digit).resize((size_px, size_px), method))
    canvas = np.zeros((canvas_px, canvas_px, 4), np.uint8)
    canvas[..., 3] = 255
    canvas[row : row + size_px, column : column + size_px, :3] = large[..., np.newaxis]
    return canvas


def main() -> None:
    """Print the figures."""
    dataset = load_mnist()
    random = np.random.default_rng(SEED)
    chosen = random.choice(len(dataset.x_test), min(COUNT, len(dataset.x_test)), replace=False)
    originals = dataset.x_test[chosen].astype(np.float32) / 255
    print(f"{len(chosen):,} test images of {dataset.source}, enlarged to 84 to 336 px")
    for words, method in METHODS.items():
        images = []
        for digit in dataset.x_test[chosen]:
            size = int(random.integers(84, 337))
            row, column = (int(n) for n in random.integers(0, 337 - size, 2))
            images.append(mnist_image(paste(digit, size, row, column, 336, method)))
        returned = np.stack(images)
        difference = np.abs(returned - originals).mean()
        print(f"{words}: mean absolute pixel difference {difference:.4f}")
        for name in ("dense", "cnn"):
            classifier = Classifier.load(name)
            before = classifier.probabilities(originals).argmax(axis=1)
            after = classifier.probabilities(returned).argmax(axis=1)
            print(f"  {name}: {(before == after).mean():.1%} of the answers kept")


if __name__ == "__main__":
    main()
