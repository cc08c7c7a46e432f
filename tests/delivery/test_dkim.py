"""Whatever we sign, another's verifier (dkimpy) finds good; and bad, once somebody has changed it on its way."""

import re
from datetime import UTC, datetime

import dkim
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.delivery.dkim import (
    SIGNED,
    DkimSigner,
    SelectorWithoutKey,
    body_hash,
    canonical,
    relaxed_body,
    relaxed_field,
    relaxed_lines,
    signers,
)
from newsletter.delivery.dkim_record import KeyType, TxtRecord
from newsletter.editions.message import Composed, Personal, Sender, build_message, message_bytes
from newsletter.editions.slots import Slot
from subscribers.keys import Keys

DOMAIN = "hands.example"
# The verifier goes by this machine's clock and takes no signature from the future.
WHEN = datetime(2024, 5, 1, 7, 0, tzinfo=UTC)
AT = int(WHEN.timestamp())
PRIVATE = {"rsa1": KeyType.RSA.new_key(), "ed1": KeyType.ED25519.new_key()}
SIGNERS = {name: DkimSigner(domain=DOMAIN, selector=name, private_key=key) for name, key in PRIVATE.items()}
EACH = pytest.mark.parametrize("selector", SIGNERS)
SENDER = Sender(
    name="Hands Across Borders",
    address="news@hands.example",
    bounce_address="bounces@hands.example",
    unsubscribe_address="leave@hands.example",
    list_id="news.hands.example",
    list_name="Hands Across Borders",
)
INDENTED = "<table>\n  <tr>\n\t<td>  Free   them </td>\n\n</table>\n"


def published(name, timeout=5):
    selector, _, rest = name.decode().partition("._domainkey.")
    assert rest == f"{DOMAIN}."
    return TxtRecord.publishing(PRIVATE[selector], domain=DOMAIN, selector=selector).value.encode()


def verdicts(mail):
    """What the verifier says of each signature, the topmost first."""
    count = len(re.findall(rb"(?m)^DKIM-Signature:", mail.partition(b"\r\n\r\n")[0]))
    found = []
    for number in range(count):
        try:
            found.append(dkim.DKIM(mail).verify(idx=number, dnsfunc=published))
        except dkim.ValidationError:
            found.append(False)
    return found


def written(headers, body):
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers) + b"\r\n" + body


def parts(*, name="Rosa", subject="Free them", text="Dear Rosa,\n\nfree them.\n", html=INDENTED, address="rosa@x.org"):
    """A mail as the newsletter makes them: its headers, and its body."""
    edition = Composed(language="en", subject=subject, text=text, html=html, campaign="alert7")
    person = Personal(
        name=name,
        address=address,
        message_id="<abc123@hands.example>",
        unsubscribe_token="T" * 36,
        slots={Slot.UNSUBSCRIBE_URL: "https://news.hands.example/unsubscribe/" + "T" * 36},
    )
    message = build_message(edition, SENDER, person, date=WHEN)
    return list(message.raw_items()), message_bytes(message).partition(b"\r\n\r\n")[2]


def signed(*selectors, **words):
    headers, body = parts(**words)
    return b"".join(SIGNERS[one].sign(headers, body, at=AT) for one in selectors) + written(headers, body)


MAILS = pytest.mark.parametrize(
    "words",
    [
        {},
        {"html": None},
        {"name": "ليلى حداد", "subject": "الحرية للعمال " * 12, "text": "مرحبا\n" * 60, "html": "<p>مرحبا</p>" * 60},
        {"subject": "Eleven textile strikers were arrested at dawn and nobody has been told where they are held" * 2},
        {"name": "Дмитро", "address": "дмитро@xn--bcher-kva.example"},
        {"text": "\n\n", "html": "<p>  a\t\tb  </p>\n\n\n"},
    ],
    ids=["usual", "text alone", "arabic in base64", "folded subject", "address in utf-8", "white space"],
)


@MAILS
@EACH
def test_a_real_mail_is_found_good(selector, words):
    mail = signed(selector, **words)
    assert verdicts(mail) == [True]
    assert dkim.verify(mail, dnsfunc=published)


@MAILS
def test_both_signatures_on_one_mail_are_found_good(words):
    assert verdicts(signed("rsa1", "ed1", **words)) == [True, True]
    assert verdicts(signed("ed1", "rsa1", **words)) == [True, True]


# ── whatever is signed ───────────────────────────────────────────────────────────────────────────────────────────

blanks = st.text(" \t", min_size=1, max_size=4)
words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
values = st.lists(words | blanks | blanks.map("\r\n{}".format), max_size=12).map("".join)
names = st.sampled_from(sorted(SIGNED - {"from"})).flatmap(lambda n: st.sampled_from([n, n.title(), n.upper()]))
fields = st.lists(st.tuples(names | st.sampled_from(["Received", "X-Mailer", "Bcc"]), values), max_size=10)
body_lines = st.lists(st.text("ab.=- \t", max_size=8), max_size=12)


@EACH
@settings(max_examples=150)
@given(fields, st.integers(0, 10), body_lines)
@example([("To", "")], 0, [])
@example([("Subject", "a"), ("subject", "b"), ("SUBJECT", "\r\n \r\n\tc ")], 1, ["", "", ""])
@example([("To", " a \t b \r\n  c")], 0, [" ", "a  \t b \t", "\t", " ", ""])
def test_any_headers_and_any_body_are_found_good(selector, fields, place, lines):
    headers = [*fields[:place], ("From", "news@hands.example"), *fields[place:]]
    body = "".join(f"{line}\r\n" for line in lines).encode()
    assert verdicts(SIGNERS[selector].sign(headers, body, at=AT) + written(headers, body)) == [True]


@given(body_lines, st.text("a \t", min_size=1))
def test_a_last_line_that_is_open_is_signed_as_it_will_be_ended_on_the_wire(lines, last):
    body = "".join(f"{line}\r\n" for line in [*lines, last]).encode()
    assert relaxed_body(body.removesuffix(b"\r\n")) == relaxed_body(body)


@given(body_lines, body_lines)
def test_pieces_of_whole_lines_can_be_made_ready_apart(first, second):
    one, two = ("".join(f"{line}\r\n" for line in lines).encode() for lines in (first, second))
    assert relaxed_lines(one) + relaxed_lines(two) == relaxed_lines(one + two)
    end = b"--end--\r\n"
    assert relaxed_lines(one) + relaxed_lines(two) + end == relaxed_body(one + two + end)


@given(values, words, values)
def test_a_word_can_be_put_into_a_field_before_or_after_it_is_made_ready(before, word, after):
    later = relaxed_field("To", f"{before}~slot~{after}").replace(b"~slot~", word.encode())
    assert later == relaxed_field("To", f"{before}{word}{after}")


@EACH
def test_a_mail_that_was_made_ready_gets_the_same_signature(selector):
    headers, body = parts()
    mail = canonical(headers, body)
    assert mail.body_hash == body_hash(relaxed_body(body))
    assert SIGNERS[selector].sign_canonical(mail, at=AT) == SIGNERS[selector].sign(headers, body, at=AT)


def test_a_body_without_runs_of_white_space_is_hashed_as_it_is():
    _headers, body = parts(html="<p>Free them</p>\n")
    assert relaxed_body(body) is body


def test_a_body_full_of_blanks_takes_no_longer_than_it_must():
    # With one round for each blank, or a backtracking pattern, this would not come to an end.
    assert relaxed_body(b" " * 5_000_000 + b"a" + b" \t" * 5_000_000 + b"\r\n" * 500_000) == b" a\r\n"


# ── what somebody does to it on its way ──────────────────────────────────────────────────────────────────────────

COVERED = [
    *("From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("Feedback-ID", "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type"),
]

ONCE = [
    *("from", "reply-to", "to", "cc", "subject", "date", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
]


@EACH
@pytest.mark.parametrize("name", COVERED)
def test_a_header_that_is_changed_or_taken_out_spoils_it(selector, name):
    mail = signed(selector)
    line = re.search(rb"(?m)^%b: (?:.*\r\n)(?:[ \t].*\r\n)*" % name.encode(), mail)[0]
    assert verdicts(mail.replace(line, line.replace(b"\r\n", b" x\r\n", 1))) == [False]
    assert verdicts(mail.replace(line, b"")) == [False]


def test_every_header_of_a_mail_is_covered():
    headers, _body = parts()
    assert {name for name, _value in headers} == set(COVERED)
    headers, _body = parts(html=None)
    assert {name.lower() for name, _value in headers} <= SIGNED


@EACH
@pytest.mark.parametrize("below", [False, True], ids=["on top", "below"])
@pytest.mark.parametrize("name", ONCE)
def test_a_second_header_that_is_put_in_spoils_it(selector, name, below):
    # dkimpy looks for a second From by itself; for the others, and other verifiers, it is our list that does it.
    mail = signed(selector)
    added = b"%b: <https://evil.example>\r\n" % name.title().encode()
    head, gap, body = mail.partition(b"\r\n\r\n")
    assert verdicts(head + b"\r\n" + added + gap[2:] + body if below else added + mail) == [False]
    assert tag(mail, "h").split(":").count(name) == 1 + (f"\r\n{name}:".encode() in head.lower())


@EACH
@pytest.mark.parametrize(
    ("old", "new"),
    [(b"free them", b"free nobody"), (b"</td>", b"</td >"), (b"Dear Rosa,\r\n", b"Dear Rosa,\r\n\r\n")],
)
def test_a_changed_body_spoils_it(selector, old, new):
    mail = signed(selector)
    assert old in mail
    assert verdicts(mail.replace(old, new, 1)) == [False]


@EACH
def test_words_put_after_the_end_spoil_it(selector):
    assert verdicts(signed(selector) + b"Send your money elsewhere.\r\n") == [False]
    assert " l=" not in tag(signed(selector), None)


@EACH
def test_what_relays_do_spoils_nothing(selector):
    mail = b"Received: from x by y; Wed, 1 May 2024 07:00:01 +0000\r\nX-Relay: 1\r\n" + signed(selector)
    mail = mail.replace(b"Subject: Free", b"subject:  Free").replace(b"auto-generated\r\n", b"auto-generated \r\n")
    assert verdicts(mail + b"\r\n\r\n") == [True]


# ── how it is written ────────────────────────────────────────────────────────────────────────────────────────────


def tag(mail, name):
    field = re.match(rb"DKIM-Signature: (?:.*\r\n)(?: .*\r\n)*", mail)[0].decode().replace("\r\n", "")
    return re.search(rf"[ ;]{name}=([^;]*)", field)[1].replace(" ", "") if name else field


@EACH
def test_two_attempts_are_the_same_bytes(selector):
    headers, body = parts()
    again = DkimSigner(domain=DOMAIN, selector=selector, private_key=PRIVATE[selector])
    assert again.sign(headers, body, at=AT) == SIGNERS[selector].sign(headers, body, at=AT)
    assert tag(signed(selector), "t") == str(AT)


@EACH
def test_its_lines_are_short_and_it_is_one_field(selector):
    key = PRIVATE[selector]
    for name in (selector, "s" * 63):
        field = DkimSigner(domain="d" * 63 + ".example", selector=name, private_key=key).sign(*parts(), at=AT)
        assert field.endswith(b"\r\n")
        first, *rest = field.removesuffix(b"\r\n").split(b"\r\n")
        assert first.startswith(b"DKIM-Signature: v=1; a=")
        assert rest
        assert all(line.startswith(b" ") and line.strip() for line in rest)
        assert max(map(len, [first, *rest])) <= 78
        assert field.isascii()


# ── what the settings ask for, and what DNS is told ──────────────────────────────────────────────────────────────


def test_signers_are_made_for_what_is_set_in_its_order(tmp_path):
    path = tmp_path / "newsletter.keys"
    Keys.generate().save(path)
    for name, key in PRIVATE.items():
        Keys.add_dkim(path, name, key)
    keys = Keys.load(path)
    headers, body = parts()
    for chosen in ((), ("ed1",), ("rsa1", "ed1"), ("ed1", "rsa1")):
        made = signers(chosen, keys, DOMAIN)
        assert [s.sign(headers, body, at=AT) for s in made] == [SIGNERS[n].sign(headers, body, at=AT) for n in chosen]


def test_a_selector_without_a_key_is_told(keys):
    with pytest.raises(SelectorWithoutKey, match=r"no DKIM key rsa9\. Run `newsletter dkim create --selector rsa9`"):
        signers(["rsa9"], keys, DOMAIN)


@EACH
def test_a_zone_file_with_the_line_says_what_web_forms_are_given(selector):
    record = TxtRecord.publishing(PRIVATE[selector], domain=DOMAIN, selector=selector)
    zone = dns.zone.from_text(f"@ 300 IN SOA ns a 1 2 3 4 5\n@ 300 IN NS ns\n{record.zone_line}\n", origin=DOMAIN)
    (answer,) = zone.find_rdataset(f"{selector}._domainkey", dns.rdatatype.TXT)
    assert [string.decode() for string in answer.strings] == record.strings
    assert "".join(record.strings) == record.value
    assert max(map(len, record.strings)) <= 255
    assert len(record.strings) == (2 if selector == "rsa1" else 1)


def test_keys_have_the_strength_that_receivers_ask_for():
    assert PRIVATE["rsa1"].key_size == 2048
    assert [KeyType.of(key) for key in PRIVATE.values()] == [KeyType.RSA, KeyType.ED25519]
