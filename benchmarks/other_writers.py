"""Images of people who chose nothing in training, and of what is no digit in their hands."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from mnist_core.data.pendigits import load_pendigits
from mnist_core.ink.non_digits import non_digit
from mnist_core.ink.pen import photograph
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import CANVAS_SIZE_PX

SEED = 20_261_121
NON_DIGITS = 2_000


def pen_images(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) float32 and labels of the test writers' drawings."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)
    images = [
        photograph(pendigits.drawings[i], np.random.default_rng((seed, int(i)))) for i in chosen
    ]
    return np.stack(images), pendigits.labels[chosen]


def paper_images() -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) float32 and labels of digits that people wrote on paper forms.

    The 1,797 digits of 13 people that are the test set of UCI's "Optical Recognition of
    Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, CC BY 4.0), 8x8 pixels as scikit-learn
    carries them, enlarged to a canvas with a margin.
    """
    paper = load_digits()
    framed = np.pad(np.uint8(paper.images * (255 / 16)), ((0, 0), (2, 2), (2, 2)))
    canvas = (CANVAS_SIZE_PX, CANVAS_SIZE_PX)
    enlarged = (Image.fromarray(one).resize(canvas, Image.Resampling.BICUBIC) for one in framed)
    return np.stack([mnist_image(np.asarray(one)) for one in enlarged]), paper.target


def non_digit_images(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return images of what is not one digit, made of the test writers' strokes, and kinds."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)
    drawings, labels = [pendigits.drawings[i] for i in chosen], pendigits.labels[chosen]
    random = np.random.default_rng((seed, 1))
    made = [non_digit(drawings, labels, random) for _ in range(NON_DIGITS)]
    return np.stack([photograph(strokes, random) for _, strokes in made]), np.array(
        [kind for kind, _ in made]
    )
