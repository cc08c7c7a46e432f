"""An organiser is asked 'why did I get this?' and 'why don't I get anything?': the whole story, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.urgency import Urgency
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Skip
from newsletter.delivery.story import story_of
from subscribers.addresses import parse_address
from subscribers.choices import Choices
from subscribers.leaving import leave, tell_why
from subscribers.model import LeftReason, Subscriber, WhyLeft
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW

ROSA = parse_address("Rosa@example.org")


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        return builders.person(session, "rosa@example.org", name="Rosa").id


def tell(parts, address=ROSA):
    with parts.database.read() as session:
        return story_of(session, address, parts.suppression)


def act(parts, number, do):
    with parts.database.write() as session:
        return do(session, session.get_one(Subscriber, number))


def digest(parts, now=NOW):
    return parts.planner().launch(Cadence.WEEKLY, now=now).mailing_id


def test_an_address_that_nobody_has_is_told_so(parts):
    told = tell(parts)
    assert told.person is None
    assert told.verdict(NOW) == "gets no mail: no subscriber has this address"
    assert not [*told.consents, *told.changes, *told.mails]


def test_the_story_holds_consent_choices_mails_and_what_became_of_them(parts, rosa):
    with parts.database.write() as session:
        builders.appeal(session, "Free the eleven")
        builders.appeal(session, "Bakers locked out", urgency=Urgency.URGENT)
    number = digest(parts)
    with parts.database.write() as session:
        row = session.scalars(select(Delivery)).one()
        row.state, row.reply = DeliveryState.ACCEPTED, "250 ok"
    act(
        parts,
        rosa,
        lambda s, p: decide(
            s, p.id, Choices.of(p), replace(Choices.of(p), hour=20), source="preferences page", now=NOW
        ),
    )
    told = tell(parts)
    assert told.verdict(NOW) == "is written to"
    assert [(one.act, one.source) for one in told.consents] == [("given", "a stall")]
    assert [(one.source, one.after) for one in told.changes] == [("preferences page", {"hour": 20})]
    (mail,) = told.mails
    assert (mail.mailing, mail.at, mail.state, mail.reply) == (number, NOW, DeliveryState.ACCEPTED, "250 ok")
    assert mail.appeals == ("2026/002", "2026/001"), "in the order of the mail"
    assert "Bakers locked out" in mail.subject


def test_a_mail_that_was_not_sent_has_its_reason(parts, rosa):
    with parts.database.write() as session:
        builders.person(session, "other@example.org", topics=frozenset())
        builders.appeal(session, topics=["strikes"])
        person = session.get_one(Subscriber, rosa)
        person.paused_until = NOW + timedelta(days=3)
    digest(parts)
    told = tell(parts)
    (mail,) = told.mails
    assert (mail.state, mail.skip, mail.subject, mail.appeals) == (DeliveryState.SKIPPED, Skip.PAUSED, None, ())
    assert told.verdict(NOW) == "gets no mail until 2026-11-26: paused"


def test_who_left_is_told_with_the_day_and_what_they_said(parts, rosa):
    act(parts, rosa, lambda session, person: leave(session, person.id, source="unsubscribe page", now=NOW))
    act(parts, rosa, lambda session, person: tell_why(session, person.id, WhyLeft.TOO_MANY))
    told = tell(parts)
    assert told.verdict(NOW) == "gets no mail: left on 2026-11-23 (unsubscribed)"
    assert told.person.left_why == "too_many"
    assert [one.act for one in told.consents] == ["withdrawn", "given"]


def test_who_was_erased_is_nobody_and_still_gets_no_mail(parts):
    with parts.database.write() as session:
        parts.suppression.add(session, ROSA.key, reason=LeftReason.ERASED, now=NOW)
    told = tell(parts)
    assert told.person is None
    assert told.verdict(NOW) == "gets no mail: suppressed since 2026-11-23 (erased)"
