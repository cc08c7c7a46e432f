"""An organiser is asked 'why did I get this?' and 'why don't I get anything?': the whole story, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.model import Appeal
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.alertable import select_all
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Skip
from newsletter.delivery.selection import Part
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
    with parts.database.sketch() as session:
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


def alert(parts, appeal, **whom):
    """Send an alert to whom it concerns, and perhaps to fewer."""
    selection = replace(select_all(appeal, NOW), **whom)
    made = parts.alerts().launch(
        selection,
        by="Hanna",
        starts_at=NOW,
        expires_at=NOW + timedelta(days=1),
        now=NOW,
        on_progress=lambda *_progress: None,
    )
    return made.mailing_id


@pytest.fixture
def alerting(database, keys):
    """A newsletter of which others get every alert, so that one always goes out."""
    parts = builders.parts(database, keys, second_look=False)
    with parts.database.write() as session:
        for name in ("nora", "omar", "pia"):
            builders.person(session, f"{name}@example.org", cadence=Cadence.URGENT)
    return parts


@pytest.mark.parametrize(
    ("of_rosa", "whom", "why"),
    [
        ({"topics": ("strikes",)}, {}, "other_topic"),
        ({"countries": ("IR",)}, {}, "other_country"),
        ({"languages": ("ar",)}, {}, None),  # has a row of its own
        ({}, {"cadences": frozenset({Cadence.URGENT})}, "not_selected"),
        ({}, {"languages": frozenset({"en"})}, None),
        ({}, {}, "declined"),
    ],
)
def test_it_says_why_an_alert_did_not_come(alerting, of_rosa, whom, why):
    with alerting.database.write() as session:
        rosa = builders.person(session, "rosa@example.org", **of_rosa)
        rosa.alerts = why != "declined"
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"], countries=["TR"])
    number = alert(alerting, appeal, **whom)
    told = tell(alerting)
    assert [(one.mailing, one.appeal, one.out) for one in told.missed] == (
        [(number, appeal.reference, why)] if why else []
    )
    assert [mail.mailing for mail in told.mails] == ([] if why else [number])
    assert told.document()["missed"] == [one.document() for one in told.missed]


def test_who_was_not_in_the_random_part_is_told_so_though_they_got_the_next(alerting, rosa):
    with alerting.database.write() as session:
        appeal = builders.appeal(session, "Free the eleven")
    first = alert(alerting, appeal, part=Part(1, is_percent=False))
    rest = alert(alerting, appeal)
    missed = {
        name: [one.out for one in tell(alerting, parse_address(f"{name}@example.org")).missed]
        for name in ("nora", "omar", "pia", "rosa")
    }
    assert sorted(missed.values()) == [["had"], ["not_in_part"], ["not_in_part"], ["not_in_part"]]
    assert first < rest


@pytest.mark.parametrize("edited", [False, True])
def test_who_chooses_otherwise_since_is_told_no_reason_that_was_none(alerting, edited):
    with alerting.database.write() as session:
        number = builders.person(session, "rosa@example.org", topics=("strikes",)).id
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"])
    alert(alerting, appeal)
    with alerting.database.write() as session:
        was = Choices.of(session.get_one(Subscriber, number))
        now = replace(was, reading=replace(was.reading, topics=frozenset()))
        decide(session, number, was, now, source="page", now=NOW)
        if edited:  # its texts wait to be approved again; when it went out they were there
            stored = session.get_one(Appeal, appeal.id)
            stored.reopen_for_edit(stored.texts)
    (missed,) = tell(alerting).missed
    assert (missed.out, missed.words) == (None, "chose otherwise then, or it was stopped before")


def test_alerts_from_before_somebody_joined_are_none_of_theirs(alerting):
    with alerting.database.write() as session:
        appeal = builders.appeal(session, "Free the eleven")
    alert(alerting, appeal)
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org", joined=NOW + timedelta(hours=1))
    assert tell(alerting).missed == []
