"""The digest in a real browser: nothing overflows a phone, day and night can be read, and axe finds no fault."""

from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from newsletter.editions.render import Renderer
from newsletter.editions.slots import fill
from newsletter.languages import languages
from tests.editions.test_render import APPEAL, BRAND, FULL, whole_html
from tools.sample_mails import sample_mails

NOT_IN_MAIL = (
    "landmark-one-main",
    "region",
)  # the mail program's own page has the landmarks; a mail is an article in it
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung" * 3
APPEALS = [
    replace(APPEAL, body=f"## {LONG}\n\nhttps://example.org/{LONG}\n\n1. {LONG}\n\n> quote\n\n    {LONG}"),
    replace(APPEAL, urgent=False, title=LONG, byline=LONG, teaser=LONG),
    replace(APPEAL, urgent=False, deadline=None, body="[a link](https://example.org)"),
]

ALERT = [
    replace(
        FULL,
        title=LONG,
        demands=(LONG, *FULL.demands),
        background=LONG,
        actions=(replace(FULL.actions[0], say=LONG, place=LONG), *FULL.actions),
    )
]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(BRAND)


def opened(
    browser: Browser, renderer: Renderer, language: str, light: Any, width: int, *, mail: str = "digest"
) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=light)
    appeals = [replace(appeal, language=language) for appeal in (APPEALS if mail == "digest" else ALERT)]
    page.set_content(whole_html(renderer, *appeals, language=language, mail=mail))
    return page


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("mail", ["digest", "follow-up"])
def test_long_words_and_addresses_stay_on_the_phone(browser, renderer, language, width, mail):
    page = opened(browser, renderer, language, "light", width, mail=mail)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('td')].map(e => e.getBoundingClientRect().width))"
    )
    assert widest <= width
    page.close()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize("mail", ["digest", "follow-up"])
def test_axe_finds_nothing_to_mend(browser, renderer, language, light, mail):
    page = opened(browser, renderer, language, light, 700, mail=mail)
    found = Axe().run(page, options={"rules": {rule: {"enabled": False} for rule in NOT_IN_MAIL}})
    assert found.violations_count == 0, found.generate_report()
    page.close()


@pytest.mark.parametrize("language", languages())
def test_every_mail_fits_phone_and_desktop_and_is_in_one_direction(browser, language):
    direction = "rtl" if language in {"ar", "fa"} else "ltr"
    page = browser.new_page()
    for sample in sample_mails((language,)):
        page.set_content(fill(sample.composed.html, sample.slots(), html=True))
        for width in (360, 700):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width, sample.name
        # But for what is in a script of its own, as an office's address is.
        read = "[...document.querySelectorAll('h1, h2, p:not([dir])')].map(e => getComputedStyle(e).direction)"
        shown = page.evaluate(read)
        assert set(shown) == {direction}, sample.name
        assert page.evaluate("document.querySelector('h1').getBoundingClientRect().height") > 0, sample.name
    page.close()


@pytest.mark.parametrize("language", ["de", "fa"])
@pytest.mark.parametrize("light", ["light", "dark"])
def test_axe_finds_nothing_to_mend_in_any_mail(browser, language, light):
    page = browser.new_page(viewport={"width": 700, "height": 800}, color_scheme=light)
    for sample in sample_mails((language,)):
        page.set_content(fill(sample.composed.html, sample.slots(), html=True))
        found = Axe().run(page, options={"rules": {rule: {"enabled": False} for rule in NOT_IN_MAIL}})
        assert found.violations_count == 0, (sample.name, found.generate_report())
    page.close()


def test_night_turns_every_ground_dark(browser, renderer):
    page = opened(browser, renderer, "en", "dark", 360)
    grounds = page.evaluate(
        "[...document.querySelectorAll('.page, .sheet, .due-by, .quiet')].map(e => getComputedStyle(e).backgroundColor)"
    )
    assert len(grounds) > 5
    for ground in grounds:
        red, green, blue = (int(channel) for channel in ground.removeprefix("rgb(").rstrip(")").split(","))
        assert max(red, green, blue) < 80
    page.close()


def test_a_wide_window_shows_one_column_of_600(browser, renderer):
    page = opened(browser, renderer, "en", "light", 1200)
    assert page.evaluate("document.querySelector('.sheet').getBoundingClientRect().width") == 600
    page.close()


def test_buttons_are_large_enough_for_a_thumb(browser, renderer):
    page = opened(browser, renderer, "en", "light", 360)
    heights = page.evaluate("[...document.querySelectorAll('.button')].map(e => e.getBoundingClientRect().height)")
    assert len(heights) == 3
    assert min(heights) >= 44
    page.close()
