"""Taking people over from elsewhere: only with proof of consent, and never anybody who left."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import exists, insert, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from subscribers.addresses import Address
from subscribers.choices import Change
from subscribers.consent import Consent, ConsentAct
from subscribers.database import Base, table
from subscribers.import_row import Applicant, Gone, Reason, Row, RowProblem, RowReader
from subscribers.imports import MAX_FILE, UNDO_WITHIN, Import
from subscribers.leaving import leave
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from subscribers.suppression import SuppressionList

BATCH = 1_000  # rows looked up and written by one statement
KEPT_PROBLEMS = 10_000  # in the report; `on_problem` gets all
_KEPT_PROFILES = 10_000


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of the rows: `read` is `taken`, `already_there` and all of `not_taken` together.

    Attributes:
        number: the import's, by which it can be undone; None if nothing was changed.
        read: rows of the file, without blank ones.
        taken: people who are subscribers now, or would be if this was a dry run.
        already_there: active already; what they chose stays as it is.
        barred: addresses that are suppressed now, since their owners left at the former place.
        not_taken: how many rows for each reason, the most frequent first.
        problems: the first 10,000 rows that were not taken, in the file's order.
    """

    number: int | None
    read: int
    taken: int
    already_there: int
    barred: int
    not_taken: Mapping[Reason, int]
    problems: tuple[RowProblem, ...]

    @property
    def not_taken_in_all(self) -> int:
        """How many rows were not taken, for whatever reason."""
        return sum(self.not_taken.values())


def import_subscribers(
    session: Session,
    rows: Iterable[Row | RowProblem],
    *,
    suppression: SuppressionList,
    consent: str | None = None,
    default_language: str,
    country_code: Callable[[str], str | None] | None = None,
    now: datetime,
    file: str = "",
    undo_within: timedelta = UNDO_WITHIN,
    dry_run: bool = False,
    on_problem: Callable[[RowProblem], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Take in everyone whose row proves consent, all of them or, if anything goes wrong, nobody.

    Args:
        session: an open transaction that may write; the caller commits it.
        rows: from `open_csv`; read as a stream.
        suppression: knows who must get no mail.
        consent: where and how everybody in the file agreed; stands in for an empty consent_source, and makes
            the time of import stand in for an empty confirmed_at.
        default_language: a BCP 47 tag for those whose row names none.
        country_code: gives the two-letter code for a country's name, or None.
        now: the time of import, in UTC.
        file: its name, for whoever looks for this import later.
        undo_within: how long it can be undone.
        dry_run: do and check all of it, report the same, and leave nothing behind.
        on_problem: gets each row that is not taken, in the file's order within every thousand.
        on_progress: gets the number of rows read so far, after every thousand.
    """
    reader = RowReader(consent=consent, default_language=default_language, country_code=country_code, now=now)
    savepoint = session.begin_nested()
    try:
        record = Import(at=now, file=file[-MAX_FILE:], consent=consent or "", taken=0, undo_until=now + undo_within)
        session.add(record)
        session.flush()
        importing = _Import(session, reader, suppression, now, record.id, on_problem)
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            importing.take(batch)
            if on_progress:
                on_progress(importing.read)
    except BaseException:
        savepoint.rollback()
        raise
    report = importing.report(None if dry_run else record.id)
    if dry_run:
        savepoint.rollback()
        return replace(report, number=None)
    if not (report.taken or report.barred):  # there is nothing to undo
        session.delete(record)
        report = replace(report, number=None)
    record.taken = report.taken
    savepoint.commit()
    return report


class _Known(NamedTuple):
    id: int
    status: Status


class _Import:
    """One import on its way."""

    def __init__(
        self,
        session: Session,
        reader: RowReader,
        suppression: SuppressionList,
        now: datetime,
        number: int,
        on_problem: Callable[[RowProblem], None] | None,
    ) -> None:
        self._session = session
        self._reader = reader
        self._suppression = suppression
        self._now = now
        self._on_problem = on_problem
        self._joined = {**_just_confirmed(now), "import_id": number}
        self._number = number
        self._barred = 0
        self._profiles: dict[Reading, int] = {}
        # Who was taken from which line: ids rise, so that two plain arrays (16 bytes a person) answer by bisection.
        self._ids, self._lines = array("q"), array("q")
        self._already_there = 0
        self._not_taken: Counter[Reason] = Counter()
        self._problems: list[RowProblem] = []
        self.read = 0

    def take(self, batch: list[Row | RowProblem]) -> None:
        """Settle some rows: take, leave as it is, or report."""
        self.read += len(batch)
        read = [row if isinstance(row, RowProblem) else self._reader.read(row) for row in batch]
        problems = [row for row in read if isinstance(row, RowProblem)]
        if gone := [row for row in read if isinstance(row, Gone)]:
            problems += self._bar(gone)  # first: of two rows that contradict each other this one counts
        problems += self._settle([row for row in read if isinstance(row, Applicant)])
        for problem in sorted(problems):
            self._report(problem)

    def report(self, number: int | None) -> ImportReport:
        """Say what became of the rows."""
        return ImportReport(
            number=number,
            read=self.read,
            taken=len(self._ids),
            already_there=self._already_there,
            barred=self._barred,
            not_taken=dict(self._not_taken.most_common()),
            problems=tuple(self._problems),
        )

    def _report(self, problem: RowProblem) -> None:
        self._not_taken[problem.reason] += 1
        if len(self._problems) < KEPT_PROBLEMS:
            self._problems.append(problem)
        if self._on_problem:
            self._on_problem(problem)

    def _settle(self, applicants: list[Applicant]) -> Iterator[RowProblem]:
        keys = [applicant.address.key for applicant in applicants]
        known = self._known(keys)
        suppressed = self._suppression.among(self._session, keys)
        new: dict[str, Applicant] = {}
        for applicant in applicants:
            key = applicant.address.key
            if key in new:
                yield RowProblem(applicant.line, Reason.DUPLICATE, str(new[key].line))
            elif key in known and (problem := self._judge(applicant.line, known[key], key in suppressed)):
                yield problem
            elif key in known:
                self._already_there += 1
            elif key in suppressed:
                yield RowProblem(applicant.line, Reason.SUPPRESSED)
            else:
                new[key] = applicant
        if overtaken := self._write(new):
            yield from self._settle(overtaken)

    def _bar(self, gone: list[Gone]) -> Iterator[RowProblem]:
        """Suppress those who left at the former place, and take them off if a file alone has brought them here.

        Who has signed up here, or chosen something here, is on by their own word: what a file says of elsewhere does
        not count against it.
        """
        known = self._known([one.address.key for one in gone])
        own = self._own_word({here.id for here in known.values() if here.status is Status.ACTIVE})
        barred: dict[str, str] = {}
        for one in gone:
            here = known.get(one.address.key)
            if here is not None and here.id in own:
                self._already_there += 1
                continue
            if here is not None and here.status is Status.ACTIVE:
                leave(self._session, here.id, reason=one.reason, source="an imported file", now=self._now)
            barred[one.address.key] = one.reason
            yield RowProblem(one.line, Reason.LEFT_THERE, one.said)
        self._barred += self._suppression.add_many(self._session, barred, import_id=self._number, now=self._now)

    def _own_word(self, active: set[int]) -> set[int]:
        """Give those of active subscribers who are here by what they did themselves."""
        changed = exists(select(Change.id).where(Change.subscriber_id == Subscriber.id))
        found = select(Subscriber.id).where(Subscriber.id.in_(active), or_(Subscriber.import_id.is_(None), changed))
        return set(self._session.scalars(found))

    def _known(self, keys: list[str]) -> dict[str, _Known]:
        found = select(Subscriber.address_key, Subscriber.id, Subscriber.status).where(Subscriber.address_key.in_(keys))
        return {key: _Known(id_, status) for key, id_, status in self._session.execute(found)}

    def _judge(self, line: int, known: _Known, suppressed: bool) -> RowProblem | None:
        """Say why somebody who is known is not taken; None if they are active and stay as they are."""
        place = bisect_left(self._ids, known.id)
        if place < len(self._ids) and self._ids[place] == known.id:
            return RowProblem(line, Reason.DUPLICATE, str(self._lines[place]))
        if known.status is Status.LEFT:
            return RowProblem(line, Reason.LEFT)
        if suppressed:
            return RowProblem(line, Reason.SUPPRESSED)
        return RowProblem(line, Reason.PENDING) if known.status is Status.PENDING else None

    def _write(self, new: dict[str, Applicant]) -> list[Applicant]:
        """Add these people and their consent.

        Returns:
            Those who signed up on their own since we looked (PostgreSQL has other writers): to be settled again.
        """
        if not new:
            return []
        profiles = self._profile_ids({applicant.reading for applicant in new.values()})
        people = [
            {
                **self._joined,
                "email": applicant.address.email,
                "address_key": key,
                "name": applicant.name,
                "cadence": applicant.cadence,
                "profile_id": profiles[applicant.reading],
            }
            for key, applicant in new.items()
        ]
        added = self._insert_new(Subscriber, "address_key", people)
        proofs = []
        for id_, key in sorted(added):
            applicant = new.pop(key)
            self._ids.append(id_)
            self._lines.append(applicant.line)
            proofs.append(
                {
                    "subscriber_id": id_,
                    "act": ConsentAct.GIVEN,
                    "at": applicant.confirmed_at,
                    "wording": "",
                    "source": applicant.consent_source,
                    "recorded_at": self._now,
                }
            )
        if proofs:
            self._session.connection().execute(insert(Consent), proofs)
        return list(new.values())

    def _profile_ids(self, readings: set[Reading]) -> dict[Reading, int]:
        """Find or add the profiles of these readings; many rows share few."""
        missing = {reading.key: reading for reading in readings if reading not in self._profiles}
        if missing:
            if len(self._profiles) + len(missing) > _KEPT_PROFILES:
                self._profiles.clear()
                missing = {reading.key: reading for reading in readings}
            rows = [_columns(Profile.new(reading)) for reading in missing.values()]
            self._insert_new(Profile, "key", rows)
            found = select(Profile.key, Profile.id).where(Profile.key.in_(missing))
            self._profiles.update((missing[key], id_) for key, id_ in self._session.execute(found))
        return self._profiles

    def _insert_new(self, entity: type[Base], unique: str, rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
        """Insert those rows that are not there, even if they came this moment; give id and unique column of each."""
        connection = self._session.connection()
        columns = table(entity).c
        kind = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = (
            kind(table(entity)).on_conflict_do_nothing(index_elements=[unique]).returning(columns.id, columns[unique])
        )
        return [(id_, value) for id_, value in connection.execute(statement, rows)]


def _just_confirmed(now: datetime) -> dict[str, Any]:
    """Give the columns of somebody who has confirmed; made by the state's owner once, not a million times."""
    nobody = Address(email="", key="", wire="")
    subscriber = Subscriber.new(nobody, name="", cadence=Cadence.WEEKLY, profile=Profile(), now=now)
    subscriber.confirm(now)
    return _columns(subscriber)


def _columns(row: Base) -> dict[str, Any]:
    set_ = inspect(row).dict
    return {column.key: set_[column.key] for column in inspect(type(row)).columns if column.key in set_}
