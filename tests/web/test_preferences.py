"""Somebody changes their mind on their page: what is saved, what waits for them already, and who can do it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from newsletter.delivery.model import Delivery, DeliveryState, Lane, Mailing, Skip
from subscribers.choices import Change, Choices
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format, Reading
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import link, mark_on

AS_SHOWN = {"cadence": "weekly", "alerts": "on", "weekday": "1", "hour": "7", "language1": "en", "format": "html"}


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        builders.appeal(session, topics=["prisons"], countries=["TR"])
        return builders.person(session, "rosa@example.org", topics=frozenset({"strikes"}))


def save(client, parts, person, **fields):
    page = link(parts, person, Purpose.PREFERENCES)
    return client.post(page, data={"form": mark_on(client.get(page))} | AS_SHOWN | fields)


def kept(parts, person):
    with parts.database.read() as session:
        return Choices.of(session.get_one(Subscriber, person.id))


def changes(parts):
    with parts.database.read() as session:
        return session.scalars(select(Change).order_by(Change.id)).all()


def test_everything_can_be_chosen_otherwise(parts, client, rosa):
    answer = save(
        client,
        parts,
        rosa,
        cadence="monthly",
        weekday="5",
        hour="21",
        time_zone="Asia/Kathmandu",
        language1="ar",
        language2="en",
        topic=["prisons", "strikes"],
        country="TR",
        format="text",
        discreet="on",
        pause="2026-12-03",
        alerts_while_paused="on",
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{link(parts, rosa, Purpose.PREFERENCES)}?saved")
    assert kept(parts, rosa) == Choices(
        cadence=Cadence.MONTHLY,
        alerts=True,
        weekday=5,
        hour=21,
        time_zone="Asia/Kathmandu",
        paused_until=datetime(2026, 12, 2, 18, 15, tzinfo=UTC),
        alerts_while_paused=True,
        reading=Reading(
            languages=("ar", "en"),
            topics=frozenset({"prisons", "strikes"}),
            countries=frozenset({"TR"}),
            format=Format.TEXT,
            discreet=True,
        ),
    )
    assert "set-cookie" not in answer.headers
    after = client.get(answer.headers["location"]).text
    assert '<html lang="ar" dir="rtl">' in after
    assert 'value="2026-12-03"' in after


def test_what_is_not_ticked_is_not_chosen(parts, client, rosa):
    page = link(parts, rosa, Purpose.PREFERENCES)
    bare = {name: value for name, value in AS_SHOWN.items() if name != "alerts"}
    client.post(page, data={"form": mark_on(client.get(page))} | bare)
    assert kept(parts, rosa) == Choices(cadence=Cadence.WEEKLY, alerts=False, reading=Reading())


def test_a_change_is_on_record_and_saving_the_same_is_none(parts, client, rosa):
    for _ in range(2):
        save(client, parts, rosa, hour="18", topic="strikes")
    (change,) = changes(parts)
    assert (change.source, change.at, change.before, change.after) == (
        "preferences page",
        NOW,
        {"hour": 7},
        {"hour": 18},
    )


def test_a_pause_ends_when_the_day_begins_by_the_persons_clock(parts, client, rosa):
    save(client, parts, rosa, pause="2026-12-03")
    assert kept(parts, rosa).paused_until == datetime(2026, 12, 2, 23, tzinfo=UTC), "the organisation's zone"
    save(client, parts, rosa, pause="")
    assert kept(parts, rosa).paused_until is None


@pytest.mark.parametrize("day", ["2026-11-23", "2020-01-01", "2028-01-01", "never", "2026-02-30", "1-1-1"])
def test_a_pause_that_can_not_be_is_told_and_saves_nothing(parts, client, rosa, day):
    answer = save(client, parts, rosa, pause=day, hour="9")
    assert answer.status_code == 422
    assert "Choose a day after today" in answer.text
    assert '<option value="9" selected>' in answer.text, "what was chosen beside it is still there"
    assert changes(parts) == []


def test_without_a_language_nothing_is_saved(parts, client, rosa):
    answer = save(client, parts, rosa, language1="")
    assert answer.status_code == 422
    assert "Choose at least one language" in answer.text
    assert changes(parts) == []


@pytest.mark.parametrize(
    "hostile",
    [
        {"cadence": "hourly"},
        {"hour": "24"},
        {"hour": "٣"},
        {"weekday": "-1"},
        {"time_zone": "../../etc/passwd"},
        {"language2": "xx"},
        {"language2": "<script>"},
        {"topic": "a topic that is nowhere"},
        {"country": "ZZ"},
        {"format": "pdf"},
        {"unknown": "field"},
    ],
)
def test_what_the_page_does_not_offer_changes_nothing(parts, client, rosa, hostile):
    answer = save(client, parts, rosa, **({"topic": "strikes"} | hostile))
    assert answer.status_code == 303
    changed = {name for change in changes(parts) for name in change.after}
    assert changed <= {"topics"}
    assert kept(parts, rosa).reading.topics <= {"strikes"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mark: "",
        lambda mark: "A" * 36,
        lambda mark: mark[:-2] + "AA",
    ],
)
def test_a_form_without_our_mark_changes_nothing(parts, client, rosa, spoil):
    page = link(parts, rosa, Purpose.PREFERENCES)
    mark = mark_on(client.get(page))
    answer = client.post(page, data=AS_SHOWN | {"form": spoil(mark), "cadence": "daily"})
    assert answer.status_code == 400
    assert changes(parts) == []


def test_the_mark_of_one_persons_page_is_worthless_on_anothers(parts, client, rosa):
    with parts.database.write() as session:
        other = builders.person(session, "other@example.org")
    mark = mark_on(client.get(link(parts, other, Purpose.PREFERENCES)))
    answer = client.post(link(parts, rosa, Purpose.PREFERENCES), data=AS_SHOWN | {"form": mark, "cadence": "daily"})
    assert answer.status_code == 400
    assert changes(parts) == []


def test_the_way_out_opens_no_form(parts, client, rosa):
    token = parts.tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=rosa.id, epoch=0)
    mark = parts.tokens.issue_form(f"/preferences/{token}", at=NOW)
    assert client.post(f"/preferences/{token}", data=AS_SHOWN | {"form": mark, "cadence": "daily"}).status_code == 404
    assert changes(parts) == []


def test_a_form_that_is_doubled_or_huge_is_a_clear_page(parts, client, rosa):
    page = link(parts, rosa, Purpose.PREFERENCES)
    mark = mark_on(client.get(page))
    assert client.post(page, data={"form": [mark, mark]}).status_code == 400
    huge = client.post(page, data={"form": mark, "topic": "x" * 100_000})
    assert huge.status_code == 413
    assert "Nothing was changed" in huge.text
    assert client.post(page, json={"form": mark}).status_code == 400


def test_topics_of_drafts_are_shown_to_nobody(parts, client, rosa):
    with parts.database.write() as session:
        builders.appeal(session, topics=["not public yet"], released=None)
    shown = client.get(link(parts, rosa, Purpose.PREFERENCES)).text
    assert "prisons" in shown
    assert "not public yet" not in shown


def delivery(parts, person):
    with parts.database.read() as session:
        return session.scalars(select(Delivery).where(Delivery.subscriber_id == person.id)).one()


@pytest.fixture
def waiting(parts, rosa):
    """A digest that waits for Rosa."""
    with parts.database.write() as session:
        builders.appeal(session, topics=["strikes"])
    return parts.planner().launch(Cadence.WEEKLY, now=NOW).mailing_id


def test_a_digest_that_waits_is_taken_back_if_it_is_not_what_they_want_now(parts, client, rosa, waiting):
    save(client, parts, rosa, topic="strikes", format="text")
    row = delivery(parts, rosa)
    assert (row.state, row.skip, row.settled_at) == (DeliveryState.SKIPPED, Skip.CHANGED, NOW)
    later = NOW + timedelta(days=7)
    assert parts.planner().launch(Cadence.WEEKLY, now=later).deliveries == 1, "it comes with the next"


def test_another_hour_takes_nothing_back(parts, client, rosa, waiting):
    save(client, parts, rosa, topic="strikes", hour="20")
    assert delivery(parts, rosa).state is DeliveryState.QUEUED


@pytest.mark.parametrize(("wanted", "state"), [("on", DeliveryState.QUEUED), (None, DeliveryState.SKIPPED)])
def test_an_alert_that_waits_goes_out_unless_they_want_none(parts, client, rosa, waiting, wanted, state):
    with parts.database.write() as session:
        session.get_one(Mailing, waiting).lane = Lane.ALERT
    fields = {"format": "text"} | ({"alerts": wanted} if wanted else {})
    page = link(parts, rosa, Purpose.PREFERENCES)
    shown = {name: value for name, value in AS_SHOWN.items() if name != "alerts"}
    client.post(page, data={"form": mark_on(client.get(page))} | shown | fields)
    assert delivery(parts, rosa).state is state


def test_what_is_on_its_way_is_left_alone(parts, client, rosa, waiting):
    with parts.database.write() as session:
        session.execute(text("UPDATE deliveries SET state = 'sending'"))
    save(client, parts, rosa, cadence="daily")
    assert delivery(parts, rosa).state is DeliveryState.SENDING
