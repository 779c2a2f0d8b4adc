"""Figures of the Dataset page: arrays -> Plotly figures, in the manner of `figures`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnist_core.data.browse import Statistics
from mnist_core.views.figures import BLUE, GREEN, ORANGE, finish, go

# Ten colours that stay apart on white and on black, and in lightness for the colour-blind; each
# class also carries its digit.
DIGIT_COLOURS = (
    "#4E79A7", "#F28E2B", "#59A14F", "#E15759", "#8C6BB1", "#17BECF", "#D37295", "#B59A00",
    "#8D8D8D", "#9C6B3C",
)  # fmt: skip


def digit_values(image: np.ndarray) -> go.Figure:
    """Return one digit large, the value of a pixel on hover; image: (28, 28) uint8."""
    figure = go.Figure(
        go.Heatmap(
            z=image.astype(int), zmin=0, zmax=255, colorscale="gray", showscale=False,
            hovertemplate="row %{y}, column %{x}: <b>%{z}</b><extra></extra>",
        )
    )  # fmt: skip
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(**axis, tickvals=[0, 9, 18, 27], side="top")
    figure.update_yaxes(
        **axis,
        tickvals=[0, 9, 18, 27],
        autorange="reversed",
        scaleanchor="x",
        constraintoward="top",
    )
    return finish(figure, 250, hovermode="closest", margin={"l": 4, "r": 4, "t": 24, "b": 12})


def digit_counts(counts: np.ndarray) -> go.Figure:
    """Return how many of each digit there are; counts: (2, 10), training and test."""
    figure = go.Figure()
    for name, row, colour in zip(("training", "test"), counts, (BLUE, ORANGE), strict=True):
        figure.add_bar(
            x=list(range(10)), y=row, name=name, marker_color=colour,
            hovertemplate="%{y:,} × %{x}<extra>" + name + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(dtick=1, fixedrange=True, title="digit")
    figure.update_yaxes(fixedrange=True, tickformat=",", rangemode="tozero")
    return finish(figure, 300)


def pixel_histogram(statistics: Statistics, divided: bool) -> go.Figure:
    """Return how many pixels have each value, 0 to 255, or 0 to 1 once divided by 255.

    The axis is logarithmic: four pixels in five are 0.
    """
    values = np.arange(256) / (255 if divided else 1)
    total = statistics.pixel_counts.sum()
    figure = go.Figure(
        go.Bar(
            x=values, y=statistics.pixel_counts / total, marker_color=GREEN if divided else BLUE,
            marker_line_width=0, width=1 / 255 if divided else 1,
            hovertemplate="value %{x:.3g}: %{y:.3%} of all pixels<extra></extra>",
        )
    )  # fmt: skip
    title = "value / 255" if divided else "value"
    figure.update_xaxes(fixedrange=True, title=title)
    figure.update_yaxes(type="log", tickformat=".2~%", dtick=1, fixedrange=True)
    return finish(figure, 260, showlegend=False)


def centre_map(centres: np.ndarray) -> go.Figure:
    """Return where centres of mass lie, (n, 2) row and column, n at least 1, none of them nan."""
    row, column = centres.mean(axis=0)
    reach = max(0.6, 1.05 * float(np.abs(centres - (row, column)).max()))
    edges = np.linspace(-reach, reach, 61)
    counts, rows, columns = np.histogram2d(
        centres[:, 0], centres[:, 1], bins=(row + edges, column + edges)
    )
    figure = go.Figure(
        go.Heatmap(
            z=np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan), customdata=counts,
            x=(columns[:-1] + columns[1:]) / 2, y=(rows[:-1] + rows[1:]) / 2, showscale=False,
            colorscale=[[0, "#9CCBEA"], [1, BLUE]], hoverongaps=False,
            hovertemplate="column %{x:.2f}, row %{y:.2f}: %{customdata:,} digits<extra></extra>",
        )
    )  # fmt: skip
    figure.add_scatter(
        x=[column], y=[row], mode="markers", hoverinfo="skip",
        marker={"symbol": "cross-thin", "size": 18, "line": {"width": 3, "color": ORANGE}},
    )  # fmt: skip
    axis = {"fixedrange": True, "zeroline": False, "constrain": "domain"}
    figure.update_xaxes(**axis, title="column")
    figure.update_yaxes(**axis, title="row", autorange="reversed", scaleanchor="x")
    return finish(figure, 340, showlegend=False, hovermode="closest")


def digit_map(
    positions: np.ndarray, labels: np.ndarray, indices: np.ndarray, pictures: Sequence[str]
) -> go.Figure:
    """Return digits laid out in two dimensions, a colour a class; customdata: [index].

    positions: (n, 2); labels and indices: (n,); pictures: what hovering shows, n texts.
    """
    figure = go.Figure()
    for digit in np.unique(labels):
        of_digit = np.flatnonzero(labels == digit)
        figure.add_scattergl(
            x=positions[of_digit, 0], y=positions[of_digit, 1], mode="markers", name=f"{digit}",
            customdata=indices[of_digit, np.newaxis].tolist(),
            text=[pictures[int(i)] for i in of_digit],
            hovertemplate="%{text}<br>%{customdata[0]}, labelled " + f"{digit}<extra></extra>",
            marker={"size": 6, "opacity": 0.75, "color": DIGIT_COLOURS[digit]},
        )  # fmt: skip
        row = np.median(positions[of_digit], axis=0)
        figure.add_annotation(
            x=row[0], y=row[1], text=f"<b>{digit}</b>", showarrow=False, borderpad=3,
            font={"size": 20, "color": "#FFFFFF"}, bgcolor="rgba(16,21,28,0.72)",
        )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    hover = {"font": {"family": "DejaVu Sans Mono, Menlo, Consolas, monospace", "size": 15}}
    return finish(
        figure, 620, dragmode="lasso", hovermode="closest", hoverlabel=hover,
        legend={"orientation": "h", "y": -0.01, "yanchor": "top", "itemsizing": "constant"},
        uirevision="map", margin_t=40,
    )  # fmt: skip
