"""Somebody looks at what is stored about them, takes a copy and has it erased; on both databases."""

import re

import pytest
from sqlalchemy import select, text

from newsletter.delivery.model import Delivery, DeliveryState
from newsletter.web.app import create_app
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.served import served


@pytest.fixture
def parts(database, keys):
    return builders.parts(database, keys)


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        builders.appeal(session, "Free <b>the</b> eleven")
        person = builders.person(session, "rosa@example.org", name="Rosa")
    with parts.database.write() as session:
        parts.planner().plan_digest(session, Cadence.WEEKLY, now=NOW)
        session.scalars(select(Delivery)).one().state = DeliveryState.ACCEPTED
    return person


@pytest.fixture
def client(parts):
    with served(create_app(parts)) as client:
        yield client


def page_of(parts, person, purpose=Purpose.PREFERENCES):
    return f"/preferences/{parts.tokens.issue(purpose, subscriber_id=person.id, epoch=0)}"


def mark_on(page):
    return re.search(r'name="form" value="([^"]+)"', page.text)[1]


def everything(parts):
    with parts.database.read() as session:
        tables = parts.database.engine.dialect.get_table_names(session.connection())
        return {table: session.execute(text(f"SELECT * FROM {table}")).fetchall() for table in tables}


def test_it_shows_what_was_agreed_to_and_what_was_sent_and_why(parts, client, rosa):
    page = client.get(page_of(parts, rosa) + "/data")
    assert page.status_code == 200
    for shown in ("rosa@example.org", "you agreed (a stall)", "Free &lt;b&gt;the&lt;/b&gt; eleven", "weekly", "sent"):
        assert shown in page.text


def test_the_copy_has_all_of_it(parts, client, rosa):
    page = page_of(parts, rosa)
    answer = client.post(f"{page}/export", data={"form": mark_on(client.get(f"{page}/data"))})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["person"]["email"] == "rosa@example.org"
    assert [mail["appeals"] for mail in told["mails"]] == [["2026/001"]]
    assert [one["source"] for one in told["consents"]] == ["a stall"]


def test_somebody_is_erased_and_their_page_is_gone(parts, client, rosa):
    page = page_of(parts, rosa)
    asked = client.get(f"{page}/erase")
    assert "What stays is a code" in asked.text
    answer = client.post(f"{page}/erase", data={"form": mark_on(asked)})
    assert (answer.status_code, "You have been erased" in answer.text) == (200, True)
    with parts.database.read() as session:
        assert session.get_one(Subscriber, rosa.id).left_reason is LeftReason.ERASED
    assert [client.get(page + path).status_code for path in ("", "/data", "/erase")] == [404] * 3


@pytest.mark.parametrize("path", ["/export", "/erase"])
def test_without_the_mark_of_its_page_nothing_is_given_and_nobody_erased(parts, client, rosa, path):
    page, before = page_of(parts, rosa), everything(parts)
    other = mark_on(client.get(page))  # of the page for preferences
    for mark in ("", "A" * 36, other):
        answer = client.post(page + path, data={"form": mark})
        assert answer.status_code == 400
        assert "rosa" not in answer.text
    assert everything(parts) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "/data", "/export", "/erase"])
def test_no_scanner_changes_anything(parts, client, rosa, method, path):
    before = everything(parts)
    client.request(method, page_of(parts, rosa) + path)
    assert everything(parts) == before


@pytest.mark.parametrize("path", ["/data", "/erase"])
def test_the_way_out_shows_nothing_of_it(parts, client, rosa, path):
    assert client.get(page_of(parts, rosa, Purpose.UNSUBSCRIBE) + path).status_code == 404
