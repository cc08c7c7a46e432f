"""Whatever is sent to whatever page, in whatever way: an answer, never a fault of ours, and nothing done by it."""

import socket
import threading
from dataclasses import fields
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from newsletter.operations.schema import upgrade
from newsletter.web.app import create_app
from newsletter.web.limits import Ceiling
from newsletter.web.public.subscribe import Ceilings
from subscribers.addresses import NotAnAddress, parse_address
from subscribers.choices import Choices
from subscribers.database import Database
from subscribers.joining import ask
from subscribers.keys import Keys
from subscribers.model import Status, Subscriber
from subscribers.moving import ask_to_move
from subscribers.preferences import Cadence, Reading
from subscribers.suppression import DECLINED
from subscribers.tokens import Purpose, Tokens
from tests import builders
from tests.conftest import NOW
from tests.subscribers.test_addresses import isemail_addresses
from tests.web.looking import mark_on
from tests.web.served import served
from tests.web.test_scanners import TOKEN, paths

FIELDS = (
    *(
        "form",
        "cadence",
        "alerts",
        "hour",
        "weekday",
        "time_zone",
        "language1",
        "language2",
        "topic",
        "country",
        "format",
    ),
    *("discreet", "pause", "alerts_while_paused", "less", "why", "email", "name", "source", "website", "proof"),
    "List-Unsubscribe",
)
NASTY = st.sampled_from(
    (
        *("", "\0", "\r\nSet-Cookie: a=b", "'; DROP TABLE subscribers; --", "<script>alert(1)</script>", "{{7*7}}"),
        *("../../etc/passwd", "9" * 400, "-1", "NaN", "\U0001f600", "\u202eevil", "%00", "x" * 10_000),
    )
)
NO_CEILINGS = Ceilings(**{field.name: Ceiling(10**6) for field in fields(Ceilings)})
VALUES = NASTY | st.text(max_size=30) | st.sampled_from(["weekly", "en", "2026-12-03", "Europe/Berlin", "on", "pause"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with people, and a client; one for all examples."""
    path = tmp_path_factory.mktemp("hostile") / "newsletter.db"
    database = Database(f"sqlite:///{path}", create=True)
    upgrade(database)
    parts = builders.parts(database, Keys.generate())
    with database.write() as session:
        rosa = builders.person(session, "rosa@example.org", topics=frozenset({"strikes"}))
        ask_to_move(session, rosa.id, parse_address("rosa@new.example"), now=NOW)
        choices = Choices(cadence=Cadence.DAILY, reading=Reading())
        ask(session, parse_address("olga@example.org"), name="", choices=choices, wording="", source="", now=NOW)
    parts.reception.work(now=NOW)
    with served(create_app(parts)) as client:
        yield parts, client, paths(parts)
    parts.close()


def tokens_for(parts):
    """Tokens of every purpose: valid, for another key, cut, and no tokens at all."""
    valid = [parts.tokens.issue(purpose, subscriber_id=1, epoch=0) for purpose in Purpose]
    forged = [Tokens(Keys.generate()).issue(purpose, subscriber_id=1, epoch=0) for purpose in Purpose]
    revoked = [parts.tokens.issue(Purpose.PREFERENCES, subscriber_id=1, epoch=7)]
    return [
        *valid,
        *forged,
        *revoked,
        valid[0][:-1],
        valid[0] + "A",
        "A" * 36,
        "\u0000",
        "..",
        "a/b",
        "%2e%2e",
        "é" * 36,
        "x" * 500,
    ]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_form_and_no_endpoint_has_a_fault_of_its_own(site, data):
    parts, client, known = site
    path = data.draw(st.sampled_from(known))
    token = data.draw(st.sampled_from(tokens_for(parts)))
    place = path.replace(TOKEN, quote(token, safe="%"))
    method = data.draw(st.sampled_from(["POST"] * 6 + ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]))
    filled = data.draw(st.lists(st.tuples(st.sampled_from(FIELDS) | st.text(max_size=10), VALUES), max_size=12))
    if data.draw(st.booleans()):  # a form that was really written by us, for this page
        filled.append(("form", parts.tokens.issue_form(path.replace(TOKEN, token), at=NOW)))
    headers = {
        "Content-Type": data.draw(
            st.sampled_from(
                ["application/x-www-form-urlencoded"] * 5 + ["application/json", "multipart/form-data", "x"]
            )
        )
    }
    body = (
        urlencode(filled, errors="replace").encode() if data.draw(st.booleans()) else data.draw(st.binary(max_size=200))
    )
    answer = client.request(method, place, content=body, headers=headers, params={"in": data.draw(VALUES)[:200]})
    assert answer.status_code < 500, (method, place, answer.status_code)
    assert "Traceback" not in answer.text
    assert "<script>alert" not in answer.text
    assert "set-cookie" not in answer.headers


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=300))
def test_bytes_that_are_no_request_are_answered_or_hung_up_on(site, data):
    _parts, client, _known = site
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as line:
        line.sendall(data + b"\r\n\r\n")
        line.shutdown(socket.SHUT_WR)
        told = b""
        while piece := line.recv(4096):
            told += piece
    assert not told.startswith(b"HTTP/1.1 5")


def test_after_all_of_that_the_pages_still_work_and_people_leave(site):
    parts, client, _known = site
    assert client.get("/subscribe").status_code == 200
    token = parts.tokens.issue(Purpose.UNSUBSCRIBE, subscriber_id=1, epoch=0)
    assert client.post(f"/unsubscribe/{token}").status_code == 200
    with parts.database.read() as session:
        assert session.get_one(Subscriber, 1).status is Status.LEFT


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_address_of_the_corpus_is_taken_or_told_to_be_none(database, keys):
    parts = builders.parts(database, keys)
    addresses = isemail_addresses()
    if not addresses:
        pytest.skip("the isemail corpus is not beside this checkout")
    with served(create_app(parts, ceilings=NO_CEILINGS)) as client:
        mark = parts.tokens.issue_form("/subscribe", at=NOW - timedelta(hours=1))
        answers = {
            address: client.post("/subscribe", data={"form": mark, "email": address, "cadence": "weekly"}).status_code
            for address in addresses
        }
    assert len(answers) == len(set(addresses)) > 160
    for address, status in answers.items():
        try:
            parse_address(address)
            taken = True
        except NotAnAddress:
            taken = False
        assert status == (303 if taken else 422), address


# ── answers that tell nothing ────────────────────────────────────────────────────────────────────────────────────


def test_the_database_is_asked_the_very_same_whatever_is_known_of_an_address(database, keys):
    """Equal work takes equal time; `make bench-pages` measures it."""
    parts = builders.parts(database, keys)
    with database.write() as session:
        builders.person(session, "active@example.org")
        builders.person(session, "left@example.org").leave("unsubscribed", NOW)
        for email, reason in (("declined@example.org", DECLINED), ("bounced@example.org", "bounced")):
            parts.suppression.add(session, email, reason=reason, now=NOW)
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if threading.current_thread().name != "sorting":  # what is done later is nobody's answer
            asked.append(statement)

    work = {}
    app = create_app(parts, ceilings=NO_CEILINGS)
    with served(app) as client:
        form = {"form": mark_on(client.get("/subscribe")), "cadence": "weekly"}
        parts.clock = lambda: NOW + timedelta(minutes=1)
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            for kind in ("active", "left", "declined", "bounced", "new"):
                asked.clear()
                client.post("/subscribe", data={**form, "email": f"{kind}@example.org"})
                work[kind] = list(asked)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    assert any(statement.startswith("INSERT INTO sign_ups") for statement in work["new"])
    assert dict.fromkeys(work, work["new"]) == work
