"""Digits laid out in two dimensions: by principal components at once, by t-SNE with patience.

t-SNE (van der Maaten & Hinton 2008) is kept under `artifacts/cache`, named after the data; that of
MNIST ships under `artifacts/maps`: positions alone, no pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mnist_core.analysis.neighbours import features_of, fit_pca
from mnist_core.analysis.own_process import Compute, here
from mnist_core.data.mnist import Dataset
from mnist_core.files import opened_zip, read_array, replacing
from mnist_core.models import registry

SEED = 1
CACHE, SHIPPED = "cache", "maps"  # below the artifacts
SIZES = (1000, 2000, 4000)
LEAST = 10  # digits that a map takes
MOST_BYTES = 1_000_000  # of a kept map
STEPS = 4
STEP_ITERATIONS = 250  # the fewest that scikit-learn accepts
_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def sizes(dataset: Dataset) -> list[int]:
    """Return how many training digits a map of the data set may show, rising: one to three."""
    train = len(dataset.y_train)
    return sorted({min(size, train) for size in SIZES})


def share_of(dataset: Dataset, digits: int) -> np.ndarray:
    """Return the sorted training indices (digits,) that a map shows, the same every time."""
    train = len(dataset.y_train)
    return np.sort(np.random.default_rng(SEED).permutation(train)[: min(digits, train)])


def pca_map(dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """Return (n, 2) float32: the first two principal components of training digits."""
    return features_of(fit_pca(dataset.x_train, 2), dataset.x_train[indices])


def kept_tsne(dataset: Dataset, indices: np.ndarray) -> np.ndarray | None:
    """Return the (n, 2) map that was computed before, or ships, None where there is none."""
    for folder in (SHIPPED, CACHE):
        try:
            with opened_zip(_path(dataset, indices, folder)) as archive:
                positions = read_array(archive, "positions", MOST_BYTES)
        except (FileNotFoundError, ValueError):
            continue
        if positions.shape == (len(indices), 2):
            return positions
    return None


def compute_tsne(
    dataset: Dataset,
    indices: np.ndarray,
    on_progress: Callable[[float], None],
    folder: str = CACHE,
    compute: Compute = here,
) -> np.ndarray:
    """Return (n, 2) float32 and keep it; on_progress hears of the share done, 0 to 1.

    In steps that each begin where the last one ended, because scikit-learn does not say how far
    it is; compute: where a step is computed. Raises ModelError where the map cannot be kept.
    """
    features = features_of(fit_pca(dataset.x_train, 50), dataset.x_train[indices])
    positions = features[:, :2] / features[:, 0].std() * 1e-4
    on_progress(0.0)
    for step in range(STEPS):
        positions = compute(_tsne_step, features, positions, step == 0)
        on_progress((step + 1) / STEPS)
    path = _path(dataset, indices, folder)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, positions=positions)
    return positions


def _tsne_step(features: np.ndarray, positions: np.ndarray, first: bool) -> np.ndarray:
    from sklearn.manifold import TSNE

    tsne = TSNE(
        perplexity=min(30.0, (len(features) - 1) / 3),
        init=np.ascontiguousarray(positions),
        early_exaggeration=12.0 if first else 1.0,
        max_iter=STEP_ITERATIONS,
        random_state=SEED,
    )
    return tsne.fit_transform(features)


def _path(dataset: Dataset, indices: np.ndarray, folder: str = CACHE) -> Path:
    name = f"tsne-{dataset.digest[:16]}-{len(indices)}-{SEED}.npz"
    return registry.artifacts_dir() / folder / name


def braille(images: np.ndarray) -> list[str]:
    """Return each image (n, 28, 28) uint8 as five lines of braille dots, joined by <br>.

    The 20 x 20 pixels in the middle, where MNIST's ink is, for a hover text that shows the digit.
    """
    ink = images[:, 4:24, 4:24] > 96
    blocks = ink.reshape(-1, 5, 4, 10, 2)
    codes = 0x2800 + np.einsum("nrycx,yx->nrc", blocks, _BRAILLE)
    return ["<br>".join("".join(map(chr, line)) for line in image) for image in codes]
