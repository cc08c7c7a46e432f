"""Somebody looks at what is stored about them, takes a copy and has it erased; on both databases."""

import pytest
from sqlalchemy import select

from newsletter.delivery.model import Delivery, DeliveryState
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import everything, link, mark_on


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        builders.appeal(session, "Free <b>the</b> eleven")
        person = builders.person(session, "rosa@example.org", name="Rosa")
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        session.scalars(select(Delivery)).one().state = DeliveryState.ACCEPTED
    return person


def test_it_shows_what_was_agreed_to_and_what_was_sent_and_why(parts, client, rosa):
    page = client.get(link(parts, rosa, Purpose.PREFERENCES) + "/data")
    assert page.status_code == 200
    for shown in ("rosa@example.org", "you agreed (a stall)", "Free &lt;b&gt;the&lt;/b&gt; eleven", "weekly", "sent"):
        assert shown in page.text


def test_the_copy_has_all_of_it(parts, client, rosa):
    page = link(parts, rosa, Purpose.PREFERENCES)
    answer = client.post(f"{page}/export", data={"form": mark_on(client.get(f"{page}/data"))})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["person"]["email"] == "rosa@example.org"
    assert [mail["appeals"] for mail in told["mails"]] == [["2026/001"]]
    assert [one["source"] for one in told["consents"]] == ["a stall"]


def test_somebody_is_erased_and_their_page_is_gone(parts, client, rosa):
    page = link(parts, rosa, Purpose.PREFERENCES)
    asked = client.get(f"{page}/erase")
    assert "What stays is a code" in asked.text
    answer = client.post(f"{page}/erase", data={"form": mark_on(asked)})
    assert (answer.status_code, "You have been erased" in answer.text) == (200, True)
    with parts.database.read() as session:
        assert session.get_one(Subscriber, rosa.id).left_reason is LeftReason.ERASED
    assert [client.get(page + path).status_code for path in ("", "/data", "/erase")] == [404] * 3


@pytest.mark.parametrize("path", ["/export", "/erase"])
def test_without_the_mark_of_its_page_nothing_is_given_and_nobody_erased(parts, client, rosa, path):
    page, before = link(parts, rosa, Purpose.PREFERENCES), everything(parts)
    other = mark_on(client.get(page))  # of the page for preferences
    for mark in ("", "A" * 36, other):
        answer = client.post(page + path, data={"form": mark})
        assert answer.status_code == 400
        assert "rosa" not in answer.text
    assert everything(parts) == before


@pytest.mark.parametrize("path", ["/data", "/erase"])
def test_the_way_out_shows_nothing_of_it(parts, client, rosa, path):
    assert client.get(link(parts, rosa, Purpose.UNSUBSCRIBE) + path).status_code == 404
