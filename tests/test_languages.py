"""Languages: every catalogue says everything, dates and names read right, and whoever has no catalogue gets English."""

import re
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from newsletter.editions.render import templates_folder
from newsletter.languages import country_name, date_text, direction, greeting, languages, number_text, words

FULL = ("ar", "de", "en", "es", "fa", "fr", "it", "kk", "ku", "pt", "ru", "tr")
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def catalogue(language: str) -> Catalog:
    with files("newsletter").joinpath("locale", f"{language.replace('-', '_')}.po").open("rb") as lines:
        return read_po(lines)


def said_in(folder: Path, method: str, *patterns: str) -> dict[object, str]:
    """Messages that templates or code use, and where."""
    options = {pattern: {"silent": "false", "trimmed": "false"} for pattern in patterns}
    found = extract_from_dir(folder, method_map=[(pattern, method) for pattern in patterns], options_map=options)
    return {message: f"{name}:{line}" for name, line, message, _, _ in found}


def ids(message: object) -> tuple[str, ...]:
    return message if isinstance(message, tuple) else (str(message),)


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


USED = said_in(templates_folder(), "jinja2.ext:babel_extract", "**.html", "**.txt", "email/**.css") | said_in(
    Path(str(files("newsletter"))), "python", "**.py"
)


def test_the_promised_languages_have_catalogues():
    assert set(FULL) <= set(languages())


def test_messages_are_found_in_templates_and_in_code():
    # Otherwise the tests below would pass on nothing.
    assert {"Read the whole appeal", "Hello,"} <= {ids(message)[0] for message in USED}


@pytest.mark.parametrize("language", languages())
def test_every_message_in_use_is_in_the_catalogue(language):
    known = {ids(message.id) for message in catalogue(language) if message.id}
    missing = {where: message for message, where in USED.items() if ids(message) not in known}
    assert missing == {}


@pytest.mark.parametrize("language", languages())
def test_every_catalogue_holds_what_english_holds(language):
    ours, english = ({ids(message.id) for message in catalogue(tag) if message.id} for tag in (language, "en"))
    assert ours == english


@pytest.mark.parametrize("language", languages())
def test_nothing_is_untranslated_or_in_doubt(language):
    unfinished = [
        message.id
        for message in catalogue(language)
        if message.id and (message.fuzzy or not all(form.strip() for form in forms(message)))
    ]
    assert unfinished == []


@pytest.mark.parametrize("language", languages())
def test_translations_name_the_facts_that_the_message_names(language):
    for message in catalogue(language):
        named = set(PLACEHOLDER.findall(ids(message.id)[-1]))
        for form in forms(message):
            if isinstance(message.id, tuple):  # 'one of them' needs no number
                assert set(PLACEHOLDER.findall(form)) <= named, message.id
            else:
                assert set(PLACEHOLDER.findall(form)) == named, message.id


@pytest.mark.parametrize("language", languages())
def test_every_plural_has_as_many_forms_as_the_language(language):
    found = catalogue(language)
    for message in found:
        if isinstance(message.id, tuple):
            assert len(forms(message)) == found.num_plurals, message.id


@pytest.mark.parametrize(
    ("language", "number", "sentence"),
    [
        ("ar", 1, "نداء واحد يطلب تضامنكم."),
        ("ar", 2, "نداءان يطلبان تضامنكم."),
        ("ar", 3, "3 نداءات تطلب تضامنكم."),
        ("ar", 11, "11 نداءً يطلب تضامنكم."),
        ("ar", 100, "100 نداء يطلب تضامنكم."),
        ("ru", 1, "1 обращение ждёт вашей поддержки."),
        ("ru", 3, "3 обращения ждут вашей поддержки."),
        ("ru", 11, "11 обращений ждут вашей поддержки."),
        ("ru", 22, "22 обращения ждут вашей поддержки."),
        ("fa", 7, "۷ فراخوان چشم‌به‌راه همبستگی شماست."),
        ("tr", 7, "7 çağrı dayanışmanızı bekliyor."),
    ],
)
def test_plurals_follow_the_language(language, number, sentence):
    one, many = "%(count)s appeal asks for your solidarity.", "%(count)s appeals ask for your solidarity."
    assert words(language).ngettext(one, many, number) % {"count": number_text(number, language)} == sentence


@pytest.mark.parametrize(
    ("language", "says"),
    [("es-MX", "Urgente"), ("de_AT", "Dringend"), ("xx", "Urgent"), ("", "Urgent"), ("x-y-z", "Urgent")],
)
def test_a_tag_without_a_catalogue_falls_back_subtag_by_subtag_and_last_to_english(language, says):
    assert words(language).gettext("Urgent") == says


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "3 December 2026"),
        ("en-US", "December 3, 2026"),
        ("es", "3 de diciembre de 2026"),
        ("de", "3. Dezember 2026"),
        ("ru", "3 декабря 2026\u202fг."),
        ("tr", "3 Aralık 2026"),
        ("ar", "3 ديسمبر 2026"),
        ("fa", "۳ دسامبر ۲۰۲۶"),
        ("xx", "3 December 2026"),
    ],
)
def test_a_date_reads_as_people_write_it(language, text):
    assert date_text(date(2026, 12, 3), language) == text


def test_the_first_of_a_month_is_an_ordinal_in_french_and_the_eleventh_is_not():
    assert date_text(date(2026, 12, 1), "fr") == "1er décembre 2026"
    assert date_text(date(2026, 12, 11), "fr") == "11 décembre 2026"


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("TR", "en", "Türkiye"),
        ("eg", "ar", "مصر"),
        ("PS", "fr", "Palestine"),
        ("HK", "ru", "Гонконг"),
        ("QQ", "en", "QQ"),
    ],
)
def test_a_country_is_named_in_the_readers_language(code, language, name):
    assert country_name(code, language) == name


@pytest.mark.parametrize("language", ["ar", "fa", "ckb", "he", "ur", "ar-EG", "ku-Arab", "az_Arab"])
def test_these_are_written_from_right_to_left(language):
    assert direction(language) == "rtl"


@pytest.mark.parametrize("language", ["en", "tr", "ku", "ru", "pt-BR", "ar-Latn", "az-Latn", ""])
def test_these_are_written_from_left_to_right(language):
    assert direction(language) == "ltr"


def test_people_are_greeted_by_name_in_their_language():
    assert greeting("Anna", "en") == "Hello Anna,"
    assert greeting("ليلى", "ar") == "مرحبًا ليلى،"
    assert greeting("Tomás", "es") == "Hola, Tomás:"


@pytest.mark.parametrize("name", ["", "  \n ", "http://spam.example/win", "a@b.example", "<b>", "x" * 61, "\u202e"])
def test_whoever_gives_no_name_or_no_name_at_all_is_greeted_without(name):
    assert greeting(name, "en") == "Hello,"


@given(st.text(), st.sampled_from(FULL))
def test_a_greeting_is_one_line_whatever_the_name(name, language):
    assert len(greeting(name, language).splitlines()) == 1
