"""The administrator's password that may guard training, activating and deleting."""

from __future__ import annotations

import hmac


def password_matches(entered: str, expected: str) -> bool:
    """Return whether the password is right, in a time that does not tell how much of it is."""
    return hmac.compare_digest(entered.encode("utf-8"), expected.encode("utf-8"))
