"""What isn't fit to go out is not launched, by hand, by itself or as an alert."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.appeals.action import Action, ActionKind, ActionWords
from newsletter.delivery.alertable import select_all
from newsletter.delivery.candidates import candidates_at
from newsletter.delivery.model import DigestRun, Mailing
from newsletter.delivery.preflight import NotFit, look_over_digests, without_text
from newsletter.editions.preflight import Level
from subscribers.preferences import Cadence
from tests import builders
from tests.conftest import NOW

NOON = NOW + timedelta(hours=5)


@pytest.fixture
def torn(database, keys, tmp_path):
    """A newsletter with a card of its own that has a picture without words."""
    for mail in ("digest", "alert"):
        card = tmp_path / "email" / mail / "card.html"
        card.parent.mkdir(parents=True)
        card.write_text("<p>{{ card.title }} <img src='https://a.example/x.png'></p>")
    return builders.parts(database, keys, now=NOON, second_look=False, templates=tmp_path)


@pytest.fixture
def appeal(database):
    with database.write() as session:
        builders.person(session)
        return builders.appeal(session, url="https://a.example")


def mailings(parts):
    with parts.database.read() as session:
        return session.scalars(select(Mailing)).all()


def test_a_digest_that_is_not_fit_is_not_launched(torn, appeal):
    with pytest.raises(NotFit, match="a picture has no alternative text"):
        torn.planner().launch(Cadence.WEEKLY, now=NOON)
    assert mailings(torn) == []


def test_nor_is_one_that_comes_by_itself_and_it_comes_once_that_is_mended(torn, appeal, database, keys):
    with database.write() as session:
        session.add(DigestRun(cadence=Cadence.WEEKLY, until=NOON - timedelta(days=1), releases=0))
    with pytest.raises(NotFit):
        torn.recurring().run(NOON)
    assert mailings(torn) == []
    mended = builders.parts(database, keys, now=NOON)
    assert [plan.deliveries for plan in mended.recurring().run(NOON + timedelta(minutes=1)).plans] == [1]


def test_nor_is_an_alert(torn, appeal):
    selection = select_all(appeal, NOON)
    with pytest.raises(NotFit):
        torn.alerts().launch(selection, by="Rosa", starts_at=NOON, expires_at=NOON + timedelta(days=1), now=NOON)
    assert mailings(torn) == []


def test_warnings_are_told_and_stop_nothing(database, keys, appeal):
    parts = builders.parts(database, keys, now=NOON)
    with database.write() as session:
        builders.appeal(session, "Click here!!", url="https://a.example")
    made = parts.planner().launch(Cadence.WEEKLY, now=NOON)
    assert made.deliveries == 1
    assert {finding.check for finding in made.findings} == {"spam-prone"}


def test_every_appeal_is_looked_at_also_those_that_have_no_room_in_the_mail(database, keys):
    parts = builders.parts(database, keys, now=NOON)
    with database.write() as session:
        for number in range(8):
            builders.appeal(session, f"Appeal {number}", languages=("en", "ar"))
        builders.appeal(session, "TODO", released=NOW - timedelta(days=9))
    with database.read() as session:
        looked = look_over_digests(session, parts.press(), candidates_at(session, NOON), now=NOON)
    assert [finding.where for finding in looked.findings if finding.check == "unfilled"] == ["2026/009 (en)"]


def test_links_of_actions_are_among_those_that_are_asked_for(database, keys):
    parts = builders.parts(database, keys, now=NOON)
    action = Action(key="1", kind=ActionKind.SIGN, url="https://union.example/sign", words={"en": ActionWords(say="x")})
    with database.write() as session:
        made = builders.appeal(session, released=None)
        made.actions = [builders.plain(action)]
        builders.approve_and_release(made)
    with database.read() as session:
        made = session.get_one(type(made), made.id)
    looked = parts.alerts().look_over(select_all(made, NOON), now=NOON)
    assert "https://union.example/sign" in looked.links


def test_people_who_read_none_of_its_languages_are_counted(database, keys):
    parts = builders.parts(database, keys)
    with database.write() as session:
        builders.person(session, "a@example.org", languages=("fr", "de"))
        builders.person(session, "b@example.org", languages=("fr", "en"))
        builders.person(session, "c@example.org", languages=("ku",))
        builders.appeal(session, languages=("en",))
        builders.appeal(session, languages=("en", "fr", "ku"))
    with database.read() as session:
        (found,) = without_text(session, parts.press(), candidates_at(session, NOON))
    assert (found.level, found.where) == (Level.WARNING, "2026/001")
    assert found.words == "2 people read none of its languages (first choice: French 1, Kurdish 1)"
