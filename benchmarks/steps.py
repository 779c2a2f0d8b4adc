"""What each step brings: the small network `fast` on drawings of the test writers."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

from benchmarks.other_writers import SEED
from mnist_core.data.mnist import Dataset, load_mnist
from mnist_core.data.pendigits import load_pendigits
from mnist_core.files import write_json
from mnist_core.ink.pen import on_random_canvas
from mnist_core.ink.preprocessing import mnist_image, preprocess
from mnist_core.models.registry import artifacts_dir
from mnist_core.training.ink_pool import InkPool, ink_pool
from mnist_core.training.recipes import RECIPES


def steps_table() -> str:
    """Return accuracy on the test writers by preprocessing and training data, as Markdown."""
    from mnist_core.training.batches import as_input
    from mnist_core.training.fit import train
    from mnist_core.training.hyperparameters import override

    dataset, base = load_mnist(), RECIPES["fast"]
    ink = RECIPES["cnn"].hyperparameters.augmentation
    canvases, labels = _test_canvases()
    columns = {
        "MNIST only": (dataset, base.hyperparameters),
        "+ augmentation": (dataset, override(base.hyperparameters, augmentation=ink)),
        "+ pen strokes": (
            with_strokes(dataset, ink_pool(base.hyperparameters.seed)),
            override(base.hyperparameters, augmentation=ink),
        ),
    }
    preprocessings = {
        "resized as it is": _resized,
        "20-pixel box, box centred": _box_centred,
        "20-pixel box, mass centred": mnist_image,
    }
    figures: dict[str, dict[str, float]] = {name: {} for name in preprocessings}
    for column, (data, hyperparameters) in columns.items():
        model = train(base, data, hyperparameters=hyperparameters).model
        for name, preprocessing in preprocessings.items():
            images = np.stack([preprocessing(canvas) for canvas in canvases])
            answers = model.predict(as_input(images * 255), batch_size=500, verbose=0)
            figures[name][column] = float((answers.argmax(axis=1) == labels).mean())
    write_json(artifacts_dir() / "real_ink_steps.json", figures)
    header = f"| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}\n"
    rows = [
        f"| {name} | {' | '.join(f'{row[column]:.1%}' for column in columns)} |"
        for name, row in figures.items()
    ]
    return header + "\n".join(rows)


def _test_canvases() -> tuple[list[np.ndarray], np.ndarray]:
    """Return every second test writer's drawing on its canvas, (h, h) uint8, and the labels."""
    pendigits = load_pendigits()
    chosen = np.flatnonzero(pendigits.is_test)[::2]
    canvases = []
    for index in chosen:
        random = np.random.default_rng((SEED, int(index)))
        canvases.append(on_random_canvas(pendigits.drawings[index], random))
    return canvases, pendigits.labels[chosen]


def with_strokes(dataset: Dataset, pool: InkPool) -> Dataset:
    """Return the data set with as many drawn digits as it has training images added."""
    digits = np.flatnonzero(pool.labels < 10)[: len(dataset.x_train)]
    return dataclasses.replace(
        dataset,
        x_train=np.concatenate([dataset.x_train, pool.images[digits]]),
        y_train=np.concatenate([dataset.y_train, pool.labels[digits]]),
    )


def _resized(canvas: np.ndarray) -> np.ndarray:
    """What most demos do: the whole canvas squeezed into 28x28."""
    small = Image.fromarray(canvas).resize((28, 28), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / 255


def _box_centred(canvas: np.ndarray) -> np.ndarray:
    """MNIST's box of 20 pixels, but the box in the middle instead of the mass."""
    scaled = preprocess(canvas).scaled
    image = np.zeros((28, 28), np.float32)
    top, left = (28 - scaled.shape[0]) // 2, (28 - scaled.shape[1]) // 2
    image[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return image
