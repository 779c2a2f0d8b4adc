"""One way to write what visitors read: shares, counts, times, names of networks and runs.

A share stands without a space before its sign ("99.37%"), as English has it and as Plotly writes
it, so that a chart and the sentence beside it agree.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Container

NETWORK_TITLES = {"dense": "Dense network", "cnn": "CNN"}
SURE, UNLIKELY = 0.995, 0.005  # beyond these a whole number would claim too much


def percent(share: float, decimals: int = 2) -> str:
    """Return a measured share, such as an accuracy, in [0, 1]: "99.37%".

    >>> percent(0.99371), percent(0.5, decimals=0), percent(1.0)
    ('99.37%', '50%', '100%')
    """
    return f"{share:.0%}" if share in (0, 1) else f"{share:.{decimals}%}"


def chance(probability: float) -> str:
    """Return a probability in [0, 1] that a network answers with: "97%", "<1%", ">99%".

    >>> chance(0.968), chance(0.0002), chance(0.9999), chance(1.0)
    ('97%', '<1%', '>99%', '100%')
    """
    if 0 < probability < UNLIKELY:
        return "<1%"
    if SURE <= probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def heard_chance(probability: float) -> str:
    """Return `chance` for who hears the page: "97 percent", "more than 99 percent".

    >>> heard_chance(0.968), heard_chance(0.0002), heard_chance(0.9999)
    ('97 percent', 'less than 1 percent', 'more than 99 percent')
    """
    told = chance(probability).replace("<", "less than ").replace(">", "more than ")
    return told.replace("%", " percent")


def count(number: int, one: str, many: str = "") -> str:
    """Return how many there are of something: "1 digit", "1,234 digits".

    >>> count(1, "digit"), count(1234, "digit"), count(2, "copy", "copies")
    ('1 digit', '1,234 digits', '2 copies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def article(digit: int | str) -> str:
    """Return what stands before a digit: "an" 8, "a" 7.

    >>> article(7), article("8")
    ('a', 'an')
    """
    return "an" if str(digit) == "8" else "a"


def duration(seconds: float | None) -> str:
    """Return a length of time as people say it: "48 s", "3 min 5 s", "1 h 12 min"; "" for None."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(at: float, now: float | None = None) -> str:
    """Return a time of this server's clock: "12:37" for today, else "24 Nov, 12:37".

    at, now: seconds since 1970; now: None for this moment.
    """
    then, today = time.localtime(at), time.localtime(now)
    day = "" if then[:3] == today[:3] else f"{then.tm_mday} {time.strftime('%b', then)}, "
    return f"{day}{then.tm_hour:02}:{then.tm_min:02}"


def run_title(title: str, at: float, now: float | None = None) -> str:
    """Return what people call a run: its title and when it was asked for, "fast, 12:37"."""
    return f"{title}, {moment(at, now)}"


def told_apart(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken yet: itself, or with a number.

    >>> told_apart("fast", ["slow"]), told_apart("fast", ["fast", "fast (2)"])
    ('fast', 'fast (3)')
    """
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in taken)


def network(name: str) -> str:
    """Return what a network that ships is called in a sentence; any other name as it is.

    >>> network("dense"), network("cnn")
    ('the dense network', 'the CNN')
    """
    return {"dense": "the dense network", "cnn": "the CNN"}.get(name, name)


def capitalised(sentence: str) -> str:
    """Return a text that begins with a capital letter, the rest as it was.

    >>> capitalised("the CNN reads a 7")
    'The CNN reads a 7'
    """
    return sentence[:1].upper() + sentence[1:]
