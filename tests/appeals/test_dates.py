"""Dates as sites write them."""

from datetime import date

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.dates import (
    DateImpossible,
    DateUnreadable,
    find_date,
    from_jalali,
    parse_date,
    split_date,
    written_language,
)
from newsletter.errors import NewsletterError

SIXTH_OF_NOVEMBER = date(2012, 11, 6)


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("Tuesday, 06 November 2012", "en"),
        ("November 6, 2012", "en"),
        ("Nov. 6th, 2012", "en"),
        ("Tue 6 Nov 2012", "en"),
        ("Tuesday, 06 November 2012 at 10:00 AM", "en"),
        ("martes, 06 de noviembre de 2012", "es"),
        ("Martes, 06 Noviembre 2012 18:05", "es"),
        ("Mardi, 06 Novembre 2012", "fr"),
        ("06. November 2012", "de"),
        ("Dienstag, 6. November 2012 um 10:00 Uhr", "de"),
        ("martedì 6 novembre 2012", "it"),
        ("terça-feira, 06 de novembro de 2012", "pt"),
        ("Terça, 06 Novembro 2012", "pt-BR"),
        ("dinsdag 06 november 2012", "nl"),
        ("6 Kasım 2012 Salı", "tr"),
        ("Salı, 06 Kasım 2012", "tr"),
        ("6 ноября 2012 г.", "ru"),
        ("вторник, 6 ноября 2012 года", "ru"),
        ("Вторник, 06 Ноябрь 2012", "ru"),
        ("вівторок, 06 листопада 2012", "uk"),
        ("wtorek, 6 listopada 2012", "pl"),
        ("Τρίτη, 06 Νοεμβρίου 2012", "el"),
        ("Сейсенбі, 06 Қараша 2012", "kk"),
        ("2012 жылғы 6 қараша", "kk"),
        ("الثلاثاء، ٠٦ تشرين الثاني ٢٠١٢", "ar"),
        ("٦ نوفمبر ٢٠١٢", "ar"),
        ("6 نونبر 2012", "ar"),
        ("06 تشرين الثاني/نوفمبر 2012", "ar"),
        ("الثلاثاء, 06 تشرين2/نوفمبر 2012 10:00", "ar"),
        ("۶ نوامبر ۲۰۱۲", "fa"),
        ("سه شنبه, 16 آبان 1391", "fa"),
        ("سه\u200cشنبه، ۱۶ آبان ۱۳۹۱", "fa"),
        ("۱۳۹۱/۰۸/۱۶", "fa"),
        ("16 عقرب 1391", "fa"),
        ("6 mijdar 2012", "ku"),
        ("2012-11-06", "en"),
        ("2012-11-06 10:00:00", "en"),
        ("2012-11-06T23:59:00+00:00", "en"),
        ("2012-11-06T10:00:00.123Z", "en"),
        ("06.11.2012", "de"),
        ("06.11.12", "de"),
        ("2012/11/06", "en"),
        ("6 novembre 2012", "en"),  # a French date on a page that says it is English
    ],
)
def test_a_date_is_read_as_sites_of_its_language_write_it(written, language):
    assert parse_date(written, language) == SIXTH_OF_NOVEMBER


@pytest.mark.parametrize(
    ("language", "day"),
    [("en", date(2012, 6, 11)), ("en-US", date(2012, 6, 11)), ("en-GB", date(2012, 11, 6)), ("es", date(2012, 11, 6))],
)
def test_the_language_decides_which_number_of_a_slashed_date_is_the_month(language, day):
    assert parse_date("06/11/2012", language) == day


def test_a_slashed_date_that_only_makes_sense_the_other_way_round_is_read_that_way():
    assert parse_date("25/11/2012", "en-US") == date(2012, 11, 25)
    assert parse_date("11/25/2012", "es") == date(2012, 11, 25)


def test_a_wrong_weekday_is_forgiven():
    assert parse_date("Friday, 06 November 2012") == SIXTH_OF_NOVEMBER


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("31 February 2012", "en"),
        ("29 February 2011", "en"),
        ("2012-02-31", "en"),
        ("13/13/2012", "en"),
        ("32 mai 2012", "fr"),
        ("30 اسفند 1392", "fa"),
        ("0 November 2012", "en"),
    ],
)
def test_a_day_that_does_not_exist_is_refused_by_name(written, language):
    with pytest.raises(DateImpossible, match="doesn't exist") as refusal:
        parse_date(written, language)
    assert written in str(refusal.value)


@pytest.mark.parametrize(
    "written", ["", "soon", "2012", "November", "12", "6 Smarch 2012", "06 November 2012 in Ankara"]
)
def test_what_is_no_date_is_refused(written):
    with pytest.raises(DateUnreadable):
        parse_date(written)


def test_a_date_is_found_among_other_words():
    assert find_date("Published on Tuesday, 06 November 2012 10:00").day == SIXTH_OF_NOVEMBER
    assert find_date("Yayınlanma: 06 Kasım 2012", "tr").day == SIXTH_OF_NOVEMBER
    assert find_date("06 Kasım 2012 tarihinde yayınlandı.", "tr").day == SIXTH_OF_NOVEMBER
    assert find_date("no date at all") is None


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("In Defence of Marxism Tuesday, 06 November 2012", "In Defence of Marxism"),
        ("Group of 17 October 2012 Tuesday, 06 November 2012 10:00", "Group of 17 October 2012"),
        ("The Sun 06 November 2012", "The Sun"),
        ("Hamid, | Tuesday, 06 November 2012", "Hamid"),
        ("06 November 2012", ""),
    ],
)
def test_a_name_is_split_from_the_date_that_ends_its_line(line, before):
    assert split_date(line) == (before, SIXTH_OF_NOVEMBER)


def test_a_line_that_does_not_end_with_a_date_is_not_split():
    assert split_date("On 06 November 2012 we met") is None


def test_the_month_tells_the_language_where_the_wording_does_not():
    assert written_language("Ana Martes, 06 Noviembre 2012", ("es", "pt")) == "es"
    assert written_language("Ana Terça, 06 Novembro 2012", ("es", "pt")) == "pt"
    assert written_language("Ana", ("es", "pt")) == "es"


@pytest.mark.parametrize(
    ("jalali", "gregorian"),
    [
        ((1357, 11, 22), date(1979, 2, 11)),
        ((1391, 1, 1), date(2012, 3, 20)),
        ((1399, 12, 30), date(2021, 3, 20)),  # a leap year
        ((1400, 1, 1), date(2021, 3, 21)),
        ((1403, 12, 30), date(2025, 3, 20)),  # a leap year
        ((1404, 7, 1), date(2025, 9, 23)),
        ((1285, 5, 14), date(1906, 8, 6)),  # the constitution of 1906
    ],
)
def test_solar_hijri_dates_are_converted_as_calendars_of_iran_print_them(jalali, gregorian):
    assert from_jalali(*jalali) == gregorian


@given(
    st.dates(date(1990, 1, 1), date(2090, 12, 31)),
    st.sampled_from(["en", "es", "fr", "de", "ru", "tr", "ar", "fa", "pl"]),
)
def test_every_day_is_read_back_as_cldr_writes_it(day, language):
    month = Locale.parse(language).months["format"]["wide"][day.month]
    assert parse_date(f"{day.day} {month} {day.year}", language) == day


@given(st.text(max_size=200), st.sampled_from(["en", "fa", "ar", "xx", ""]))
def test_no_text_breaks_it(text, language):
    refusals = []
    try:
        parse_date(text, language)
    except NewsletterError as refusal:
        refusals.append(str(refusal))
    assert all("\n" not in refusal for refusal in refusals)
