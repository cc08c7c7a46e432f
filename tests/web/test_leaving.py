"""The way out for those who want less and not nothing, and the question after leaving; over a real server."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.web.public.less import PAUSE
from subscribers.choices import Change
from subscribers.model import Status, Subscriber, WhyLeft
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import link, mark_on

TOKEN = r"[A-Za-z0-9_-]{36}"


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        return builders.person(session, "rosa@example.org", name="Rosa", topics=frozenset({"strikes"}))


def row(parts, person):
    with parts.database.read() as session:
        return session.get_one(Subscriber, person.id)


def changes(parts):
    with parts.database.read() as session:
        return [(one.source, one.after) for one in session.scalars(select(Change).order_by(Change.id))]


def less(client, parts, person, wanted):
    page = link(parts, person, Purpose.UNSUBSCRIBE)
    return client.post(f"{page}/less", data={"form": mark_on(client.get(page)), "less": wanted})


def test_somebody_takes_a_digest_a_month_instead_of_leaving(parts, client, rosa):
    answer = less(client, parts, rosa, "monthly")
    assert (answer.status_code, "at most one digest a month" in answer.text) == (200, True)
    assert (row(parts, rosa).status, row(parts, rosa).cadence) == (Status.ACTIVE, Cadence.MONTHLY)
    assert changes(parts) == [("less instead of leaving", {"cadence": "monthly"})]


def test_somebody_leaves_whatever_this_machine_thinks_of_their_time_zone(parts, client, rosa):
    with parts.database.write() as session:
        session.get_one(Subscriber, rosa.id).time_zone = "Mars/Olympus"
    assert client.get(link(parts, rosa, Purpose.PREFERENCES)).status_code == 200
    assert client.get(link(parts, rosa, Purpose.PREFERENCES) + "/data").status_code == 200
    assert client.post(link(parts, rosa, Purpose.UNSUBSCRIBE)).status_code == 200
    assert row(parts, rosa).status is Status.LEFT


def test_who_gets_alerts_alone_gets_no_more_than_before(parts, client, rosa):
    with parts.database.write() as session:
        session.get_one(Subscriber, rosa.id).cadence = Cadence.URGENT
    less(client, parts, rosa, "monthly")
    assert row(parts, rosa).cadence is Cadence.URGENT
    assert changes(parts) == []


def test_somebody_takes_a_pause_instead_of_leaving(parts, client, rosa):
    answer = less(client, parts, rosa, "pause")
    assert "22 February 2027" in answer.text
    assert row(parts, rosa).paused_until == NOW + PAUSE


def test_a_longer_pause_is_not_made_shorter(parts, client, rosa):
    longer = NOW + timedelta(days=200)
    with parts.database.write() as session:
        session.get_one(Subscriber, rosa.id).paused_until = longer
    less(client, parts, rosa, "pause")
    assert row(parts, rosa).paused_until == longer


@pytest.mark.parametrize("fields", [{}, {"less": "nothing"}, {"less": ["monthly", "pause"]}, {"form": "A" * 36}])
def test_a_form_that_no_page_of_ours_sends_changes_nothing(parts, client, rosa, fields):
    page = link(parts, rosa, Purpose.UNSUBSCRIBE)
    sent = {"form": mark_on(client.get(page))} | ({"less": "monthly"} if "form" in fields else {}) | fields
    assert client.post(f"{page}/less", data=sent).status_code == 400
    assert changes(parts) == []


def test_less_brings_nobody_back_who_left(parts, client, rosa):
    page = link(parts, rosa, Purpose.UNSUBSCRIBE)
    mark = mark_on(client.get(page))
    client.post(page)
    answer = client.post(f"{page}/less", data={"form": mark, "less": "monthly"})
    assert "You had already left" in answer.text
    assert row(parts, rosa).status is Status.LEFT
    assert changes(parts) == []


def test_the_page_for_leaving_is_the_same_for_everybody(parts, client, rosa):
    with parts.database.write() as session:
        other = builders.person(session, "other@example.org", cadence=Cadence.URGENT)
        other.paused_until = NOW + timedelta(days=3)
    pages = [
        re.sub(r"[A-Za-z0-9_-]{36}", "…", client.get(link(parts, one, Purpose.UNSUBSCRIBE)).text)
        for one in (rosa, other)
    ]
    assert pages[0] == pages[1]


def test_who_left_may_say_why_and_say_it_again(parts, client, rosa):
    page = link(parts, rosa, Purpose.UNSUBSCRIBE)
    left = client.post(page)
    for why in (WhyLeft.TOO_MANY, WhyLeft.NOT_EXPECTED):
        answer = client.post(f"{page}/why", data={"form": mark_on(left), "why": why.value})
        assert "Thank you" in answer.text
        assert row(parts, rosa).left_why is why


@pytest.mark.parametrize("why", ["", "because", "too_many "])
def test_an_answer_that_was_not_offered_is_not_kept(parts, client, rosa, why):
    page = link(parts, rosa, Purpose.UNSUBSCRIBE)
    left = client.post(page)
    assert client.post(f"{page}/why", data={"form": mark_on(left), "why": why}).status_code == 400
    assert row(parts, rosa).left_why is None


def test_who_has_not_left_says_nothing(parts, client, rosa):
    page = link(parts, rosa, Purpose.UNSUBSCRIBE)
    mark = parts.tokens.issue_form(f"{page}/why", at=NOW)
    client.post(f"{page}/why", data={"form": mark, "why": "too_many"})
    assert (row(parts, rosa).status, row(parts, rosa).left_why) == (Status.ACTIVE, None)
