import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field

import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.delivery.conversation import FINAL_REPLY_S
from newsletter.delivery.courier import RelayAway, RelayRefuses
from newsletter.delivery.letters import Envelope, Letter
from newsletter.delivery.outcome import Accepted, Deferred, Refused, Uncertain, Why
from newsletter.delivery.smtp import Relay, SmtpCourier
from newsletter.editions.prepared import dot_stuffed
from newsletter.settings import Security
from tests.conftest import free_port
from tests.delivery.brokenserver import BrokenServer
from tests.mailserver import MailServer

MAIL = b"Subject: hello\r\n\r\n.a line with a dot\r\nand one without\r\n"


def envelope(recipient="rosa@example.org", *, data=MAIL, smtputf8=False):
    letter = Letter(
        hold=(1, 1),
        mailing=None,
        edition_id=1,
        sender="news@hands.example",
        recipient=recipient,
        domain=recipient.rpartition("@")[2],
        smtputf8=smtputf8,
        values=(),
    )
    return Envelope(letter, dot_stuffed(data))


@dataclass(eq=False)
class Hand:
    """Gives mails to one line at a time and notes what becomes of each, as a worker does.

    Attributes:
        waiting: what is to be sent.
        outcomes: what became of each, in the order of the end; "untouched" where no byte of it was sent.
        allowed: whether an announced mail may go.
    """

    waiting: list
    outcomes: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    allowed: bool = True
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self):
        return self.waiting.pop(0) if self.waiting else None

    def may_go(self, _envelope):
        return self.allowed

    def ended(self, envelope, outcome):
        self.outcomes.append((envelope, outcome))

    def untouched(self, envelope):
        self.outcomes.append((envelope, "untouched"))

    def parted(self, _line, fault):
        self.faults.append(fault)
        self.gone.set()


async def hand_over(port, *envelopes, hand=None, watch_s=None, **relay):
    """Send over one line; gives the outcomes in the order of the mails."""
    mails = list(envelopes) or [envelope()]
    hand = hand or Hand(list(mails))
    line = await SmtpCourier(Relay(host="127.0.0.1", port=port, timeout_s=10, **relay)).open(hand)
    line.wake()
    while not hand.gone.is_set():
        if len(hand.outcomes) == len(mails) or (line.idle and not hand.waiting):
            line.finish()
        if watch_s is not None:
            line.watch(asyncio.get_running_loop().time() + watch_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hand.gone.wait(), 0.01)
    found = {id(mail): outcome for mail, outcome in hand.outcomes}
    return [found.get(id(mail)) for mail in mails]


def deliver(port, *envelopes, **relay):
    return asyncio.run(hand_over(port, *envelopes, **relay))


def deliver_to_broken(server, *envelopes, **facts):
    async def run():
        async with server:
            return await hand_over(server.port, *envelopes, **facts)

    return asyncio.run(run())


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    path = tmp_path / "ca.pem"
    made.cert_pem.write_to_path(path)
    made.path = path
    return made


@pytest.fixture
def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_mail_arrives_as_it_left(mailserver):
    (outcome,) = deliver(mailserver.port)
    assert outcome == Accepted("250 2.0.0 Kept")
    (received,) = mailserver.received
    assert (received.sender, received.recipients) == ("news@hands.example", ("rosa@example.org",))
    assert received.data == MAIL


def test_several_mails_share_one_connection():
    server = BrokenServer()
    outcomes = deliver_to_broken(server, *[envelope() for _ in range(5)])
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert server.connections == 1


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_secured_connection_is_made_with_a_certificate_that_is_trusted(monkeypatch, authority, tls, implicit):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    security = Security.TLS if implicit else Security.STARTTLS
    with MailServer(tls=tls, implicit_tls=implicit) as server:
        deliver(server.port, security=security)
        assert server.received[0].secured


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_not_taken(tls, implicit):
    security = Security.TLS if implicit else Security.STARTTLS
    with MailServer(tls=tls, implicit_tls=implicit) as server:
        with pytest.raises(RelayAway, match=r"(?i)certificate"):
            deliver(server.port, security=security)
        assert server.received == []


def test_starttls_is_never_left_out_because_the_server_does_not_offer_it(mailserver):
    with pytest.raises(RelayRefuses):
        deliver(mailserver.port, security=Security.STARTTLS)
    assert mailserver.received == []


@pytest.mark.parametrize("secured", [True, False])
def test_it_signs_in_where_a_name_is_set(monkeypatch, authority, tls, secured):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with MailServer(tls=tls if secured else None, users={"rosa": "pass phrase"}) as server:
        security = {"security": Security.STARTTLS} if secured else {}
        deliver(server.port, username="rosa", password="pass phrase", **security)
        assert server.received[0].user == "rosa"


def test_a_wrong_password_is_one_clear_sentence_and_never_repeated_in_it():
    with MailServer(users={"rosa": "right"}) as server, pytest.raises(RelayRefuses, match="535") as told:
        deliver(server.port, username="rosa", password="wrong-secret")
    assert "wrong-secret" not in str(told.value)


def test_nobody_listening_is_said_to_be_away():
    with pytest.raises(RelayAway, match="does not answer"):
        deliver(free_port())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("450 4.2.0 Greylisted", Deferred("450 4.2.0 Greylisted", Why.GREYLISTED)),
        ("452 4.2.2 Mailbox full", Deferred("452 4.2.2 Mailbox full", Why.FULL)),
        ("550 5.1.1 No such user", Refused("550 5.1.1 No such user", dead=True)),
    ],
)
def test_what_is_said_of_a_recipient_is_kept_and_the_connection_goes_on(mailserver, reply, kind):
    mailserver.answer_rcpt = lambda address: reply if address.startswith("bad") else None
    outcomes = deliver(mailserver.port, envelope("bad@example.org"), envelope("good@example.org"))
    assert outcomes == [kind, Accepted("250 2.0.0 Kept")]


@pytest.mark.parametrize(
    ("reply", "kind"), [("451 4.3.0 Later", Deferred), ("554 5.6.0 Not this one", Refused), ("250 2.0.0 Ok", Accepted)]
)
def test_what_is_said_after_the_dot_decides(mailserver, reply, kind):
    mailserver.answer_data = lambda _data: reply
    (outcome,) = deliver(mailserver.port)
    assert (type(outcome), outcome.reply) == (kind, reply)


@pytest.mark.parametrize(("reply", "why"), [("550 5.7.1 You may not", Why.BARRED), ("550 Not you", Why.SENDER)])
def test_a_refused_sender_says_nothing_about_the_recipient(mailserver, reply, why):
    mailserver.answer_mail = lambda _address: reply
    assert deliver(mailserver.port) == [Deferred(reply, why)]


def test_a_greeting_of_554_is_a_refusal_of_us():
    async def refuse(_reader, writer):
        writer.write(b"554 no mail from you\r\n")
        writer.close()

    async def run():
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await hand_over(port)

    with pytest.raises(RelayRefuses, match="554 no mail from you"):
        asyncio.run(run())


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_mail_was_sent_leaves_it_untouched(point, pipelining):
    server = BrokenServer(breaks=point, pipelining=pipelining)
    assert deliver_to_broken(server) == ["untouched"]
    assert server.taken == []


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("point", ["body", "dot"])
def test_a_connection_lost_after_the_mail_was_on_its_way_is_uncertain(point, pipelining):
    server = BrokenServer(breaks=point, pipelining=pipelining)
    (outcome,) = deliver_to_broken(server)
    assert isinstance(outcome, Uncertain)
    assert server.connections == 1, "it must not be sent again on a new connection"


def test_a_long_mail_that_was_cut_off_in_its_middle_was_surely_not_taken():
    server = BrokenServer(breaks="body")
    (outcome,) = deliver_to_broken(server, envelope(data=b"Subject: long\r\n\r\n" + b"word " * 4_000_000 + b"\r\n"))
    assert isinstance(outcome, Deferred)
    assert outcome.why is Why.LOST
    assert server.taken == []


def test_behind_a_mail_whose_answer_is_lost_the_next_one_is_untouched():
    server = BrokenServer(breaks="dot", pipelining=True)
    first, second, third = deliver_to_broken(server, *[envelope() for _ in range(3)])
    assert isinstance(first, Uncertain)
    assert (second, third) == ("untouched", None)
    assert len(server.taken) == 1


def test_what_may_not_go_any_more_is_withdrawn_even_after_its_announcement():
    server = BrokenServer(pipelining=True)
    mail = envelope()
    assert deliver_to_broken(server, mail, hand=Hand([mail], allowed=False)) == ["untouched"]
    assert server.taken == []


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_server_that_takes_only_so_many_over_a_connection_costs_nobody_anything(pipelining):
    server = BrokenServer(pipelining=pipelining, most=2, reply_to_more=b"452 4.5.3 Enough\r\n")
    assert [type(one) for one in deliver_to_broken(server, envelope(), envelope(), envelope())] == [
        Accepted,
        Accepted,
        str,
    ]
    assert len(server.taken) == 2


def test_a_line_is_closed_in_order_after_its_number_of_mails():
    server = BrokenServer(pipelining=True)
    mails = [envelope() for _ in range(5)]
    hand = Hand(list(mails))
    outcomes = deliver_to_broken(server, *mails, hand=hand, mails=3)
    assert [type(one) for one in outcomes] == [Accepted, Accepted, Accepted, type(None), type(None)]
    assert (hand.faults, len(hand.waiting)) == ([None], 2)


def test_behind_an_answer_that_takes_long_nothing_is_kept_waiting():
    async def run():
        async with BrokenServer(pipelining=True, holds=True) as server:
            mails = [envelope(), envelope()]
            hand = Hand(list(mails))
            line = await SmtpCourier(Relay(host="127.0.0.1", port=server.port, timeout_s=10)).open(hand)
            line.wake()
            await server.holding.wait()
            line.watch(asyncio.get_running_loop().time() + 1)
            given_back = list(hand.outcomes)
            server.release.set()
            await hand.gone.wait()
            return mails, given_back, hand.outcomes, server.taken

    mails, given_back, outcomes, taken = asyncio.run(run())
    assert given_back == [(mails[1], "untouched")]
    assert [type(outcome) for _mail, outcome in outcomes] == [str, Accepted]
    assert len(taken) == 1


def test_an_answer_after_the_dot_may_take_ten_minutes_and_no_longer():
    async def run(seconds):
        async with BrokenServer(pipelining=True, holds=True) as server:
            hand = Hand([envelope()])
            line = await SmtpCourier(Relay(host="127.0.0.1", port=server.port, timeout_s=10)).open(hand)
            line.wake()
            await server.holding.wait()
            line.watch(asyncio.get_running_loop().time() + seconds)
            return [outcome for _mail, outcome in hand.outcomes]

    assert asyncio.run(run(FINAL_REPLY_S - 5)) == []
    (outcome,) = asyncio.run(run(FINAL_REPLY_S + 5))
    assert isinstance(outcome, Uncertain)


def test_a_reply_that_makes_no_sense_after_the_dot_is_uncertain():
    (outcome,) = deliver_to_broken(BrokenServer(reply_to={"dot": b"OK then\r\n"}))
    assert isinstance(outcome, Uncertain)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
def test_421_is_about_the_server_and_costs_the_recipient_nothing(verb):
    (outcome,) = deliver_to_broken(BrokenServer(reply_to={verb: b"421 4.3.2 Shutting down\r\n"}))
    assert outcome == Deferred("421 4.3.2 Shutting down", Why.BUSY)
    assert not outcome.why.costs_attempt


def test_an_address_outside_of_ascii_goes_through_a_server_that_takes_it(mailserver):
    (outcome,) = deliver(mailserver.port, envelope("дмитро@xn--bcher-kva.example", smtputf8=True))
    assert isinstance(outcome, Accepted)
    assert mailserver.received[0].recipients == ("дмитро@xn--bcher-kva.example",)


def test_an_address_outside_of_ascii_is_not_forced_on_a_server_that_does_not():
    with MailServer(smtputf8=False) as server:
        (outcome,) = deliver(server.port, envelope("дмитро@example.org", smtputf8=True))
        assert isinstance(outcome, Refused)
        assert "SMTPUTF8" in outcome.reply
        assert server.received == []


@given(st.binary(max_size=300))
@example(b".\r\n")
@example(b"a\n.\nb")
@example(b"a\r\n.\r\nMAIL FROM:<x>\r\n")
@example(b"a\n.\r\nb\r.\r\n")
@example(b"..")
def test_whatever_a_mail_holds_it_ends_at_its_own_dot_only(data):
    wire = dot_stuffed(data)
    assert wire.endswith(b"\r\n.\r\n") or wire == b"\r\n.\r\n"
    inner = wire[: -len(b".\r\n")]
    assert b"\r\n.\r\n" not in b"\r\n" + inner
    assert b"\n" not in inner.replace(b"\r\n", b"")
    assert b"\r" not in inner.replace(b"\r\n", b"")
