"""The press: what a mail leaves to the page where it would be too long, and what it renders once."""

import pytest
from lxml import html

from newsletter.editions.digest import Chosen, Digest
from newsletter.editions.message import LONGEST
from subscribers.preferences import Format
from tests import builders

LONG = "They are held since five in the morning, and nobody was told why. " * 60


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


def draft(parts, teasers, *, form=Format.HTML, mail="digest"):
    with parts.database.write() as session:
        made = [
            builders.appeal(session, f"Appeal {place}", teaser=teaser, body=f"# Background\n\n{teaser}")
            for place, teaser in enumerate(teasers)
        ]
        appeals = tuple(Chosen(appeal.id, "en") for appeal in made)
        digest = Digest(language="en", format=form, discreet=False, appeals=appeals)
        drafted = parts.press().draft(session, digest, mail=mail)
    return drafted.composed(), [appeal.reference for appeal in made]


def whole_cards(page):
    return [link.text for link in html.fromstring(page).xpath("//a[contains(@href, '/appeals/')]") if link.text]


def test_a_digest_that_fits_says_everything(parts):
    mail, references = draft(parts, ["Eleven are held."] * 20)
    said = whole_cards(mail.html)
    assert len(mail.html.encode()) < LONGEST
    assert not any("Read on" in words for words in said)
    assert sum("Read the whole appeal" in words for words in said) == len(references)


def test_as_many_as_a_digest_may_hold_fit_in_any_script(parts):
    mail, references = draft(parts, ["Одиннадцать человек сидят с пяти утра, и никому не сказали за что. " * 60] * 30)
    assert len(mail.html.encode()) < LONGEST
    assert all(f"/appeals/{reference}" in mail.html for reference in references)


@pytest.mark.parametrize("form", list(Format))
def test_a_digest_that_is_too_long_leaves_later_appeals_to_their_pages(parts, form):
    mail, references = draft(parts, [LONG] * 30, form=form)
    written = mail.html if form is Format.HTML else mail.text
    assert LONGEST * 0.9 < len(written.encode()) < LONGEST
    for number, reference in enumerate(references):
        assert f"Appeal {number}" in written
        assert f"/appeals/{reference}" in written
    if form is Format.HTML:
        said = [words for words in whole_cards(written) if "Read" in words]
        first_short = next(place for place, words in enumerate(said) if "Read on" in words)
        assert 0 < first_short < 25
        assert all("Read on" in words for words in said[first_short:])
        # The text part beside it says the same, as far as it fits.
        assert mail.text.count("Read on:") == len(said) - first_short


def test_what_stands_first_is_kept_whole_and_a_short_one_after_a_long_one_too(parts):
    mail, _references = draft(parts, ["Short.", LONG * 30, "Short as well."])
    assert len(mail.html.encode()) < LONGEST
    said = [words for words in whole_cards(mail.html) if "Read" in words]
    assert ["Read on" in words for words in said] == [False, True, False]


def test_a_long_alert_keeps_what_to_do_and_leaves_the_background(parts):
    mail, (reference,) = draft(parts, [LONG * 30], mail="alert")
    assert len(mail.html.encode()) < LONGEST
    assert "Read on" in mail.html
    assert f"/appeals/{reference}" in mail.html
    assert "Appeal 0" in mail.html
