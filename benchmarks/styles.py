"""Does a network read a style of writing that it has never seen? One style of each digit left out.

    MNIST_PATH=mnist.npz python -m benchmarks.styles [--size 40000] [--samples 300]

Trains the small network `fast` on MNIST and pen strokes twice: with every style of
mnist_core/ink/glyphs.txt, and without the ten of `LEFT_OUT`, all at once. Prints as Markdown how
each reads fresh samples of those ten styles, one run each.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.real_ink import with_strokes
from mnist_core.data.mnist import load_mnist
from mnist_core.ink.glyphs import digit_styles
from mnist_core.ink.pen import photograph
from mnist_core.training.batches import as_input
from mnist_core.training.fit import train
from mnist_core.training.hyperparameters import override
from mnist_core.training.ink_pool import drawn_in, ink_pool
from mnist_core.training.recipes import RECIPES

LEFT_OUT = (
    (0, "barred"), (1, "long flag"), (2, "looped"), (3, "looped"), (4, "L with a stroke"),
    (5, "belly unclosed"), (6, "open loop"), (7, "waved"), (8, "unclosed"), (9, "hooked bottom"),
)  # fmt: skip
SEED = 20_261_126


def samples(digit: int, name: str, count: int) -> np.ndarray:
    """Return (count, 28, 28) float32 images of one style, in many hands."""
    style = next(s for s in digit_styles() if (s.digit, s.name) == (digit, name))
    random = np.random.default_rng((SEED, digit))
    return np.stack([photograph(drawn_in([style], random), random) for _ in range(count)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=40_000, help="drawings in each pool")
    parser.add_argument("--samples", type=int, default=300, help="of each style")
    arguments = parser.parse_args()
    dataset, recipe = load_mnist(), RECIPES["fast"]
    augmentation = RECIPES["cnn"].hyperparameters.augmentation
    chosen = override(recipe.hyperparameters, augmentation=augmentation)
    tested = [samples(digit, name, arguments.samples) for digit, name in LEFT_OUT]
    columns = []
    for without in ((), LEFT_OUT):
        pool = ink_pool(chosen.seed, arguments.size, without=without)
        model = train(recipe, with_strokes(dataset, pool), hyperparameters=chosen).model
        answers = [model.predict(as_input(np.uint8(x * 255)), verbose=0) for x in tested]
        columns.append(
            [
                float((a.argmax(axis=1) == digit).mean())
                for a, (digit, _) in zip(answers, LEFT_OUT, strict=True)
            ]
        )
    print("| style | trained on it | never seen |\n|---|---:|---:|")
    for (digit, name), seen, unseen in zip(LEFT_OUT, *columns, strict=True):
        print(f"| {digit}, {name} | {seen:.1%} | {unseen:.1%} |")
    print(f"| all ten | {np.mean(columns[0]):.1%} | {np.mean(columns[1]):.1%} |")


if __name__ == "__main__":
    main()
