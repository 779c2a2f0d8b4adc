"""Hostile inputs that are sought where they lead to lines which none before them led to.

    python -m benchmarks.fuzz.guided READER SEED SECONDS FOLDER

Atheris (libFuzzer for Python) begins with the whole files, keeps each input that reaches a new
branch of mnist_core, and goes on from those: by its own changes, and by those of `mutations`.
FOLDER/state and FOLDER/faults hold what happened, as for `child`; FOLDER/fault-N is an input, see
`mutations.packed`; libFuzzer's last line on stderr says how many branches were reached.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["mnist_core"], enable_loader_override=False):
    from benchmarks.fuzz.child import State, examine, note, watch_calls
    from benchmarks.fuzz.mutations import mutate, packed, unpacked
    from benchmarks.fuzz.readers import READERS

MOST_BYTES = 1_000_000


def changed(data: bytes, most: int, seed: int) -> bytes:
    """Return an input with one of its files changed, within that length."""
    files, random = unpacked(data), Random(seed)
    if not files:
        return data[:most]
    name = random.choice(list(files))
    if random.random() < 0.5:
        files[name] = mutate(files[name], random)
    else:
        files[name] = atheris.Mutate(files[name], min(most, max(64, 2 * len(files[name]))))
    made = packed(files)
    return made if len(made) <= most else data[:most]


def main(name: str, seed: int, seconds: int, folder: Path) -> None:
    """Seek for so many seconds; libFuzzer ends the process."""
    reader, state = READERS[name], State(folder / "state")
    scratch, corpus = folder / "scratch", folder / "corpus"
    scratch.mkdir()
    corpus.mkdir()
    for number, files in enumerate(reader.files()):  # warms up whatever is imported late
        (scratch / "whole").mkdir()
        examine(reader, files, scratch / "whole")
        shutil.rmtree(scratch / "whole")
        (corpus / str(number)).write_bytes(packed(files))
    watch_calls()

    def read(data: bytes) -> None:
        inside = scratch / "one"
        inside.mkdir()
        verdict, words = examine(reader, {**reader.files()[0], **unpacked(data)}, inside)
        shutil.rmtree(inside, ignore_errors=True)
        number = int(state["next"])
        if verdict == "fault":
            note(folder, number, words)
            (folder / f"fault-{number}").write_bytes(data)
        else:
            state[verdict] += 1
        state["next"] = number + 1

    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST_BYTES}",
               "-timeout=0", "-rss_limit_mb=0", str(corpus)]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], read, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]), Path(sys.argv[4]))
