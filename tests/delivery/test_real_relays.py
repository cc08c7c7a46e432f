"""Our mail through the mail servers that operators run. Two of them let us send ahead (PIPELINING), one does not."""

import asyncio
import html
import re
import smtplib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from email.policy import SMTP

import dkim
import pytest
import trustme
from sqlalchemy import select

from newsletter.delivery.dkim_record import KeyType, TxtRecord
from newsletter.delivery.model import Delivery, DeliveryState, Mailing
from newsletter.delivery.stamp import message_id
from newsletter.languages import greeting
from subscribers.addresses import parse_address
from subscribers.database import Database
from subscribers.keys import Keys
from subscribers.model import Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.relays.exim import Exim
from tests.relays.opensmtpd import OpenSmtpd
from tests.relays.postfix import Postfix

STRICT = SMTP.clone(raise_on_defect=True)
NAMES = ("Rosa", "Жанна Ибраева", "ليلى حداد", 'Ana "La Paloma" Pérez', "Søren, the Younger", "Rosa d'Angelo", "")
# Lines that begin with a dot: what of them is doubled on the way has to be single again.
TEASER = "..\n\n.Eleven people are held. They struck for water, and for the eleven before them."

every_relay = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(Postfix, id="postfix-pipelining"),
        pytest.param(Exim, id="exim-pipelining"),
        pytest.param(OpenSmtpd, id="opensmtpd-one-command-at-a-time"),
    ],
)


@dataclass(frozen=True)
class Row:
    """A delivery and whose it is."""

    number: int
    name: str
    language: str
    message_id: str
    state: DeliveryState
    reply: str


@pytest.fixture
def newsletter(sqlite_url, keys):
    """Give what makes the newsletter's parts with a relay's port and settings."""
    database = Database(sqlite_url)
    yield lambda relay, **settings: builders.parts(database, keys, smtp_port=relay.port, **settings)
    database.dispose()


def planned(parts, addresses, *, now=NOW):
    """Plan one digest for these addresses; every second one reads Arabic."""
    with parts.database.write() as session:
        for place, address in enumerate(addresses):
            languages = ("ar", "en") if place % 2 else ("en",)
            name = NAMES[place % len(NAMES)]
            builders.person(session, address, name=name, languages=languages, joined=now - timedelta(days=365))
        builders.appeal(session, teaser=TEASER, languages=("en", "ar"), released=now - timedelta(days=1))
    parts.planner().launch(Cadence.WEEKLY, now=now)


def send(parts):
    return asyncio.run(parts.worker().run())


def rows(parts):
    """Give each address's row; the address as it is on the wire."""
    with parts.database.read() as session:
        mailing = session.scalars(select(Mailing)).one()
        found = session.execute(select(Subscriber, Delivery).join(Delivery)).all()
        return {
            parse_address(person.email).wire: Row(
                number=person.id,
                name=person.name,
                language=person.profile.languages[0],
                message_id=message_id(mailing, delivery.id),
                state=delivery.state,
                reply=delivery.reply,
            )
            for person, delivery in found
        }


def check_each_got_their_own_once(parts, relay, mailserver):
    """Wait for the relay to hand everything on; then compare what each accepted row promises with what came."""
    accepted = {email: row for email, row in rows(parts).items() if row.state is DeliveryState.ACCEPTED}
    ids = {email: relay.queue_id.search(row.reply)[1] for email, row in accepted.items()}
    taken = relay.handed_on(ids.values())
    assert sorted(taken) == sorted(ids.values()), "the relay took each mail once, and each row has its own mail's reply"
    got = Counter(recipient for mail in mailserver.received for recipient in mail.recipients)
    assert got == Counter(accepted.keys())
    for mail in mailserver.received:
        (recipient,) = mail.recipients
        check_mail(parts, mail, accepted[recipient], queue_id=ids[recipient])


def check_mail(parts, mail, row, *, queue_id):
    message = mail.parsed(STRICT)
    (trace,) = message.get_all("Received")
    assert "by relay.example" in trace
    assert re.search(r"\bid (\S+)", trace)[1] == queue_id
    assert message["Message-ID"] == row.message_id
    assert message["To"].addresses[0].display_name == row.name
    assert mail.sender == "news@hands.example"
    token = re.search(r"/unsubscribe/([\w-]+)>", message["List-Unsubscribe"])[1]
    assert parts.tokens.read(Purpose.UNSUBSCRIBE, token).subscriber_id == row.number
    text, rich = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert TEASER in text.replace("\r\n", "\n")
    assert ('dir="rtl"' in rich) is (row.language == "ar")
    for content in (text, html.unescape(rich)):
        assert greeting(row.name, row.language) in content
        assert f"https://news.hands.example/unsubscribe/{token}" in content
        preferences = re.search(r"https://news\.hands\.example/preferences/([\w-]+)", content)[1]
        assert parts.tokens.read(Purpose.PREFERENCES, preferences).subscriber_id == row.number


@pytest.mark.parametrize(("kind", "ahead"), [(Postfix, True), (Exim, True), (OpenSmtpd, False)])
def test_which_of_them_let_us_send_ahead(kind, ahead, mailserver):
    with kind(hop_port=mailserver.port) as relay, smtplib.SMTP("127.0.0.1", relay.port) as client:
        client.ehlo("news.hands.example")
        assert client.has_extn("pipelining") is ahead


@every_relay
def test_thirty_people_get_their_own_mail_once_through_a_relay(newsletter, kind, mailserver):
    with kind(hop_port=mailserver.port) as relay:
        parts = newsletter(relay)
        planned(parts, [f"p{number}@example.org" for number in range(29)] + ["buch@xn--bcher-kva.example"])
        assert send(parts).outcomes == {"accepted": 30}
        check_each_got_their_own_once(parts, relay, mailserver)


@every_relay
def test_an_address_that_the_relay_does_not_know_is_refused_and_nobody_else(newsletter, kind, mailserver):
    addresses = [f"p{number}@example.org" for number in range(12)]
    gone = {"p3@example.org", "p4@example.org", "p11@example.org"}
    with kind(hop_port=mailserver.port, knows=set(addresses) - gone) as relay:
        parts = newsletter(relay)
        planned(parts, addresses)
        assert send(parts).outcomes == {"accepted": 9, "refused": 3}
        refused = {email: row.reply for email, row in rows(parts).items() if row.state is DeliveryState.REFUSED}
        assert refused.keys() == gone
        assert all(reply.startswith("550 ") for reply in refused.values())
        check_each_got_their_own_once(parts, relay, mailserver)


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        # Twenty errors are enough; the second that it waits at each from the eleventh on is not needed here.
        pytest.param(Postfix, ["smtpd_error_sleep_time = 0"], id="postfix-pipelining"),
        # Ten RSETs are enough.
        pytest.param(Exim, [], id="exim-pipelining"),
    ],
)
def test_dead_addresses_in_a_row_make_a_relay_hang_up_and_cost_nobody_else_their_mail(
    newsletter, kind, also, mailserver
):
    gone = [f"gone{number}@example.org" for number in range(24)]
    good = [f"good{number}@example.org" for number in range(12)]
    with kind(hop_port=mailserver.port, knows=good, also=also) as relay:
        parts = newsletter(relay, smtp_connections=1)
        planned(parts, gone + good)
        assert send(parts).outcomes == {"accepted": 12, "refused": 24}
        assert {email for email, row in rows(parts).items() if row.state is DeliveryState.REFUSED} == set(gone)
        check_each_got_their_own_once(parts, relay, mailserver)


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        # Says 421 to the sixth and leaves the connection open.
        pytest.param(Exim, "smtp_accept_max_per_connection = 5", id="exim-pipelining"),
        # Says 452 and leaves it open too; a hundred is what it takes where nothing is set.
        pytest.param(OpenSmtpd, "smtp limit max-mails 5", id="opensmtpd-one-command-at-a-time"),
    ],
)
def test_a_relay_that_takes_few_mails_over_one_connection_gets_the_rest_over_others(newsletter, kind, also, mailserver):
    with kind(hop_port=mailserver.port, also=[also]) as relay:
        parts = newsletter(relay)
        planned(parts, [f"p{number}@example.org" for number in range(25)])
        assert send(parts).outcomes == {"accepted": 25}
        check_each_got_their_own_once(parts, relay, mailserver)


@every_relay
def test_an_address_outside_of_ascii_goes_where_a_relay_takes_it(newsletter, kind, mailserver):
    with kind(hop_port=mailserver.port) as relay:
        parts = newsletter(relay)
        planned(parts, ["rosa@example.org", "жанна@example.org"])
        send(parts)
        zhanna = rows(parts)["жанна@example.org"]
        if kind is OpenSmtpd:
            assert (zhanna.state, "SMTPUTF8" in zhanna.reply) == (DeliveryState.REFUSED, True)
        else:
            assert zhanna.state is DeliveryState.ACCEPTED
        check_each_got_their_own_once(parts, relay, mailserver)


def test_what_we_sign_is_still_signed_behind_a_relay(newsletter, keys, mailserver, tmp_path):
    path = tmp_path / "dkim.keys"
    keys.save(path)
    published = {}
    for kind, selector in ((KeyType.RSA, "rsa1"), (KeyType.ED25519, "ed1")):
        with_key = Keys.add_dkim(path, selector, kind.new_key())
        record = TxtRecord.publishing(with_key.dkim_key(selector), domain="hands.example", selector=selector)
        published[f"{selector}._domainkey.hands.example."] = record.value.encode()
    with Postfix(hop_port=mailserver.port) as relay:
        # dkimpy takes no signature from what its own clock says is the future.
        long_ago = NOW - timedelta(days=900)
        parts = newsletter(relay, dkim_selector="rsa1, ed1", now=long_ago)
        parts.__dict__["keys"] = with_key
        planned(parts, [f"p{number}@example.org" for number in range(10)], now=long_ago)
        assert send(parts).outcomes == {"accepted": 10}
        check_each_got_their_own_once(parts, relay, mailserver)
    for mail in mailserver.received:
        for data, valid in ((mail.data, True), (mail.data.replace(b"/unsubscribe/", b"/elsewhere/", 1), False)):
            checked = dkim.DKIM(data)
            found = [checked.verify(idx=which, dnsfunc=lambda name, **_: published[name.decode()]) for which in (0, 1)]
            assert found == [valid, valid]


def test_mail_goes_through_starttls_and_sign_in_to_exim_pipelining(newsletter, mailserver, tmp_path, monkeypatch):
    authority = trustme.CA()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    with Exim(hop_port=mailserver.port, certificate=certificate, user=("news", "secret")) as relay:
        parts = newsletter(relay, smtp_username="news", smtp_password="secret", smtp_security="starttls")
        planned(parts, [f"p{number}@example.org" for number in range(10)])
        assert send(parts).outcomes == {"accepted": 10}
        check_each_got_their_own_once(parts, relay, mailserver)
        # RFC 3848: extended SMTP, secured, signed in.
        assert {re.search(r"with (\S+)", mail.message["Received"])[1] for mail in mailserver.received} == {"esmtpsa"}
