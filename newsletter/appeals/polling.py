"""Looks at sources and takes in what is new: politely, once, and never in a flood. It never sends."""

import json
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from newsletter.appeals.intake import Desk, Intake, Taken, find_appeal
from newsletter.appeals.item import Item
from newsletter.appeals.names import MARK, Register
from newsletter.appeals.organisers import SOURCE
from newsletter.appeals.reading import Found, Place, Reading, complete, read_backwards, read_place
from newsletter.appeals.recognising import Seen, look, name_entries
from newsletter.appeals.source import EntryState, Source, SourceEntry, find_source
from newsletter.appeals.sources.faults import PageBusy, PageGone, PageMissing, SourceFault
from newsletter.appeals.sources.fetching import WebFetch
from newsletter.appeals.sources.selecting import Selectors
from newsletter.errors import NewsletterError
from subscribers.database import Database
from subscribers.errors import Fault

log = logging.getLogger(__name__)

_LEASE: Final = timedelta(minutes=15)  # in which nobody else looks at a source that is being read
_LONGEST_PAUSE: Final = timedelta(days=1)
_GONE_PAUSE: Final = timedelta(days=7)
_JITTER: Final = 0.1
_PATIENCE: Final = timedelta(days=2)  # with an article's page that can't be read
_REREAD: Final = 20  # changed articles that are read again in one go

Chance = Callable[[], float]


class ReaderBroken(SourceFault):
    """Source {number} could not be read because of a fault of this program ({kind}). Please report it."""


class NothingHeld(NewsletterError):
    """Nothing of source {number} waits for a decision{which}."""


@dataclass(frozen=True, kw_only=True)
class Polled:
    """What one look at a source came to.

    Attributes:
        number: the source's.
        location: where it is.
        taken: what became of each item that was taken in; unchanged ones are not among them.
        known: how many were recorded as known: those of a first look.
        held: how many wait for an organiser's decision.
        unchanged: whether the place says that nothing has changed.
        faults: what could not be read, a sentence each.
        failed: whether the source itself could not be read.
    """

    number: int
    location: str
    taken: tuple[Intake, ...] = ()
    known: int = 0
    held: int = 0
    unchanged: bool = False
    faults: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Poller:
    """Looks at sources.

    Attributes:
        database: where they are.
        desk: takes items in.
        web: opens what gets pages; one for each round, since it keeps robots.txt.
        clock: gives the moment.
        chance: between 0 and 1, so that not all sources are asked at once.
    """

    database: Database
    desk: Desk
    web: Callable[[], AbstractContextManager[WebFetch]]
    clock: Callable[[], datetime]
    chance: Chance = random.random

    def poll(
        self,
        numbers: Sequence[int],
        *,
        take: int | None = None,
        due_only: bool = False,
        on_source: Callable[[str], None] = lambda _location: None,
    ) -> list[Polled]:
        """Look at sources, one after the other.

        Args:
            numbers: which.
            take: so many new ones are taken in, the newest, whether it is the first look and however many there are;
                None leaves that to the source: none of the first look, and no more than `hold_above` later.
            due_only: leave out those at which somebody else has looked meanwhile.
            on_source: told where each is, before it is asked.
        """
        with self.web() as web:
            return [
                self._poll(number, web, take=take, on_source=on_source)
                for number in numbers
                if self._claim(number, due_only=due_only)
            ]

    def backfill(self, number: int, listing: str, *, max_pages: int) -> Polled:
        """Read a listing's pages for what a feed doesn't reach back to; what is new is held for an organiser.

        Raises:
            NoSuchSource: there is none of this number.
            SourceFault: the listing can't be read.
        """
        with self.database.read() as session:
            source = find_source(session, number)
            place, location = _place(source), source.location
        held = 0
        with self.web() as web:
            for reading in read_backwards(place, listing, web, today=self._today(), max_pages=max_pages):
                with self.database.write() as session:
                    self.database.serialise(session, f"source {number}")
                    new = [one for one in look(session, number, reading) if not one.entry_id]
                    self.database.share(session, "names")
                    register = Register.writing(session, self.desk.seal)
                    self._record(session, number, new, EntryState.HELD, register)
                held += len(new)
        return Polled(number=number, location=location, held=held)

    def take(self, number: int, which: Sequence[int] = (), *, by: str = SOURCE) -> Polled:
        """Take in what is held.

        Args:
            number: the source's.
            which: numbers of entries; none means all that are held.
            by: who decides so.

        Raises:
            NoSuchSource, NothingHeld.
            PageBusy: the site wants to be left alone for now; what was taken in before stays.
        """
        with self.database.read() as session:
            source = find_source(session, number)
            place, location = _place(source), source.location
            held = [(row.id, self._opened(row, place), row.said_hash) for row in _held(session, number, which)]
        taken: list[Intake] = []
        faults: list[str] = []
        with self.web() as web:
            for entry_id, found, said_hash in held:
                item, fault = complete(found, place, web, today=self._today())
                faults += [str(fault)] if fault else []
                with self.database.write() as session:
                    self.database.serialise(session, f"source {number}")
                    row = session.get_one(SourceEntry, entry_id, with_for_update=True)
                    if row.state is not EntryState.HELD:
                        continue  # somebody else has decided meanwhile
                    fates = self.desk.take_in(session, [item], source=location, now=self.clock(), by=by)
                    # What was read is what is known: if it was renewed meanwhile, the next look sees a change.
                    row.state, row.content, row.said_hash = EntryState.TAKEN, None, said_hash
                    row.appeal_id = find_appeal(session, fates[0].reference).id
                taken += fates
        return Polled(number=number, location=location, taken=tuple(taken), faults=tuple(faults))

    def _opened(self, row: SourceEntry, place: Place) -> Found:
        return Found.from_content(json.loads(self.desk.seal.opened(row.content or b"")), place.scope)

    def _claim(self, number: int, *, due_only: bool) -> bool:
        now = self.clock()
        with self.database.write() as session:
            mine = update(Source).where(Source.id == number, Source.removed_at.is_(None))
            if due_only:
                mine = mine.where(Source.next_poll_at <= now)
            else:
                find_source(session, number)
            claimed = session.execute(mine.values(next_poll_at=now + _LEASE))
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an update has one

    def _poll(self, number: int, web: WebFetch, *, take: int | None, on_source: Callable[[str], None]) -> Polled:
        with self.database.read() as session:
            source = find_source(session, number)
            place, location = _place(source), source.location
        on_source(location)
        try:
            reading = read_place(place, web, today=self._today(), always=take is not None)
            return self._take_in(number, location, place, reading, web, take=take)
        except SourceFault as fault:
            return self._failed(number, location, fault)
        except Fault:
            raise  # about us: the database is away, the source was removed
        except Exception as error:
            log.exception("source %s could not be read", number)
            return self._failed(number, location, ReaderBroken(number=number, kind=type(error).__name__))

    def _take_in(
        self, number: int, location: str, place: Place, reading: Reading, web: WebFetch, *, take: int | None
    ) -> Polled:
        with self.database.read() as session:
            source = find_source(session, number)
            seen = look(session, number, reading)
            new = [one for one in seen if not one.entry_id]
            chosen, otherwise = _choose(source, new, take)
        changed = [one for one in seen if one.changed]
        items, faults, all_read = self._complete([*changed[:_REREAD], *chosen], place, web)
        faults = ([reading.fault] if reading.fault else []) + faults
        now = self.clock()
        with self.database.write() as session:
            self.database.serialise(session, f"source {number}")
            self.database.share(session, "names")
            register = Register.writing(session, self.desk.seal)
            # Somebody else may have been quicker: what is new and what is known is asked once more.
            now_seen = {id(one.found): one for one in look(session, number, reading)}
            taken: list[Intake] = []
            for one, item in items:
                if one.entry_id == now_seen[id(one.found)].entry_id:
                    taken += self._take_one(session, number, now_seen[id(one.found)], item, location, register, now)
            mine = {id(one.found) for one in chosen}
            rest = [one for one in now_seen.values() if not one.entry_id and id(one.found) not in mine]
            self._record(session, number, rest, otherwise, register)
            for one in now_seen.values():
                if one.renewed:
                    kept = self._kept(one, EntryState.HELD, register)
                    row = update(SourceEntry).where(SourceEntry.id == one.entry_id)
                    session.execute(row.where(SourceEntry.state == EntryState.HELD).values(kept))
            name_entries(session, number, [(one.entry_id, one) for one in now_seen.values() if one.entry_id])
            source = find_source(session, number)
            self._went_well(source, reading, register, now, whole=all_read and len(changed) <= _REREAD)
            source.fault = register.hide(faults[0]) if faults else ""
        return Polled(
            number=number,
            location=location,
            taken=tuple(fate for fate in taken if fate.taken is not Taken.UNCHANGED),
            known=len(rest) if otherwise is EntryState.KNOWN else 0,
            held=len(rest) if otherwise is EntryState.HELD else 0,
            unchanged=reading.page is None and not reading.found,
            faults=tuple(faults),
        )

    def _complete(
        self, wanted: Sequence[Seen], place: Place, web: WebFetch
    ) -> tuple[list[tuple[Seen, Item]], list[str], bool]:
        """Read articles' own pages; where a site wants to be left alone, the rest waits for the next time."""
        items: list[tuple[Seen, Item]] = []
        faults: list[str] = []
        whole = True
        for one in wanted:
            try:
                item, fault = complete(one.found, place, web, today=self._today())
            except PageBusy as busy:
                return items, [*faults, str(busy)], False
            faults += [str(fault)] if fault else []
            if fault is not None and self._may_come(one, fault):
                whole = False
                continue
            items.append((one, item))
        return items, faults, whole

    def _may_come(self, one: Seen, fault: SourceFault) -> bool:
        """Say whether an article's page is worth another look, before what is known of it without is taken.

        What is taken in already keeps the text that it has. A new one waits, unless its page is gone, or was away for
        two days: then an appeal that says little is better than none.
        """
        if one.entry_id:
            return True
        day = one.found.published_on
        return not isinstance(fault, PageMissing | PageGone) and day is not None and self._today() - day <= _PATIENCE

    def _take_one(
        self, session: Session, number: int, one: Seen, item: Item, location: str, register: Register, now: datetime
    ) -> list[Intake]:
        known_as = session.get_one(SourceEntry, one.entry_id).appeal_id if one.entry_id else None
        fates = self.desk.take_in(session, [item], source=location, now=now, known_as=known_as)
        entry_id = one.entry_id or self._record(session, number, [one], EntryState.TAKEN, register)[0]
        row = session.get_one(SourceEntry, entry_id)
        row.said_hash = one.found.said_hash
        row.appeal_id = find_appeal(session, fates[0].reference).id
        return fates

    def _record(
        self, session: Session, number: int, new: Sequence[Seen], state: EntryState, register: Register
    ) -> list[int]:
        """Keep what is new, and give the numbers of the rows."""
        now = self.clock()
        rows = [{"source_id": number, "state": state, "seen_at": now} | self._kept(one, state, register) for one in new]
        if not rows:
            return []
        kept = insert(SourceEntry).returning(SourceEntry.id, sort_by_parameter_order=True)
        numbers = list(session.scalars(kept, rows))
        name_entries(session, number, list(zip(numbers, new, strict=True)))
        return numbers

    def _kept(self, one: Seen, state: EntryState, register: Register) -> dict[str, Any]:
        """Give what a row keeps of what a source announces; of what is held, all, to be taken later."""
        content = json.dumps(one.found.content).encode() if state is EntryState.HELD else None
        return {
            "title": register.hide(MARK.sub("…", one.found.title)),
            "url": register.hide_address(one.found.url),
            "published_on": one.found.published_on,
            "said_hash": one.found.said_hash,
            "content": None if content is None else self.desk.seal.shut(content),
        }

    def _went_well(self, source: Source, reading: Reading, register: Register, now: datetime, *, whole: bool) -> None:
        if whole:  # only now: before, what was not kept would never be asked for again
            source.etag, source.last_modified = reading.etag, reading.last_modified
        source.title = source.title or register.hide(MARK.sub("…", reading.title))
        source.polled_at = now
        source.failures, source.failing_since = 0, None
        source.next_poll_at = now + self._jittered(timedelta(minutes=source.interval_minutes))

    def _failed(self, number: int, location: str, fault: SourceFault) -> Polled:
        now = self.clock()
        with self.database.write() as session:
            source = find_source(session, number)
            self.database.share(session, "names")
            register = Register.writing(session, self.desk.seal)
            source.failures += 1
            source.failing_since = source.failing_since or now
            source.fault = register.hide(str(fault))
            pause = timedelta(minutes=source.interval_minutes) * 2 ** min(source.failures, 10)
            pause = min(pause, _LONGEST_PAUSE)
            if isinstance(fault, PageGone):
                pause = _GONE_PAUSE
            if isinstance(fault, PageBusy) and fault.retry_after_s is not None:
                pause = max(pause, timedelta(seconds=fault.retry_after_s))
            source.next_poll_at = now + self._jittered(pause)
            said = register.said(source.fault, "")
        return Polled(number=number, location=location, faults=(said,), failed=True)

    def _jittered(self, pause: timedelta) -> timedelta:
        return pause * (1 + _JITTER * (2 * self.chance() - 1))

    def _today(self) -> date:
        return self.clock().astimezone(UTC).date()


def dismiss(session: Session, number: int, which: Sequence[int] = ()) -> int:
    """Decide that what is held is not wanted; it counts as known.

    Args:
        session: a writing transaction.
        number: the source's.
        which: numbers of entries; none means all that are held.

    Returns:
        How many.

    Raises:
        NoSuchSource, NothingHeld.
    """
    find_source(session, number)
    rows = _held(session, number, which, lock=True)
    for row in rows:
        row.state, row.content = EntryState.DISMISSED, None
    return len(rows)


def held_of(session: Session, number: int, *, lock: bool = False) -> list[SourceEntry]:
    """Give what is held of a source, the newest first; locked, if somebody is about to decide."""
    query = select(SourceEntry).where(SourceEntry.source_id == number, SourceEntry.state == EntryState.HELD)
    query = query.with_for_update() if lock else query
    return list(session.scalars(query.order_by(SourceEntry.published_on.desc(), SourceEntry.id)))


def _held(session: Session, number: int, which: Sequence[int], *, lock: bool = False) -> list[SourceEntry]:
    rows = [row for row in held_of(session, number, lock=lock) if not which or row.id in which]
    if not rows or (which and len(rows) != len(set(which))):
        raise NothingHeld(number=number, which=f" under {', '.join(map(str, which))}" if which else "")
    return rows


def _place(source: Source) -> Place:
    return Place(
        location=source.location,
        kind=source.kind,
        scope=str(source.id),
        language=source.language,
        topics=tuple(source.topics),
        selectors=Selectors(**source.selectors),
        reads_articles=source.reads_articles,
        etag=source.etag,
        last_modified=source.last_modified,
    )


def _choose(source: Source, new: Sequence[Seen], take: int | None) -> tuple[Sequence[Seen], EntryState]:
    """Choose what of the new is taken in, and what becomes of the rest."""
    otherwise = EntryState.KNOWN if source.polled_at is None else EntryState.HELD
    if take is not None:
        newest = sorted(new, key=lambda one: one.found.published_on or date.min, reverse=True)
        return newest[:take], otherwise
    if source.polled_at is None or len(new) > source.hold_above:
        return [], otherwise
    return new, otherwise
