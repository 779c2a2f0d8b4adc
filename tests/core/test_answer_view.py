"""What the answers look like as HTML: doubts, agreement, and words from elsewhere."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from mnist_core.models.classifier import Answer, Classifier
from mnist_core.views import answer_view, explanation_view, insides_view, number_view
from mnist_core.views.canvas_state import CanvasState, StripEntry

CARD = {"digit_threshold": 0.9, "validation_digits_accepted": 0.99}


def classifier(name: str = "cnn") -> Classifier:
    return Classifier(name, CARD, lambda batch: (batch, None), "none")


def answer(best: int, second: int = 0, confidence: float = 0.97, score: float = 1.0) -> Answer:
    probabilities = np.zeros(10, np.float32)
    probabilities[[best, second]] = confidence, 1 - confidence
    return Answer(probabilities, best, confidence, score, score >= 0.9, 0.001)


def bars(card: str) -> list[str]:
    """The words beside a card's bars; a bar is as wide as its words say."""
    rows = re.findall(r'data-digit="(\d)" style="--p:([\d.]+)">.*?"percent">([^/]*)</span>', card)
    assert [int(digit) for digit, _, _ in rows] == list(range(10))
    for _, probability, words in rows:
        assert words in ("", "<1%", f"{float(probability):.0%}")
    return [words for _, _, words in rows]


def test_answers_to_one_digit_stand_side_by_side_with_what_is_right():
    read = {"Dense network": answer(7).probabilities, "<fast>": answer(4).probabilities}
    dense, fast = answer_view.answers_to_one(read, ["#E69F00", "#56B4E9"], 7).split("&lt;fast&gt;")
    assert '7 <span class="right">✓</span>' in dense
    assert '4 <span class="wrong">✗</span>' in fast
    assert bars(fast) == ["3%"] + ["0%"] * 3 + ["97%"] + ["0%"] * 5


def test_a_digit_in_a_networks_colour_takes_the_shade_that_text_can_be_read_in():
    image, answers = np.zeros((28, 28), np.float32), {"dense": answer(7), "cnn": answer(4)}
    digit = np.zeros((1, 28, 28), np.uint8)
    for html in (
        answer_view.strip([StripEntry(1, "", "7", "4")]),
        explanation_view.answered(image, answers, ""),
        *(insides_view.lookalikes(image, slot, digit, [7], [0.9]) for slot in answers),
    ):
        colours = re.findall(r'style="color:([^"]*)"', html)
        assert colours
        assert set(colours) <= {"var(--dense-text)", "var(--cnn-text)"}


def test_an_eight_has_an_article_of_its_own():
    told = [answer_view.agreement({"dense": one, "cnn": one}, 0) for one in (answer(8), answer(7))]
    assert "Both read an <b>8</b>." in told[0]
    assert "Both read a <b>7</b>." in told[1]


def test_a_card_begins_with_the_digit_and_has_ten_bars_in_order():
    card = answer_view.card("cnn", answer(7), classifier())
    assert re.sub(r"<[^>]*>", " ", card).split()[:3] == ["7", "CNN", "0"]
    assert card.startswith('<div class="st-key-answer-cnn answered">')
    assert bars(card) == ["3%"] + ["0%"] * 6 + ["97%"] + ["0%"] * 2
    assert "note" not in card


def test_before_the_first_stroke_both_cards_stand_there_with_bars_at_rest():
    shown = answer_view.at_rest()
    dense, cnn = re.split("(?=<div class=.st-key-answer-cnn)", shown)
    for card in (dense, cnn):
        assert "at-rest" in card
        assert bars(card) == [""] * 10
        assert set(re.findall(r"--p:([\d.]+)", card)) == {"0.0000"}
    assert "With mouse, pen or finger".lower() in shown
    assert re.search(r'"st-key-network-input"><img [^>]*src="data:image/png', shown)


def test_what_both_answer_is_put_in_words_for_who_hears_the_page():
    heard = answer_view.spoken({"dense": answer(3), "cnn": answer(8, score=0.1)})
    assert heard.startswith("The dense network reads 3, 97 percent. The CNN re")
    assert heard.endswith("8, 97 percent. It doesn’t look like a single digit.")
    assert answer_view.spoken({"dense": None, "cnn": None}) == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(4, 9, 0.55), "I&#x27;m not sure: 4 or 9?"),
        (
            answer(0, 6, score=0.25),
            "It is 25% sure that this is a digit; 99.0% of real digits reach 90%.",
        ),
    ],
)
def test_a_card_says_what_is_doubtful_and_why(given, words):
    card = answer_view.card("cnn", given, classifier())
    assert 'class="note doubt">' in card
    assert words in card
    # Why it is none stands behind the one sentence, for who asks.
    first = '"note doubt"><summary>This doesn’t look like a single digit.</summary>'
    assert (first in card) == (not given.is_digit)


def test_who_hears_a_probability_is_told_no_more_than_who_sees_it():
    """Regression: 0.9996 was read out as 100 percent where ">99%" stood."""
    given = answer(3, confidence=0.9996)
    assert "reads 3, more than 99 percent." in answer_view.spoken({"dense": given})
    card = answer_view.card("dense", given, classifier())
    assert "2: 0 percent, 3: more than 99 percent, 4: 0" in card
    assert "100%" not in card
    assert "3: more than 99 percent, 3: more" in number_view.card("dense", [given, given])


def test_words_from_elsewhere_are_no_markup():
    card = answer_view.card("cnn", answer(1), classifier(), "<script>1</script>", "<i>run</i>")
    without = answer_view.card_without_answer("dense", "problem", "<img src=x>")
    for html in (card, without):
        assert not re.search(r"<(i|script|img)>|<img", html.replace("<i></i>", ""))
    assert "· &lt;i&gt;run&lt;/i&gt;" in card
    assert "&lt;img src=x&gt;" in without


@pytest.mark.parametrize(
    ("dense", "cnn", "words"),
    [
        (answer(3), answer(3), "Both read a <b>3</b>."),
        (answer(3), answer(8), "They disagree: <b>3</b> against <b>8</b>."),
        (answer(3, score=0.1), answer(8, score=0.1), "Both say that this is no digit."),
    ],
)
def test_agreement_and_time_are_told(dense, cnn, words):
    told = answer_view.agreement({"dense": dense, "cnn": cnn}, 0.0015)
    assert words in told
    assert "Answered in 3.5 ms." in told
    assert ('"agreement no-digit"' in told) == ("no digit." in words)  # for the button below it
    assert answer_view.agreement({"dense": dense, "cnn": None}, 0.0015) == ""


def test_the_frame_tells_what_can_be_done_to_the_canvas():
    state = CanvasState()
    assert answer_view.reading("x", state).startswith('<div class="reading blank no-undo no-redo" ')
    state.see({"objects": [{}, {}]})
    state.image = np.zeros((28, 28), np.float32)
    assert answer_view.reading("x", state).startswith('<div class="reading no-redo" ')
    state.undo()
    assert answer_view.reading("x", state).startswith('<div class="reading" ')


def test_a_stroke_that_changes_no_answer_changes_the_frame():
    """Regression: what the page takes for the same it does not replace, so the bars stayed as
    the pen's companion had moved them, and doubts hidden."""
    state = CanvasState()
    state.see({"objects": [{}]})
    before = answer_view.reading("x", state)
    state.see({"objects": [{}, {}]})
    assert answer_view.reading("x", state) != before


def test_an_image_becomes_the_png_of_its_pixels():
    image = np.linspace(-0.5, 1.5, 784, dtype=np.float32).reshape(28, 28)
    decoded = np.asarray(Image.open(io.BytesIO(answer_view.png_bytes(image))))
    np.testing.assert_array_equal(decoded, np.round(np.clip(image, 0, 1) * 255))


def test_a_number_has_a_bar_and_a_frame_for_each_digit():
    each = [answer(4), answer(2, score=0.1)]
    card = number_view.card("cnn", each, "<i>run</i>")
    assert re.sub(r"<[^>]*>", " ", card).split()[0] == "42"
    assert "&lt;i&gt;run" in card
    assert card.count('<div class="bar"') - card.count("data-digit") == 1
    assert card.count('<div class="bar faint"') == 1
    assert number_view.agreement({"dense": "42", "cnn": "47"}).count("<b>") == 2
    assert number_view.agreement({"cnn": "47"}) == ""
    frames = number_view.boxes([(-9.0, 0.0, 168.0, 336.0), (168.0, 0.0, 336.0, 400.0)])
    assert frames.count("left:0.00%;top:0.00%;width:50.00%;height:100.00%") == 1
    assert frames.count("<i ") == 2
    assert "<i" not in number_view.boxes([])
