"""Link scanners, previews and mail programs open every link: whatever they ask for, nothing changes, anywhere."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target
from newsletter.appeals.editing import Changes, edit
from newsletter.appeals.model import Act
from newsletter.appeals.names import Register
from newsletter.appeals.pictures import Picture
from newsletter.delivery.model import Delivery, DeliveryState
from newsletter.web.app import create_app
from subscribers.addresses import parse_address
from subscribers.choices import Choices
from subscribers.joining import ask
from subscribers.moving import ask_to_move
from subscribers.preferences import Cadence, Reading
from subscribers.tokens import Purpose
from tests import builders
from tests.conftest import NOW
from tests.web.looking import everything

TOKEN = "{token}"


# What stands in the other holes: an appeal with an action and a picture, which the tests make.
FILLED = {"{year}": "2026", "{number}": "001", "{action}": "sign", "{target}": "1"}


def paths(parts):
    """Every path that the application answers at, whatever the method; tokens are still open."""
    with parts.database.read() as session:
        pictures = [picture.file_name for picture in session.scalars(select(Picture))]
    holes = {**FILLED, "{name}": (pictures or ["none.jpg"])[0]}
    found = re.compile("|".join(map(re.escape, holes)))
    return [found.sub(lambda hole: holes[hole[0]], path) for path in sorted(create_app(parts).openapi()["paths"])]


@pytest.fixture
def rosa(parts):
    """Somebody with everything that could be changed: a mail that waits, and one that came."""
    with parts.database.write() as session:
        made = builders.appeal(session, released=None)
        made.picture = builders.picture(session).content_hash
        target = Target(name="Prosecutor", emails=("a@example.org",))
        words = {"en": ActionWords(letter="Dear Sir")}
        action = Action(key="sign", kind=ActionKind.WRITE, targets=(target,), words=words)
        edit(made, Changes(actions=[action]), Act(by="Tarek", at=NOW), Register())
        builders.approve_and_release(made, NOW - timedelta(days=1))
        person = builders.person(session, "rosa@example.org", name="Rosa")
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    with parts.database.write() as session:
        session.scalars(select(Delivery)).one().state = DeliveryState.ACCEPTED
        builders.appeal(session, "Bakers locked out")
    parts.planner().launch(Cadence.WEEKLY, now=NOW)
    # Rosa wants to move, and Olga to join: their links can be opened too. Each is the first of its kind, as Rosa is.
    with parts.database.write() as session:
        ask_to_move(session, person.id, parse_address("rosa@new.example"), now=NOW)
        choices = Choices(cadence=Cadence.DAILY, reading=Reading())
        ask(session, parse_address("olga@example.org"), name="", choices=choices, wording="", source="", now=NOW)
    parts.reception.work(now=NOW)
    return person


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_route_changes_anything_with_a_valid_token_of_any_purpose(parts, client, rosa, method):
    before = everything(parts)
    walked = answered = 0
    for path in paths(parts):
        for purpose in Purpose:
            token = parts.tokens.issue(purpose, subscriber_id=rosa.id, epoch=0)
            answer = client.request(method, path.replace(TOKEN, token), params={"saved": "", "less": "pause"})
            assert answer.status_code < 500, path
            walked += 1
            answered += answer.status_code == 200
    assert everything(parts) == before
    assert walked >= 7 * len(Purpose)
    assert answered >= 12 + 9 * len(Purpose) or method != "GET", "with valid tokens pages are really opened"


def test_the_walk_meets_every_page(parts):
    known = {
        "/appeals/2026/001",
        "/appeals/2026/001/letter/sign/1",
        "/appeals.atom",
        "/sitemap.xml",
        "/subscribe",
        "/unsubscribe/{token}",
        "/preferences/{token}/erase",
        "/confirm/{token}",
        "/move/{token}",
    }
    assert known <= set(paths(parts))
    assert all(path.count("{") == path.count(TOKEN) for path in paths(parts)), "a path with another hole: fill it above"
