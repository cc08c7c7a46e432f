"""The pages that links in mails lead to, as a browser, a mail program and a link scanner meet them."""

import sqlite3

import pytest
from sqlalchemy import select

from newsletter.web.app import create_app
from subscribers.consent import Consent, ConsentAct
from subscribers.database import Database
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import everything, link
from tests.web.served import served


@pytest.fixture
def rosa(parts):
    with parts.database.write() as session:
        return builders.person(session, "rosa@example.org", name="Rosa Parks", topics=frozenset({"strikes"}))


def test_the_page_shows_one_button_and_changes_nothing(parts, client, rosa):
    before = everything(parts)
    page = client.get(link(parts, rosa, Purpose.UNSUBSCRIBE))
    assert page.status_code == 200
    assert page.text.count("<form") == 2, "leave, or less instead"
    assert everything(parts) == before


def test_one_click_needs_no_cookie_no_redirect_and_no_page_before_it(parts, client, rosa):
    answer = client.post(link(parts, rosa, Purpose.UNSUBSCRIBE), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    with parts.database.read() as session:
        person = session.get_one(Subscriber, rosa.id)
        assert (person.status, person.left_reason, person.left_at) == (Status.LEFT, LeftReason.UNSUBSCRIBED, NOW)
        acts = session.execute(select(Consent.act, Consent.source).order_by(Consent.id)).all()
        assert acts == [(ConsentAct.GIVEN, "a stall"), (ConsentAct.WITHDRAWN, "unsubscribe one-click")]


def test_one_click_as_multipart_is_as_good(parts, client, rosa):
    answer = client.post(link(parts, rosa, Purpose.UNSUBSCRIBE), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    with parts.database.read() as session:
        assert session.get_one(Subscriber, rosa.id).status is Status.LEFT


def test_leaving_twice_is_fine_and_recorded_once(parts, client, rosa):
    first, second = (client.post(link(parts, rosa, Purpose.UNSUBSCRIBE)) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert "You have left" in first.text
    assert "You had already left" in second.text
    assert "You had already left" in client.get(link(parts, rosa, Purpose.UNSUBSCRIBE)).text
    with parts.database.read() as session:
        assert len(session.scalars(select(Consent).where(Consent.act == ConsentAct.WITHDRAWN)).all()) == 1


def test_after_leaving_the_next_plan_leaves_them_out(parts, client, rosa):
    with parts.database.write() as session:
        builders.person(session, "other@example.org")
        builders.appeal(session)
        builders.appeal(session, topics=["strikes"])
    client.post(link(parts, rosa, Purpose.UNSUBSCRIBE))
    assert parts.planner().launch(Cadence.WEEKLY, now=NOW).deliveries == 1


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t[:-2] + "AA", lambda t: "A" * 36, lambda t: "%00", lambda t: "é" * 36]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_or_cut_link_opens_nothing_and_says_what_to_do(parts, client, rosa, spoil, method):
    before = everything(parts)
    path, _, token = link(parts, rosa, Purpose.UNSUBSCRIBE).rpartition("/")
    answer = client.request(method, f"{path}/{spoil(token)}")
    assert answer.status_code == 404
    assert "This link is not valid" in answer.text
    assert everything(parts) == before


def test_a_way_out_neither_shows_nor_opens_preferences(parts, client, rosa):
    token = link(parts, rosa, Purpose.UNSUBSCRIBE).rpartition("/")[2]
    assert client.get(f"/preferences/{token}").status_code == 404
    page = client.get(link(parts, rosa, Purpose.UNSUBSCRIBE)).text
    assert not any(secret in page for secret in ("rosa@example.org", "Rosa", "strikes", "/preferences/"))


def test_a_preferences_link_does_not_unsubscribe(parts, client, rosa):
    token = link(parts, rosa, Purpose.PREFERENCES).rpartition("/")[2]
    assert client.post(f"/unsubscribe/{token}").status_code == 404
    with parts.database.read() as session:
        assert session.get_one(Subscriber, rosa.id).status is Status.ACTIVE


def test_preferences_show_what_was_chosen(parts, client, rosa):
    page = client.get(link(parts, rosa, Purpose.PREFERENCES))
    assert page.status_code == 200
    for choice in ('value="strikes" checked', 'value="weekly" checked', 'value="en" lang="en" selected'):
        assert choice in page.text


def test_a_revoked_link_opens_nothing(parts, client, rosa):
    path = link(parts, rosa, Purpose.UNSUBSCRIBE)
    with parts.database.write() as session:
        session.get_one(Subscriber, rosa.id).token_epoch += 1
    assert client.post(path).status_code == 404


def test_pages_speak_the_subscribers_language_and_turn_round_for_arabic(parts, client):
    with parts.database.write() as session:
        layla = builders.person(session, "layla@example.org", languages=("ar", "en"))
    page = client.get(link(parts, layla, Purpose.UNSUBSCRIBE), headers={"Accept-Language": "de"})
    assert '<html lang="ar" dir="rtl">' in page.text


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9,en;q=0.8", "de"), ("xx, es;q=0.5", "es"), ("en;q=oops, *", "en"), ("", "en"), ("," * 5000, "en")],
)
def test_without_a_subscriber_the_browser_says_the_language(client, header, language):
    assert f'<html lang="{language}"' in client.get("/unsubscribe/nonsense", headers={"Accept-Language": header}).text


@pytest.mark.parametrize("path", ["/", "/unsubscribe/x", "/nothing-here", "/static/style.css", "/unsubscribe/"])
def test_every_answer_leaks_nothing_and_loads_nothing_from_elsewhere(client, path):
    headers = client.get(path).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers


def test_a_wrong_method_is_told_so(client):
    answer = client.delete("/unsubscribe/x")
    assert answer.status_code == 405
    assert answer.headers["allow"]


def test_a_locked_database_is_a_calm_page_and_nothing_is_half_done(sqlite_url, keys, monkeypatch):
    monkeypatch.setattr("subscribers.database.BUSY_TIMEOUT_S", 0.01)
    parts = builders.parts(Database(sqlite_url), keys)
    with parts.database.write() as session:
        rosa = builders.person(session)
    holder = sqlite3.connect(parts.database.url.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with served(create_app(parts)) as client:
        answer = client.post(link(parts, rosa, Purpose.UNSUBSCRIBE))
        assert answer.status_code == 503
        assert "Nothing was changed" in answer.text
        holder.execute("ROLLBACK")
        holder.close()
        assert client.post(link(parts, rosa, Purpose.UNSUBSCRIBE)).status_code == 200
    parts.database.dispose()
