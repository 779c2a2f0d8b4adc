"""Processes beside this one, forked, which see what it holds without a copy."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.pool import Pool


@contextlib.contextmanager
def workers() -> Iterator[Pool]:
    """Yield as many workers as there are cores; they have ended when the block has.

    They end by themselves, not by a signal: they inherit what this process does at one, and a
    training that notes SIGTERM to stop after its batch would wait for them for ever.
    """
    pool = multiprocessing.get_context("fork").Pool(initializer=_be_a_worker)
    try:
        yield pool
        pool.close()
    except BaseException:
        pool.terminate()
        raise
    finally:
        pool.join()


def _be_a_worker() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
