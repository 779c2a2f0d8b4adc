"""Figures of a training: curves, layers, validation confusion, validation digits.

Curves and confusion are Plotly figures; layers and digits are HTML and SVG without scripts,
coloured with the page's own text colour, cheap enough to be redrawn every epoch.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mnist_core import words
from mnist_core.views.figures import OTHER_COLOURS, colours, go, legible
from mnist_core.views.png import png_address

TRAINING, VALIDATION = "#56B4E9", "#CC79A7"
RIGHT, WRONG = "#009E73", "#D55E00"
_CLEAR = "rgba(0,0,0,0)"
KINDS = {
    "image": ("#999999", "Image"),
    "convolution": ("#0072B2", "Convolution"),
    "pooling": ("#56B4E9", "Pooling"),
    "dropout": ("#999999", "Dropout"),
    "flatten": ("#999999", "Flatten"),
    "dense": ("#E69F00", "Dense"),
    "add": ("#009E73", "Shortcut"),
    "average": ("#009E73", "Average"),
}


def live_curves(
    quantity: str,
    batches: Mapping[str, Sequence[float]],
    epochs: Sequence[Mapping[str, Any]],
    moments: Sequence[Mapping[str, Any]] = (),
) -> go.Figure:
    """Return "loss" or "accuracy" over the epochs: each batch so far, and validation.

    batches: "epoch" (1.5 = in the middle of the second) and the quantity, equally long, a moving
    average over batches. epochs: the epoch events with their "position", validated on all
    validation images; moments: those between, validated on a sample of them.
    """
    figure = go.Figure()
    ends = _rounded([epoch["position"] for epoch in epochs], 3)
    between = [one for one in moments if round(one["position"], 3) not in ends]
    figure.add_scatter(
        x=_rounded(batches["epoch"], 3), y=_rounded(batches[quantity], 4),
        mode="lines", name="training", line={"color": TRAINING, "width": 2},
    )  # fmt: skip
    figure.add_scatter(
        x=ends, y=_rounded([epoch[f"val_{quantity}"] for epoch in epochs], 4),
        mode="lines+markers", name="validation",
        line={"color": VALIDATION, "width": 3}, marker={"size": 9},
    )  # fmt: skip
    figure.add_scatter(
        x=_rounded([one["position"] for one in between], 3),
        y=_rounded([one[f"val_{quantity}"] for one in between], 4),
        mode="lines+markers", name="validation, a sample",
        line={"color": VALIDATION, "width": 1, "dash": "dot"}, marker={"size": 6},
    )  # fmt: skip
    _style(figure, quantity)
    if quantity == "accuracy":
        seen = [*batches["accuracy"][len(batches["accuracy"]) // 10 :]]
        least = min([*seen, *(float(epoch["val_accuracy"]) for epoch in epochs)], default=0.0)
        figure.update_yaxes(range=[max(0.0, least - 0.02), 1.003])
    return figure


def compared_curves(
    quantity: str, histories: Mapping[str, Mapping[str, Sequence[float]]]
) -> go.Figure:
    """Return several runs' validation "loss" or "accuracy" over their epochs, by title.

    No run wears the colour of a network that answers; where colours come again, lines are dashed.
    The titles come from visitors; Plotly would take some of HTML (links, bold) for what it says.
    """
    figure = go.Figure()
    lines = zip(histories.items(), colours(histories), strict=True)
    for number, ((title, history), colour) in enumerate(lines):
        dash = ("solid", "dash", "dot")[number // len(OTHER_COLOURS) % 3]
        values = _rounded(history.get(f"val_{quantity}", []), 4)
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=values, mode="lines+markers",
            name=html.escape(title), line={"color": colour, "width": 2, "dash": dash},
        )  # fmt: skip
    _style(figure, quantity)
    figure.update_layout(title_text=f"Validation {quantity}", showlegend=True)
    return figure


def swarm(
    curves: Sequence[tuple[Sequence[float], Sequence[float]]],
    colour: str,
    label: str,
    epochs: int = 1,
) -> go.Figure:
    """Return validation accuracy over the epochs, a thin line for each seed.

    curves: for each run, seed by seed, the epochs done, and the accuracies there; none: no line.
    epochs: how many are planned, for the axis of a chart without any line.
    """
    figure = go.Figure()
    for number, (positions, accuracies) in enumerate(curves):
        if not positions:
            continue
        figure.add_scatter(
            x=_rounded(positions, 3), y=_rounded(accuracies, 4), mode="lines", name=label,
            line={"color": colour, "width": 1.5}, opacity=0.6, showlegend=False,
            hovertemplate=f"seed {number + 1}: %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    _style(figure, "accuracy")
    late = [value for _, values in curves for value in values[len(values) // 2 :]]
    if late:
        figure.update_yaxes(range=[max(0.0, min(late) - 0.01), 1.002])
    else:
        figure.update_xaxes(range=[0, epochs])
        figure.update_yaxes(range=[0, 1.002])
    figure.update_layout(
        title_text="Validation accuracy, a line for each seed", hovermode="closest"
    )
    return figure


def _style(figure: go.Figure, quantity: str) -> None:
    figure.update_layout(
        title={"text": quantity.capitalize(), "x": 0, "y": 0.99, "yanchor": "top"},
        height=260, margin={"l": 56, "r": 8, "t": 34, "b": 42}, uirevision="kept",
        paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR, hovermode="x unified",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    if quantity == "accuracy":
        figure.update_yaxes(tickformat=".1%")
    else:
        figure.update_yaxes(rangemode="tozero")
    legible(figure)


def validation_confusion(matrix: Sequence[Sequence[int]]) -> str:
    """Return HTML of a (10, 10) confusion matrix: rows are true digits, columns answers.

    The colours show the mistakes only, so that the diagonal does not drown them.
    """
    counts = np.asarray(matrix, dtype=int)
    most = max(3, int((counts - np.diag(np.diag(counts))).max()))
    cell = "padding:3px 0;border-radius:2px"
    rows = ['<span aria-hidden="true"></span>', *(f"<b>{digit}</b>" for digit in range(10))]
    for true, row in enumerate(counts):
        rows.append(f"<b>{true}</b>")
        for answer, count in enumerate(row):
            shade = 0.05 + 0.65 * count / most if count and true != answer else 0.03
            colour = "0,158,115,0.18" if true == answer else f"213,94,0,{shade:.2f}"
            rows.append(
                f'<span style="{cell};background:rgba({colour})" '
                f'title="{count} times a {true}, read as {answer}">{count or ""}</span>'
            )
    return (
        '<div role="img" aria-label="Confusion matrix of the validation digits" '
        'style="display:grid;grid-template-columns:1.2rem repeat(10,1fr);gap:2px;'
        f'text-align:center;font-size:0.75rem">{"".join(rows)}</div>'
    )


def validation_digits(images: np.ndarray | None, examples: Sequence[Mapping[str, Any]]) -> str:
    """Return HTML that shows some validation digits with the network's ten probabilities.

    images: (n, 28, 28) uint8, white ink on black, one per example, in order; None where the run
    learnt from data that are not at hand, and the labels stand in for them.
    """
    pictures = [None] * len(examples) if images is None else list(images)
    tiles = [_digit_tile(image, one) for image, one in zip(pictures, examples, strict=True)]
    return f'<div style="display:flex;flex-wrap:wrap;gap:10px">{"".join(tiles)}</div>'


def _digit_tile(image: np.ndarray | None, example: Mapping[str, Any]) -> str:
    probabilities = np.asarray(example["probabilities"], dtype=float)
    digit, label = int(probabilities.argmax()), int(example["label"])
    colour = RIGHT if digit == label else WRONG
    bars = "".join(
        f'<span style="flex:1;height:{1 + 23 * p:.0f}px;'
        f'background:{colour if k == digit else "#999999"}"></span>'
        for k, p in enumerate(probabilities)
    )
    sure = float(probabilities[digit])
    title = f"labelled {label}, read as {digit} with {words.heard_chance(sure)}"
    return (
        f'<figure style="margin:0;width:64px;text-align:center" title="{title}">'
        f"{_picture(image, label, title, colour)}"
        '<div aria-hidden="true" style="display:flex;gap:1px;align-items:flex-end;height:26px">'
        f"{bars}</div>"
        f'<figcaption style="line-height:1.1"><b style="font-size:1.3rem;color:{colour}">{digit}'
        f'</b> <small style="opacity:.8">{words.chance(sure)}</small></figcaption></figure>'
    )


def _picture(image: np.ndarray | None, label: int, title: str, colour: str) -> str:
    frame = f"border-radius:4px;border:2px solid {colour}"
    if image is None:
        return (
            f'<div role="img" aria-label="{title}" style="width:64px;height:64px;{frame};'
            f'box-sizing:border-box;font:2.4rem/60px serif;opacity:.6">{label}</div>'
        )
    address = png_address(np.asarray(image, np.uint8))
    return (
        f'<img alt="{title}" src="{address}" width="64" height="64" '
        f'style="image-rendering:pixelated;{frame}">'
    )


def layer_diagram(layers: Sequence[Mapping[str, Any]]) -> str:
    """Return HTML of a network: a block per layer, as tall as its maps, as wide as many.

    layers: dicts with "kind" (see KINDS), "text", "shape" (list of sizes) and "parameters". Each
    column of a network that has several begins a row, and so do the averages of their answers.
    """
    arrow = '<span aria-hidden="true" style="opacity:.5;margin-top:44px">→</span>'
    starts = [
        place
        for place, layer in enumerate(layers)
        if layer["kind"] == "image"
        or (layer["kind"] == "average" and layers[place - 1]["kind"] != "average")
    ]
    rows = [
        arrow.join(_layer_block(layer) for layer in layers[start:end])
        for start, end in pairwise([*starts, len(layers)])
    ]
    row = '<div style="display:flex;flex-wrap:wrap;gap:1px">'
    return (
        '<div role="img" aria-label="The layers of the network" style="line-height:1.25;'
        f'font-size:.72rem">{row}{f"</div>{row}".join(rows)}</div></div>'
    )


def _layer_block(layer: Mapping[str, Any]) -> str:
    colour, kind = KINDS.get(str(layer["kind"]), ("#999999", str(layer["kind"])))
    shape = [int(size) for size in layer["shape"]]
    if len(shape) < 3:
        width, height = 10.0, 20 + 80 * min(1.0, float(np.log2(1 + shape[0])) / 10.5)
    else:
        width, height = 12 + min(48.0, 4 * shape[2] ** 0.5), 24 + 2.7 * shape[0]
    parameters = f"{layer['parameters']:,} weights" if layer["parameters"] else ""
    lines = [str(layer["text"]), " × ".join(map(str, shape)), parameters]
    small = "".join(f'<div style="opacity:.75">{html.escape(line)}</div>' for line in lines if line)
    return (
        '<div style="text-align:center;min-width:44px"><div style="height:106px;display:flex;'
        'align-items:center;justify-content:center">'
        f'<span style="width:{width:.0f}px;height:{height:.0f}px;background:{colour};'
        f'border-radius:3px"></span></div><b>{html.escape(kind)}</b>{small}</div>'
    )


def _rounded(values: Sequence[float], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
