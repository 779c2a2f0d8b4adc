"""The rules of the four rounds: plain functions of what is kept, in whatever order it came.

Nothing here is stored: points, verdicts and shares are worked out anew from the drawings, votes
and readings, so that no order of messages can leave a wrong one behind.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core.analysis.metrics import wilson_interval
from mnist_core.ink.non_digits import NOT_A_DIGIT
from mnist_core.models import registry

DRAW, TEST, FOOL, BEAT = "draw", "test", "fool", "beat"
KINDS = (DRAW, TEST, FOOL, BEAT)
MOST_VOTES_NEEDED = 3
QUESTIONS = 20
TASKS = 100  # told at once, so that a phone without a network knows what to draw next
GRACE_S = 5.0  # what was on its way when the clock ran out still counts

Answers = Mapping[str, Mapping[str, Any]]  # network -> {"digit", "is_digit", ...}


@dataclass(frozen=True)
class Share:
    """How many of how many, with the interval in which the true share lies."""

    right: int
    of: int

    @property
    def share(self) -> float | None:
        """Return the share, 0 to 1, or None where there is nothing to count."""
        return self.right / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Return Wilson's 95% interval."""
        return wilson_interval(self.right, self.of)


def asked_digit(seed: int, member_id: int, task: int) -> int:
    """Return what a phone is asked to draw as its task-th drawing (from 0).

    Each ten tasks ask for all ten digits, in an order of the phone's own; after the last of TASKS
    the first comes again.
    """
    order = list(range(10))
    block, place = divmod(task % TASKS, 10)
    random.Random(f"{seed}/{member_id}/{block}").shuffle(order)  # noqa: S311 - an order, no secret
    return order[place]


def looks_like_a_digit(answers: Answers) -> bool:
    """Return whether no network that answers says "that does not look like one digit"."""
    return all(answer["is_digit"] for answer in answers.values())


def votes_needed(present: int) -> int:
    """Return how many votes a verdict takes where so many phones are: three, or all the others."""
    return min(MOST_VOTES_NEEDED, max(1, present - 1))


def verdict(votes: Iterable[int], needed: int) -> int | None:
    """Return what the room says a drawing is: 0 to 9, 10 for "not a digit", None for no verdict.

    votes: one a voter. It takes `needed` votes and more than half of them.
    """
    counted = Counter(votes)
    total = counted.total()
    if total < needed or not counted:
        return None
    digit, most = counted.most_common(1)[0]
    return digit if 2 * most > total else None


def fooled(answers: Answers, room_says: int | None) -> list[str]:
    """Return the networks that read a digit, and another one than the room.

    A network that says "that does not look like one digit" is not fooled; what the room takes
    for no digit fools nobody.
    """
    if room_says is None or room_says == NOT_A_DIGIT:
        return []
    return [
        network
        for network in registry.SLOTS
        if network in answers
        and answers[network]["is_digit"]
        and answers[network]["digit"] != room_says
    ]


def board(points: Mapping[int, int], most: int = 8) -> list[tuple[int, int]]:
    """Return (member, points) of the best with any points; of equals, who came first."""
    ranked = sorted(points.items(), key=lambda one: (-one[1], one[0]))
    return [(member, score) for member, score in ranked[:most] if score > 0]


@dataclass(frozen=True)
class Contest:
    """People against the networks on the same digits."""

    people: Share  # of all their readings
    room: Share  # of the digits, by what most of the room said
    networks: dict[str, Share]
    said: list[list[int]]  # question -> how often the room said 0, 1, ... 9


def contest(
    labels: Sequence[int],
    network_digits: Mapping[str, Sequence[int]],
    readings: Iterable[tuple[int, int]],
) -> Contest:
    """Return how everybody did. readings: (question, digit), each phone once a question."""
    said = [[0] * 10 for _ in labels]
    for question, digit in readings:
        said[question][digit] += 1
    answered = [(counts, label) for counts, label in zip(said, labels, strict=True) if any(counts)]
    people = Share(sum(c[label] for c, label in answered), sum(sum(c) for c, _ in answered))
    room = Share(sum(verdict_of(c) == label for c, label in answered), len(answered))
    networks = {
        network: Share(sum(d == label for d, label in zip(digits, labels, strict=True)),
                       len(labels))
        for network, digits in network_digits.items()
    }  # fmt: skip
    return Contest(people, room, networks, said)


def verdict_of(counts: Sequence[int]) -> int | None:
    """Return the digit that was said most often, None where two share the first place."""
    most = max(counts)
    return counts.index(most) if counts.count(most) == 1 and most else None


def counts_in_time(at: float, ended_at: float | None) -> bool:
    """Return whether a reading that arrives at that time is still in the race; server's clock."""
    return ended_at is None or at <= ended_at + GRACE_S


def next_to_vote(
    candidates: Iterable[tuple[int, int]], needed: int, voters: int, salt: int
) -> int | None:
    """Return which drawing to show a voter; None without any.

    Of those that lack votes for a verdict, one of the oldest, among as many as there are voters:
    fewer, and the votes that are just being thought about pile up on one; more, and none gets
    enough of them. Then one with the fewest votes, which decide where the first did not agree.

    candidates: (entry id, votes so far) of what is not the voter's own and not yet voted on;
    salt: the voter's, so that not everybody votes on the same one of equals.
    """
    counted = dict(candidates)
    open_ = sorted(entry for entry, count in counted.items() if count < needed)[: max(1, voters)]
    fewest = min(counted.values(), default=0)
    shown = open_ or [entry for entry, count in counted.items() if count == fewest]
    return min(shown, key=lambda entry: hash((entry, salt)), default=None)
