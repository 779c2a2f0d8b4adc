"""Generated names and room codes: nothing that anybody types, so nothing to moderate."""

from __future__ import annotations

import secrets
from collections.abc import Set

# Neither 0/O nor 1/I/L, and no vowels: no code is a word. 19 letters: 130,321 codes.
LETTERS = "BCDFGHJKMNPQRSTVWXZ"
CODE_LENGTH = 4

_ADJECTIVES = (
    "Quiet", "Brave", "Gentle", "Clever", "Happy", "Lucky", "Swift", "Calm", "Bright",
    "Curious", "Merry", "Proud", "Sunny", "Witty", "Noble", "Cosy", "Eager", "Jolly", "Kind",
    "Lively", "Mellow", "Nimble", "Patient", "Playful", "Polite", "Silver", "Golden", "Amber",
    "Crimson", "Azure", "Velvet", "Misty", "Snowy", "Frosty", "Breezy", "Starry", "Dapper",
    "Daring", "Dreamy", "Fancy", "Fluffy", "Humble", "Keen", "Modest", "Rapid", "Rosy", "Shiny",
    "Speedy", "Spirited", "Tidy",
)  # fmt: skip
_ANIMALS = (
    "Otter", "Badger", "Falcon", "Heron", "Hedgehog", "Dolphin", "Lynx", "Marten", "Robin",
    "Sparrow", "Squirrel", "Tortoise", "Walrus", "Beaver", "Bison", "Camel", "Crane", "Deer",
    "Dove", "Eagle", "Elk", "Ferret", "Finch", "Fox", "Gazelle", "Gecko", "Giraffe", "Hare",
    "Ibis", "Jackdaw", "Kestrel", "Kingfisher", "Koala", "Lark", "Lemur", "Llama", "Magpie",
    "Mole", "Moose", "Newt", "Osprey", "Owl", "Panda", "Pelican", "Penguin", "Pony", "Puffin",
    "Quail", "Rabbit", "Raven", "Seal", "Stork", "Swan", "Swift", "Tapir", "Toucan", "Turtle",
    "Vole", "Wombat", "Wren", "Yak", "Zebra",
)  # fmt: skip


def new_name(taken: Set[str] = frozenset()) -> str:
    """Return a name such as "Quiet Otter", one that is not taken where any is left."""
    for _ in range(50):
        name = f"{secrets.choice(_ADJECTIVES)} {secrets.choice(_ANIMALS)}"
        if name not in taken:
            return name
    return f"{name} {secrets.randbelow(900) + 100}"


def new_code() -> str:
    """Return four letters."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))


def tidy_code(text: str) -> str:
    """Return a code as it is kept, from how somebody typed it."""
    return "".join(text.split()).upper()[:20]
