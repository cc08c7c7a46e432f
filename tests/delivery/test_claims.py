"""Which claim goes next, and which go back to the queue: without a server, a database or a clock."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from newsletter.delivery.claimed import Launched
from newsletter.delivery.claims import HELD_FOR_ONE_DOMAIN, PATIENT_S, UNWANTED, Claims
from newsletter.delivery.letters import Envelope, Letter
from newsletter.delivery.model import Lane, MailingKind, OnUncertain
from newsletter.delivery.outcome import Accepted, Deferred, Refused, Why
from newsletter.delivery.pace import FIRST_WINDOW, Pace
from tests.conftest import NOW

MAILING = Launched(
    kind=MailingKind.DIGEST,
    id=1,
    lane=Lane.REST,
    nonce=bytes(16),
    message_domain="hands.example",
    launched_at=NOW,
    expires_at=NOW + timedelta(days=1),
    on_uncertain=OnUncertain.LEAVE,
)


def letter(number, domain, *, fence=1):
    return Letter(
        hold=(number, fence),
        mailing=MAILING,
        edition_id=1,
        sender="news@hands.example",
        recipient=f"p{number}@{domain}",
        domain=domain,
        smtputf8=False,
        values=(),
    )


class Hand:
    """Claims with a clock of their own, and mails that are only marks."""

    def __init__(self):
        self.seconds = 0.0
        self.unwanted = []
        mailroom = SimpleNamespace(envelope=lambda one: Envelope(one, b".\r\n"))
        self.claims = Claims(
            mailroom=mailroom,
            pace=Pace(per_second=None, concurrency=30),
            clock=lambda: NOW,
            on_news=lambda: None,
            on_unwanted=self.unwanted.append,
            on_parted=lambda _line, fault: pytest.fail(str(fault)),
            on_bug=lambda bug: pytest.fail(str(bug)),
            monotonic=lambda: self.seconds,
            running={1: MAILING},
        )

    def take_all(self):
        return list(iter(self.claims.take, None))


def test_a_list_of_one_domain_goes_out_without_one_mail_being_put_off():
    hand = Hand()
    hand.claims.add(letter(number, "example.org") for number in range(30))
    sent = []
    while under_way := hand.take_all():
        assert len(under_way) >= FIRST_WINDOW or len(sent) + len(under_way) == 30
        for envelope in under_way:
            hand.claims.ended(envelope, Accepted("250 Ok"))
        sent += under_way
    told = hand.claims.drain()
    assert [reply for _hold, reply in told.accepted] == ["250 Ok"] * 30
    assert told.others == []


def test_what_waits_long_for_its_own_domain_leaves_its_place_to_others():
    hand = Hand()
    hand.claims.add(letter(number, "slow.example") for number in range(30))
    assert len(hand.take_all()) == FIRST_WINDOW
    hand.seconds = PATIENT_S + 0.1
    assert hand.take_all() == []
    away = hand.claims.drain()
    assert away.total == len(away.others) == 30 - FIRST_WINDOW - HELD_FOR_ONE_DOMAIN
    assert {(outcome, until > NOW) for _hold, outcome, until in away.others} == {(None, True)}
    hand.claims.add([letter(99, "quick.example")])
    assert [envelope.recipient for envelope in hand.take_all()] == ["p99@quick.example"]


def test_a_mail_that_the_server_does_not_want_burns_few_people_however_often_sending_goes_on():
    hand = Hand()
    for _ in range(3):
        hand.claims.add(letter(number, f"d{number}.example") for number in range(UNWANTED))
        for envelope in hand.take_all():
            hand.claims.ended(envelope, Refused("550 content rejected", after_dot=True))
        outcomes = [outcome for _hold, outcome, _until in hand.claims.drain().others]
        assert outcomes.count(Refused("550 content rejected", after_dot=True)) == UNWANTED - 1
        assert outcomes[-1] == Deferred("550 content rejected", Why.BARRED), "a person looks at the mailing"
    assert hand.unwanted == ["550 content rejected"] * 3


def test_a_mail_whose_edition_must_not_go_out_any_more_is_handed_back_even_when_it_was_announced():
    hand = Hand()
    hand.claims.add([letter(1, "a.example"), letter(2, "b.example")])
    announced = hand.claims.take()
    assert hand.claims.may_go(announced)
    hand.claims.spent = (1,)
    assert not hand.claims.may_go(announced)
    hand.claims.untouched(announced)
    assert hand.take_all() == []
    assert sorted(hand.claims.drain().others) == [((1, 1), None, None), ((2, 1), None, None)]
    assert hand.claims.held == 0


def test_an_old_attempt_that_ends_late_does_not_touch_the_new_one():
    hand = Hand()
    hand.claims.add([letter(1, "a.example")])
    (old,) = hand.take_all()
    hand.claims.disown()
    hand.claims.add([letter(1, "a.example", fence=3)])
    (new,) = hand.take_all()
    hand.claims.ended(old, Deferred("450 at last"))
    assert hand.claims.may_go(new)
    assert [hold for hold, _outcome, _until in hand.claims.drain().others] == [(1, 1)]


def test_what_was_disowned_is_told_so_that_it_is_forgotten():
    hand = Hand()
    hand.claims.add(letter(number, f"d{number}.example") for number in range(3))
    announced = hand.claims.take()
    hand.claims.disown()
    hand.claims.untouched(announced)
    assert sorted(number for (number, _fence), _outcome, _until in hand.claims.drain().others) == [0, 1, 2]
    assert hand.claims.held == 0
