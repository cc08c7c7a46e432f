"""What is stamped into a prepared edition, against what the standard library makes of the same person."""

import email
from datetime import UTC, datetime
from email.policy import SMTP

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.editions.message import Composed, Personal, Sender, build_message, message_bytes
from newsletter.editions.prepared import prepare
from newsletter.editions.slots import Slot, SlotUnfilled, clean, mark

WHEN = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
STRICT = SMTP.clone(raise_on_defect=True)
SENDER = Sender(
    name="Hände über Grenzen",
    address="news@hands.example",
    bounce_address="bounces@hands.example",
    unsubscribe_address="leave@hands.example",
    list_id="news.hands.example",
    list_name="Hands Across Borders",
)
GREETING, LEAVE, CHOOSE = (mark(slot) for slot in (Slot.GREETING, Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL))

values = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=150)
tokens = st.text("ABCabc019-_", min_size=1, max_size=90)
# Text with dots, equals signs and scripts that make quoted-printable or base64 the shorter, cut anywhere by slots.
words = st.one_of(
    st.sampled_from(["\n", ".", "\n.", "=", " ", "\t\n", "From ", "=\n", "Свобода ", "الحرية ", "x" * 80]),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40).map(clean),
)
templates = st.lists(st.one_of(words, st.sampled_from([GREETING, LEAVE, CHOOSE])), max_size=12).map("".join)


def person(name="Rosa", greeting="Hello Rosa,", token="T" * 36):
    return Personal(
        name=name,
        address="rosa@example.org",
        message_id="<abc123@hands.example>",
        unsubscribe_token=token,
        slots={
            Slot.GREETING: greeting,
            Slot.UNSUBSCRIBE_URL: f"https://news.hands.example/unsubscribe/{token}",
            Slot.PREFERENCES_URL: f"https://news.hands.example/preferences/{token}",
        },
    )


def stamped(edition, reader):
    frame, places = prepare(edition, SENDER, date=WHEN)
    wire = frame.fill(places.values(reader), ())
    assert wire.endswith(b"\r\n.\r\n")
    lines = wire[:-3].split(b"\r\n")
    assert b"." not in lines, "a line with a dot alone would end the message early"
    assert max(map(len, lines)) <= 998
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def same(edition, reader):
    """Hold a stamped mail against the standard library's; give the stamped one, parsed."""
    data = stamped(edition, reader)
    ours = email.message_from_bytes(data, policy=STRICT)
    theirs = email.message_from_bytes(message_bytes(build_message(edition, SENDER, reader, date=WHEN)), policy=STRICT)
    for mine, standard in zip(ours.walk(), theirs.walk(), strict=True):
        assert mine.items() == standard.items()
        if not mine.is_multipart():
            assert mine.get_content() == standard.get_content()
            body = mine.get_payload()
            assert max(map(len, body.splitlines()), default=0) <= 76  # RFC 2045 6.7 and 6.8
    return ours


@settings(max_examples=2_000)
@given(templates, st.none() | templates, values, values, tokens)
@example(GREETING, None, "", "", "T")
@example(f"{GREETING}{LEAVE}{CHOOSE}", f"<p>{GREETING}</p>", ".", ".\u00a0.", "T")
@example(f"Свобода{GREETING}ю{LEAVE}{CHOOSE}я", f"Свобода {GREETING}", "Ю", "ю", "TT")
@example(f"a{GREETING}", f"a{GREETING}", "=", "=" * 75, "T" * 200)
def test_a_stamped_mail_parses_to_what_the_standard_library_makes(text, html, name, greeting, token):
    edition = Composed(language="en", subject="Appell für Elf", text=text, html=html, campaign="m1")
    same(edition, person(" ".join(name.split()), greeting, token))


@settings(max_examples=300)
@given(templates, st.none() | templates, values, tokens)
def test_a_service_mail_is_stamped_alike_and_belongs_to_no_list(text, html, greeting, token):
    edition = Composed(language="en", subject="Please confirm", text=text, html=html, campaign="m1", service=True)
    message = same(edition, person("", greeting, token)._replace(unsubscribe_token=""))
    assert not [name for name in message if name.lower().startswith("list-")]


def test_a_discreet_mail_says_nothing_of_whom_it_is_from_before_it_is_opened():
    edition = Composed(language="en", subject="Newsletter", text=GREETING, html=None, sender_name="Newsletter")
    message = same(edition, person())
    assert message["From"] == "Newsletter <news@hands.example>"
    assert message["List-Id"] == "<news.hands.example>"


@pytest.mark.parametrize("length", range(60, 90))
@pytest.mark.parametrize("character", ["x", "ü", "="])
def test_lines_stay_within_their_limit_whatever_a_value_is_long(length, character):
    edition = Composed(language="en", subject="s", text=f"{'a' * 70} {GREETING} end\n", html=f"<p>{GREETING}</p>\n")
    same(edition, person(greeting=character * length))


@pytest.mark.parametrize("text", ["Latin text. ", "Русский текст. "])
def test_the_shorter_encoding_is_taken(text):
    edition = Composed(language="en", subject="s", text=text * 40 + GREETING, html=None)
    encoding = same(edition, person())["Content-Transfer-Encoding"]
    assert encoding == ("quoted-printable" if text.isascii() else "base64")


def test_a_value_is_escaped_in_html_and_can_start_no_mark_of_its_own():
    edition = Composed(language="en", subject="s", text=GREETING, html=f"<p>{GREETING}</p>")
    message = same(edition, person(greeting=f'<a href="x">{LEAVE}</a>'))
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.strip() == f'<a href="x">{LEAVE}</a>'
    assert html.strip() == f"<p>&lt;a href=&quot;x&quot;&gt;{LEAVE}&lt;/a&gt;</p>"


def test_a_slot_without_a_value_is_refused():
    edition = Composed(language="en", subject="s", text=GREETING, html=None)
    _frame, places = prepare(edition, SENDER, date=WHEN)
    with pytest.raises(SlotUnfilled):
        places.values(
            Personal(
                name="",
                address="rosa@example.org",
                message_id="<a@b.c>",
                unsubscribe_token="T",
                slots={Slot.UNSUBSCRIBE_URL: "https://news.hands.example/u"},
            )
        )


def test_complaints_are_grouped_by_mailing_and_list_and_name_no_reader():
    edition = Composed(language="en", subject="s", text="x\n", html=None, campaign="m7")
    assert same(edition, person())["Feedback-ID"] == "m7:news.hands.example"


def test_the_same_person_gets_the_same_bytes():
    edition = Composed(language="en", subject="s", text=f"{GREETING}\n{LEAVE}\n", html=f"<p>{GREETING}</p>")
    assert stamped(edition, person()) == stamped(edition, person())
