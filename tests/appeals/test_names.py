"""Names that may be said only with consent."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.appeals.names import MARK, AliasWrong, Bearer, NameEmpty, Register, Rewriting, open_name, protect
from newsletter.appeals.protected import Forms, NameSeal, NameSpelling, ProtectedName, find_name
from tests.conftest import NOW


def register(*names, keep=(), consented=False, aliases=None):
    forms = Forms(names=names, keep=keep)
    aliases = aliases or {"": "K., a nurse", "fa": "ک."}
    return Register([Bearer(number=7, forms=forms, aliases=aliases, consented=consented)])


KARIM = register("Karim Ahmadi", "کریم احمدی")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Karim Ahmadi was arrested.", "{name-7} was arrested."),
        ("KARIM AHMADI", "{name-7}"),
        ("Ahmadi, Karim", "{name-7}"),
        ("Karim\n  Ahmadi's trial", "{name-7}'s trial"),
        ("Mr. Ahmadi and Karim's brother", "Mr. {name-7} and {name-7}'s brother"),
        ("the Ahmadis, Ahmadinin", "the {name-7}, {name-7}"),
        ("Kárim Ahmadí", "{name-7}"),
        ("Kari\u00adm Ah\u200bmadi", "{name-7}"),
        ("@karim_ahmadi and #FreeKarimAhmadi", "@{name-7} and #{name-7}"),
        ("karim.ahmadi@example.org", "{name-7}@example.org"),
        ("کریم احمدی بازداشت شد", "{name-7} بازداشت شد"),
        ("كريم أحمدي", "{name-7}"),  # on an Arabic keyboard
        ("وکریم احمدی", "{name-7}"),
        ("[the appeal](https://example.org/free-karim-ahmadi) is out", "the appeal is out"),
        ("See https://example.org/Karim%20Ahmadi now", "See  now"),
        ("Macarim and Ahm are others", "Macarim and Ahm are others"),
        ("{name-7} and Karim", "{name-7} and {name-7}"),
    ],
)
def test_a_name_is_hidden_however_it_is_written(written, kept):
    assert KARIM.hide(written) == kept


def test_nothing_else_is_touched():
    text = "Eleven strikers, *among them* a nurse — see https://example.org/a?b=c.\n\n- one\n- two"
    assert KARIM.hide(text) == text
    assert not KARIM.holds(text)


def test_words_that_are_too_common_stay_if_somebody_says_so():
    rose = register("Rose May", keep=("May",))
    assert (
        rose.hide("Rose May spoke on May Day; Rose was cheered.") == "{name-7} spoke on May Day; {name-7} was cheered."
    )


def test_an_alias_stands_in_each_language_and_the_name_once_its_bearer_agreed():
    text = "They hold {name-7}."
    assert KARIM.said(text, "en") == "They hold K., a nurse."
    assert KARIM.said(text, "fa-IR") == "They hold ک.."
    assert register("Karim Ahmadi", consented=True).said(text, "fa") == "They hold Karim Ahmadi."


def test_a_mark_that_names_nobody_says_nothing():
    assert KARIM.said("{name-99} and {name-7x}", "en") == "… and {name-7x}"


def test_with_consent_addresses_stay_and_marks_are_set_all_the_same():
    agreed = register("Karim Ahmadi", consented=True)
    text = "Karim Ahmadi: https://example.org/karim-ahmadi"
    assert agreed.hide(text) == "{name-7}: https://example.org/karim-ahmadi"
    assert agreed.said(agreed.hide(text), "en") == text
    assert not agreed.holds(text)


WORDS = st.sampled_from(
    ["Karim Ahmadi", "AHMADI", "karim", "کریم", "free", "the", "https://example.org/", "\n", "-", "(", "’"]
)


@given(st.lists(WORDS | st.text(max_size=6), max_size=30).map(" ".join))
def test_whatever_stands_around_it_no_name_is_left_and_hiding_twice_is_hiding_once(text):
    hidden = KARIM.hide(text)
    assert not KARIM.holds(hidden)
    assert KARIM.hide(hidden) == hidden
    for name in ("karim", "ahmadi", "کریم"):
        assert name not in [word.casefold() for word in hidden.split()]


def test_a_name_is_kept_sealed_and_found_again(database):
    seal = NameSeal(secrets.token_bytes(64))
    with database.write() as session:
        row = protect(session, seal, Forms(names=("Karim  Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
        number = row.id
        assert b"Ahmadi" not in row.sealed
    with database.read() as session:
        found = Register.load(session, seal)
        assert found.hide("Free Karim Ahmadi!") == f"Free {{name-{number}}}!"
        assert found.said(f"{{name-{number}}}", "en") == "K."


def test_an_alias_must_not_say_the_name(database):
    seal = NameSeal(secrets.token_bytes(64))
    with database.write() as session:
        with pytest.raises(AliasWrong) as refusal:
            protect(session, seal, Forms(names=("Karim Ahmadi",)), {"": "Karim A."}, by="Rosa", now=NOW)
        assert "Karim" not in str(refusal.value)
        with pytest.raises(AliasWrong):
            protect(session, seal, Forms(names=("Karim Ahmadi",)), {"": " "}, by="Rosa", now=NOW)
        with pytest.raises(NameEmpty):
            protect(session, seal, Forms(names=(" ", "…")), {"": "K."}, by="Rosa", now=NOW)
        assert session.query(ProtectedName).count() == 0


@pytest.mark.parametrize(
    "written",
    ["**A**hmadi", "K*ar*im", "Ahm&#97;di", "`Ahmadi`", "\\Ahmadi", "https://example.org/%2541hmadi", "x%20%41hmadi"],
)
def test_what_markdown_and_addresses_do_to_letters_hides_no_name(written):
    assert KARIM.holds(written)
    assert not KARIM.holds(KARIM.hide(written)) or written.startswith("x%20")


def test_a_thousand_names_are_looked_for_quickly_enough_to_be_looked_for_at_all():
    many = Register(
        Bearer(number=n, forms=Forms(names=(f"Name{n:04} Ofsomebody{n:04}",)), aliases={"": "x"}, consented=False)
        for n in range(1000)
    )
    assert many.hide("Name0777 and #FreeName0123Ofsomebody0123") == "{name-777} and #{name-123}"


def test_only_what_may_be_said_is_opened_for_saying(database):
    seal = NameSeal(secrets.token_bytes(64))
    with database.write() as session:
        hidden = protect(session, seal, Forms(names=("Karim Ahmadi",)), {"": "K."}, by="Rosa", now=NOW)
        agreed = protect(session, seal, Forms(names=("Layla Aziz",)), {"": "L."}, by="Rosa", now=NOW)
        agreed.consent_at = NOW
        numbers = hidden.id, agreed.id
    with database.read() as session:
        saying = Register.for_saying(session, seal)
    assert saying.said(f"{{name-{numbers[0]}}} and {{name-{numbers[1]}}}", "en") == "K. and Layla Aziz"
    assert "Ahmadi" not in repr(saying._bearers)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("**A**hmadi is held", "**{name-7}** is held"), ("K*ar*im", "{name-7}"), ("**Karim Ahmadi**", "**{name-7}**")],
)
def test_what_was_bold_goes_on_being_bold(written, kept):
    assert KARIM.hide(written) == kept


def test_a_name_comes_back_as_each_text_wrote_it(database):
    seal = NameSeal(secrets.token_bytes(64))
    english, persian = "Karim Ahmadi: the Ahmadis, AHMADI and **K**arim.", "کریم احمدی و کریم"
    with database.write() as session:
        row = protect(session, seal, Forms(names=("Karim Ahmadi", "کریم احمدی")), {"": "K."}, by="Rosa", now=NOW)
        number = row.id
        writing = Register.writing(session, seal)
        kept = [writing.hide(text) for text in (english, persian)]
        assert kept == [writing.hide(text) for text in (english, persian)], "each spelling is kept once"
        assert session.query(NameSpelling).count() == 5
        assert kept[0].startswith(f"{{name-{number}}}: the {{name-{number}.1}}")
        assert writing.said(kept[0], "en") == "K.: the K., K. and **K.**."
        row.consent_at = NOW
    with database.read() as session:
        for register in (Register.load(session, seal), Register.for_saying(session, seal)):
            assert register.said(kept[0], "en") == "Karim Ahmadi: the Ahmadis, AHMADI and **Karim**."
            assert register.said(kept[1], "fa") == persian
            assert register.said(f"{{name-{number}.999}}", "en") == "Karim Ahmadi"
        sealed = b"".join(session.scalars(select(NameSpelling.sealed)))
        assert not [name for name in ("hmadi", "HMADI", "arim", "کریم") if name.encode() in sealed]


def test_what_is_protected_no_more_is_hidden_where_it_is_somebody_elses_name_too(database):
    seal = NameSeal(secrets.token_bytes(64))
    said = "On May Day in MAY, MAY AHMADI spoke; Monday."
    with database.write() as session:
        mistaken = protect(session, seal, Forms(names=("Monday",)), {"": "M."}, by="Rosa", now=NOW)
        protect(session, seal, Forms(names=("May",)), {"": "M."}, by="Rosa", now=NOW)
        hidden = Register.writing(session, seal).hide(said)
        protect(session, seal, Forms(names=("May Ahmadi",)), {"": "A."}, by="Rosa", now=NOW)
        hidden = Register.writing(session, seal).hide(hidden)
        for number in (mistaken.id, mistaken.id + 1):
            others = Register.writing(session, seal, without=number)
            bearer = open_name(session, seal, number)
            hidden = Rewriting.restoring(bearer, others).text(hidden)
            session.delete(find_name(session, number))
            session.flush()
        assert {int(mark[1]) for mark in MARK.finditer(hidden)} == {mistaken.id + 2}
        assert hidden.endswith("spoke; Monday.")
        find_name(session, mistaken.id + 2).consent_at = NOW
        assert Register.load(session, seal).said(hidden, "en") == said
