"""What the HTML file that one takes home says of its network."""

from __future__ import annotations

import pytest

from mnist_core.data.mnist import MNIST_DIGEST
from mnist_core.models import registry
from mnist_core.views.take_home import take_home
from tests.random_networks import save_random_network


@pytest.mark.parametrize(
    ("digest", "said"),
    [
        (MNIST_DIGEST, "98.76% of MNIST&#x27;s test images are read right."),
        ("f" * 64, "98.76% of its test images are read right."),
    ],
)
def test_only_mnists_test_images_are_called_so(tmp_path, monkeypatch, digest, said):
    """Regression: those of the sample, or of anybody's data set, were MNIST's as well."""
    monkeypatch.setenv("MNIST_ARTIFACTS", str(tmp_path))
    save_random_network("softmax")
    judged = {"test_accuracy": 0.9876, "data": {"digest": digest}}
    registry.save_card(registry.model_dir("softmax"), registry.load_card("softmax") | judged)
    assert said in take_home("softmax")
