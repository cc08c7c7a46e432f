"""Equal wishes are one profile, however they were put."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from subscribers.preferences import Cadence, Format, Profile, Reading
from tests.subscribers.waiting import until_somebody_waits

words = st.sampled_from(["strikes", "prisoners", "hapishane", "إضراب", ""])
readings = st.builds(
    Reading,
    languages=st.lists(st.sampled_from(["en", "ar", "pt-BR", "tr"]), min_size=1, unique=True).map(tuple),
    topics=st.frozensets(words),
    countries=st.frozensets(st.sampled_from(["IR", "TR", "DE"])),
    format=st.sampled_from(Format),
    discreet=st.booleans(),
)


@given(readings, readings)
def test_readings_have_the_same_key_only_if_they_are_the_same(one, other):
    assert (one.key == other.key) == (one == other)


def test_a_key_never_changes_from_one_release_to_the_next():
    # Stored in every database: another key for the same wishes would part people who get the same edition.
    assert Reading().key == "c97adf864ee320de84bfcdb95883feb435af1df7a44f92488c53e6d434fc1ee9"


def test_the_order_of_languages_matters_and_that_of_topics_does_not():
    assert Reading(languages=("ar", "en")).key != Reading(languages=("en", "ar")).key
    assert Reading(topics=frozenset(["a", "b"])).key == Reading(topics=frozenset(["b", "a"])).key


@given(reading=readings)
def test_a_profile_gives_back_the_reading_it_was_made_of(reading):
    assert Profile.new(reading).reading == reading


def test_many_who_want_the_same_share_one_profile(database):
    reading = Reading(languages=("ar", "en"), topics=frozenset(["إضراب"]), countries=frozenset(["IR"]))
    with database.write() as session:
        first = Profile.of(session, reading)
        assert Profile.of(session, Reading()).id != first.id
        assert Profile.of(session, reading) is first
    with database.write() as session:
        assert Profile.of(session, reading).id == first.id
        assert Profile.of(session, reading).reading == reading
        assert session.scalar(select(func.count()).select_from(Profile)) == 2


def test_two_who_want_something_new_at_the_same_moment_share_one_profile(database):
    if database.is_sqlite:
        pytest.skip("SQLite's writers are one at a time")
    found = []

    def sign_up() -> None:
        with database.write() as session:
            found.append(Profile.of(session, Reading(discreet=True)).id)

    second = threading.Thread(target=sign_up)
    with database.write() as session:
        found.append(Profile.of(session, Reading(discreet=True)).id)
        second.start()  # it finds nothing yet, and its insert waits for us
        until_somebody_waits(database)
    second.join()
    assert len(found) == 2
    assert found[0] == found[1]


def test_the_words_for_how_often_are_those_of_the_design():
    assert list(Cadence) == ["urgent", "each", "daily", "weekly", "monthly"]
