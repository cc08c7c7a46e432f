"""People come over from elsewhere with proof of what they agreed to; whoever left stays away."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from subscribers import importing
from subscribers.addresses import parse_address
from subscribers.consent import Consent, ConsentAct
from subscribers.csv_file import open_csv
from subscribers.database import Database
from subscribers.errors import SubscribersError
from subscribers.import_row import Reason, Row, RowProblem
from subscribers.importing import ImportReport, import_subscribers
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from subscribers.suppression import SuppressionList
from tests.conftest import NOW
from tests.subscribers.waiting import until_somebody_waits

STALL = "signed at the May Day stall"
MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=300)


@pytest.fixture
def suppression(keys) -> SuppressionList:
    return SuppressionList(keys.suppression)


@pytest.fixture
def take(suppression) -> Callable[..., ImportReport]:
    def take(session: Session, rows, **options) -> ImportReport:
        facts = {"suppression": suppression, "default_language": "en", "now": NOW, **options}
        return import_subscribers(session, rows, **facts)

    return take


def row(line: int = 2, email: str = "zeynep@example.org", **cells: str) -> Row:
    return Row(line, email, **{"confirmed_at": "2026-05-01", "consent_source": STALL, **cells})


def add(session: Session, email: str, *, status: Status = Status.ACTIVE) -> Subscriber:
    profile = Profile.of(session, Reading(languages=("tr",)))
    subscriber = Subscriber.new(parse_address(email), name="Old", cadence=Cadence.DAILY, profile=profile, now=BEFORE)
    if status is not Status.PENDING:
        subscriber.confirm(BEFORE)
    if status is Status.LEFT:
        subscriber.leave(LeftReason.UNSUBSCRIBED, BEFORE)
    session.add(subscriber)
    session.flush()
    return subscriber


def everything(session: Session) -> list[object]:
    session.expire_all()
    tables = (Subscriber.__table__, Consent.__table__, Profile.__table__)
    return [session.execute(select(table).order_by(table.c.id)).all() for table in tables]


# What is taken


def test_a_row_with_proof_becomes_an_active_subscriber_and_a_consent(database, take):
    cells = row(
        email=" Zeynep@Example.org ",
        name="Zeynep Çelik",
        language="tr|en",
        topics=" Prison  Strikes |prisoners",
        countries="tr|IR",
        cadence="Daily",
        confirmed_at="2026-05-01T14:30+03:00",
    )
    with database.write() as session:
        report = take(session, [cells])
    assert (report.read, report.taken, report.already_there, report.not_taken_in_all) == (1, 1, 0, 0)
    with database.read() as session:
        zeynep = session.scalars(select(Subscriber)).one()
        assert (zeynep.email, zeynep.address_key) == ("Zeynep@example.org", "zeynep@example.org")
        assert (zeynep.name, zeynep.cadence) == ("Zeynep Çelik", Cadence.DAILY)
        assert zeynep.profile.reading == Reading(
            languages=("tr", "en"),
            topics=frozenset(["prison strikes", "prisoners"]),
            countries=frozenset(["TR", "IR"]),
        )
        consent = session.scalars(select(Consent)).one()
        assert (consent.subscriber_id, consent.act, consent.source) == (zeynep.id, ConsentAct.GIVEN, STALL)
        assert consent.at == datetime(2026, 5, 1, 11, 30, tzinfo=UTC)
        assert (consent.recorded_at, consent.wording) == (NOW, "")


def test_a_row_taken_is_in_exactly_the_state_of_somebody_who_confirmed(database, take):
    with database.write() as session:
        take(session, [row(email="a@example.org", name="Same")])
        profile = Profile.of(session, Reading())
        other = Subscriber.new(
            parse_address("b@example.org"), name="Same", cadence=Cadence.WEEKLY, profile=profile, now=NOW
        )
        other.confirm(NOW)
        session.add(other)
    personal = {"id", "email", "address_key", "import_id"}
    with database.read() as session:
        imported, confirmed = (
            {name: value for name, value in found._mapping.items() if name not in personal}
            for found in session.execute(select(Subscriber.__table__).order_by(Subscriber.id))
        )
        assert imported == confirmed
        assert imported["status"] is Status.ACTIVE
        assert imported["joined_at"] == NOW


def test_empty_cells_mean_weekly_and_the_default_language(database, take):
    with database.write() as session:
        take(session, [row()], default_language="ar")
        zeynep = session.scalars(select(Subscriber)).one()
        assert (zeynep.cadence, zeynep.profile.reading) == (Cadence.WEEKLY, Reading(languages=("ar",)))


def test_many_with_the_same_wishes_share_one_profile(database, take):
    rows = [row(line, f"person{line}@example.org", topics="strikes|unions") for line in range(2, 40)]
    rows += [row(line, f"person{line}@example.org", topics="Unions | STRIKES") for line in range(40, 80)]
    with database.write() as session:
        existing = Profile.of(session, Reading(topics=frozenset(["strikes", "unions"])))
        assert take(session, rows).taken == 78
        assert session.scalars(select(Subscriber.profile_id).distinct()).all() == [existing.id]


def test_more_wishes_than_are_remembered_are_all_kept(database, take, monkeypatch):
    monkeypatch.setattr(importing, "_KEPT_PROFILES", 3)
    monkeypatch.setattr(importing, "BATCH", 2)
    rows = [row(n, f"person{n}@example.org", topics=f"topic {n % 7}") for n in range(2, 30)]
    with database.write() as session:
        take(session, rows)
        for subscriber in session.scalars(select(Subscriber)):
            number = int(subscriber.email.partition("@")[0].removeprefix("person"))
            assert subscriber.profile.topics == [f"topic {number % 7}"]


# Proof of consent


def test_without_a_source_or_a_date_nobody_is_taken(database, take):
    rows = [
        row(2, "a@example.org", consent_source=""),
        row(3, "b@example.org", confirmed_at=" "),
        Row(4, "c@example.org"),
        row(5, "d@example.org", consent_source="yes"),
        row(6, "e@example.org", consent_source="No"),
        row(7, "f@example.org", confirmed_at="2026-11-23T07:00:01Z"),
    ]
    with database.write() as session:
        report = take(session, rows)
        assert [(problem.line, problem.reason) for problem in report.problems] == [
            (2, Reason.NO_CONSENT_SOURCE),
            (3, Reason.NO_CONSENT_DATE),
            (4, Reason.NO_CONSENT_SOURCE),
            (5, Reason.NO_CONSENT_SOURCE),
            (6, Reason.CONSENT_REFUSED),
            (7, Reason.FUTURE_DATE),
        ]
        assert everything(session) == [[], [], []]


def test_the_callers_word_stands_in_for_missing_proof_and_for_nothing_else(database, take):
    rows = [
        Row(2, "a@example.org"),
        row(3, "b@example.org", consent_source="website"),
        row(4, "c@example.org", consent_source=""),
        row(5, "d@example.org", consent_source="no"),
        row(6, "e@example.org", confirmed_at="some day"),
    ]
    with database.write() as session:
        report = take(session, rows, consent=f" {STALL}\n")
        consents = session.execute(select(Consent.source, Consent.at).order_by(Consent.id)).all()
        assert consents == [(STALL, NOW), ("website", MAY_DAY), (STALL, MAY_DAY)]
        assert [problem.reason for problem in report.problems] == [Reason.CONSENT_REFUSED, Reason.BAD_DATE]


def test_an_empty_word_of_the_caller_proves_nothing(database, take):
    with database.write() as session:
        assert take(session, [Row(2, "a@example.org")], consent=" ").not_taken == {Reason.NO_CONSENT_SOURCE: 1}


# Who is known already


def test_who_is_active_already_keeps_what_they_chose(database, take):
    with database.write() as session:
        add(session, "zeynep@example.org")
        before = everything(session)
        report = take(session, [row(email="ZEYNEP@example.org", cadence="monthly", language="de")])
        assert (report.taken, report.already_there, report.not_taken) == (0, 1, {})
        assert everything(session) == before


@pytest.mark.parametrize(("status", "reason"), [(Status.PENDING, Reason.PENDING), (Status.LEFT, Reason.LEFT)])
def test_who_is_pending_or_has_left_stays_so(database, take, status, reason):
    with database.write() as session:
        add(session, "zeynep@example.org", status=status)
        before = everything(session)
        report = take(session, [row(email="Zeynep@example.org")], consent=STALL)
        assert report.problems == (RowProblem(2, reason),)
        assert everything(session) == before


def test_who_was_erased_is_recognised_by_the_hash_alone(database, take, suppression):
    with database.write() as session:
        suppression.add(session, "zeynep@example.org", reason="erased", now=BEFORE)
        report = take(session, [row(email="Zeynep@EXAMPLE.org")], consent=STALL)
        assert report.problems == (RowProblem(2, Reason.SUPPRESSED),)
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


def test_who_is_active_and_suppressed_is_reported(database, take, suppression):
    with database.write() as session:
        add(session, "zeynep@example.org")
        suppression.add(session, "zeynep@example.org", reason="complained", now=BEFORE)
        assert take(session, [row()]).not_taken == {Reason.SUPPRESSED: 1}


def test_of_the_same_address_twice_the_first_row_is_taken(database, take, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
    rows = [
        row(2, "a@example.org", name="First"),
        row(3, "A@example.org", name="Second"),
        row(4, "b@example.org"),
        row(7, "a@EXAMPLE.org", name="Third"),
        row(8, "b@example.org"),
    ]
    with database.write() as session:
        report = take(session, rows)
        assert report.problems == (
            RowProblem(3, Reason.DUPLICATE, "2"),
            RowProblem(7, Reason.DUPLICATE, "2"),
            RowProblem(8, Reason.DUPLICATE, "4"),
        )
        assert session.scalars(select(Subscriber.name).order_by(Subscriber.id)).all() == ["First", ""]


def test_a_good_row_after_a_bad_one_of_the_same_address_is_taken(database, take):
    with database.write() as session:
        report = take(session, [row(2, cadence="often"), row(3)])
        assert (report.taken, report.not_taken) == (1, {Reason.BAD_CADENCE: 1})


def test_who_signs_up_during_the_import_is_left_to_confirm(database, take):
    if database.is_sqlite:
        pytest.skip("SQLite's writers are one at a time")
    reports = []

    def import_now() -> None:
        with database.write() as session:
            reports.append(take(session, [row(2, "a@example.org"), row(3)]))

    importer = threading.Thread(target=import_now)
    with database.write() as session:
        add(session, "zeynep@example.org", status=Status.PENDING)
        importer.start()  # it can't see her yet, and its insert waits for us
        until_somebody_waits(database)
    importer.join()
    assert reports[0].taken == 1
    assert reports[0].problems == (RowProblem(3, Reason.PENDING),)


def test_problems_come_in_the_order_of_the_file(database, take):
    rows = [row(2), row(3, "left@example.org"), row(4, cadence="often"), row(5), RowProblem(6, Reason.NOT_TEXT)]
    with database.write() as session:
        add(session, "left@example.org", status=Status.LEFT)
        report = take(session, rows)
    assert [problem.line for problem in report.problems] == [3, 4, 5, 6]


# One transaction


def test_a_dry_run_reports_the_same_and_leaves_nothing(database, take, suppression):
    rows = [row(2, "a@example.org", topics="new"), row(3, "a@example.org"), row(4, "left@example.org"), row(5, "?")]
    with database.write() as session:
        suppression.add(session, "left@example.org", reason="unsubscribed", now=BEFORE)
        before = everything(session)
        dry = take(session, rows, dry_run=True)
        assert everything(session) == before
    with database.write() as session:
        assert everything(session) == before
        assert replace(take(session, rows), number=None) == dry
        assert dry.taken == 1


def test_if_the_file_breaks_off_nobody_is_taken(database, take, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)

    def torn():
        yield from (row(line, f"person{line}@example.org") for line in range(2, 8))
        raise OSError

    with database.write() as session:
        with pytest.raises(OSError):  # noqa: PT011 - ours, it has no text
            take(session, torn())
        assert everything(session) == [[], [], []]


def test_every_row_is_accounted_for_even_when_only_some_are_kept(database, take, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 10)
    monkeypatch.setattr(importing, "KEPT_PROBLEMS", 7)
    rows = [row(n, f"p{n}@example.org") if n % 3 else RowProblem(n, Reason.BROKEN_QUOTES) for n in range(2, 101)]
    problems: list[RowProblem] = []
    progress: list[int] = []
    with database.write() as session:
        report = take(session, rows, on_problem=problems.append, on_progress=progress.append)
    assert (report.read, report.taken, report.not_taken) == (99, 66, {Reason.BROKEN_QUOTES: 33})
    assert report.problems == tuple(problems[:7])
    assert [problem.line for problem in problems] == [n for n in range(2, 101) if n % 3 == 0]
    assert progress == [*range(10, 91, 10), 99]


def test_rows_are_read_no_further_than_they_are_taken(database, take, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 10)
    given = 0

    def rows():
        nonlocal given
        for given in range(1, 51):
            yield row(given + 1, f"p{given}@example.org")

    pace: list[tuple[int, int]] = []
    with database.write() as session:
        take(session, rows(), on_progress=lambda done: pace.append((done, given)))
    assert pace == [(10, 10), (20, 20), (30, 30), (40, 40), (50, 50)]


# Whole stories

PEOPLE = [f"{name}@example.org" for name in ("ada", "bea", "cem", "dilek", "emma")]
FILES = st.lists(
    st.builds(
        row,
        st.just(2),
        st.sampled_from([*PEOPLE, *(person.upper() for person in PEOPLE), "broken"]),
        cadence=st.sampled_from(["", "daily", "often"]),
        consent_source=st.sampled_from(["", "no", "form"]),
    ),
    max_size=8,
).map(lambda rows: [cells._replace(line=line) for line, cells in enumerate(rows, start=2)])
MOVES = st.lists(st.tuples(st.sampled_from(["leave", "suppress", "erase", "import"]), st.sampled_from(PEOPLE), FILES))


@settings(max_examples=25)
@given(FILES, MOVES)
def test_no_sequence_of_imports_brings_back_who_left(database, take, suppression, first, moves):
    gone: set[str] = set()
    with database.write() as session:
        take(session, first, consent=STALL)
        for move, person, file in moves:
            subscriber = session.scalar(select(Subscriber).where(Subscriber.address_key == person))
            if move == "leave" and subscriber:
                subscriber.leave(LeftReason.UNSUBSCRIBED, NOW)
                gone.add(person)
            elif move == "suppress":
                suppression.add(session, person, reason="bounced", now=NOW)
            elif move == "erase" and subscriber:
                suppression.add(session, person, reason="erased", now=NOW)
                session.delete(subscriber)
                gone.add(person)
            if move == "suppress" and not subscriber:
                gone.add(person)
            session.flush()
            report = take(session, file, consent=STALL)
            assert report.read == report.taken + report.already_there + report.not_taken_in_all
            session.expire_all()
            active = select(Subscriber.address_key).where(Subscriber.status != Status.LEFT)
            assert not gone & set(session.scalars(active))
        session.rollback()


@settings(max_examples=25)
@given(FILES)
def test_importing_a_file_twice_changes_nothing(database, take, file):
    with database.write() as session:
        first = take(session, file, consent=STALL)
        after = everything(session)
        second = take(session, file, consent=STALL, now=NOW + timedelta(days=1))
        assert everything(session) == after
        assert second.taken == 0
        assert second.already_there == first.taken + first.not_taken.get(Reason.DUPLICATE, 0)
        session.rollback()


CSV_ISH = st.lists(
    st.sampled_from(
        [b"ada@example.org", b"bea@example.org", b",", b'"', b"\n", b"\0", b"\xe9", b"2026-05-01", b"daily"]
    )
).map(b"".join)


@settings(max_examples=100)
@given(content=st.binary() | CSV_ISH)
def test_any_file_gives_a_report_or_one_sentence(sqlite_database, take, tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(b"email,name,cadence,confirmed_at\n" + content)
    with sqlite_database.write() as session:
        try:
            with open_csv(path) as file:
                report = take(session, file, consent=STALL)
        except SubscribersError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either of two good ends
        else:
            assert report.read == report.taken + report.already_there + report.not_taken_in_all
        session.rollback()


@pytest.fixture
def sqlite_database(sqlite_url):
    database = Database(sqlite_url)
    yield database
    database.dispose()


def test_a_list_from_a_spreadsheet_is_imported_from_its_bytes(database, take, tmp_path: Path):
    path = tmp_path / "liste.csv"
    path.write_bytes(
        "E-Mail;First name;Last name;Lang;Country;Opt-in date;Phone\r\n"
        "zeynep@example.org;Zeynep;Celik;tr;TR;01.05.2026;123\r\n"
        "jose@example.org;José;Muñoz;es|en;;1.5.2026 10:00;\r\n"
        "rosa@example.org;Rosa;;de;DE;bald;\r\n".encode("cp1252")
    )
    with database.write() as session, open_csv(path) as file:
        report = take(session, file, consent=STALL)
        assert file.ignored == ("Phone",)
        assert (report.taken, report.not_taken) == (2, {Reason.BAD_DATE: 1})
        assert [problem.sentence for problem in report.problems] == [
            "'bald' is no date that confirmed_at can hold; write 2026-05-01 or 2026-05-01T10:00Z."
        ]
        assert set(session.scalars(select(Subscriber.name))) == {"Zeynep Celik", "José Muñoz"}
