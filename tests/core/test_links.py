"""Addresses hold the digit that they were made of, and anything else is refused."""

import zlib
from base64 import urlsafe_b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.ink.examples import EXAMPLES
from mnist_core.ink.preprocessing import mnist_image
from mnist_core.ink.strokes import draw_strokes
from mnist_core.views import links


def test_a_digit_survives_its_address():
    for example in EXAMPLES:
        image = mnist_image(draw_strokes(example.strokes))
        code = links.digit_code(image)
        assert len(code) < 700
        np.testing.assert_array_equal(links.digit_of(code), np.round(image * 255))


@given(st.text(max_size=60))
def test_other_words_are_no_digit(text):
    assert links.digit_of(text) is None


@pytest.mark.parametrize(
    "content", [zlib.compress(bytes(10**8)), zlib.compress(bytes(783)), zlib.compress(bytes(785)),
                zlib.compress(bytes(784))[:-2], b""]
)  # fmt: skip
def test_a_code_that_is_too_long_too_short_or_cut_off_is_none(content):
    assert links.digit_of(urlsafe_b64encode(content).decode().rstrip("=")) is None


def test_an_address_keeps_the_page_and_nothing_else():
    link = links.address("http://host:8501/draw?old=1#x", digit="a-_b", explained="Cut the wires")
    assert link == "http://host:8501/draw?digit=a-_b&explained=Cut+the+wires"
    assert links.qr_code(link).startswith("data:image/svg+xml;base64,")
