"""The training digits that look most like a digit: nearest neighbours on principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

COMPONENTS = 40  # hold about 79 % of the variance of MNIST's pixels
FITTED_ON = 15_000
_CHUNK = 5_000


@dataclass(frozen=True)
class Neighbours:
    """An index over training digits."""

    pca: PCA
    index: NearestNeighbors

    def of(self, image: np.ndarray, count: int, without: int | None = None) -> np.ndarray:
        """Return the indices (count,) of the nearest training digits, the nearest first.

        image: (28, 28) uint8; without: an index to leave out, that of the digit itself.
        """
        wanted = min(count + (without is not None), self.index.n_samples_fit_)
        features = features_of(self.pca, image[np.newaxis])
        found = self.index.kneighbors(features, wanted, return_distance=False)[0]
        return found[found != without][:count]


def fit_pca(images: np.ndarray, components: int) -> PCA:
    """Return principal components of (n, 28, 28) uint8 images, from every k-th of many."""
    some = images[:: max(1, -(-len(images) // FITTED_ON))].reshape(-1, 784).astype(np.float32)
    pca = PCA(min(components, *some.shape), svd_solver="covariance_eigh", random_state=0)
    return pca.fit(some / 255)


def features_of(pca: PCA, images: np.ndarray) -> np.ndarray:
    """Return (n, components) float32 features of (n, 28, 28) uint8 images."""
    parts = [
        pca.transform(images[start : start + _CHUNK].reshape(-1, 784).astype(np.float32) / 255)
        for start in range(0, len(images), _CHUNK)
    ]
    return np.concatenate(parts).astype(np.float32)


def neighbours_among(x_train: np.ndarray) -> Neighbours:
    """Return an index over training digits (n, 28, 28) uint8; brute force takes milliseconds."""
    pca = fit_pca(x_train, COMPONENTS)
    index = NearestNeighbors(algorithm="brute").fit(features_of(pca, x_train))
    return Neighbours(pca, index)
