"""Alerts: to whom, when, only once, and with a second organiser's look."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.history import Move
from newsletter.appeals.model import Act, Appeal, AppealClosed, Audience, FollowUp, NotApproved
from newsletter.appeals.urgency import Urgency
from newsletter.delivery import alert_faults, claiming, control
from newsletter.delivery.alertable import select_all, select_recipients
from newsletter.delivery.deciding import decide
from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing, MailingKind, MailingState, OnUncertain
from newsletter.delivery.report import NoSuchMailing
from newsletter.delivery.selection import Out, Part, Selection
from newsletter.editions.model import Edition
from newsletter.editions.stored import stored_edition
from subscribers.choices import Choices, choose
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence, Format
from tests import builders
from tests.conftest import NOW

NOON = NOW + timedelta(hours=5)
DAY = timedelta(days=1)


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys, now=NOON, second_look=False)


def person(parts, name, *, alerts=True, zone="", paused=None, through=False, **wishes):
    with parts.database.write() as session:
        made = builders.person(session, f"{name}@example.org", name=name, **wishes)
        made.alerts, made.time_zone, made.paused_until, made.alerts_while_paused = alerts, zone, paused, through
        return made.id


def release(parts, title="Free the eleven", **facts):
    with parts.database.write() as session:
        return builders.appeal(session, title, **facts)


def everybody(parts, appeal, **chosen):
    return replace(select_all(appeal, NOON), **chosen)


def launch(parts, selection, *, undo=timedelta(0), lives=DAY, now=NOON, by="Rosa"):
    return parts.alerts().launch(selection, by=by, starts_at=now + undo, expires_at=now + lives, now=now)


def alert(parts, appeal, **chosen):
    return launch(parts, everybody(parts, appeal, **chosen))


def got(parts, mailing, *states):
    """Who has, or is to get, a mailing; by name."""
    states = states or (DeliveryState.QUEUED, DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN)
    with parts.database.read() as session:
        rows = select(Subscriber.name).join(Delivery, Delivery.subscriber_id == Subscriber.id)
        return sorted(session.scalars(rows.where(Delivery.mailing_id == mailing, Delivery.state.in_(states))))


def settle(parts, mailing, state=DeliveryState.ACCEPTED, name=None):
    with parts.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.mailing_id == mailing)):
            if delivery.state is DeliveryState.QUEUED and (
                name is None or session.get_one(Subscriber, delivery.subscriber_id).name == name
            ):
                delivery.state = state


def finish(parts, mailing):
    with parts.database.write() as session:
        session.get_one(Mailing, mailing).state = MailingState.FINISHED


# ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_goes_to_all_whom_it_concerns_whatever_their_cadence(parts):
    for cadence in Cadence:
        person(parts, cadence.value, cadence=cadence)
    person(parts, "strikes", topics=frozenset({"strikes"}))
    person(parts, "kazakhstan", countries=frozenset({"KZ"}))
    person(parts, "prisons", topics=frozenset({"prisons"}))
    person(parts, "salvador", countries=frozenset({"SV"}))
    person(parts, "declined", alerts=False)
    person(parts, "paused", paused=NOON + DAY)
    person(parts, "through", paused=NOON + DAY, through=True)
    person(parts, "rested", paused=NOON - DAY)
    person(parts, "arabic", languages=("ar",))
    person(parts, "later", joined=NOON + DAY)
    with parts.database.write() as session:
        builders.person(session, "left@example.org", name="left").leave(LeftReason.UNSUBSCRIBED, NOON)
    done = alert(parts, release(parts, topics=["strikes"], countries=["KZ"]))
    wanted = [*sorted(Cadence), "kazakhstan", "rested", "strikes", "through"]
    assert got(parts, done.mailing_id) == sorted(map(str, wanted))
    assert done.outlook.people == len(wanted)
    assert done.outlook.cadences == {c: 1 + 4 * (c is Cadence.WEEKLY) for c in Cadence}
    assert done.outlook.out == {
        Out.OTHER_TOPIC: 1,
        Out.OTHER_COUNTRY: 1,
        Out.DECLINED: 1,
        Out.PAUSED: 1,
        Out.NO_TEXT: 1,
    }
    assert got(parts, done.mailing_id, DeliveryState.SKIPPED) == ["arabic", "paused"]


def test_what_is_planned_is_an_alert_in_its_lane_that_is_never_lost(parts):
    person(parts, "rosa")
    done = alert(parts, release(parts))
    with parts.database.read() as session:
        mailing = session.get_one(Mailing, done.mailing_id)
        assert (mailing.kind, mailing.lane, mailing.on_uncertain, mailing.state) == (
            MailingKind.ALERT,
            Lane.ALERT,
            OnUncertain.RETRY,
            MailingState.RUNNING,
        )
        assert (mailing.launched_at, mailing.expires_at, mailing.proposed_by) == (NOON, NOON + DAY, "Rosa")


def test_each_language_and_form_is_an_edition_in_the_language_of_the_text(parts):
    person(parts, "english")
    person(parts, "text", format=Format.TEXT)
    person(parts, "discreet", discreet=True)
    # What they read first there is no text in: all of the mail is in what there is.
    person(parts, "kurdish", languages=("ku", "ar"))
    done = alert(parts, release(parts, languages=("en", "ar")))
    shares = {(s.digest.language, s.digest.format, s.digest.discreet): s.people for s in done.outlook.shares}
    assert shares == {
        ("en", Format.HTML, False): 1,
        ("en", Format.TEXT, False): 1,
        ("en", Format.TEXT, True): 1,
        ("ar", Format.HTML, False): 1,
    }
    with parts.database.read() as session:
        editions = session.scalars(select(Edition)).all()
        assert {edition.mail for edition in editions} == {"alert"}
        assert all(edition.composed_at for edition in editions)
        arabic = next(edition for edition in editions if edition.language == "ar")
        assert 'dir="rtl"' in (stored_edition(session, arabic.id).html or "")


@pytest.mark.parametrize(
    ("chosen", "gets"),
    [
        ({"topics": frozenset({"strikes"})}, ["all", "arabic", "strikes"]),
        ({"countries": frozenset({"TR"})}, ["all", "arabic", "strikes"]),
        ({"languages": frozenset({"ar"})}, ["arabic"]),
        ({"languages": frozenset({"en-GB"})}, ["all", "kazakhstan", "strikes"]),
        ({"cadences": frozenset({Cadence.MONTHLY})}, ["kazakhstan"]),
        ({"cadences": frozenset({Cadence.MONTHLY, Cadence.DAILY}), "languages": frozenset({"ar"})}, ["arabic"]),
    ],
)
def test_an_organiser_chooses_among_those_whom_it_concerns(parts, chosen, gets):
    person(parts, "all")
    person(parts, "strikes", topics=frozenset({"strikes"}))
    person(parts, "kazakhstan", topics=frozenset({"arrests"}), countries=frozenset({"KZ"}), cadence=Cadence.MONTHLY)
    person(parts, "arabic", languages=("ar",), cadence=Cadence.DAILY)
    person(parts, "prisons", topics=frozenset({"prisons"}))
    appeal = release(parts, topics=["strikes", "arrests"], countries=["KZ", "TR"], languages=("en", "ar"))
    assert got(parts, alert(parts, appeal, **chosen).mailing_id) == gets


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_gets_by_alert_what_came_with_a_digest_nor_the_other_way_round(parts):
    person(parts, "weekly")
    person(parts, "daily", cadence=Cadence.DAILY)
    appeal = release(parts)
    digest = parts.planner().launch(Cadence.WEEKLY, now=NOON)
    done = alert(parts, appeal)
    assert got(parts, done.mailing_id) == ["daily"]
    assert done.outlook.out == {Out.HAD: 1}
    assert parts.planner().launch(Cadence.DAILY, now=NOON + DAY).mailing_id is None
    assert digest.deliveries == 1


@pytest.mark.parametrize("state", [DeliveryState.EXPIRED, DeliveryState.REFUSED, DeliveryState.CANCELLED])
def test_what_an_alert_did_not_bring_comes_with_the_next_digest(parts, state):
    person(parts, "weekly")
    appeal = release(parts)
    parts.planner().launch(Cadence.WEEKLY, now=NOW)  # looked at everything for them, before
    settle(parts, 1, DeliveryState.CANCELLED)
    done = alert(parts, appeal)
    assert parts.planner().launch(Cadence.WEEKLY, now=NOON).mailing_id is None
    settle(parts, done.mailing_id, state)
    again = parts.planner().launch(Cadence.WEEKLY, now=NOON + DAY)
    assert got(parts, again.mailing_id) == ["weekly"]


def test_a_random_part_goes_first_and_then_the_rest_and_nobody_twice(parts):
    for number in range(40):
        person(parts, f"p{number:02}")
    appeal = release(parts)
    first = alert(parts, appeal, part=Part(10, is_percent=True))
    assert (first.outlook.people, first.outlook.out) == (4, {Out.NOT_IN_PART: 36})
    second = alert(parts, appeal, part=Part(6, is_percent=False))
    rest = alert(parts, appeal)
    people = [name for done in (first, second, rest) for name in got(parts, done.mailing_id)]
    assert sorted(people) == [f"p{number:02}" for number in range(40)]
    assert rest.outlook.people == 30
    with pytest.raises(alert_faults.NobodyToAlert, match="40 had it"):
        alert(parts, appeal)


def test_those_who_got_a_mailing_are_left_out(parts):
    person(parts, "weekly")
    person(parts, "daily", cadence=Cadence.DAILY)
    release(parts, "Of the digest")
    digest = parts.planner().launch(Cadence.WEEKLY, now=NOON)
    done = alert(parts, release(parts, "Another one"), without=(digest.mailing_id,))
    assert got(parts, done.mailing_id) == ["daily"]
    assert done.outlook.out == {Out.WITHOUT: 1}


# ── what continues another ───────────────────────────────────────────────────────────────────────────────────────────


def test_those_who_got_the_original_get_what_continues_it_whatever_they_chose_since(parts):
    person(parts, "weekly")
    person(parts, "daily", cadence=Cadence.DAILY)
    original = release(parts, topics=["strikes"])
    parts.planner().launch(Cadence.WEEKLY, now=NOON)
    settle(parts, 1)
    with parts.database.write() as session:
        news = builders.follow_up(session, session.get_one(Appeal, original.id), FollowUp.UPDATE, Audience.EVERYONE)
        weekly = session.scalars(select(Subscriber).where(Subscriber.name == "weekly")).one()
        now = Choices.of(weekly)
        choose(
            session,
            weekly.id,
            now,
            replace(now, reading=replace(now.reading, topics=frozenset({"prisons"}))),
            source="page",
            now=NOON,
        )
    done = alert(parts, news, only_recipients=True)
    assert got(parts, done.mailing_id) == ["weekly"]
    assert done.outlook.out == {Out.NOT_RECIPIENT: 1}
    with parts.database.read() as session:
        assert session.get_one(Mailing, done.mailing_id).kind is MailingKind.FOLLOW_UP


def test_a_follow_up_for_recipients_goes_to_nobody_else_whoever_asks(parts):
    person(parts, "weekly")
    person(parts, "daily", cadence=Cadence.DAILY)
    original = release(parts)
    parts.planner().launch(Cadence.WEEKLY, now=NOON)
    with parts.database.write() as session:
        news = builders.follow_up(session, session.get_one(Appeal, original.id), FollowUp.UPDATE, Audience.RECIPIENTS)
    with pytest.raises(alert_faults.NobodyToAlert, match="did not get what it continues"):
        alert(parts, news)  # what waits still would come after it
    settle(parts, 1)
    assert got(parts, alert(parts, news).mailing_id) == ["weekly"]


def test_only_an_appeal_that_continues_another_has_an_original(parts):
    person(parts, "rosa")
    with pytest.raises(alert_faults.NoOriginal):
        alert(parts, release(parts), only_recipients=True)


def correction(parts, original):
    with parts.database.write() as session:
        wrong = session.get_one(Appeal, original.id)
        return builders.follow_up(session, wrong, FollowUp.CORRECTION, Audience.RECIPIENTS, released=NOON)


def correct(parts, appeal, mailing):
    with parts.database.read() as session:
        selection = select_recipients(session, appeal, mailing, NOON)
    return launch(parts, selection)


def test_a_correction_goes_to_exactly_those_who_got_the_mailing(parts):
    names = ["got", "perhaps", "on the wire", "refused", "expired", "waited", "gone", "now quiet", "now elsewhere"]
    for name in names:
        person(parts, name.replace(" ", "-"))
    appeal = release(parts, topics=["strikes"])
    wrong = alert(parts, appeal).mailing_id
    for name, state in (
        ("perhaps", DeliveryState.UNCERTAIN),
        ("on-the-wire", DeliveryState.SENDING),
        ("refused", DeliveryState.REFUSED),
        ("expired", DeliveryState.EXPIRED),
        *((name, DeliveryState.ACCEPTED) for name in ("got", "gone", "now-quiet", "now-elsewhere")),
    ):
        settle(parts, wrong, state, name)
    person(parts, "new")
    right = correction(parts, appeal)
    with pytest.raises(alert_faults.StillGoing, match="cancel 1"):
        correct(parts, right, wrong)
    control.cancel(parts.database, wrong, now=NOON)
    with parts.database.write() as session:
        people = {one.name: one for one in session.scalars(select(Subscriber))}
        people["gone"].leave(LeftReason.UNSUBSCRIBED, NOON)
        people["now-quiet"].alerts = False
        people["now-elsewhere"].profile = people["now-elsewhere"].profile.of(
            session, replace(people["now-elsewhere"].profile.reading, topics=frozenset({"prisons"}))
        )
    done = correct(parts, right, wrong)
    assert got(parts, done.mailing_id) == ["got", "now-elsewhere", "now-quiet", "on-the-wire", "perhaps"]
    assert done.outlook.out == {Out.LEFT: 1}
    with pytest.raises(alert_faults.NobodyToAlert, match="5 had it"):
        correct(parts, right, wrong)


def test_a_correction_of_a_digest_goes_to_those_whose_digest_held_what_was_wrong(parts):
    person(parts, "kazakhstan", countries=frozenset({"KZ"}))
    person(parts, "turkey", countries=frozenset({"TR"}))
    person(parts, "all")
    wrong = release(parts, "wrong", countries=["KZ"])
    release(parts, "fine", countries=["TR"])
    digest = parts.planner().launch(Cadence.WEEKLY, now=NOON)
    settle(parts, digest.mailing_id)
    finish(parts, digest.mailing_id)
    done = correct(parts, correction(parts, wrong), digest.mailing_id)
    assert got(parts, done.mailing_id) == ["all", "kazakhstan"]


def test_a_mailing_is_corrected_by_a_correction_of_what_it_held(parts):
    person(parts, "rosa")
    appeal, other = release(parts), release(parts, "Another")
    mailing = alert(parts, appeal).mailing_id
    settle(parts, mailing)
    finish(parts, mailing)
    with pytest.raises(alert_faults.NotACorrection):
        correct(parts, appeal, mailing)
    with pytest.raises(alert_faults.NotOfMailing):
        correct(parts, correction(parts, other), mailing)
    with pytest.raises(NoSuchMailing):
        correct(parts, correction(parts, appeal), 99)


# ── when ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(parts):
    """After how many hours each of them gets it, by name; the order of editions does not count."""
    with parts.database.read() as session:
        rows = session.execute(
            select(Subscriber.name, Delivery.due_at)
            .join(Delivery, Delivery.subscriber_id == Subscriber.id)
            .where(Delivery.state == DeliveryState.QUEUED)
        )
        return {name: round((at - NOON).total_seconds() / 3600, 3) for name, at in rows}


def of_the_world(parts):
    for name, zone in (
        ("here", ""),
        ("berlin", "Europe/Berlin"),  # 13:00
        ("lima", "America/Lima"),  # 07:00
        ("kathmandu", "Asia/Kathmandu"),  # 17:45
        ("auckland", "Pacific/Auckland"),  # 01:00 of the next day
        ("seoul", "Asia/Seoul"),  # 21:00
        ("nowhere", "Mars/Olympus"),  # as here
    ):
        person(parts, name, zone=zone)


def test_nobody_is_woken_by_an_alert(parts):
    of_the_world(parts)
    done = alert(parts, release(parts))
    assert due(parts) == {
        "here": 0,
        "berlin": 0,
        "lima": 1,
        "kathmandu": 0,
        "auckland": 7,
        "seoul": 0,
        "nowhere": 0,
    }
    assert done.outlook.by_night == 2


def test_it_goes_at_once_when_a_life_is_at_risk(parts):
    of_the_world(parts)
    done = alert(parts, release(parts, urgency=Urgency.LIFE_AT_RISK))
    assert set(due(parts).values()) == {0}
    assert done.outlook.by_night == 0


def test_it_goes_at_once_to_those_whose_morning_would_be_too_late(parts):
    of_the_world(parts)
    launch(parts, everybody(parts, release(parts)), lives=timedelta(hours=6))
    assert {name for name, hours in due(parts).items() if hours} == {"lima"}


EVENING = NOON + timedelta(hours=12)  # midnight in UTC, one o'clock in Berlin; seven in Lima, nine in Seoul


def test_who_has_night_once_it_goes_on_is_not_woken_either(parts):
    of_the_world(parts)
    number = alert(parts, release(parts)).mailing_id
    with parts.database.write() as session:
        control.pause(session, number)
    with parts.database.write() as session:
        control.resume(session, number)
    assert claimed(parts, now=EVENING).keys() == {"lima", "auckland", "seoul"}
    assert due(parts).items() >= {"here": 20, "berlin": 19, "kathmandu": 14.25, "nowhere": 20}.items()
    assert claimed(parts, now=EVENING + timedelta(hours=8)).keys() == {"here", "berlin", "kathmandu", "nowhere"}


@pytest.mark.parametrize(
    ("urgency", "lives"), [(Urgency.LIFE_AT_RISK, DAY), (Urgency.URGENT, timedelta(hours=14))], ids=["life", "too late"]
)
def test_who_has_night_once_it_goes_on_gets_it_if_it_can_not_wait(parts, urgency, lives):
    of_the_world(parts)
    launch(parts, everybody(parts, release(parts, urgency=urgency)), lives=lives)
    assert {"here", "berlin", "nowhere"} <= claimed(parts, now=EVENING).keys()


def test_a_morning_that_leaves_too_little_time_is_not_waited_for(parts):
    person(parts, "berlin", zone="Europe/Berlin")
    appeal = release(parts)
    launch(parts, everybody(parts, appeal), lives=timedelta(hours=19, minutes=30))  # half an hour after eight there
    assert "berlin" in claimed(parts, now=EVENING)


def test_what_a_server_deferred_into_the_night_waits_too(parts):
    person(parts, "berlin", zone="Europe/Berlin")
    number = alert(parts, release(parts)).mailing_id
    with parts.database.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.mailing_id == number)):
            delivery.state, delivery.attempts, delivery.due_at = DeliveryState.DEFERRED, 1, EVENING
    assert claimed(parts, now=EVENING) == {}
    assert got(parts, number, DeliveryState.DEFERRED) == ["berlin"]
    assert "berlin" in claimed(parts, now=EVENING + timedelta(hours=7))


def test_nobody_who_is_awake_waits_behind_those_who_sleep(parts, monkeypatch):
    monkeypatch.setattr(claiming, "SLEEPERS", 20)
    for place in range(50):
        person(parts, f"berlin{place}", zone="Europe/Berlin")
    for place in range(6):
        person(parts, f"lima{place}", zone="America/Lima")
    alert(parts, release(parts))
    queue = parts.outbox()
    queue.enrol(now=EVENING)
    turns = [queue.turn([], want=want, now=EVENING) for want in (3, 3, 3, 9)]
    assert [(len(turn.claims), turn.dry) for turn in turns] == [(0, False), (0, False), (3, False), (3, True)]
    assert sum(hours == 19 for hours in due(parts).values()) == 50


def test_it_can_be_stopped_before_its_first_mail(parts):
    person(parts, "rosa")
    appeal = release(parts)
    done = launch(parts, everybody(parts, appeal), undo=timedelta(minutes=1))
    assert done.starts_at == NOON + timedelta(minutes=1)
    assert due(parts) == {"rosa": round(1 / 60, 3)}
    assert control.cancel(parts.database, done.mailing_id, now=NOON).cancelled == 1
    assert alert(parts, appeal).outlook.people == 1  # what was stopped may go again


def test_an_alert_that_expires_before_it_begins_is_refused(parts):
    person(parts, "rosa")
    with pytest.raises(alert_faults.ExpiryPast):
        launch(parts, everybody(parts, release(parts)), undo=timedelta(minutes=2), lives=timedelta(minutes=1))


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_is_released_open_and_in_time_goes_out(parts):
    person(parts, "rosa")
    with parts.database.write() as session:
        draft = builders.appeal(session, "draft", released=None)
        approved = builders.appeal(session, "approved", released=None)
        approved.approve(Act(by="Hanna", at=NOON), second_look=True)
        closed = builders.appeal(session, "closed")
        closed.close(Act(by="Hanna", at=NOON))
        edited = builders.appeal(session, "edited")
        edited.reopen_for_edit()
        edited.written(Move.EDITED, Act(by="Tarek", at=NOON))
        late = builders.appeal(session, "late", deadline=NOON.date() - 2 * DAY)
    for appeal, refusal in (
        (draft, NotApproved),
        (approved, alert_faults.NotReleased),
        (closed, AppealClosed),
        (edited, alert_faults.ChangedSinceApproval),
        (late, alert_faults.DeadlineOver),
    ):
        with pytest.raises(refusal):
            everybody(parts, appeal)
        # Nor if it has become so between the look at it and the launch.
        with pytest.raises(refusal):
            launch(parts, Selection(appeal_id=appeal.id, version_id=appeal.public_id or 0))
    with parts.database.read() as session:
        assert session.scalars(select(Mailing)).all() == []


def test_an_alert_to_nobody_is_refused_and_leaves_nothing(parts):
    person(parts, "arabic", languages=("ar",))
    person(parts, "declined", alerts=False)
    with pytest.raises(alert_faults.NobodyToAlert, match=r"1 declined alerts.*1 no text"):
        alert(parts, release(parts))
    with parts.database.read() as session:
        assert session.scalars(select(Mailing)).all() == []
        assert session.scalars(select(Edition)).all() == []


def test_looking_changes_nothing(parts):
    person(parts, "rosa")
    selection = everybody(parts, release(parts))
    outlook = parts.alerts().look(selection, starts_at=NOON, expires_at=NOON + DAY, now=NOON)
    assert outlook.people == 1
    with parts.database.read() as session:
        assert session.scalars(select(Mailing)).all() == []
        assert session.scalars(select(Delivery)).all() == []


# ── the second look ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def careful(database, keys):
    return builders.parts(database, keys, now=NOON)


def propose(parts, appeal, *, by="Rosa", lives=DAY, **chosen):
    selection = everybody(parts, appeal, **chosen)
    return parts.alerts().propose(selection, by=by, expires_at=NOON + lives, now=NOON)


def approve(parts, number, *, by="Layla", now=NOON):
    return parts.alerts().approve(number, by=by, starts_at=now, now=now)


def test_the_same_alert_waits_only_once(careful):
    person(careful, "rosa")
    appeal = release(careful)
    number = propose(careful, appeal)
    with pytest.raises(alert_faults.AlreadyProposed, match=rf"Mailing {number} is this alert"):
        propose(careful, appeal, by="Tarek")
    assert propose(careful, appeal, cadences=frozenset({Cadence.DAILY})) != number
    control.cancel(careful.database, number, now=NOON)
    assert propose(careful, appeal) > number


def test_an_alert_waits_for_another_organiser(careful):
    person(careful, "rosa")
    person(careful, "daily", cadence=Cadence.DAILY)
    appeal = release(careful)
    with pytest.raises(alert_faults.SecondLookNeeded):
        alert(careful, appeal)
    number = propose(careful, appeal, cadences=frozenset({Cadence.DAILY}))
    assert got(careful, number) == []
    for what in (control.pause, control.resume):
        with careful.database.write() as session, pytest.raises(control.MailingProposed):
            what(session, number)
    with pytest.raises(alert_faults.ApprovalByAnother):
        approve(careful, number, by="Rosa")
    assert careful.alerts().look_again(number, by="Layla", starts_at=NOON, now=NOON).people == 1
    assert got(careful, number) == []
    done = approve(careful, number, now=NOON + timedelta(hours=1))
    assert got(careful, number) == ["daily"]
    assert done.mailing_id == number
    with careful.database.read() as session:
        mailing = session.get_one(Mailing, number)
        assert (mailing.state, mailing.proposed_by, mailing.approved_by) == (MailingState.RUNNING, "Rosa", "Layla")
        assert mailing.launched_at == NOON + timedelta(hours=1)
    with pytest.raises(alert_faults.NotProposed):
        approve(careful, number)


def test_what_has_changed_since_it_was_proposed_is_not_approved(careful):
    person(careful, "rosa")
    appeal = release(careful)
    number = propose(careful, appeal)
    with careful.database.write() as session:
        again = session.get_one(Appeal, appeal.id)
        again.reopen_for_edit(again.texts)
        again.text.teaser = "Other words."
        again.written(Move.EDITED, Act(by="Tarek", at=NOON))
    with pytest.raises(alert_faults.ProposalStale):
        approve(careful, number)
    with careful.database.write() as session:
        builders.approve_and_release(session.get_one(Appeal, appeal.id), NOON)
    with pytest.raises(alert_faults.ProposalStale, match="Rosa"):
        approve(careful, number)
    assert got(careful, number) == []
    control.cancel(careful.database, number, now=NOON)
    with pytest.raises(alert_faults.NotProposed, match="cancelled"):
        approve(careful, number)


def test_a_proposal_that_nobody_approved_in_time_is_over(careful):
    person(careful, "rosa")
    number = propose(careful, release(careful), lives=timedelta(hours=1))
    with pytest.raises(alert_faults.ProposalExpired):
        approve(careful, number, now=NOON + timedelta(hours=1))


# ── as it goes out ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_wants_no_alerts_any_more_does_not_get_the_one_that_waits(parts):
    number = person(parts, "rosa")
    person(parts, "layla")
    done = alert(parts, release(parts))
    with parts.database.write() as session:
        before = Choices.of(session.get_one(Subscriber, number))
        decide(session, number, before, replace(before, alerts=False), source="page", now=NOON)
    assert got(parts, done.mailing_id) == ["layla"]


def test_a_correction_is_not_approved_while_what_it_corrects_goes_out_again(careful, parts):
    person(parts, "rosa")
    appeal = release(parts)
    wrong = alert(parts, appeal).mailing_id
    settle(parts, wrong, DeliveryState.UNCERTAIN)
    finish(parts, wrong)
    right = correction(parts, appeal)
    with parts.database.read() as session:
        selection = select_recipients(session, right, wrong, NOON)
    number = careful.alerts().propose(selection, by="Rosa", expires_at=NOON + DAY, now=NOON)
    with parts.database.write() as session:
        control.resolve(session, wrong, control.uncertain(session, wrong), control.Verdict.AGAIN, now=NOON)
    with pytest.raises(alert_faults.StillGoing):
        approve(careful, number)
    control.cancel(parts.database, wrong, now=NOON)
    assert approve(careful, number).outlook.people == 1


# ── what they decide while it waits ──────────────────────────────────────────────────────────────────────────────────


def claimed(parts, *, now=NOON + timedelta(seconds=1)):
    """Who would get a mail now, by name, with what it is in."""
    outbox = parts.outbox()
    outbox.enrol(now=now)
    turn = outbox.turn([], want=100, now=now)
    with parts.database.read() as session:
        return {
            session.get_one(Subscriber, claim.subscriber_id).name: session.get_one(Edition, claim.edition_id)
            for claim in turn.claims
        }


def change(parts, name, **choices):
    """Let somebody choose otherwise, as their page does."""
    with parts.database.write() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.name == name)).one()
        before = Choices.of(person)
        reading = {key: choices.pop(key) for key in ("discreet", "topics") if key in choices}
        after = replace(before, reading=replace(before.reading, **reading), **choices)
        decide(session, person.id, before, after, source="page", now=NOON)


def test_who_declines_while_it_is_launched_gets_none(parts):
    for name in ("rosa", "layla"):
        person(parts, name)
    alert(parts, release(parts))
    with parts.database.write() as session:
        # On PostgreSQL the page's transaction may see nothing yet of what is being planned.
        session.scalars(select(Subscriber).where(Subscriber.name == "rosa")).one().alerts = False
    assert claimed(parts).keys() == {"layla"}


def test_a_digest_does_not_come_in_another_rhythm(parts):
    for name in ("rosa", "layla"):
        person(parts, name)
    release(parts)
    parts.planner().launch(Cadence.WEEKLY, now=NOON)
    with parts.database.write() as session:
        session.scalars(select(Subscriber).where(Subscriber.name == "rosa")).one().cadence = Cadence.URGENT
    assert claimed(parts).keys() == {"layla"}


def test_a_correction_reaches_who_declines_alerts_while_it_waits(parts):
    for name in ("rosa", "layla"):
        person(parts, name)
    appeal = release(parts)
    wrong = alert(parts, appeal).mailing_id
    settle(parts, wrong)
    finish(parts, wrong)
    correct(parts, correction(parts, appeal), wrong)
    change(parts, "rosa", alerts=False)
    assert claimed(parts).keys() == {"rosa", "layla"}


def test_who_becomes_discreet_while_it_waits_gets_it_discreetly(parts):
    person(parts, "rosa")
    person(parts, "always", discreet=True)
    alert(parts, release(parts))
    change(parts, "rosa", discreet=True)
    editions = claimed(parts)
    assert editions.keys() == {"rosa", "always"}
    assert editions["rosa"].id == editions["always"].id
    assert editions["rosa"].subject == "Newsletter"


def test_where_there_is_no_such_form_nobody_reads_it_over_their_shoulder(parts):
    person(parts, "rosa")
    person(parts, "layla")
    alert(parts, release(parts))
    change(parts, "rosa", discreet=True)
    assert claimed(parts).keys() == {"layla"}


def test_only_a_mailing_that_there_is_can_be_left_out(parts):
    person(parts, "rosa")
    with pytest.raises(NoSuchMailing, match="99"):
        alert(parts, release(parts), without=(99,))
