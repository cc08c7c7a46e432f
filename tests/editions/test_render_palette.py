"""One colour becomes colours that can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.editions.palette import NIGHT, PAPER, ColourInvalid, Palette, contrast

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_any_brand_can_be_read_by_day_and_by_night(colour):
    palette = Palette.of(colour)
    assert contrast(palette.accent, PAPER) >= 4.5
    assert contrast(palette.accent_dark, NIGHT) >= 4.5
    assert contrast(palette.button_text, palette.button) >= 4.4
    assert contrast(palette.button_text_dark, palette.button_dark) >= 4.4
    assert contrast(palette.button, PAPER) >= 3
    assert contrast(palette.button_dark, NIGHT) >= 3


def test_a_brand_that_can_be_read_stays_as_it_is():
    assert Palette.of("#14545C").accent == Palette.of("#14545c").button == "#14545c"


def test_black_on_white_is_the_highest_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456;", "#123456\n", "123456"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ColourInvalid):
        Palette.of(colour)
