"""Both networks in one line of HTML: what each is called, and how well it reads."""

from __future__ import annotations

import html
from collections.abc import Mapping

from mnist_core import words


def network_chips(told: Mapping[str, tuple[str, float | None]]) -> str:
    """Return who answers on the Draw page, as HTML.

    told: slot -> the title of the run that answers there ("" for the network that shipped) and
    the share of the test images that it reads right, None where it was not tested.
    """
    chips = []
    for slot, (title, accuracy) in told.items():
        run = f" · {html.escape(title)}" if title else ""
        tested = "" if accuracy is None else f" <b>{words.percent(accuracy)}</b>"
        chips.append(f'<span class="chip {slot}">{words.NETWORK_TITLES[slot]}{run}{tested}</span>')
    return f'<div class="chips"><span>On the Draw page:</span>{"".join(chips)}</div>'
