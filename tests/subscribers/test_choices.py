"""What people decide is kept as they decided it, and every change with its before and after; on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from subscribers.choices import Change, ChoiceImpossible, Choices, choose
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format, Reading
from subscribers.standing import standing_of
from tests import builders
from tests.conftest import NOW

LATER = NOW + timedelta(days=3)
EVERYTHING_ELSE = Choices(
    cadence=Cadence.MONTHLY,
    alerts=False,
    hour=21,
    weekday=5,
    time_zone="Asia/Kathmandu",
    paused_until=LATER,
    alerts_while_paused=True,
    reading=Reading(
        languages=("tr", "en"),
        topics=frozenset({"strikes", "prisons"}),
        countries=frozenset({"TR"}),
        format=Format.TEXT,
        discreet=True,
    ),
)


@pytest.fixture
def rosa(database):
    with database.write() as session:
        return builders.person(session, "rosa@example.org").id


def decide(database, number, choices, *, source="preferences page", now=NOW):
    with database.write() as session:
        return choose(session, number, standing_of(session, number).choices, choices, source=source, now=now)


def kept(database, number):
    with database.read() as session:
        changes = session.scalars(select(Change).order_by(Change.id)).all()
        return Choices.of(session.get_one(Subscriber, number)), [(one.before, one.after) for one in changes]


def test_somebody_new_gets_alerts_and_a_digest_on_monday_morning(database, rosa):
    choices, changes = kept(database, rosa)
    assert choices == Choices(cadence=Cadence.WEEKLY, reading=Reading())
    assert (choices.alerts, choices.weekday, choices.hour, choices.time_zone) == (True, 1, 7, "")
    assert changes == []


def test_everything_can_be_changed_at_once_and_comes_back_as_it_was_chosen(database, rosa):
    changed = decide(database, rosa, EVERYTHING_ELSE)
    assert changed == set(EVERYTHING_ELSE.facts())
    choices, ((before, after),) = kept(database, rosa)
    assert choices == EVERYTHING_ELSE
    assert after == EVERYTHING_ELSE.facts()
    assert before == Choices(cadence=Cadence.WEEKLY, reading=Reading()).facts()


def test_only_what_changed_is_on_record_with_its_before_and_after(database, rosa):
    now = kept(database, rosa)[0]
    assert decide(database, rosa, replace(now, hour=18)) == {"hour"}
    assert kept(database, rosa)[1] == [({"hour": 7}, {"hour": 18})]


def test_saving_the_same_again_writes_nothing(database, rosa):
    assert decide(database, rosa, kept(database, rosa)[0]) == frozenset()
    assert kept(database, rosa)[1] == []


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(days=1)])
def test_a_pause_that_is_over_is_none(database, rosa, until):
    now = kept(database, rosa)[0]
    assert decide(database, rosa, replace(now, paused_until=until)) == frozenset()
    assert kept(database, rosa)[0].paused_until is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"hour": 24},
        {"hour": -1},
        {"weekday": 0},
        {"weekday": 8},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"reading": Reading(languages=())},
    ],
)
def test_what_can_not_be_is_refused(wrong):
    with pytest.raises(ChoiceImpossible):
        replace(EVERYTHING_ELSE, **wrong)


@given(
    st.builds(
        Choices,
        cadence=st.sampled_from(Cadence),
        alerts=st.booleans(),
        hour=st.integers(0, 23),
        weekday=st.integers(1, 7),
        time_zone=st.sampled_from(["", "UTC", "Europe/Berlin", "America/St_Johns"]),
        reading=st.builds(
            Reading,
            languages=st.lists(st.sampled_from(["en", "ar", "pt-BR"]), min_size=1, unique=True).map(tuple),
            topics=st.frozensets(st.text(min_size=1, max_size=5), max_size=3),
            format=st.sampled_from(Format),
            discreet=st.booleans(),
        ),
    )
)
def test_two_choices_are_the_same_exactly_if_their_facts_are(choices):
    other = replace(choices, reading=replace(choices.reading, discreet=not choices.reading.discreet))
    assert choices.facts() == replace(choices).facts()
    assert {name for name, value in other.facts().items() if value != choices.facts()[name]} == {"discreet"}
