"""Figures carry the numbers they were given, and what a click on them means."""

import numpy as np

from mnist_core.analysis import metrics
from mnist_core.training import layers
from mnist_core.views import figures, figures_training


def test_each_cell_of_the_matrix_can_be_clicked_and_shows_its_count():
    matrix = np.arange(100).reshape(10, 10)
    figure = figures.confusion_heatmap(matrix, matrix, mute_diagonal=False, chosen=(3, 5))
    marks = figure.data[1]
    assert [tuple(cell) for cell in marks.customdata] == [divmod(i, 10) for i in range(100)]
    assert all((x, y) == (cell[1], cell[0])
               for x, y, cell in zip(marks.x, marks.y, marks.customdata, strict=True))  # fmt: skip
    numbers = {(note.y, note.x): note.text for note in figure.layout.annotations}
    assert numbers[(3, 5)] == "35"
    assert (0, 0) not in numbers  # nothing was counted there
    outline = figure.layout.shapes[0]
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (4.5, 5.5, 2.5, 3.5)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # row 0 on top


def test_axes_and_legends_are_as_large_as_the_small_text_of_a_page():
    figure = figures_training.live_curves("loss", {"epoch": [0.1], "loss": [2.0]}, [])
    sizes = [figure.layout.legend.font.size, figure.layout.yaxis.tickfont.size]
    assert [*sizes, figure.layout.xaxis.title.font.size] == [figures.TEXT_PX] * 3
    matrix = figures.confusion_heatmap(np.eye(10), np.eye(10))
    assert matrix.layout.xaxis.tickfont.size == 16  # its own


def test_compared_runs_wear_no_networks_colours_and_can_be_told_apart():
    """Regression: the first run selected was orange as the dense network, the second blue."""
    histories = {f"run {number}": {"val_loss": [0.5]} for number in range(12)}
    lines = [one.line for one in figures_training.compared_curves("loss", histories).data]
    assert not {line.color for line in lines} & set(figures.NETWORK_COLOURS.values())
    assert len({(line.color, line.dash) for line in lines}) == 12


def test_a_muted_diagonal_keeps_its_numbers_and_lets_the_mistakes_have_the_colours():
    matrix = np.diag([900] * 10)
    matrix[4, 9] = 3
    muted = figures.confusion_heatmap(matrix, matrix)
    assert muted.data[0].z[4][9] == 1.0
    assert muted.data[0].z[4][4] == 0.0
    assert {note.text for note in muted.layout.annotations} == {"900", "3"}


def test_no_mistakes_draw_too():
    nothing = np.zeros((10, 10), int)
    assert not figures.confusion_heatmap(nothing, nothing).layout.annotations
    assert not figures.difference_heatmap(nothing, "a", "b").layout.annotations


def test_shares_are_printed_in_per_cent():
    matrix = np.diag([996] * 10)
    matrix[0, 1] = 4
    shares = metrics.shares(matrix, "true")
    figure = figures.confusion_heatmap(matrix, shares, as_percent=True)
    numbers = {(note.y, note.x): note.text for note in figure.layout.annotations}
    assert (numbers[(0, 0)], numbers[(0, 1)]) == ("99.6", "0.40")


def test_the_difference_says_which_way():
    difference = np.zeros((10, 10), int)
    difference[1, 2], difference[2, 1] = 5, -4
    figure = figures.difference_heatmap(difference, "dense", "cnn")
    assert {note.text for note in figure.layout.annotations} == {"+5", "-4"}
    assert figure.data[0].z[1][2] == 1 > 0 > figure.data[0].z[2][1]


def test_a_validation_digit_without_its_picture_is_its_label():
    example = {"index": 3, "label": 4, "probabilities": [0.05] * 9 + [0.55]}
    assert "<img" in figures_training.validation_digits(np.zeros((1, 28, 28), np.uint8), [example])
    sure = {"index": 3, "label": 4, "probabilities": [0.0001] + [0] * 3 + [0.9999] + [0] * 5}
    tile = figures_training.validation_digits(None, [sure])
    assert "labelled 4, read as 4 with more than 99 percent" in tile
    assert ">99%</small>" in tile
    bare = figures_training.validation_digits(None, [example])
    assert "<img" not in bare
    assert ">4</div>" in bare


def test_coverage_of_one_confidence_is_one_point():
    probabilities = np.full((5, 10), 0.1)
    curve = metrics.accuracy_against_coverage(probabilities, np.zeros(5, int))
    assert list(figures.coverage({"m": curve}).data[0].x) == [1.0]


def test_no_line_leads_to_a_bin_of_few_answers():
    """Regression: a single digit, right or wrong, threw the line from 100 % to 0 % and back."""
    sure = np.repeat([0.95, 0.55, 0.75], [30, 1, 12])
    probabilities = np.zeros((len(sure), 10))
    probabilities[:, 1], probabilities[:, 2] = sure, 1 - sure
    bins = metrics.reliability_bins(probabilities, np.ones(len(sure), int))
    _, many, few = figures.reliability({"CNN": bins}).data
    assert list(many.customdata) == [12, 30]
    assert list(few.customdata) == [1]
    assert (many.mode, few.mode, few.marker.symbol) == ("lines+markers", "markers", "circle-open")
    assert many.showlegend
    assert not few.showlegend


def test_a_seed_without_a_curve_keeps_its_number():
    figure = figures_training.swarm([([], []), ([1.0], [0.9])], "#0072B2", "two seeds")
    assert [line.hovertemplate.partition(":")[0] for line in figure.data] == ["seed 2"]


def test_a_chart_of_seeds_without_any_curve_shows_no_impossible_accuracy():
    """Regression: its axes went to 400 % and beyond the planned epochs."""
    layout = figures_training.swarm([([], [])], "#0072B2", "two seeds", epochs=2).layout
    assert layout.xaxis.range == (0, 2)
    assert layout.yaxis.range[0] == 0
    assert 1 <= layout.yaxis.range[1] < 1.1


def test_a_visitors_title_is_no_html_in_any_chart():
    title = '<a href="https://example.com">fast</a>'
    probabilities, y_true = np.full((5, 10), 0.1), np.zeros(5, int)
    drawn = [
        figures.reliability({title: metrics.reliability_bins(probabilities, y_true)}),
        figures.coverage({title: metrics.accuracy_against_coverage(probabilities, y_true)}),
        figures.robustness_curve([0, 1], {title: [0.9, 0.8]}, "degrees"),
        figures.difference_heatmap(np.eye(10, dtype=int), title, title),
    ]
    for figure in drawn:
        assert "&lt;a" in figure.to_json().replace("\\u0026", "&").replace("\\u003c", "<")
        assert "<a href" not in str(figure)


def test_a_single_robustness_curve_is_named():
    assert figures.robustness_curve([0, 1], {"CNN": [0.9, 0.8]}, "degrees").layout.showlegend


def test_each_column_of_a_network_is_drawn_in_a_row_of_its_own():
    def rows(recipe: str) -> list[str]:
        drawn = figures_training.layer_diagram(layers.all_layers()[recipe])
        return drawn.split('<div style="display:flex;flex-wrap:wrap;')[1:]

    assert len(rows("fast")) == 1
    assert [row.count("Image") for row in rows("cnn")] == [1] * (len(rows("cnn")) - 1) + [0]
    assert rows("cnn")[-1].count("of the columns") == 2
    assert not any(row.partition(">")[2].startswith("<span") for row in rows("cnn"))
    assert figures_training.layer_diagram([]).count("<b>") == 0
