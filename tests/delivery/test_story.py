"""An organiser is asked 'why did I get this?' and 'why don't I get anything?': the whole story, on both databases."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.model import Appeal, Audience, FollowUp
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.alertable import select_all, select_recipients
from newsletter.delivery.control import cancel
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Mailing, MailingState, Skip
from newsletter.delivery.selection import Out, Part
from newsletter.delivery.story import story_of
from subscribers.addresses import parse_address
from subscribers.choices import Change, Choices
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


def alert(parts, appeal, *, undo=timedelta(0), **whom):
    """Send an alert to whom it concerns, and perhaps to fewer."""
    return launched(parts, replace(select_all(appeal, NOW), **whom), undo=undo)


def launched(parts, selection, *, undo=timedelta(0)):
    made = parts.alerts().launch(
        selection,
        by="Hanna",
        starts_at=NOW + undo,
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


def choose(parts, number, **choices):
    """Let somebody choose otherwise, as their page does."""
    with parts.database.write() as session:
        was = Choices.of(session.get_one(Subscriber, number))
        reading = {key: choices.pop(key) for key in ("topics", "languages") if key in choices}
        now = replace(was, reading=replace(was.reading, **reading), **choices)
        decide(session, number, was, now, source="page", now=NOW + timedelta(hours=1))


def test_the_reason_is_what_it_was_then_whatever_changed_since(alerting):
    with alerting.database.write() as session:
        number = builders.person(session, "rosa@example.org", topics=("strikes",)).id
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"])
    alert(alerting, appeal)
    choose(alerting, number, topics=frozenset(), alerts=False, paused_until=NOW + timedelta(days=9))
    with alerting.database.write() as session:
        stored = session.get_one(Appeal, appeal.id)
        stored.reopen_for_edit(stored.texts)
        stored.topics = ["strikes"]
    assert [one.out for one in tell(alerting).missed] == ["other_topic"]


@pytest.mark.parametrize(
    ("mailed", "settled", "why"),
    [
        ("cancelled", timedelta(hours=1), "had"),
        ("accepted", timedelta(hours=1), "had"),
        ("accepted", -timedelta(hours=1), "had"),
        ("refused", -timedelta(hours=1), None),  # it would have come; that it was stopped before them can't be seen
        ("skipped", -timedelta(hours=1), None),
    ],
)
def test_what_was_on_its_way_then_was_had_then_whatever_became_of_it(alerting, mailed, settled, why):
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org")
        appeal = builders.appeal(session, "Free the eleven")
    first = digest(alerting)
    others = alert(alerting, appeal)
    with alerting.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.mailing_id == first)):
            delivery.state, delivery.settled_at = DeliveryState(mailed), NOW + settled
    assert [(one.mailing, one.out) for one in tell(alerting).missed] == [(others, why)]


def test_the_order_is_that_of_launching_not_of_proposing(alerting):
    careful = builders.parts(alerting.database, alerting.keys)
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org")
        appeal = builders.appeal(session, "Free the eleven")
    proposed = careful.alerts().propose(
        select_all(appeal, NOW), by="Hanna", expires_at=NOW + timedelta(days=1), now=NOW
    )
    assert tell(alerting).missed == []
    alert(alerting, appeal, cadences=frozenset({Cadence.WEEKLY}))
    later = NOW + timedelta(minutes=1)
    careful.alerts().approve(proposed, by="Layla", starts_at=later, now=later)
    assert [(one.mailing, one.out) for one in tell(alerting).missed] == [(proposed, "had")]


def test_a_proposal_that_nobody_approved_is_no_alert(alerting):
    careful = builders.parts(alerting.database, alerting.keys)
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org")
        appeal = builders.appeal(session, "Free the eleven")
    number = careful.alerts().propose(select_all(appeal, NOW), by="Hanna", expires_at=NOW + timedelta(days=1), now=NOW)
    cancel(alerting.database, number, now=NOW)
    assert tell(alerting).missed == []


def test_what_was_stopped_before_its_first_mail_is_no_alert(alerting):
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org", topics=("strikes",))
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"])
    cancel(alerting.database, alert(alerting, appeal, undo=timedelta(minutes=1)), now=NOW)
    assert tell(alerting).missed == []
    cancel(alerting.database, number := alert(alerting, appeal), now=NOW + timedelta(minutes=1))
    assert [one.mailing for one in tell(alerting).missed] == [number]


def test_a_correction_says_who_had_it_and_who_had_nothing_to_correct(alerting):
    with alerting.database.write() as session:
        for name in ("rosa", "sami", "tala"):
            builders.person(session, f"{name}@example.org", topics=() if name != "tala" else ("strikes",))
        original = builders.appeal(session, "Free the eleven", topics=["prisons"])
    wrong = alert(alerting, original)
    with alerting.database.write() as session:
        session.get_one(Mailing, wrong).state = MailingState.FINISHED
        for delivery in session.scalars(select(Delivery)):
            delivery.state, delivery.settled_at = DeliveryState.ACCEPTED, NOW
        stored = session.get_one(Appeal, original.id)
        made = builders.follow_up(session, stored, FollowUp.CORRECTION, Audience.EVERYONE)
        selection = select_recipients(session, made, wrong, NOW)
    digest(alerting)  # with the correction, to all who get digests
    with alerting.database.write() as session:
        nora = session.scalars(select(Subscriber).where(Subscriber.email == "nora@example.org")).one()
        assert nora.cadence is Cadence.URGENT  # so that somebody gets it
    second = launched(alerting, selection)
    assert {
        name: [one.out for one in tell(alerting, parse_address(f"{name}@example.org")).missed if one.mailing == second]
        for name in ("nora", "rosa", "tala")
    } == {"nora": [], "rosa": ["had"], "tala": ["not_recipient"]}


def test_a_time_zone_that_is_known_no_more_keeps_no_story_back(alerting):
    with alerting.database.write() as session:
        number = builders.person(session, "rosa@example.org", topics=("strikes",)).id
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"])
        before, after = {"time_zone": "Mars/Olympus"}, {"time_zone": "Europe/Berlin"}
        session.add(
            Change(subscriber_id=number, at=NOW + timedelta(hours=1), source="page", before=before, after=after)
        )
    alert(alerting, appeal)
    assert [one.out for one in tell(alerting).missed] == ["other_topic"]


def test_who_left_is_told_that_and_no_more(alerting):
    with alerting.database.write() as session:
        number = builders.person(session, "rosa@example.org", topics=("strikes",)).id
        appeal = builders.appeal(session, "Free the eleven", topics=["prisons"])
    alert(alerting, appeal)
    act(alerting, number, lambda session, one: leave(session, one.id, source="one click", now=NOW))
    assert tell(alerting).missed == []


def test_a_follow_up_for_recipients_missed_those_who_had_not_got_the_original_yet(alerting):
    with alerting.database.write() as session:
        rosa = builders.person(session, "rosa@example.org").id
        original = builders.appeal(session, "Free the eleven")
    alert(alerting, original)
    with alerting.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.subscriber_id != rosa)):
            delivery.state, delivery.settled_at = DeliveryState.ACCEPTED, NOW
        made = builders.follow_up(session, session.get_one(Appeal, original.id), FollowUp.UPDATE, Audience.RECIPIENTS)
    second = alert(alerting, made)
    with alerting.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.subscriber_id == rosa)):
            delivery.state, delivery.settled_at = DeliveryState.ACCEPTED, NOW + timedelta(hours=1)
    assert [(one.mailing, one.out) for one in tell(alerting).missed] == [(second, "not_recipient")]


def test_one_by_one_the_reasons_are_those_that_were_counted(alerting):
    """What is seen anew for one person is what the launch counted for all; each reason is among them."""
    chance = random.Random(5)  # noqa: S311 - the same each time
    names = [f"p{number}" for number in range(80)]
    with alerting.database.write() as session:
        for name in names:
            made = builders.person(
                session,
                f"{name}@example.org",
                cadence=chance.choice([Cadence.WEEKLY, Cadence.DAILY, Cadence.URGENT]),
                topics=chance.choice([(), (), ("prisons",), ("strikes",)]),
                countries=chance.choice([(), (), ("TR",), ("IR",)]),
                languages=chance.choice([("en",), ("en",), ("ar",)]),
            )
            made.alerts = chance.random() < 0.8
        original = builders.appeal(session, "Free the eleven", topics=["prisons"], countries=["TR"])
    first = alert(alerting, original, part=Part(50, is_percent=True))
    with alerting.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.edition_id.is_not(None))):
            delivery.state, delivery.settled_at = DeliveryState.ACCEPTED, NOW
        other = builders.appeal(session, "Bakers locked out", topics=["prisons"])
        made = builders.follow_up(session, session.get_one(Appeal, original.id), FollowUp.UPDATE, Audience.RECIPIENTS)
    launched = [
        first,
        alert(alerting, original, cadences=frozenset({Cadence.WEEKLY, Cadence.DAILY})),
        alert(alerting, other, without=(first,)),
        alert(alerting, made),
    ]
    seen = {number: Counter() for number in launched}
    for name in ("nora", "omar", "pia", *names):
        for one in tell(alerting, parse_address(f"{name}@example.org")).missed:
            seen[one.mailing][one.out] += 1
    with alerting.database.read() as session:
        counted = {number: session.get_one(Mailing, number).left_out for number in launched}
    # Who has another cadence was never counted; who is paused or has no text has a row that says so.
    for number, reasons in seen.items():
        wanted = {Out(why): people for why, people in counted[number].items() if why not in ("paused", "no_text")}
        assert dict(reasons - Counter({Out.NOT_SELECTED: reasons[Out.NOT_SELECTED]})) == wanted, number
    assert {why for reasons in seen.values() for why in reasons} == {
        Out.OTHER_TOPIC,
        Out.OTHER_COUNTRY,
        Out.DECLINED,
        Out.NOT_IN_PART,
        Out.HAD,
        Out.NOT_SELECTED,
        Out.WITHOUT,
        Out.NOT_RECIPIENT,
    }


def test_alerts_from_before_somebody_joined_are_none_of_theirs(alerting):
    with alerting.database.write() as session:
        appeal = builders.appeal(session, "Free the eleven")
    alert(alerting, appeal)
    with alerting.database.write() as session:
        builders.person(session, "rosa@example.org", joined=NOW + timedelta(hours=1))
    assert tell(alerting).missed == []
