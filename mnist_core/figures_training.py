"""Figures of a training: curves, layers, validation confusion, validation digits.

Curves and confusion are Plotly figures; layers and digits are HTML and SVG without scripts,
coloured with the page's own text colour, cheap enough to be redrawn every epoch.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

TRAINING, VALIDATION = "#56B4E9", "#CC79A7"
RIGHT, WRONG = "#009E73", "#D55E00"
SEVERAL = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")
_CLEAR = "rgba(0,0,0,0)"
KINDS = {
    "image": ("#999999", "Image"),
    "convolution": ("#0072B2", "Convolution"),
    "pooling": ("#56B4E9", "Pooling"),
    "dropout": ("#999999", "Dropout"),
    "flatten": ("#999999", "Flatten"),
    "dense": ("#E69F00", "Dense"),
    "add": ("#009E73", "Shortcut"),
}


def live_curves(
    quantity: str, batches: Mapping[str, Sequence[float]], epochs: Sequence[Mapping[str, Any]]
) -> go.Figure:
    """Return "loss" or "accuracy" over the epochs: each batch so far, and validation.

    batches: "epoch" (1.5 = in the middle of the second) and the quantity, equally long; the
    quantity is Keras's running mean within its epoch. epochs: the epoch events.
    """
    figure = go.Figure()
    ends = [float(epoch["epoch"]) for epoch in epochs]
    figure.add_scatter(
        x=_rounded(batches["epoch"], 3), y=_rounded(batches[quantity], 4),
        mode="lines", name="training", line={"color": TRAINING, "width": 2},
    )  # fmt: skip
    figure.add_scatter(
        x=ends, y=_rounded([epoch[f"val_{quantity}"] for epoch in epochs], 4),
        mode="lines+markers", name="validation",
        line={"color": VALIDATION, "width": 3}, marker={"size": 9},
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
    """Return several runs' validation "loss" or "accuracy" over their epochs, by title."""
    figure = go.Figure()
    for number, (title, history) in enumerate(histories.items()):
        values = _rounded(history.get(f"val_{quantity}", []), 4)
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=values, mode="lines+markers", name=title,
            line={"color": SEVERAL[number % len(SEVERAL)], "width": 2},
        )  # fmt: skip
    _style(figure, quantity)
    figure.update_layout(title_text=f"Validation {quantity}", showlegend=True)
    return figure


def _style(figure: go.Figure, quantity: str) -> None:
    figure.update_layout(
        title={"text": quantity.capitalize(), "x": 0, "y": 0.99, "yanchor": "top"},
        height=260, margin={"l": 48, "r": 8, "t": 34, "b": 36}, uirevision="kept",
        paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR, hovermode="x unified",
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    if quantity == "accuracy":
        figure.update_yaxes(tickformat=".1%")
    else:
        figure.update_yaxes(rangemode="tozero")


def validation_confusion(matrix: Sequence[Sequence[int]]) -> go.Figure:
    """Return a heatmap of a (10, 10) confusion matrix; the diagonal is left out of the colours.

    Rows are true digits, columns answers.
    """
    counts = np.asarray(matrix, dtype=int)
    wrong = counts.astype(float)
    np.fill_diagonal(wrong, np.nan)
    text = [[str(count) if count else "" for count in row] for row in counts]
    digits = [str(digit) for digit in range(10)]
    figure = go.Figure(
        go.Heatmap(
            z=wrong, x=digits, y=digits, text=counts, texttemplate="", showscale=False,
            colorscale=[[0, "rgba(213,94,0,0.04)"], [1, WRONG]], zmin=0,
            zmax=max(3.0, float(np.nanmax(wrong))), xgap=1, ygap=1, hoverongaps=False,
            hovertemplate="true %{y}, read as %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    for row in range(10):
        for column in range(10):
            if text[row][column]:
                figure.add_annotation(
                    x=digits[column], y=digits[row], text=text[row][column], showarrow=False,
                    font={"size": 11, "color": RIGHT if row == column else None},
                )  # fmt: skip
    figure.update_layout(
        title={"text": "Validation digits: true (down), read as (across)", "font": {"size": 14}},
        height=340, margin={"l": 28, "r": 8, "t": 40, "b": 28},
        paper_bgcolor=_CLEAR, plot_bgcolor=_CLEAR,
    )  # fmt: skip
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def validation_digits(images: np.ndarray, examples: Sequence[Mapping[str, Any]]) -> str:
    """Return HTML that shows some validation digits with the network's ten probabilities.

    images: (n, 28, 28) uint8, white ink on black, one per example, in order.
    """
    tiles = [_digit_tile(image, example) for image, example in zip(images, examples, strict=True)]
    return f'<div style="display:flex;flex-wrap:wrap;gap:10px">{"".join(tiles)}</div>'


def _digit_tile(image: np.ndarray, example: Mapping[str, Any]) -> str:
    probabilities = np.asarray(example["probabilities"], dtype=float)
    digit, label = int(probabilities.argmax()), int(example["label"])
    colour = RIGHT if digit == label else WRONG
    bars = "".join(
        f'<rect x="{6.4 * k + 0.6:.1f}" y="{26 - 24 * p:.1f}" width="5" height="{24 * p + 0.8:.1f}"'
        f' fill="{colour if k == digit else "#999999"}"/>'
        for k, p in enumerate(probabilities)
    )
    said = f"{probabilities[digit]:.0%}"
    title = f"labelled {label}, read as {digit} with {said}"
    return (
        f'<figure style="margin:0;width:64px;text-align:center" title="{title}">'
        f'<img alt="{title}" src="{_png(image)}" width="64" height="64" '
        f'style="image-rendering:pixelated;border-radius:4px;border:2px solid {colour}">'
        f'<svg width="64" height="28" viewBox="0 0 64 28" aria-hidden="true">{bars}</svg>'
        f'<figcaption style="line-height:1.1"><b style="font-size:1.3rem;color:{colour}">{digit}'
        f'</b> <small style="opacity:.8">{said}</small></figcaption></figure>'
    )


def _png(image: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(np.asarray(image, dtype=np.uint8)).save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def layer_diagram(layers: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG of a network: a bar per layer, as tall as its maps and as wide as many.

    layers: dicts with "kind" (see KINDS), "text", "shape" (list of sizes) and "parameters".
    """
    boxes, x, middle = [], 12.0, 74.0
    for layer in layers:
        colour, kind = KINDS.get(str(layer["kind"]), ("#999999", str(layer["kind"])))
        shape = [int(size) for size in layer["shape"]]
        flat = len(shape) < 3
        height = 14 + 76 * min(1.0, np.log2(1 + shape[0]) / 11) if flat else 24 + shape[0] * 2.6
        width = 12.0 if flat else 14 + min(40.0, shape[2] ** 0.5 * 4)
        step = max(width + 16, 82.0)
        centre, size = x + step / 2, "×".join(map(str, shape))
        parameters = f"{layer['parameters']:,} weights" if layer["parameters"] else ""
        lines = [kind, str(layer["text"]), size, parameters]
        boxes.append(
            f'<rect x="{centre - width / 2:.1f}" y="{middle - height / 2:.1f}" rx="3" '
            f'width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
            f"<title>{html.escape(', '.join(filter(None, lines)))}</title></rect>"
        )
        boxes += [
            f'<text x="{centre:.1f}" y="{142 + 14 * row}" text-anchor="middle" font-size="11" '
            f'fill="currentColor" opacity="{1 if row == 0 else 0.75}">{html.escape(line)}</text>'
            for row, line in enumerate(lines)
        ]
        x += step
    axis = (
        f'<line x1="12" x2="{x:.0f}" y1="{middle}" y2="{middle}" stroke="#999" stroke-width="1"/>'
    )
    return (
        f'<div style="overflow-x:auto"><svg role="img" aria-label="The layers of the network" '
        f'width="{x + 12:.0f}" height="200" viewBox="0 0 {x + 12:.0f} 200" '
        f'font-family="inherit">{axis}{"".join(boxes)}</svg></div>'
    )


def _rounded(values: Sequence[float], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
