"""Arrays -> Plotly figures. Nothing here knows of networks, files or pages.

Backgrounds are transparent and text takes the page's colour, so that every figure reads in a
light and in a dark theme. Colours are Okabe & Ito's, which colour-blind people tell apart.
`customdata` of a mark says what a click on it means. Names come from visitors; Plotly would take
some of HTML (links, bold) for what it says.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

# Plotly asks whether what it draws is pandas' as soon as it sees that somebody imports pandas; in
# the middle of that import, in another visitor's thread, the question fails. So pandas comes
# first, and whoever draws takes `go` from here.
import pandas  # noqa: F401
import plotly.graph_objects as go

from mnist_core.analysis.metrics import Coverage, ReliabilityBins
from mnist_core.words import NETWORK_TITLES

ORANGE, BLUE, GREEN, RED = "#E69F00", "#0072B2", "#009E73", "#D55E00"
NETWORK_COLOURS = {NETWORK_TITLES["dense"]: ORANGE, NETWORK_TITLES["cnn"]: BLUE}
OTHER_COLOURS = (GREEN, "#CC79A7", RED, "#56B4E9", "#999999")  # of runs
TEXT_PX = 15  # the small text of pages/style.css
GREY = "#888888"  # of a text, the style sheet turns it into the theme's own
# Cells are opaque and bring their own number colour, so that they read the same in each theme.
_EMPTY = "rgba(128,128,128,0.10)"
_BLUES = [[0, _EMPTY], [0.001, _EMPTY], [0.001, "#D6E9F5"], [1, BLUE]]
_BLUE_TO_ORANGE = [
    [0, BLUE], [0.4995, "#D6E9F5"], [0.4995, _EMPTY],
    [0.5005, _EMPTY], [0.5005, "#FBE8C2"], [1, ORANGE],
]  # fmt: skip
FEW = 10  # answers in a bin of confidence: one more that is right moves it by a tenth and more
_STRONG = 0.85  # from this share of full blue on white numbers read better than black ones


def colours(names: Iterable[str]) -> list[str]:
    """Return the colour of each network, whatever stands beside it: the same one everywhere."""
    others = itertools.cycle(OTHER_COLOURS)
    return [NETWORK_COLOURS.get(name) or next(others) for name in names]


def confusion_heatmap(
    matrix: np.ndarray,
    values: np.ndarray,
    *,
    as_percent: bool = False,
    mute_diagonal: bool = True,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """Return the matrix, rows true and columns predicted, with a mark to click on each cell.

    matrix: (10, 10) counts; values: (10, 10) what to print and colour. customdata of a cell's
    mark: [true, predicted]. Colour grows with the root of the value, so that single mistakes
    show beside hundreds.
    """
    coloured = np.where(np.eye(10, dtype=bool) & mute_diagonal, 0, values)
    strength = np.sqrt(coloured / max(coloured.max(), 1e-12))
    figure = go.Figure(_cells(strength, 0, _BLUES))
    texts = _cell_texts(matrix, values, as_percent)
    _add_cell_marks(figure, texts, matrix, strength)
    if chosen is not None:
        true, predicted = chosen
        figure.add_shape(
            type="rect", x0=predicted - 0.5, x1=predicted + 0.5, y0=true - 0.5, y1=true + 0.5,
            line={"color": RED, "width": 4},
        )  # fmt: skip
    return _as_matrix(figure)


def difference_heatmap(difference: np.ndarray, first: str, second: str) -> go.Figure:
    """Return second minus first, (10, 10) counts: orange where the second counts more."""
    most = max(int(np.abs(difference).max()), 1)
    root = np.sign(difference) * np.sqrt(np.abs(difference) / most)
    figure = go.Figure(_cells(root, -1, _BLUE_TO_ORANGE))
    texts = np.vectorize(lambda count: f"{count:+d}" if count else "")(difference)
    hover = [
        f"{true} read as {predicted}<br>{difference[true, predicted]:+d} in {html.escape(second)}, "
        f"compared with {html.escape(first)}"
        for true in range(10)
        for predicted in range(10)
    ]
    _marks(figure, texts, hover, _ink(-root, root))
    return _as_matrix(figure)


def _cells(strength: np.ndarray, least: int, scale: list) -> go.Heatmap:
    return go.Heatmap(
        z=strength, zmin=least, zmax=1, colorscale=scale, showscale=False, hoverinfo="skip",
        xgap=2, ygap=2,
    )  # fmt: skip


def _cell_texts(matrix: np.ndarray, values: np.ndarray, as_percent: bool) -> np.ndarray:
    def text(count: int, value: float) -> str:
        if not count:
            return ""
        if not as_percent:
            return f"{count}"
        percent = 100 * value
        return f"{percent:.2f}" if percent < 1 else f"{percent:.1f}"

    return np.vectorize(text, otypes=[object])(matrix, values)


def _add_cell_marks(
    figure: go.Figure, texts: np.ndarray, matrix: np.ndarray, strength: np.ndarray
) -> None:
    hover = [
        f"{true} read as {predicted}<br>{matrix[true, predicted]:,} "
        f"digit{'' if matrix[true, predicted] == 1 else 's'} – click to see"
        for true in range(10)
        for predicted in range(10)
    ]
    _marks(figure, texts, hover, _ink(strength))


def _ink(blue: np.ndarray, orange: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the colour of each cell's number, (10, 10) text: black, white, grey if uncoloured."""
    coloured = np.where(np.maximum(blue, orange) > 0, "#111111", GREY)
    return np.where(blue >= _STRONG, "#FFFFFF", coloured)


def _marks(figure: go.Figure, texts: np.ndarray, hover: list[str], ink: np.ndarray) -> None:
    """Add a number and an invisible mark to each cell: a heatmap itself cannot be selected.

    The numbers are annotations, because a click dims the text of every mark but its own.
    """
    true, predicted = np.divmod(np.arange(100), 10)
    figure.add_scatter(
        x=predicted, y=true, mode="markers", hovertext=hover, hoverinfo="text",
        customdata=np.column_stack([true, predicted]).tolist(), showlegend=False,
        marker={"symbol": "square", "size": 34, "color": BLUE, "opacity": 0},
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip
    figure.layout.annotations = [
        {"x": j, "y": i, "text": texts[i, j], "showarrow": False}
        | {"font": {"size": 16 if len(texts[i, j]) < 4 else 14, "color": ink[i, j]}}
        for i, j in zip(true, predicted, strict=True)
        if texts[i, j]
    ]


def _as_matrix(figure: go.Figure, height_px: int = 500) -> go.Figure:
    axis = {"dtick": 1, "showgrid": False, "zeroline": False, "tickfont_size": 16}
    figure.update_xaxes(
        **axis, title="read as", side="top", fixedrange=True, range=[-0.5, 9.5], title_standoff=4
    )
    figure.update_yaxes(**axis, title="true digit", fixedrange=True, range=[9.5, -0.5])
    return finish(figure, height_px, hovermode="closest", margin_t=54)


def reliability(bins: Mapping[str, ReliabilityBins]) -> go.Figure:
    """Return accuracy against confidence, name by name; a mark grows with the answers in it.

    Where fewer than FEW answers fell it is hollow, and no line leads there: it may be anywhere.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"},
        name="perfectly calibrated", hoverinfo="skip",
    )  # fmt: skip
    for (name, sorted_in), colour in zip(bins.items(), colours(bins), strict=True):
        many = sorted_in.counts >= FEW
        few = (sorted_in.counts > 0) & ~many
        # The legend names a network once; Plotly leaves out what has no mark.
        for chosen, mode, symbol, is_named in (
            (many, "lines+markers", "circle", many.any()),
            (few, "markers", "circle-open", not many.any()),
        ):
            figure.add_scatter(
                x=sorted_in.confidence[chosen], y=sorted_in.accuracy[chosen], mode=mode,
                name=html.escape(name), legendgroup=html.escape(name), showlegend=bool(is_named),
                line={"color": colour, "width": 2}, customdata=sorted_in.counts[chosen],
                marker={"size": 6 + 3 * np.log10(sorted_in.counts[chosen]), "color": colour,
                        "symbol": symbol},
                hovertemplate="%{customdata:,} answers, %{x:.1%} sure, %{y:.1%} right",
            )  # fmt: skip
    _percent_axis(figure.update_xaxes, "how sure the network was", [0, 1.02])
    _percent_axis(figure.update_yaxes, "how often it was right", [0, 1.05])
    return finish(figure, 420)


def coverage(curves: Mapping[str, Coverage]) -> go.Figure:
    """Return accuracy of the answers given against the share of digits that get one."""
    figure = go.Figure()
    for (name, curve), colour in zip(curves.items(), colours(curves), strict=True):
        kept = np.unique(np.linspace(0, len(curve.coverage) - 1, 300).astype(int))
        kept = kept[curve.coverage[kept] >= 0.5] if len(kept) else kept
        figure.add_scatter(
            x=curve.coverage[kept], y=curve.accuracy[kept], name=html.escape(name), mode="lines",
            line={"color": colour, "width": 3}, customdata=curve.threshold[kept],
            hovertemplate="%{y:.2%} right on %{x:.1%} of the digits, when it answers only from "
            "%{customdata:.1%} on",
        )  # fmt: skip
    _percent_axis(figure.update_xaxes, "digits that get an answer", None)
    _percent_axis(figure.update_yaxes, "answers that are right", None, ".1%")
    return finish(figure, 420)


def robustness_curve(
    levels: Sequence[float], accuracies: Mapping[str, Sequence[float]], axis_title: str
) -> go.Figure:
    """Return accuracy against the strength of one deformation, name by name."""
    figure = go.Figure()
    dashes = ("solid", "dash", "dot", "dashdot")
    drawn = zip(accuracies.items(), colours(accuracies), strict=True)
    for place, ((name, accuracy), colour) in enumerate(drawn):
        figure.add_scatter(
            x=levels, y=accuracy, name=html.escape(name), mode="lines+markers",
            line={"color": colour, "width": 3, "dash": dashes[place % 4]},
            hovertemplate="%{x:g}: %{y:.1%} right",
        )  # fmt: skip
    _percent_axis(figure.update_yaxes, "right", [0, 1.03])
    figure.update_xaxes(title=axis_title, fixedrange=True, tickvals=list(levels))
    return finish(figure, 320, showlegend=True)


def _percent_axis(update, title: str, span: list[float] | None, tickformat: str = ".0%") -> None:
    update(title=title, range=span, tickformat=tickformat, fixedrange=True)


def finish(figure: go.Figure, height_px: int, **layout: object) -> go.Figure:
    figure.update_layout(
        height=height_px, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 16, "b": 8}, dragmode=False,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    return legible(figure.update_layout(**layout))


def legible(figure: go.Figure) -> go.Figure:
    """Give legend and axes the size of the page's small text, where they have none of their own."""
    fonts = [figure.layout.legend.font]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        fonts += [axis.tickfont, axis.title.font]
    for font in fonts:
        font.size = font.size or TEXT_PX
    return figure
