"""The figure of a search of hyperparameters: what each trial reached, and the best so far."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import accumulate

from mnist_core.views.figures import go


def trials(
    values: Sequence[float | None], finished: Sequence[bool], told: Sequence[str], colour: str
) -> go.Figure:
    """Return validation accuracies over trials, in the order in which they were tried.

    values: fractions, None for a trial that reached no epoch; finished: False where it was ended
    early; told: what each changed, for who points at it. All three are equally long.
    """
    figure = go.Figure()
    numbers = range(1, len(values) + 1)
    for done, name, symbol in ((True, "finished", "circle"), (False, "ended early", "x-thin")):
        chosen = [
            (number, value, words)
            for number, value, was, words in zip(numbers, values, finished, told, strict=True)
            if was == done and value is not None
        ]
        figure.add_scatter(
            x=[number for number, _, _ in chosen], y=[value for _, value, _ in chosen],
            mode="markers", name=name,
            text=[html.escape(words) or "as in the recipe" for _, _, words in chosen],
            hovertemplate="%{x}: %{y:.2%}<br>%{text}<extra></extra>",
            marker={"symbol": symbol, "size": 9, "color": colour,
                    "line": {"width": 2, "color": colour}},
        )  # fmt: skip
    best = list(accumulate((value if value is not None else 0.0 for value in values), max))
    figure.add_scatter(
        x=list(numbers), y=[value or None for value in best], mode="lines", name="best so far",
        line={"color": "#009E73", "width": 2, "shape": "hv"}, hoverinfo="skip",
    )  # fmt: skip
    figure.update_layout(
        height=320, margin={"l": 10, "r": 10, "t": 30, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.15},
    )  # fmt: skip
    figure.update_xaxes(title_text="trial", showgrid=False)
    figure.update_yaxes(title_text="validation accuracy", tickformat=".1%")
    return figure
