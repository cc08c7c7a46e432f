"""Each cell is read leniently, refused with what is allowed, and never repeated where it may be an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.import_row import Applicant, Reason, Row, RowProblem, RowReader
from subscribers.preferences import Cadence
from tests.conftest import NOW

STALL = "signed at the May Day stall"


def row(line: int = 2, email: str = "zeynep@example.org", **cells: str) -> Row:
    return Row(line, email, **{"confirmed_at": "2026-05-01", "consent_source": STALL, **cells})


def read(cells: Row, **options) -> Applicant | RowProblem:
    facts = {"consent": None, "default_language": "en", "country_code": None, "now": NOW, **options}
    return RowReader(**facts).read(cells)


@pytest.mark.parametrize(
    ("cells", "reason", "said"),
    [
        ({"email": " "}, Reason.NO_ADDRESS, "no email address"),
        ({"email": "zeynep"}, Reason.BAD_ADDRESS, "@-sign"),
        (
            {"cadence": "fortnightly"},
            Reason.BAD_CADENCE,
            "'fortnightly' is none of urgent, each, daily, weekly, monthly",
        ),
        ({"language": "en|klingon"}, Reason.BAD_LANGUAGE, "'klingon'"),
        ({"language": "xx"}, Reason.BAD_LANGUAGE, "pt-BR"),
        ({"language": "en-XX"}, Reason.BAD_LANGUAGE, "'en-XX'"),
        ({"language": "und"}, Reason.BAD_LANGUAGE, "'und'"),
        ({"language": "../en"}, Reason.BAD_LANGUAGE, "'../en'"),
        ({"countries": "DE|XX"}, Reason.BAD_COUNTRY, "'XX'"),
        ({"countries": "Germany"}, Reason.BAD_COUNTRY, "'Germany'"),
        ({"countries": "EU"}, Reason.BAD_COUNTRY, "two-letter"),
        ({"confirmed_at": "31/04/2026"}, Reason.BAD_DATE, "'31/04/2026'"),
        ({"confirmed_at": "1970-01-01"}, Reason.BAD_DATE, "2026-05-01"),
        ({"confirmed_at": "03/04/2026"}, Reason.AMBIGUOUS_DATE, "day or month first"),
        ({"confirmed_at": "2027-01-01"}, Reason.FUTURE_DATE, "future"),
        ({"confirmed_at": "no"}, Reason.CONSENT_REFUSED, "'no'"),
        ({"consent_source": "Unsubscribed"}, Reason.CONSENT_REFUSED, "'Unsubscribed'"),
    ],
)
def test_a_bad_cell_is_told_with_what_is_allowed(cells, reason, said):
    problem = read(row(17, **cells))
    assert (problem.line, problem.reason) == (17, reason)
    assert said in problem.sentence


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("en", ("en",)),
        ("PT_br | ar", ("pt-BR", "ar")),
        ("zh-Hant-TW", ("zh-TW",)),
        ("es-419", ("es-419",)),
        ("ckb||CKB", ("ckb",)),
        ("deu", ("de",)),
        (" | ", ("fr",)),
    ],
)
def test_languages_are_kept_in_the_order_of_reading(cell, tags):
    assert read(row(language=cell), default_language="fr").reading.languages == tags


def test_countries_may_be_named_where_the_caller_knows_the_names():
    names = {"Türkiye": "TR"}
    assert read(row(countries="türkiye"), country_code=names.get).reason is Reason.BAD_COUNTRY
    assert read(row(countries="Türkiye|ir|UK|xk"), country_code=names.get).reading.countries == {"TR", "IR", "GB", "XK"}


def test_topics_are_compared_without_case_and_spaces():
    topics = read(row(topics=" Prison \t Strikes|GRÈVE|gre\u0300ve|| |a\0b\u202e")).reading.topics
    assert topics == {"prison strikes", "grève", "ab"}


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (" Zeynep\r\n  Çelik\t", "Zeynep Çelik"),
        ("Ze\0yn\x1bep\ue000", "Zeynep"),
        ("Rosa\u202egro", "Rosagro"),
        ("Jose\u0301", "José"),
        ("فاطمه\u200cزهرا", "فاطمه\u200cزهرا"),
        ("x" * 199 + " yz", "x" * 199),
        ("😀" * 300, "😀" * 200),
        ("\0\n", ""),
    ],
)
def test_names_are_one_clean_line(cell, name):
    assert read(row(name=cell)).name == name


SECRETS = st.from_regex(r"[a-z]{6,12}@[a-z]{5,8}\.org", fullmatch=True)
CELLS = st.text(max_size=30) | SECRETS
ROWS = st.builds(
    Row,
    st.integers(2, 9),
    CELLS,
    *[CELLS] * 4,
    CELLS | st.sampled_from(Cadence),
    CELLS | st.just("2026-05-01"),
    CELLS,
)


@settings(max_examples=500)
@given(ROWS, st.none() | st.just(STALL))
def test_any_cells_give_a_person_or_a_problem_that_names_nobody(cells, consent):
    found = read(cells, consent=consent)
    if isinstance(found, Applicant):
        assert len(found.name) <= 200
        assert found.name.isprintable() or not {"\n", "\r", "\0"} & set(found.name)
        assert found.confirmed_at <= NOW
        assert found.consent_source
        assert found.reading.languages
    else:
        assert "@" not in found.detail or found.reason is Reason.BAD_ADDRESS
        assert len(found.sentence) < 300


@given(SECRETS, st.sampled_from(["{}.", "<{}>", "Rosa <{}>", '"{}"', '"x"{}', "{},b@x.org", "{}☃", "é {}", "{}\0"]))
def test_no_problem_repeats_an_address_however_it_is_damaged(address, damage):
    local, _, domain = address.partition("@")
    shifted = row(email=damage.format(address), cadence=damage.format(address))
    for problem in (read(shifted), read(shifted._replace(email="a@example.org"))):
        if isinstance(problem, RowProblem):
            assert local not in problem.sentence
            assert domain not in problem.sentence


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ('"x"rosa@example.org', "Extra character(s) found after close quote"),
        ("rosa@geheim☃.de", "The part after the @-sign is invalid"),
        ("ro\x01sa@example.org", "The email address contains invalid characters before the @-sign"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_without_its_letters(email, said):
    assert read(row(email=email)).detail == said
