import email
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.policy import SMTP, compat32
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.editions.headers import mailbox, unstructured
from newsletter.editions.message import Composed, Personal, Sender, build_message, message_bytes
from newsletter.editions.slots import Slot, mark

WHEN = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
SENDER = Sender(
    name="Hands Across Borders",
    address="news@hands.example",
    bounce_address="bounces@hands.example",
    unsubscribe_address="leave@hands.example",
    list_id="news.hands.example",
    list_name="Hands Across Borders",
)
STRICT = SMTP.clone(raise_on_defect=True)

# What a person may type: any script, no controls (the forms and imports drop those).
lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Zl", "Zp")), max_size=150).map(
    lambda text: " ".join(text.split())
)


def built(*, name="", address="rosa@example.org", subject="Free them", text="Hello\n", html="<p>Hello</p>\n", **slots):
    edition = Composed(language="en", subject=subject, text=text, html=html)
    person = Personal(
        name=name,
        address=address,
        message_id="<abc123@hands.example>",
        unsubscribe_token="TOKEN",
        slots={
            Slot.GREETING: slots.get("greeting", "Dear Rosa,"),
            Slot.UNSUBSCRIBE_URL: "https://news.hands.example/unsubscribe/" + "T" * 36,
            Slot.PREFERENCES_URL: "https://news.hands.example/preferences/" + "P" * 36,
        },
    )
    return message_bytes(build_message(edition, SENDER, person, date=WHEN))


def parsed(data, policy=STRICT):
    return email.message_from_bytes(data, policy=policy)


@given(lines.filter(bool))
@example("a " * 74 + "a")
@example("Призыв " * 14 + "Призыв")
@example("=?utf-8?q?not_one?=")
@example("x" * 200)
@example("😀" * 40)
def test_a_subject_arrives_as_it_was_written(subject):
    data = built(subject=subject)
    assert str(parsed(data)["Subject"]) == subject
    # Other people's parsers are not the one that was tested with: the old one reads the same.
    old = email.message_from_bytes(data, policy=compat32)["Subject"]
    assert str(make_header(decode_header(old))).replace("\r\n", "") == subject


@given(lines)
@example('Rosa "La Roja", Jr. <not@here>')
@example("ليلى حداد")
@example("Jürgen O'Neill (Betriebsrat)")
@example("a\\")
def test_a_name_arrives_as_it_was_written_and_the_address_stays_the_only_one(name):
    data = built(name=name)
    # The standard library's own parser leaves a space between two encoded words of a phrase; RFC 2047 6.2 drops it.
    phrase, address = parseaddr(email.message_from_bytes(data, policy=compat32)["To"])
    assert (str(make_header(decode_header(phrase))), address) == (name, "rosa@example.org")
    (recipient,) = parsed(data)["To"].addresses
    assert (recipient.display_name.replace(" ", ""), recipient.addr_spec) == (name.replace(" ", ""), "rosa@example.org")


@given(lines, lines, st.text(max_size=400))
def test_lines_stay_within_the_limits_and_header_words_within_rfc_2047(name, subject, text):
    data = built(
        name=name, subject=subject, text=f"{mark(Slot.GREETING)}\n{text}", html=f"<p>{mark(Slot.GREETING)}</p>"
    )
    head, _, body = data.partition(b"\r\n\r\n")
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    for line in head.split(b"\r\n"):
        assert b"=?utf-8?" not in line or len(line) <= 90  # the first line has the header's name before its word
        assert all(len(word) <= 75 for word in line.split(b" ") if word.startswith(b"=?utf-8?"))
    assert data.replace(b"\r\n", b"").count(b"\n") == data.replace(b"\r\n", b"").count(b"\r") == 0


@pytest.mark.parametrize(
    "attack", ["Rosa\r\nBcc: all@example.org", "Rosa\nX-Evil: 1", "Rosa\x00\x0b\u2028Bcc: x@y.zz", "\r\n\r\nbody"]
)
def test_no_name_or_subject_can_add_a_header(attack):
    message = parsed(built(name=attack, subject=attack))
    assert set(message.keys()) == set(parsed(built()).keys())
    assert len(message["To"].addresses) == 1


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=3000))
@example(".\n..\n.leading dots\nFrom me\n")
@example("trailing space \n\ttab\t\n")
@example("مرحبا\n" * 50)
def test_the_text_part_arrives_as_it_was_written(text):
    received = parsed(built(text=text)).get_body(("plain",)).get_content()
    assert received.replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")


def test_the_smaller_encoding_is_taken():
    mostly_latin = parsed(built(text="ä few words in Latin letters\n" * 50))
    arabic = parsed(built(text="بضع كلمات بالعربية\n" * 50))
    assert mostly_latin.get_body(("plain",))["Content-Transfer-Encoding"] == "quoted-printable"
    assert arabic.get_body(("plain",))["Content-Transfer-Encoding"] == "base64"


def test_the_way_out_is_on_one_line_each_so_that_mail_programs_show_their_button():
    data = built()
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    url = b"https://news.hands.example/unsubscribe/" + b"T" * 36
    assert b"\r\nList-Unsubscribe: <" + url + b">, <mailto:leave@hands.example?subject=unsubscribe%20TOKEN>\r\n" in data


def test_two_attempts_are_the_same_bytes():
    assert built(name="Rosa", text="a" * 500) == built(name="Rosa", text="a" * 500)


def test_a_greeting_is_escaped_in_html_and_left_alone_in_text():
    slot = mark(Slot.GREETING)
    message = parsed(built(text=slot, html=f"<p>{slot}</p>", greeting='Dear <b>"R"</b> & co,'))
    assert message.get_body(("plain",)).get_content().strip() == 'Dear <b>"R"</b> & co,'
    assert "<p>Dear &lt;b&gt;&quot;R&quot;&lt;/b&gt; &amp; co,</p>" in message.get_body(("html",)).get_content()


def test_text_alone_is_one_part():
    message = parsed(built(html=None))
    assert message.get_content_type() == "text/plain"
    assert not message.is_multipart()


def test_an_address_outside_of_ascii_is_the_only_thing_that_makes_headers_utf8():
    data = built(name="Дмитро", address="дмитро@xn--bcher-kva.example")
    head = data.partition(b"\r\n\r\n")[0].decode()
    assert "<дмитро@xn--bcher-kva.example>" in head
    assert [line.partition(":")[0] for line in head.splitlines() if not line.isascii()] == ["To"]
    assert "Дмитро" not in head


def test_header_values_have_no_room_for_a_second_line_of_their_own():
    for value in (unstructured("a\r\nb", name="X"), mailbox("a\r\nb", "c@d.ee")):
        assert all(line.startswith(" ") for line in value.split("\r\n")[1:])
