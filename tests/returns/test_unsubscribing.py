"""Leaving by one click and by mail, as mail programs do it with the headers of mails that were really sent."""

import asyncio
import re
from email.message import EmailMessage
from email.utils import parseaddr
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import dkim
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.delivery.dkim_record import KeyType, TxtRecord
from newsletter.returns.unsubscribing import Heard, requested, unsubscribe_by_mail
from newsletter.web.app import create_app
from subscribers.consent import Consent, ConsentAct
from subscribers.keys import Keys
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Tokens
from tests import builders
from tests.conftest import NOW
from tests.web.served import served

TOKEN = "A" * 36


@pytest.fixture
def signed(keys, tmp_path):
    """Keys that sign mails, and what DNS would say of them."""
    path = tmp_path / "signing.keys"
    keys.save(path)
    key = KeyType.RSA.new_key()
    return Keys.add_dkim(path, "rsa2026", key), TxtRecord.publishing(key, domain="hands.example", selector="rsa2026")


@pytest.fixture
def sent(database, signed, mailserver):
    """A digest that really went out; gives the parts, and what arrived."""
    parts = builders.parts(
        database,
        signed[0],
        smtp_port=mailserver.port,
        dkim_selector="rsa2026",
        unsubscribe_address="leave@hands.example",
    )
    with parts.database.write() as session:
        builders.appeal(session)
        builders.person(session, "rosa@example.org", name="Rosa")
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    asyncio.run(parts.worker().run())
    (arrived,) = mailserver.received
    return SimpleNamespace(parts=parts, mail=arrived.message, data=arrived.data)


def status(parts):
    with parts.database.read() as session:
        return session.scalars(select(Subscriber)).one().status


def ways_out(mail):
    """Give the URIs of List-Unsubscribe as RFC 2369 says: in angle brackets, the preferred one first."""
    (field,) = mail.get_all("List-Unsubscribe")
    return re.findall(r"<([^<>\s]+)>", field)


def one_click(client, url):
    """Do what RFC 8058 3.2 asks of a mail program: a POST with this body, no cookie, nothing of the person's."""
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "news.hands.example")
    return client.post(
        parts.path, content="List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


# ── RFC 8058 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_headers_are_as_the_standard_wants_them_and_covered_by_the_signature(sent, signed):
    assert sent.mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    https = [uri for uri in ways_out(sent.mail) if uri.startswith("https:")]
    assert len(https) == 1, "exactly one, or a mail program does not know which"
    (signature,) = sent.mail.get_all("DKIM-Signature")
    covered = re.search(r"\bh=([^;]+)", re.sub(r"\s", "", signature))[1].lower().split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(covered)
    assert dkim.verify(sent.data, dnsfunc=lambda *_args, **_facts: signed[1].value.encode())


def test_one_click_takes_them_off_without_redirect_cookie_or_question(sent):
    (https, _mailto) = ways_out(sent.mail)
    with served(create_app(sent.parts)) as client:
        answer = one_click(client, https)
        assert 200 <= answer.status_code < 300
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert status(sent.parts) is Status.LEFT
        again = one_click(client, https)
        assert again.status_code == answer.status_code
    with sent.parts.database.read() as session:
        withdrawn = session.scalars(select(Consent).where(Consent.act == ConsentAct.WITHDRAWN)).one()
        assert withdrawn.source == "unsubscribe one-click"


def test_the_body_may_come_as_multipart_or_in_pieces(sent):
    (https, _mailto) = ways_out(sent.mail)
    with served(create_app(sent.parts)) as client:
        path = urlsplit(https).path
        form = client.post(path, files={"List-Unsubscribe": (None, "One-Click")})
        assert form.status_code == 200
        pieces = client.post(path, content=iter([b"List-Unsub", b"scribe=One-Click"]))
        assert pieces.status_code == 200
    assert status(sent.parts) is Status.LEFT


def test_a_get_of_the_same_address_takes_nobody_off(sent):
    (https, _mailto) = ways_out(sent.mail)
    with served(create_app(sent.parts)) as client:
        assert client.get(urlsplit(https).path).status_code == 200
    assert status(sent.parts) is Status.ACTIVE


def test_a_mail_of_before_a_rotation_still_takes_them_off(sent, tmp_path):
    path = tmp_path / "signing.keys"
    Keys.rotate(path)
    rotated = builders.parts(sent.parts.database, Keys.load(path))
    (https, _mailto) = ways_out(sent.mail)
    with served(create_app(rotated)) as client:
        assert one_click(client, https).status_code == 200
    assert status(sent.parts) is Status.LEFT


def test_a_body_that_never_ends_waits_for_nothing(sent):
    (https, _mailto) = ways_out(sent.mail)
    with served(create_app(sent.parts)) as client:
        host, port = client.base_url.host, client.base_url.port
        with httpx.Client(base_url=f"http://{host}:{port}", trust_env=False) as other:
            path = urlsplit(https).path

            def endless():
                yield b"List-Unsubscribe=One-Click"
                raise ConnectionAbortedError  # and the program that sends it is gone

            with pytest.raises(ConnectionAbortedError):
                other.post(path, content=endless())
        assert one_click(client, https).status_code == 200
    assert status(sent.parts) is Status.LEFT


def by_mail(parts, session, data):
    return unsubscribe_by_mail(session, requested(data), tokens=parts.tokens, suppression=parts.suppression, now=NOW)


# ── by mail ──────────────────────────────────────────────────────────────────────────────────────────────────────


def as_a_program_writes_it(uri):
    """Write the mail that a mail program makes of a `mailto:` (RFC 6068)."""
    parts = urlsplit(uri)
    mail = EmailMessage()
    mail["From"] = "somebody.else@example.net"
    mail["To"] = unquote(parts.path)
    mail["Subject"] = parse_qs(parts.query)["subject"][0]
    mail.set_content("")
    return mail


def test_a_mail_to_the_address_in_the_header_takes_them_off(sent):
    (_https, mailto) = ways_out(sent.mail)
    mail = as_a_program_writes_it(mailto)
    assert parseaddr(mail["To"])[1] == "leave@hands.example"
    for heard in (Heard.LEFT, Heard.ALREADY):
        with sent.parts.database.write() as session:
            assert by_mail(sent.parts, session, mail.as_bytes()) is heard
    assert status(sent.parts) is Status.LEFT
    with sent.parts.database.read() as session:
        assert (
            session.scalars(select(Consent.source).where(Consent.act == ConsentAct.WITHDRAWN)).one()
            == "unsubscribe mail"
        )


@pytest.mark.parametrize(
    "subject",
    [
        "Re: unsubscribe {}",
        "UNSUBSCRIBE {}",
        "AW: unsubscribe  {} ",
        "unsubscribe\r\n {}",
        "=?utf-8?q?unsubscribe_{}?=",
    ],
)
def test_what_mail_programs_put_around_it_does_not_matter(subject):
    assert requested(f"From: a@b.example\r\nSubject: {subject.format(TOKEN)}\r\n\r\n".encode()) == [TOKEN]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"Subject: unsubscribe\r\n\r\n",
        b"Subject: unsubscribe " + b"A" * 37,
        b"Subject: " + b"x" * 100_000,
        b"Subject: hello\r\n\r\nunsubscribe " + TOKEN.encode(),
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?///?= \xff\r\n\r\n",
    ],
)
def test_what_asks_for_nothing_is_left_alone(data):
    assert requested(data) == []


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_without_a_fault(data):
    assert isinstance(requested(b"Subject: " + data), list)


def test_a_mail_that_was_made_to_break_parsers_is_read_in_no_time_and_asks_for_nothing():
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(2_000))
    assert requested(nested) == []
    assert requested(b"Subject: " + b"=?utf-8?q?a?= " * 30_000 + b"\r\n\r\n") == []


def test_a_token_for_something_else_or_of_somebody_elses_takes_nobody_off(sent):
    person = Tokens(Keys.generate())
    with sent.parts.database.read() as session:
        rosa = session.scalars(select(Subscriber)).one().id
    for token in (
        person.issue("unsubscribe", subscriber_id=rosa, epoch=0),
        sent.parts.tokens.issue("preferences", subscriber_id=rosa, epoch=0),
    ):
        with sent.parts.database.write() as session:
            heard = by_mail(sent.parts, session, f"Subject: unsubscribe {token}\n\n".encode())
        assert heard is Heard.NO_REQUEST
    assert status(sent.parts) is Status.ACTIVE
