"""One mailbox has one key, however it is spelled, and nothing gets past that isn't an address."""

import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from subscribers import addresses
from subscribers.addresses import MAX_TYPED, Address, NotAnAddress, parse_address

ISEMAIL = Path(__file__).parents[3] / "shared" / "corpora" / "addresses" / "isemail-tests.xml"

ascii_locals = st.text("abzABZ019_+-.", max_size=70) | st.sampled_from(
    [n.title() for n in CASE_INSENSITIVE_MAILBOX_NAMES]
)
labels = st.text("abzABZ019-", max_size=6) | st.sampled_from(["xn--bcher-kva", "com", "a" * 63, "a" * 64, "Org", "1"])
reserved = st.sampled_from(SPECIAL_USE_DOMAIN_NAMES)
domains = st.lists(labels | reserved, max_size=6).map(".".join)
ascii_addresses = st.builds("{}@{}".format, ascii_locals, domains)
wild_addresses = st.builds("{}@{}".format, st.text(max_size=12), st.text(max_size=8) | domains) | st.text()


def test_an_address_has_the_forms_it_is_needed_in():
    assert parse_address(" Zeynep.Celik@Bücher.Example.ORG ") == Address(
        email="Zeynep.Celik@bücher.example.org",
        key="zeynep.celik@xn--bcher-kva.example.org",
        wire="Zeynep.Celik@xn--bcher-kva.example.org",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rosa@Example.org", "rosa@example.ORG"),
        ("rosa@bücher.de", "rosa@xn--bcher-kva.de"),
        ("josé@example.org", "JOSE\u0301@example.org"),
        ("ΑΛΕΞΗΣ@example.org", "αλεξησ@example.org"),
        ("αλεξης@example.org", "αλεξησ@example.org"),
    ],
)
def test_two_spellings_of_one_mailbox_have_one_key(one, other):
    assert parse_address(one).key == parse_address(other).key


@pytest.mark.parametrize(("one", "other"), [("rosa@example.org", "rosa+news@example.org"), ("a.b@x.org", "ab@x.org")])
def test_two_mailboxes_have_two_keys(one, other):
    assert parse_address(one).key != parse_address(other).key


def test_only_a_local_part_outside_of_ascii_needs_smtputf8():
    assert parse_address("josé@example.org").needs_smtputf8
    assert not parse_address("jose@bücher.de").needs_smtputf8


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "@",
            "rosa",
            "rosa@",
            "@example.org",
            "rosa@localhost",
            "rosa@example",
            "rosa@example.local",
            "a b@x.org",
        ),
        *(
            "Rosa <rosa@example.org>",
            "<rosa@example.org>",
            "rosa@example.org, b@example.org",
            "mailto:rosa@x.org@x.org",
        ),
        *('"rosa"@example.org', "rosa@[127.0.0.1]", "rosa@example.org\nBcc: all@example.org", "rosa@exa\0mple.org"),
        *(".rosa@example.org", "rosa..l@example.org", "rosa@-example.org", "rosa@example-.org", "rosa@127.0.0.1"),
        "x" * 250 + "@example.org",
    ],
)
def test_what_is_no_address_is_told_so_with_a_reason(text):
    with pytest.raises(NotAnAddress) as caught:
        parse_address(text)
    assert caught.value.facts["reason"]


def test_a_text_of_any_length_is_refused_at_once():
    with pytest.raises(NotAnAddress) as caught:
        parse_address("é" * 1_000_000 + "@example.org")
    assert len(str(caught.value)) < MAX_TYPED + 200


def outcome(parse, text: str) -> Address | type[NotAnAddress]:
    try:
        return parse(text)
    except NotAnAddress:
        return NotAnAddress


@settings(max_examples=2_000)
@given(ascii_addresses | wild_addresses)
@example("a@" + ".".join(["a" * 63] * 3) + ".org")
@example("a" * 246 + "@xy.org")
@example("a" * 248 + "@xy.org")
@example("POSTMASTER@Example.ORG")
@example("\u212aevin@example.org")
@example("o\u017fman@example.org")
@example("a@b.c0m")
@example("a@b.c-m")
@example("a@ab--cd.org")
@example("a@x.invalid")
@example("a@x.test")
@example("a@test")
@example("a@example.org\n")
def test_the_quick_way_agrees_with_email_validator(text):
    quick = addresses._plain(text)
    if quick is not None:
        assert outcome(addresses._validated, text) == quick


@pytest.mark.parametrize("text", ["Rosa.L+news@Mail.Example.org", "a_b-c@x1.co", "1@1.de", "Info@example.org"])
def test_ordinary_addresses_go_the_quick_way(text):
    assert addresses._plain(text) == addresses._validated(text)


@settings(max_examples=1_000)
@given(wild_addresses | ascii_addresses)
@example("\u1d45@\u2488com")
@example('"<>"@example.org')
@example("a@\u3002")
def test_any_text_is_an_address_or_is_not(text):
    found = outcome(parse_address, text)
    if isinstance(found, Address):
        assert_harmless(found)
        assert parse_address(found.email).key == found.key
        assert parse_address(found.wire).key == found.key


def assert_harmless(address: Address) -> None:
    for form in (address.email, address.key, address.wire):
        assert not re.search(r"[\s<>\x00-\x20\x7f-\xa0]", form)
        assert not {unicodedata.category(c) for c in form} & {"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp"}
        assert len(form) <= 320  # the column's width
    assert address.wire.rpartition("@")[2].isascii()


def isemail_addresses() -> list[str]:
    if not ISEMAIL.exists():
        return []
    tests = ET.parse(ISEMAIL).iter("test")
    # The corpus writes control characters as their pictures, from U+2400.
    pictures = {0x2400 + code: code for code in range(32)}
    return [(test.findtext("address") or "").translate(pictures) for test in tests]


def test_every_address_of_the_isemail_corpus_is_taken_or_refused():
    if not ISEMAIL.exists():
        pytest.skip("the isemail corpus is not beside this checkout")
    taken = 0
    for text in isemail_addresses():
        found = outcome(parse_address, text)
        if isinstance(found, Address):
            assert_harmless(found)
            taken += 1
    assert len(isemail_addresses()) >= 164
    assert 10 <= taken <= 60
