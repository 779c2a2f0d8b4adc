"""`doubtful`: labels that look wrong, by folds trained here or side by side on a cluster."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from mnist_core import words
from mnist_core.cli.quiet import quiet
from mnist_core.cli.terminal import StopRequest
from mnist_core.data.mnist import load_mnist
from mnist_core.runs import engine, folds
from mnist_core.training import doubtful as search


def doubtful(arguments: Namespace) -> int:
    """Find the training labels that look wrong."""
    if arguments.cluster:
        os.environ["MNIST_CLUSTER"] = arguments.cluster
    dataset = load_mnist()
    if engine.named_cluster() is None:
        with quiet(verbose=arguments.verbose) as shown:
            print(
                search.store(dataset, search.cross_validate(dataset), arguments.output), file=shown
            )
        return 0
    with StopRequest(sys.stdout) as stop:
        probabilities = folds.cross_validate(
            dataset,
            lambda run: print(f"{run.title} took {words.duration(run.seconds)}.", flush=True),
            lambda: stop.requested,
        )
    if probabilities is None:
        print("Stopped. The same command goes on with the folds that have ended.")
        return 130
    print(search.store(dataset, probabilities, arguments.output))
    return 0
