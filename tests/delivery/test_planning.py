from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from newsletter.appeals.model import Act, Appeal, AppealStatus, Audience, FollowUp
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.candidates import candidates_at
from newsletter.delivery.model import Delivery, DeliveryState, DigestStanding, Mailing, Skip
from newsletter.editions.model import Edition, EditionAppeal, Part
from newsletter.editions.stored import stored_edition
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence, Format, Profile, Reading
from tests import builders
from tests.conftest import NOW


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


def plan(parts, cadence=Cadence.WEEKLY, now=NOW):
    return parts.planner().launch(cadence, now=now)


def got(parts):
    """Who is to get which appeals, in order, by name."""
    with parts.database.read() as session:
        rows = session.execute(
            select(Subscriber.name, EditionAppeal.appeal_id)
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .join(EditionAppeal, EditionAppeal.edition_id == Delivery.edition_id)
            .where(Delivery.state == DeliveryState.QUEUED)
            .order_by(Delivery.id, EditionAppeal.position)
        ).all()
    people = {}
    for name, appeal in rows:
        people.setdefault(name, []).append(appeal)
    return people


def settle_all(parts, state):
    with parts.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)):
            delivery.state = state


def test_people_with_equal_wishes_share_an_edition_and_its_parts(parts):
    with parts.database.write() as session:
        for number in range(20):
            builders.person(session, f"p{number}@example.org")
        for number in range(3):
            builders.person(session, f"kz{number}@example.org", countries=frozenset({"KZ"}))
        for country in ("KZ", "TR", "SV"):
            builders.appeal(session, country, countries=[country])
    made = plan(parts)
    assert (made.deliveries, made.editions, made.skipped) == (23, 2, {})
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Edition)) == 2
        # One shell and three cards, each as HTML and as text, though four cards are shown; and the empty part.
        assert session.scalar(select(func.count()).select_from(Part)) == 9


def test_planning_twice_plans_once(parts):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session)
    assert plan(parts).deliveries == 1
    again = plan(parts)
    assert (again.mailing_id, again.skipped) == (None, {Skip.NOTHING_NEW: 1})
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Mailing)) == 1


@pytest.mark.parametrize(
    ("state", "comes_again"),
    [
        (DeliveryState.ACCEPTED, False),
        (DeliveryState.UNCERTAIN, False),
        (DeliveryState.DEFERRED, False),
        (DeliveryState.SENDING, False),
        (DeliveryState.REFUSED, True),
        (DeliveryState.EXPIRED, True),
    ],
)
def test_an_appeal_is_new_until_it_came_or_may_have_come(parts, state, comes_again):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session)
    plan(parts)
    settle_all(parts, state)
    assert (plan(parts).deliveries == 1) is comes_again


def test_the_next_digest_has_only_what_is_new_to_each(parts):
    with parts.database.write() as session:
        builders.person(session, "a@example.org", name="Ayşe")
        first = builders.appeal(session, "first").id
    plan(parts)
    settle_all(parts, DeliveryState.ACCEPTED)
    with parts.database.write() as session:
        builders.person(session, "b@example.org", name="Berivan", joined=NOW)
        second = builders.appeal(session, "second").id
    plan(parts, now=NOW + timedelta(hours=1))
    assert got(parts) == {"Ayşe": [second], "Berivan": [second, first]}


def test_a_newcomer_gets_what_was_released_within_the_lookback_and_nothing_older(database, keys):
    parts = builders.parts(database, keys, lookback_days=3)
    with database.write() as session:
        builders.person(session, name="Newcomer", joined=NOW)
        builders.appeal(session, "old", released=NOW - timedelta(days=4))
        recent = builders.appeal(session, "recent", released=NOW - timedelta(days=2)).id
    plan(parts)
    assert got(parts) == {"Newcomer": [recent]}


def test_only_the_cadence_asked_for_is_planned(parts):
    with parts.database.write() as session:
        for cadence in Cadence:
            builders.person(session, f"{cadence}@example.org", name=cadence, cadence=cadence)
        number = builders.appeal(session).id
    plan(parts, Cadence.MONTHLY)
    assert got(parts) == {"monthly": [number]}


def test_who_is_left_out_has_a_reason_that_is_kept(parts):
    with parts.database.write() as session:
        builders.person(session, "reads-turkish@example.org", languages=("tr",))
        builders.person(session, "wants-sv@example.org", countries=frozenset({"SV"}))
        builders.person(session, "paused@example.org").paused_until = NOW + timedelta(days=1)
        builders.person(session, "pause-is-over@example.org", name="Back").paused_until = NOW
        builders.person(session, "left@example.org").leave(LeftReason.UNSUBSCRIBED, NOW)
        builders.appeal(session, countries=["KZ"])
    made = plan(parts)
    assert made.skipped == {Skip.NO_TEXT: 1, Skip.NOTHING_NEW: 1, Skip.PAUSED: 1}
    assert list(got(parts)) == ["Back"]
    with parts.database.read() as session:
        kept = session.execute(
            select(Subscriber.email, Delivery.skip).join(Delivery).where(Delivery.state == DeliveryState.SKIPPED)
        ).all()
        looked_at = session.execute(select(Subscriber.email, DigestStanding.skip).join(DigestStanding)).all()
        assert session.scalars(select(Mailing.nothing_new)).one() == 1
    assert dict(map(tuple, kept)) == {
        "reads-turkish@example.org": Skip.NO_TEXT,
        "paused@example.org": Skip.PAUSED,
    }
    # What happens to most people most of the time has no row of its own.
    assert dict(map(tuple, looked_at)) == {
        "reads-turkish@example.org": Skip.NO_TEXT,
        "wants-sv@example.org": Skip.NOTHING_NEW,
        "pause-is-over@example.org": None,
    }


def test_nothing_is_written_when_nobody_gets_anything(parts):
    with parts.database.write() as session:
        builders.person(session)
    assert plan(parts).mailing_id is None
    with parts.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0


def test_drafts_closed_ones_and_those_past_their_deadline_go_nowhere(parts):
    with parts.database.write() as session:
        builders.appeal(session, "draft", released=None)
        builders.appeal(session, "closed").close(Act(by="Rosa", at=NOW))
        builders.appeal(session, "late", deadline=date(2026, 11, 20))
        builders.appeal(session, "later", released=NOW + timedelta(minutes=1))
        good = [builders.appeal(session, "good").id, builders.appeal(session, "today", deadline=NOW.date()).id]
    with parts.database.read() as session:
        assert [candidate.id for candidate in candidates_at(session, NOW)] == good


def test_a_deadline_lasts_until_its_day_is_over_everywhere(parts):
    with parts.database.write() as session:
        builders.appeal(session, deadline=date(2026, 11, 23), released=NOW - timedelta(days=9))
    with parts.database.read() as session:
        assert candidates_at(session, datetime(2026, 11, 24, 11, 59, tzinfo=UTC))
        assert not candidates_at(session, datetime(2026, 11, 24, 12, 0, tzinfo=UTC))


def test_a_translation_waits_for_its_own_approval_and_comes_once(parts):
    later = NOW + timedelta(days=7)
    with parts.database.write() as session:
        builders.person(session, "rosa@example.org", name="Rosa", languages=("es",))
        builders.person(session, "both@example.org", name="Both", languages=("es", "en"))
        number = builders.appeal(session).id
    assert plan(parts).skipped == {Skip.NO_TEXT: 1}
    with parts.database.write() as session:
        appeal = session.get_one(Appeal, number)
        builders.translation(appeal, "es")
        assert (appeal.status, appeal.waits_for_approval) == (AppealStatus.RELEASED, True)
    assert plan(parts, now=NOW + timedelta(days=1)).mailing_id is None
    with parts.database.write() as session:
        builders.approve_and_release(session.get_one(Appeal, number), later)
    # Who had the English one gets no second copy.
    assert plan(parts, now=later).deliveries == 1
    assert got(parts) == {"Rosa": [number], "Both": [number]}


def test_a_late_translation_is_new_to_whoever_joined_after_the_original_and_reads_only_that(parts):
    joined, later = NOW + timedelta(days=30), NOW + timedelta(days=31)
    with parts.database.write() as session:
        builders.person(session, "a@example.org", name="Spanish", languages=("es",), joined=joined)
        builders.person(session, "b@example.org", name="Both", languages=("es", "en"), joined=joined)
        number = builders.appeal(session, released=NOW - timedelta(days=1)).id
        builders.translation(session.get_one(Appeal, number), "es")
        builders.approve_and_release(session.get_one(Appeal, number), later)
    made = plan(parts, now=later + timedelta(days=1))
    assert (made.deliveries, made.skipped) == (1, {Skip.NOTHING_NEW: 1})
    assert got(parts) == {"Spanish": [number]}


@pytest.mark.parametrize("kind", FollowUp)
def test_a_follow_up_goes_to_those_who_got_the_original_or_to_all(parts, kind):
    later = NOW + timedelta(days=7)
    with parts.database.write() as session:
        had = builders.person(session, "had@example.org", name="Had it", countries=frozenset({"TR"}))
        builders.person(session, "not@example.org", name="Not", countries=frozenset({"PE"}))
        original = builders.appeal(session, countries=["TR"]).id
    plan(parts)
    with parts.database.write() as session:
        original = session.get_one(Appeal, original)
        only = builders.follow_up(session, original, kind, Audience.RECIPIENTS, released=later)
        for_all = builders.follow_up(session, original, kind, Audience.EVERYONE, released=later, countries=["PE"])
        assert (only.reference, for_all.reference) == ("2026/001-2", "2026/001-3")
        # Whatever they chose since: it may be a correction.
        session.get_one(Subscriber, had.id).profile = Profile.of(session, Reading(topics=frozenset({"strikes"})))
        numbers = only.id, for_all.id
    plan(parts, now=later)
    assert got(parts) == {"Had it": [original.id, numbers[0]], "Not": [numbers[1]]}


def test_a_follow_up_for_recipients_reaches_nobody_whose_mail_of_the_original_failed(parts):
    later = NOW + timedelta(days=7)
    with parts.database.write() as session:
        builders.person(session)
        number = builders.appeal(session).id
    plan(parts)
    with parts.database.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.REFUSED))
        original = session.get_one(Appeal, number)
        original.close(Act(by="Rosa", at=NOW))
        builders.follow_up(session, original, FollowUp.CORRECTION, Audience.RECIPIENTS, released=later)
    assert plan(parts, now=later).mailing_id is None


def test_an_edition_is_frozen_even_if_the_appeal_is_edited_afterwards(parts):
    with parts.database.write() as session:
        builders.person(session)
        builders.appeal(session, "As it was approved", teaser="Before.")
    plan(parts)
    with parts.database.write() as session:
        edition = session.scalars(select(Edition)).one()
        before = stored_edition(session, edition.id)
        text = session.get_one(Subscriber, 1) and session.scalars(select(builders.AppealText)).one()
        text.title, text.teaser = "Another", "After."
    with parts.database.read() as session:
        assert stored_edition(session, edition.id) == before
    assert "As it was approved" in before.text


def test_who_reads_text_alone_gets_text_alone(parts):
    with parts.database.write() as session:
        builders.person(session, format=Format.TEXT)
        builders.appeal(session)
    plan(parts)
    with parts.database.read() as session:
        assert stored_edition(session, session.scalars(select(Edition.id)).one()).html is None


def test_preview_says_the_same_as_planning(parts):
    with parts.database.write() as session:
        people = [
            builders.person(session, "a@example.org", name="A"),
            builders.person(session, "b@example.org", name="B", countries=frozenset({"KZ"})),
            builders.person(session, "c@example.org", name="C", languages=("tr",)),
        ]
        builders.appeal(session, "one", countries=["KZ"])
        builders.appeal(session, "two", urgency=Urgency.URGENT)
    with parts.database.read() as session:
        foreseen = {}
        for person in people:
            verdict = parts.planner().verdict_for(session, session.get_one(Subscriber, person.id), now=NOW)
            if not isinstance(verdict, Skip):
                foreseen[person.name] = [chosen.appeal_id for chosen in verdict.appeals]
    plan(parts)
    assert got(parts) == foreseen
    assert len(foreseen) == 2


def test_the_most_pressing_ones_go_first_and_the_mail_says_how_many_more_there_are(database, keys):
    parts = builders.parts(database, keys, digest_most=2)
    with database.write() as session:
        builders.person(session, "rosa@example.org", name="Rosa")
        builders.person(session, "ar@example.org", name="Layla", languages=("ar", "en"))
        for number in range(3):
            builders.appeal(session, f"Appeal {number}", urgency=Urgency.URGENT if number == 2 else Urgency.NORMAL)
    plan(parts)
    with database.read() as session:
        rosa, layla = session.scalars(select(Delivery).order_by(Delivery.subscriber_id)).all()
        mail, arabic = (stored_edition(session, each.edition_id) for each in (rosa, layla))
    assert got(parts) == {"Rosa": [3, 2], "Layla": [3, 2]}
    assert "1 more appeal on the web:\nhttps://news.hands.example/appeals?in=en" in mail.text
    assert ">1 more appeal on the web</a>" in mail.html
    assert "نداء آخر على الموقع:\nhttps://news.hands.example/appeals?in=ar" in arabic.text
    settle_all(parts, DeliveryState.ACCEPTED)
    plan(parts, now=NOW + timedelta(days=7))
    assert got(parts) == {"Rosa": [1], "Layla": [1]}
    with database.read() as session:
        last = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.QUEUED)).first()
        assert "All appeals:\nhttps" in stored_edition(session, last.edition_id).text
