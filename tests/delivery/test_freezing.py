"""An alert's people are frozen into deliveries a few at a time: its first mail goes at once, and nothing is lost."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.history import Move
from newsletter.appeals.model import Act, Appeal
from newsletter.delivery import alert_faults, control, freezing
from newsletter.delivery.alertable import select_all
from newsletter.delivery.model import Delivery, DeliveryState, Mailing, MailingState
from newsletter.delivery.recurring import RECURRING
from newsletter.delivery.selection import Part
from newsletter.editions.model import Edition
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence, Format
from tests import builders
from tests.conftest import NOW

NOON = NOW + timedelta(hours=5)
DAY = timedelta(days=1)
PEOPLE = 30


class Killed(BaseException):
    """Stands for the end of the process in the middle of what it does."""


@pytest.fixture
def parts(database, keys, monkeypatch):
    """A newsletter with thirty people, of whom three are looked at first and then four at once."""
    monkeypatch.setattr(freezing, "FIRST", 3)
    monkeypatch.setattr(freezing, "MORE", 4)
    made = builders.parts(database, keys, now=NOON, second_look=False)
    with made.database.write() as session:
        for number in range(PEOPLE):
            person = builders.person(
                session,
                f"p{number}@example.org",
                name=f"p{number:02}",
                cadence=list(Cadence)[number % 5],
                languages=[("en",), ("ar", "en"), ("tr",)][number % 3],
                format=Format.TEXT if number % 4 == 0 else Format.HTML,
                topics=frozenset({"strikes"}) if number % 7 else frozenset({"prisons"}),
            )
            person.alerts = number % 10 != 3
            person.time_zone = ["", "America/New_York", "Asia/Tokyo"][number % 3]
    return made


@pytest.fixture
def appeal(parts):
    with parts.database.write() as session:
        return builders.appeal(session, "Free the eleven", topics=["strikes"], languages=("en", "ar"))


def launch(parts, appeal, *, undo=timedelta(0), on_progress=lambda _people: None, **chosen):
    def tell(_number, people):
        if people:
            on_progress(people)

    selection = replace(select_all(appeal, NOON), **chosen)
    return parts.alerts().launch(
        selection, by="Rosa", starts_at=NOON + undo, expires_at=NOON + DAY, now=NOON, on_progress=tell
    )


def launch_and_die(parts, appeal, *, after=1, **how):
    """Launch an alert, and end when so many spans are frozen; gives its number."""
    spans = []

    def die(people):
        spans.append(people)
        if len(spans) == after:
            raise Killed

    with pytest.raises(Killed):
        launch(parts, appeal, on_progress=die, **how)
    with parts.database.read() as session:
        number = session.scalars(select(Mailing.id).order_by(Mailing.id.desc())).first()
        assert session.get_one(Mailing, number).frozen_to is not None
    return number


def deliveries(parts, mailing):
    """What there is for each of the mailing's people, by name."""
    with parts.database.read() as session:
        rows = select(Subscriber.name, Delivery).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        found = session.execute(rows.where(Delivery.mailing_id == mailing)).all()
        assert len({name for name, _delivery in found}) == len(found)
        return dict(map(tuple, found))


def gets(parts, mailing):
    return {name for name, delivery in deliveries(parts, mailing).items() if delivery.state is DeliveryState.QUEUED}


def mailing_of(parts, number):
    with parts.database.read() as session:
        return session.get_one(Mailing, number)


def whom(parts, appeal, **chosen):
    """Whom an alert would go to, counted at once."""
    selection = replace(select_all(appeal, NOON), **chosen)
    return parts.alerts().look(selection, starts_at=NOON, expires_at=NOON + DAY, now=NOON)


# ── one span after the other ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_mails_can_go_before_all_people_were_looked_at(parts, appeal, database):
    seen = []

    def look(_people):
        outbox = parts.outbox()
        number = mailing_of(parts, 1).id
        waiting = gets(parts, number)
        if not seen:
            outbox.enrol(now=NOON)
            turn = outbox.turn([], want=100, now=NOON + timedelta(hours=2))
            assert len(turn.claims) == len(waiting) > 0
        seen.append(len(waiting))

    launch(parts, appeal, on_progress=look)
    assert seen[0] <= 3
    assert len(seen) > 4


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"topics": frozenset({"strikes"})},
        {"cadences": frozenset({Cadence.DAILY, Cadence.EACH})},
        {"languages": frozenset({"ar"})},
    ],
)
def test_in_spans_it_comes_to_what_the_look_at_once_said(parts, appeal, chosen):
    foreseen = whom(parts, appeal, **chosen)
    done = launch(parts, appeal, **chosen)
    assert done.outlook == replace(foreseen, shares=done.outlook.shares)
    assert Counter(dict(done.outlook.shares)) == Counter(dict(foreseen.shares))
    assert len(gets(parts, done.mailing_id)) == foreseen.people
    stored = mailing_of(parts, done.mailing_id)
    assert (stored.left_out, stored.frozen_to, stored.starts_at) == (
        {why.value: count for why, count in foreseen.out.items()},
        None,
        NOON,
    )


def test_each_edition_is_one_however_many_spans_have_people_for_it(parts, appeal):
    done = launch(parts, appeal)
    with parts.database.read() as session:
        editions = session.scalars(select(Edition).where(Edition.mailing_id == done.mailing_id)).all()
        forms = [(edition.language, edition.format, edition.discreet) for edition in editions]
        assert all(edition.composed_at for edition in editions)
    assert sorted(forms) == sorted(
        [("en", Format.HTML, False), ("en", Format.TEXT, False), ("ar", Format.HTML, False), ("ar", Format.TEXT, False)]
    )


def test_people_are_looked_at_until_somebody_gets_it(parts, appeal):
    with parts.database.write() as session:
        for person in session.scalars(select(Subscriber).where(Subscriber.id <= 20)):
            person.leave(LeftReason.UNSUBSCRIBED, NOON)
    foreseen = whom(parts, appeal)
    assert launch(parts, appeal).outlook.people == foreseen.people > 0


def test_an_alert_for_nobody_leaves_nothing_behind(parts, appeal):
    with parts.database.write() as session:
        for person in session.scalars(select(Subscriber)):
            person.alerts = False
    with pytest.raises(alert_faults.NobodyToAlert, match="25 declined alerts"):
        launch(parts, appeal)
    with parts.database.read() as session:
        assert session.scalars(select(Mailing)).all() == session.scalars(select(Delivery)).all() == []


def test_a_random_part_is_drawn_from_all_people(parts, appeal):
    everybody = whom(parts, appeal).people
    progress = []
    done = launch(parts, appeal, part=Part(everybody - 1, is_percent=False), on_progress=progress.append)
    assert progress == [everybody - 1] == [len(gets(parts, done.mailing_id))]


def test_who_joined_after_the_launch_is_not_among_its_people(parts, appeal):
    def join(_people):
        with parts.database.write() as session:
            builders.person(session, f"new{len(new)}@example.org", name="new", joined=NOON + timedelta(seconds=1))
        new.append(1)

    new = []
    done = launch(parts, appeal, on_progress=join)
    assert new
    assert "new" not in deliveries(parts, done.mailing_id)


def test_who_left_before_their_turn_gets_nothing(parts, appeal):
    last = "p27"

    def leave(_people):
        with parts.database.write() as session:
            session.scalars(select(Subscriber).where(Subscriber.name == last)).one().leave(
                LeftReason.UNSUBSCRIBED, NOON
            )

    assert last in gets(parts, launch(parts, appeal).mailing_id)
    with parts.database.write() as session:
        other = builders.appeal(session, "Others", topics=["strikes"], languages=("en", "ar"))
    assert last not in deliveries(parts, launch(parts, other, on_progress=leave).mailing_id)


# ── where the launch ended in the middle ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("after", [1, 4])
def test_whoever_does_what_is_due_goes_on_where_a_launch_ended(parts, appeal, after):
    foreseen = whom(parts, appeal)
    number = launch_and_die(parts, appeal, after=after)
    first = gets(parts, number)
    assert 0 < len(first) < foreseen.people
    assert parts.recurring().is_due(NOON + timedelta(minutes=2))
    parts.recurring().run(NOON)
    assert len(gets(parts, number)) == foreseen.people
    assert mailing_of(parts, number).frozen_to is None
    with parts.database.read() as session:
        assert session.scalar(select(Edition.id).where(Edition.composed_at.is_(None))) is None
    with pytest.raises(alert_faults.NobodyToAlert):
        launch(parts, appeal)


def test_an_alert_is_not_finished_while_some_of_its_people_are_not_frozen(parts, appeal, database):
    number = launch_and_die(parts, appeal)
    with parts.database.write() as session:
        for delivery in session.scalars(select(Delivery)):
            if delivery.state is DeliveryState.QUEUED:
                delivery.state, delivery.settled_at = DeliveryState.ACCEPTED, NOON
    outbox = parts.outbox()
    outbox.finish_mailings(now=NOON)
    assert mailing_of(parts, number).state is MailingState.RUNNING
    parts.recurring().run(NOON)
    assert gets(parts, number)


def test_a_digest_that_is_planned_meanwhile_takes_it_from_nobody(parts, appeal):
    foreseen = whom(parts, appeal)
    number = launch_and_die(parts, appeal)
    for cadence in RECURRING:
        parts.planner().launch(cadence, now=NOON)
    alerted = gets(parts, number)
    assert len(alerted) == foreseen.people
    with parts.database.read() as session:
        digests = session.scalars(select(Mailing.id).where(Mailing.id != number)).all()
    by_digest = [name for digest in digests for name in gets(parts, digest)]
    # Whoever wants no alerts: it comes with their digest. `urgent` readers have none.
    assert alerted.isdisjoint(by_digest)
    assert len(by_digest) == len(set(by_digest)) > 0


def test_another_alert_comes_after_the_people_of_the_one_before(parts, appeal):
    number = launch_and_die(parts, appeal)
    with parts.database.write() as session:
        other = builders.appeal(session, "And the twelfth", topics=["strikes", "prisons"])
    done = launch(parts, other, without=(number,))
    assert mailing_of(parts, number).frozen_to is None
    assert gets(parts, done.mailing_id).isdisjoint(gets(parts, number))
    assert gets(parts, done.mailing_id)


def test_it_starts_no_sooner_for_those_who_were_frozen_by_others(parts, appeal):
    undo = timedelta(minutes=3)
    number = launch_and_die(parts, appeal, undo=undo)
    parts.recurring().run(NOON)
    queued = [row for row in deliveries(parts, number).values() if row.state is DeliveryState.QUEUED]
    assert len(queued) > 3
    assert min(row.due_at for row in queued) >= NOON + undo


def test_two_who_go_on_at_once_freeze_everybody_once(parts, appeal, database, keys):
    foreseen = whom(parts, appeal)
    number = launch_and_die(parts, appeal)
    others = [builders.parts(database, keys, now=NOON) for _ in range(2)]
    threads = [threading.Thread(target=each.recurring().run, args=(NOON,)) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gets(parts, number)) == foreseen.people
    assert mailing_of(parts, number).left_out == {why.value: count for why, count in foreseen.out.items()}


# ── what happens to it meanwhile ─────────────────────────────────────────────────────────────────────────────────────


def test_cancelled_meanwhile_it_goes_to_nobody_more(parts, appeal):
    number = launch_and_die(parts, appeal)
    control.cancel(parts.database, number, now=NOON)
    before = deliveries(parts, number)
    parts.recurring().run(NOON)
    after = deliveries(parts, number)
    assert after.keys() == before.keys()
    assert not gets(parts, number)
    with parts.database.read() as session:
        assert not freezing.unfinished(session)


def test_paused_meanwhile_all_its_people_are_there_when_it_goes_on(parts, appeal):
    foreseen = whom(parts, appeal)
    number = launch_and_die(parts, appeal)
    with parts.database.write() as session:
        control.pause(session, number)
    parts.recurring().run(NOON)
    assert mailing_of(parts, number).state is MailingState.PAUSED
    assert len(gets(parts, number)) == foreseen.people


def test_nobody_more_gets_it_after_its_limit(parts, appeal):
    number = launch_and_die(parts, appeal)
    before = deliveries(parts, number).keys()
    parts.recurring().run(NOON + 2 * DAY)
    assert deliveries(parts, number).keys() == before
    assert mailing_of(parts, number).frozen_to is None
    assert "limit had passed" in mailing_of(parts, number).note


@pytest.mark.parametrize("what", ["closed", "changed"])
def test_an_appeal_that_is_closed_or_changed_meanwhile_stops_it_with_a_reason(parts, appeal, what):
    def change(_people):
        if changed:
            return
        changed.append(1)
        with parts.database.write() as session:
            found = session.get_one(Appeal, appeal.id)
            if what == "closed":
                found.close(Act(by="Rosa", at=NOON))
            else:
                found.reopen_for_edit()
                found.written(Move.EDITED, Act(by="Rosa", at=NOON))

    changed = []
    done = launch(parts, appeal, on_progress=change)
    assert "Some of its people get nothing" in done.broken
    mailing = mailing_of(parts, done.mailing_id)
    assert (mailing.state, mailing.frozen_to, mailing.note) == (MailingState.PAUSED, None, done.broken)
    assert len(deliveries(parts, done.mailing_id)) <= 3
    with parts.database.write() as session:
        control.resume(session, done.mailing_id)
    parts.recurring().run(NOON)
    assert len(deliveries(parts, done.mailing_id)) <= 3


def test_whoever_is_still_launching_is_left_to_it(parts, appeal):
    parts.recurring().run(NOON)  # from now on digests are due by themselves
    launch_and_die(parts, appeal)
    with parts.database.read() as session:
        assert freezing.unfinished(session)
        assert not freezing.unfinished(session, since=NOON - timedelta(minutes=1))
        assert freezing.unfinished(session, since=NOON + timedelta(seconds=1))


def test_it_tells_how_many_get_it_whoever_froze_them(parts, appeal):
    foreseen = whom(parts, appeal)

    def join_in(_people):
        parts.recurring().run(NOON)

    assert launch(parts, appeal, on_progress=join_in).people == foreseen.people


def test_where_it_goes_on_at_night_the_others_get_it_in_their_morning(parts, appeal):
    with parts.database.write() as session:
        for person in session.scalars(select(Subscriber)):
            person.time_zone = "Europe/Berlin"
    number = launch_and_die(parts, appeal)
    first = gets(parts, number)
    at_night = NOON + timedelta(hours=11)  # midnight in Berlin
    parts.recurring().run(at_night)
    late = {name: row for name, row in deliveries(parts, number).items() if row.edition_id and name not in first}
    assert late
    assert {row.due_at.replace(microsecond=0) for row in late.values()} == {NOON + timedelta(hours=19)}


def test_a_fault_of_ours_pauses_one_alert_and_keeps_back_no_digest(parts, appeal, monkeypatch):
    number = launch_and_die(parts, appeal)

    def fail(*_all, **_how):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(freezing.Recipients, "find", fail)
        parts.planner().launch(Cadence.WEEKLY, now=NOON)
    mailing = mailing_of(parts, number)
    assert (mailing.state, mailing.frozen_to) == (MailingState.PAUSED, None)
    assert "RuntimeError" in mailing.note
