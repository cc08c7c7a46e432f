from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from newsletter.editions.digest import Candidate, Choice, Chosen, Digest, Nothing, Why, compose_digest, read_in
from subscribers.preferences import Format, Reading

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
LONG_AGO = MONDAY - timedelta(days=1000)


def candidate(
    number=1,
    *,
    languages=("en",),
    countries=(),
    topics=(),
    urgent=False,
    deadline=None,
    age_days=1,
    later_by_days=0,
    only_after=None,
):
    """An appeal; each further text came so many days after the one before."""
    released = MONDAY - timedelta(days=age_days)
    return Candidate(
        id=number,
        released={tag: released + timedelta(days=later_by_days * place) for place, tag in enumerate(languages)},
        countries=frozenset(countries),
        topics=frozenset(topics),
        urgency=int(urgent),
        deadline=deadline,
        published_on=released.date(),
        only_after=only_after,
    )


def ids(verdict):
    assert isinstance(verdict, Digest)
    return [chosen.appeal_id for chosen in verdict.appeals]


def test_somebody_who_chose_nothing_gets_everything():
    assert ids(compose_digest([candidate(1, countries=["KZ"]), candidate(2, topics=["x"])], Reading(), since=LONG_AGO))


def test_topics_and_countries_both_have_to_fit():
    reading = Reading(topics=frozenset({"strikes"}), countries=frozenset({"KZ", "TR"}))
    appeals = [
        candidate(1, topics=["strikes"], countries=["KZ"]),
        candidate(2, topics=["strikes"], countries=["SV"]),
        candidate(3, topics=["prisoners"], countries=["TR"]),
        candidate(4),
    ]
    assert ids(compose_digest(appeals, reading, since=LONG_AGO)) == [1]


def test_urgent_comes_first_then_the_nearest_deadline_then_the_newest():
    appeals = [
        candidate(1, age_days=9),
        candidate(2, age_days=2),
        candidate(3, deadline=date(2026, 12, 24), age_days=5),
        candidate(4, deadline=date(2026, 12, 1), age_days=5),
        candidate(5, urgent=True, age_days=20),
    ]
    assert ids(compose_digest(appeals, Reading(), since=LONG_AGO)) == [5, 4, 3, 2, 1]


def test_what_was_released_before_they_joined_is_not_new():
    since = MONDAY - timedelta(days=3)
    assert ids(compose_digest([candidate(1, age_days=4), candidate(2, age_days=2)], Reading(), since=since)) == [2]


def test_what_the_ledger_shows_is_not_new():
    assert compose_digest([candidate(1)], Reading(), since=LONG_AGO, seen={1}) is Nothing.NEW


def test_the_order_of_their_languages_decides_which_text_they_get():
    verdict = compose_digest(
        [candidate(1, languages=("en", "ar")), candidate(2, languages=("en",))],
        Reading(languages=("ar", "en")),
        since=LONG_AGO,
    )
    assert verdict.language == "ar"
    assert set(verdict.appeals) == {Chosen(1, "ar"), Chosen(2, "en")}


def test_an_appeal_in_no_language_they_read_is_told_apart_from_no_appeal():
    assert compose_digest([candidate(1)], Reading(languages=("tr",)), since=LONG_AGO) is Nothing.IN_THEIR_LANGUAGES
    assert compose_digest([], Reading(languages=("tr",)), since=LONG_AGO) is Nothing.NEW


def test_a_discreet_reader_gets_text_alone():
    verdict = compose_digest([candidate()], Reading(discreet=True, format=Format.HTML), since=LONG_AGO)
    assert (verdict.format, verdict.discreet) == (Format.TEXT, True)


def test_brazilian_and_other_portuguese_are_understood_by_one_another_but_the_exact_one_goes_first():
    assert read_in(["pt"], ["en", "pt-BR"]) == "pt-BR"
    assert read_in(["pt-BR"], ["pt"]) == "pt"
    assert read_in(["pt-BR"], ["pt", "pt-BR"]) == "pt-BR"


candidates = st.builds(
    candidate,
    st.integers(1, 30),
    languages=st.sampled_from([("en",), ("ar",), ("en", "ar"), ("es", "en")]),
    countries=st.frozensets(st.sampled_from(["KZ", "TR", "SV"])),
    topics=st.frozensets(st.sampled_from(["strikes", "prisoners"])),
    urgent=st.booleans(),
    deadline=st.none() | st.dates(date(2026, 11, 23), date(2027, 1, 1)),
    age_days=st.integers(0, 60),
    later_by_days=st.integers(0, 20),
    only_after=st.none() | st.integers(1, 30),
)
readings = st.builds(
    Reading,
    languages=st.permutations(["en", "ar", "es"]).map(lambda tags: tuple(tags[:2])),
    topics=st.frozensets(st.sampled_from(["strikes", "prisoners"])),
    countries=st.frozensets(st.sampled_from(["KZ", "TR", "SV"])),
)


def _concerned(reading, c):
    return (not reading.topics or reading.topics & c.topics) and (
        not reading.countries or reading.countries & c.countries
    )


@given(st.lists(candidates, unique_by=lambda c: c.id), readings, st.integers(0, 60), st.sets(st.integers(1, 30)))
def test_exactly_what_is_new_concerns_them_and_can_be_read_is_in_it_once(appeals, reading, joined_days_ago, seen):
    since = MONDAY - timedelta(days=joined_days_ago)
    verdict = compose_digest(appeals, reading, since=since, seen=seen)
    expected = {
        c.id
        for c in appeals
        if c.id not in seen
        and (theirs := [moment for tag, moment in c.released.items() if tag in reading.languages])
        and (c.only_after in seen if c.only_after else _concerned(reading, c) and min(theirs) > since)
    }
    got = ids(verdict) if isinstance(verdict, Digest) else []
    assert sorted(got) == sorted(expected)


@given(st.lists(candidates, unique_by=lambda c: c.id), readings, st.randoms())
def test_the_order_of_release_changes_nothing(appeals, reading, random):
    shuffled = random.sample(appeals, len(appeals))
    assert compose_digest(appeals, reading, since=LONG_AGO) == compose_digest(shuffled, reading, since=LONG_AGO)


def reasons_of(appeals, reading, *, since=LONG_AGO, seen=(), most=None):
    return Choice(appeals, most=most).reasons(reading, since=since, seen=seen)


def test_each_appeal_has_its_reason():
    reading = Reading(languages=("en",), topics=frozenset({"strikes"}), countries=frozenset({"TR"}))
    fits = {"topics": ["strikes"], "countries": ["TR"]}
    appeals = [
        candidate(1, **fits, age_days=1),
        candidate(2, **fits, age_days=2),
        candidate(3, **fits),
        candidate(4, topics=["prisoners"], countries=["TR"]),
        candidate(5, topics=["strikes"], countries=["SV"]),
        candidate(6, **fits, age_days=40),
        candidate(7, **fits, languages=("es",)),
        candidate(8, only_after=99),
    ]
    found = reasons_of(appeals, reading, since=MONDAY - timedelta(days=30), seen={3}, most=1)
    assert found == {
        1: Why.IN,
        2: Why.LATER,
        3: Why.HAD,
        4: Why.OTHER_TOPIC,
        5: Why.OTHER_COUNTRY,
        6: Why.BEFORE_THEM,
        7: Why.NO_TEXT,
        8: Why.NOT_RECIPIENT,
    }


@given(
    st.lists(candidates, unique_by=lambda c: c.id),
    readings,
    st.integers(0, 60),
    st.sets(st.integers(1, 30)),
    st.none() | st.integers(1, 5),
)
def test_what_is_said_to_be_in_it_is_in_it_and_nothing_else(appeals, reading, joined_days_ago, seen, most):
    since = MONDAY - timedelta(days=joined_days_ago)
    verdict = compose_digest(appeals, reading, since=since, seen=seen, most=most)
    found = reasons_of(appeals, reading, since=since, seen=seen, most=most)
    assert found.keys() == {c.id for c in appeals}
    got = ids(verdict) if isinstance(verdict, Digest) else []
    assert {number for number, why in found.items() if why is Why.IN} == set(got)
    later = [number for number, why in found.items() if why is Why.LATER]
    assert len(later) == (verdict.more if isinstance(verdict, Digest) else 0)
    assert len(got) <= (most or len(appeals))


@given(st.lists(candidates, unique_by=lambda c: c.id), readings, st.integers(1, 4))
def test_what_is_more_than_a_digest_holds_comes_with_the_next_ones(appeals, reading, most):
    whole = compose_digest(appeals, reading, since=LONG_AGO)
    first_of_all = ids(whole) if isinstance(whole, Digest) else []
    seen, digests = set(), []
    while isinstance(verdict := compose_digest(appeals, reading, since=LONG_AGO, seen=seen, most=most), Digest):
        digests.append(ids(verdict))
        seen |= set(ids(verdict))
    came = [number for digest in digests for number in digest]
    assert len(came) == len(set(came))
    assert set(first_of_all) <= set(came)
    assert all(len(digest) == most for digest in digests[:-1]) or any(c.only_after for c in appeals)
