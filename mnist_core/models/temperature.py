"""Temperature scaling: how sure a network's probabilities are, made to agree with how often they
hold (Guo et al. 2017)."""

from __future__ import annotations

import numpy as np

# Far below any probability that matters, far above where a float32 logarithm overflows.
LEAST_PROBABILITY = 1e-30


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log(probabilities) / temperature), same shape, float32; the order stays."""
    if not temperature > 0:
        raise ValueError(f"A temperature is above 0, not {temperature}.")
    clipped = np.maximum(np.asarray(probabilities, np.float64), LEAST_PROBABILITY)
    logits = np.log(clipped) / temperature
    scaled = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (scaled / scaled.sum(axis=-1, keepdims=True)).astype(np.float32)
