"""What libraries print, kept off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def quiet(log: Path | None = None, *, verbose: bool = False) -> Iterator[TextIO]:
    """Keep what libraries print off the terminal; yield where to write what people shall see.

    TensorFlow's start-up warnings come from C++ and its list of a converted model's tensors from
    Python, so both the file descriptors and Python's streams lead to the log, for its end; without
    a log they lead nowhere. With `verbose` nothing is kept off.
    """
    if verbose:
        yield sys.stdout
        return
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    # Where something stands in for the terminal, as in a test, what people shall see goes there.
    is_ours = sys.stdout is not sys.__stdout__
    shown = sys.stdout if is_ours else os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding)
    try:
        with (log or Path(os.devnull)).open("a", encoding="utf-8") as file:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
            with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                yield shown
    finally:
        for descriptor, before in zip((1, 2), kept, strict=True):
            os.dup2(before, descriptor)
            os.close(before)
        shown.flush()
        if not is_ours:
            shown.close()
