"""Does a network read a style of writing that it has never seen? Each style left out in turn.

    MNIST_PATH=mnist.npz python -m benchmarks.styles [--size 40000] [--samples 300]

Trains the small network `fast` on MNIST and pen strokes: with every style of
mnist_core/ink/glyphs.txt, and eight times without one style of each digit. Prints as Markdown how
each style's fresh samples are read by the network that knows all and by the one that has never seen
it, the worst first, one run each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from benchmarks import results
from benchmarks.steps import with_strokes
from mnist_core.data.mnist import load_mnist
from mnist_core.ink.glyphs import digit_styles
from mnist_core.ink.pen import photograph
from mnist_core.training.batches import as_input
from mnist_core.training.fit import train
from mnist_core.training.hyperparameters import override
from mnist_core.training.ink_pool import drawn_in, ink_pool
from mnist_core.training.recipes import RECIPES

Style = tuple[int, str]  # the digit, and the style's name
SEED = 20_261_126
GOAL = 0.99


def groups() -> list[list[Style]]:
    """Return all styles in groups that hold at most one of each digit."""
    names = [(style.digit, style.name) for style in digit_styles()]
    of_digits = [[one for one in names if one[0] == digit] for digit in range(10)]
    rows = zip_longest(*of_digits)
    return [[one for one in row if one is not None] for row in rows]


def samples(style: Style, count: int) -> np.ndarray:
    """Return (count, 28, 28, 1) float32 images of one style, in many hands."""
    found = next(s for s in digit_styles() if (s.digit, s.name) == style)
    random = np.random.default_rng((SEED, *style[1].encode(), style[0]))
    drawn = [photograph(drawn_in([found], random), random) for _ in range(count)]
    return as_input(np.uint8(np.stack(drawn) * 255))


def read(
    without: Sequence[Style], tested: dict[Style, np.ndarray], size: int
) -> dict[Style, float]:
    """Train without some styles; return which share of each style's samples is read right."""
    recipe = RECIPES["fast"]
    augmentation = RECIPES["cnn"].hyperparameters.augmentation
    chosen = override(recipe.hyperparameters, augmentation=augmentation)
    pool = ink_pool(chosen.seed, size, without=tuple(without))
    model = train(recipe, with_strokes(load_mnist(), pool), hyperparameters=chosen).model
    return {
        style: float((model.predict(images, verbose=0).argmax(axis=1) == style[0]).mean())
        for style, images in tested.items()
    }


def main() -> None:
    """Print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=40_000, help="drawings in each pool")
    parser.add_argument("--samples", type=int, default=300, help="of each style")
    arguments = parser.parse_args()
    tested = {style: samples(style, arguments.samples) for group in groups() for style in group}
    seen, unseen = read((), tested, arguments.size), {}
    for group in groups():
        unseen |= read(group, {style: tested[style] for style in group}, arguments.size)
    print("| style | trained on it | never seen |\n|---|---:|---:|")
    for style in sorted(unseen, key=unseen.__getitem__):
        digit, name = style
        print(f"| {digit}, {name} | {seen[style]:.1%} | {unseen[style]:.1%} |")
    known, strange = (np.array([shares[style] for style in tested]) for shares in (seen, unseen))
    print(f"| all {len(tested)} | {known.mean():.1%} | {strange.mean():.1%} |")
    print(f"| of them read at {GOAL:.0%} or better | {(known >= GOAL).sum()} "
          f"| {(strange >= GOAL).sum()} |")  # fmt: skip
    figures = {f"{digit}, {name}": [seen[digit, name], unseen[digit, name]]
               for digit, name in tested}  # fmt: skip
    results.keep("styles", {"size": arguments.size, "seen_and_unseen": figures})


if __name__ == "__main__":
    main()
