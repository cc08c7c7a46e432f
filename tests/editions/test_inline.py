"""Inlining: styles end up in attributes, what can't stays in the sheet, and nothing else changes."""

import logging

import pytest

from newsletter.editions.inline import inline_fragment, inline_page

PAGE = """<!DOCTYPE html>
<html><head><style>.a { color: #ffffff; }</style>
<style data-premailer="ignore">@media (prefers-color-scheme: dark) { .a { color: #000000 !important; } }</style>
</head><body><p class="a">{{ hello }}</p><!--[if mso]><table><tr><td><![endif]--></body></html>"""


def test_styles_move_into_attributes_with_six_digit_colours():
    assert '<p class="a" style="color:#ffffff">' in inline_page(PAGE)


def test_an_ignored_sheet_stays_as_it_is():
    assert "@media (prefers-color-scheme: dark) { .a { color: #000000 !important; } }" in inline_page(PAGE)


def test_conditional_comments_for_outlook_stay():
    assert "<!--[if mso]><table><tr><td><![endif]-->" in inline_page(PAGE)


def test_important_stays_important():
    page = PAGE.replace("color: #ffffff;", "color: #ffffff !important;")
    assert 'style="color:#ffffff !important"' in inline_page(page)


def test_a_fragment_comes_back_without_a_page_around_it():
    styled = inline_fragment('<table><tr><td class="a">x</td></tr></table>', styles=".a { color: #123456; }")
    assert styled == '<table><tr><td class="a" style="color:#123456">x</td></tr></table>'


def test_a_fragment_keeps_every_script():
    words = "Ğüş — ‘ж’ — می‌خواهیم — لم يُبلَّغ — 👩‍🏭"
    assert words in inline_fragment(f"<p>{words}</p>", styles="")


@pytest.mark.parametrize(
    "css", [".a { mso-padding-alt: 1px; }", ".a { overflow-wrap: anywhere; }", ".a { colour: red; }"]
)
def test_what_no_standard_knows_makes_no_noise(css, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        styled = inline_fragment('<p class="a">x</p>', styles=css)
    assert "style=" in styled
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_remote_sheet_is_never_fetched():
    # pytest-socket refuses any connection; the link stays a link.
    page = PAGE.replace("<head>", '<head><link rel="stylesheet" href="http://192.0.2.1/a.css">')
    assert "192.0.2.1" in inline_page(page)
