"""Who a digest is for, in groups of people who get the same: a few statements over all of them.

A person's group says what they want, since when appeals are new to them, which digest was the last that looked at
everything for them, and which appeals they had since. So work grows with how different people are, and a decision is
made once a group; people themselves never leave the database.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from newsletter.delivery.model import LEDGER_STATES, Skip
from newsletter.delivery.scratch import ROWS, Scratch
from subscribers.database import insert_rows
from subscribers.hours import Slot
from subscribers.preferences import Cadence, Reading, readings_in

EVERYTHING = 0  # in place of a digest that looked at everything: there was none, or something has come in between
PAUSED = -1  # in place of what they had


class Group(NamedTuple):
    """People who get the same.

    Attributes:
        profile: the number of what they want.
        rank: how many of the releases are new to them, the latest first.
        standing: the mailing that looked at everything for them last, or `EVERYTHING`.
        had: which appeals they had, as `Audience.had` knows it; 0 for none, `PAUSED` for people who are paused.
        people: how many they are.
    """

    profile: int
    rank: int
    standing: int
    had: int
    people: int


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What becomes of a group.

    Attributes:
        edition: what they get; None where they get nothing.
        skip: why they get nothing.
        due_at: when it is sent.
        settles: whether nothing that was looked at has to be looked at again for them; else the last time counts at
            which that was so.
    """

    edition: int | None
    skip: Skip | None
    due_at: datetime
    settles: bool


@dataclass
class Audience:
    """The people of one digest, in temporary tables of one transaction.

    Attributes:
        session: a transaction that may write.
        cadence: whose digest it is.
        now: the moment of planning.
        slots: the hours that have come; None means everybody, whatever their hour.
    """

    session: Session
    cadence: Cadence
    now: datetime
    slots: Sequence[Slot] | None = None
    _had: dict[int, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the tables."""
        self._scratch = Scratch(self.session, _TABLES)

    def find(self, releases: Iterable[datetime], *, lookback: timedelta) -> frozenset[int]:
        """Find everybody whose digest it is.

        Args:
            releases: of all texts that may be in it.
            lookback: how long before somebody joined an appeal may have been released to be new to them.

        Returns:
            The mailings that looked at everything for some of them last.
        """
        self._scratch.make()
        starts = sorted((release + lookback for release in releases), reverse=True)
        counts = {start: place for place, start in enumerate(starts, start=1)}  # of several at once, of the last
        insert_rows(
            self.session,
            "digest_starts",
            ("at", "releases"),
            [(self._scratch.moment(at), count) for at, count in counts.items()],
        )
        if self.slots is not None:
            rows = [(slot.hour, slot.weekday, slot.time_zone) for slot in self.slots]
            insert_rows(self.session, "digest_slots", ("hour", "weekday", "zone"), rows)
        far = datetime.max.replace(tzinfo=self.now.tzinfo)
        self._scratch.run(
            _PEOPLE.format(slots="" if self.slots is None else _IN_SLOTS),
            cadence=self.cadence.value,
            now=self._scratch.moment(self.now),
            all=len(starts),
            earliest=self._scratch.moment(starts[-1] if starts else far),
            latest=self._scratch.moment(starts[0] if starts else far),
        )
        self._scratch.analyse("digest_people")
        return frozenset(standing for (standing,) in self._scratch.run(_STANDING_NOW))

    def look_up(self, told: Collection[int], *, late: Collection[int], forgotten: Collection[int]) -> None:
        """Find which appeals they had, or may have had.

        Args:
            told: the appeals of which it matters.
            late: those among them that matter also where everything was looked at before.
            forgotten: mailings of so long ago that it is better to look at everything again.
        """
        insert_rows(
            self.session, "digest_told", ("id", "is_late"), [(each, int(each in late)) for each in sorted(told)]
        )
        for mailing in sorted(forgotten):
            self._scratch.run("UPDATE digest_people SET standing = 0 WHERE standing = :mailing", mailing=mailing)
        self._scratch.run(_RECONSIDERED)
        self._scratch.run(_LATE_EDITIONS)
        self._scratch.run(_HAD.format(states=_LEDGER))
        if self._scratch.run("SELECT 1 FROM digest_people WHERE standing = 0 AND had = 0 LIMIT 1").first():
            self._scratch.run(_OTHER_EDITIONS)
            self._scratch.analyse("digest_editions")
            self._scratch.run(_HAD_IN_FULL.format(states=_LEDGER))
        self._scratch.analyse("digest_had")
        holding = self._holding()
        self._had = holding | self._number_sets(holding)
        for rows in ("digest_had", "digest_sets"):
            self._scratch.run(_TAKE_HAD.format(table=rows))

    def groups(self) -> list[Group]:
        """Give them, the largest first."""
        return [Group(*row) for row in self._scratch.run(_GROUPS)]

    def readings(self) -> dict[int, Reading]:
        """Give what they want, by the number of the profile."""
        return readings_in(self.session, "digest_people")

    def had(self, number: int) -> frozenset[int]:
        """Say which appeals the people of a group had, of those that were asked for."""
        return self._had.get(number, frozenset())

    def settle(self, mailing_id: int, fates: Mapping[Group, Fate]) -> None:
        """Write a delivery for everybody whose fate isn't that there is nothing new, and how far each was looked at."""
        columns = (*_KEY, "edition_id", "state", "skip", "due_at", "settled_at", "settles")
        insert_rows(
            self.session, "digest_fates", columns, (self._fate_row(group, fate) for group, fate in fates.items())
        )
        self._scratch.analyse("digest_fates")
        self._scratch.run(_DELIVERIES, mailing=mailing_id)
        for standings in (_OLD_STANDINGS, _NEW_STANDINGS) if self._scratch.is_postgresql else (_STANDINGS,):
            self._scratch.run(standings, mailing=mailing_id)

    def close(self) -> None:
        """Drop the tables."""
        self._scratch.drop()

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _holding(self) -> dict[int, frozenset[int]]:
        """Say of each edition that somebody had which of the appeals it holds."""
        found: dict[int, set[int]] = {}
        for edition_id, appeal_id in self._scratch.run(_HOLDING.format(states=_LEDGER)):
            found.setdefault(edition_id, set()).add(appeal_id)
        return {edition_id: frozenset(appeals) for edition_id, appeals in found.items()}

    def _number_sets(self, holding: Mapping[int, frozenset[int]]) -> dict[int, frozenset[int]]:
        """Give a number, below zero, to each set of appeals of those who had more than one edition."""
        numbers: dict[frozenset[int], int] = {}
        rows: list[tuple[object, ...]] = []
        several = self._scratch.run(_SEVERAL.format(states=_LEDGER), streamed=True)
        for subscriber_id, seen in _each_seen(several, holding):
            rows.append((subscriber_id, numbers.setdefault(seen, PAUSED - 1 - len(numbers))))
            if len(rows) == ROWS:
                insert_rows(self.session, "digest_sets", ("id", "had"), rows)
                rows.clear()
        insert_rows(self.session, "digest_sets", ("id", "had"), rows)
        self._scratch.analyse("digest_sets")
        return {number: seen for seen, number in numbers.items()}

    def _fate_row(self, group: Group, fate: Fate) -> tuple[object, ...]:
        gets = fate.edition is not None
        state = "queued" if gets else None if fate.skip is Skip.NOTHING_NEW else "skipped"
        return (
            *group[:4],
            fate.edition,
            state,
            None if fate.skip is None else fate.skip.value,
            self._scratch.moment(fate.due_at),
            None if gets else self._scratch.moment(self.now),
            int(fate.settles),
        )


def _each_seen(
    rows: Iterable[tuple[int, int]], editions: Mapping[int, frozenset[int]]
) -> Iterator[tuple[int, frozenset[int]]]:
    current, seen = None, frozenset[int]()
    for subscriber_id, edition_id in rows:
        if subscriber_id != current:
            if current is not None:
                yield current, seen
            current, seen = subscriber_id, frozenset()
        seen |= editions[edition_id]
    if current is not None:
        yield current, seen


_KEY = ("profile_id", "rank", "standing", "had")
_LEDGER = ", ".join(f"'{state}'" for state in LEDGER_STATES)
_TABLES = {
    "digest_starts": "at {moment} PRIMARY KEY, releases INTEGER NOT NULL",
    "digest_slots": "hour INTEGER, weekday INTEGER, zone TEXT",
    "digest_people": (
        "id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, rank INTEGER NOT NULL, standing INTEGER NOT NULL,"
        " had INTEGER NOT NULL"
    ),
    "digest_told": "id INTEGER PRIMARY KEY, is_late INTEGER NOT NULL",
    "digest_editions": "id INTEGER PRIMARY KEY, mailing_id INTEGER NOT NULL, is_late INTEGER NOT NULL",
    "digest_had": "id INTEGER PRIMARY KEY, had INTEGER NOT NULL, editions INTEGER NOT NULL",
    "digest_sets": "id INTEGER PRIMARY KEY, had INTEGER NOT NULL",
    "digest_fates": (
        "profile_id INTEGER, rank INTEGER, standing INTEGER, had INTEGER, edition_id INTEGER, state TEXT, skip TEXT,"
        " due_at {moment}, settled_at {moment}, settles INTEGER, PRIMARY KEY (profile_id, rank, standing, had)"
    ),
}
_IN_SLOTS = """
    JOIN digest_slots h ON h.hour = s.digest_hour AND h.zone = s.time_zone
        AND (h.weekday = s.digest_weekday OR s.cadence <> 'weekly')
"""
# A standing counts for what they wanted then.
_PEOPLE = """
    INSERT INTO digest_people (id, profile_id, rank, standing, had)
    SELECT s.id, s.profile_id,
        CASE WHEN s.joined_at < :earliest THEN :all WHEN s.joined_at >= :latest THEN 0
            ELSE (SELECT releases FROM digest_starts WHERE at > s.joined_at ORDER BY at LIMIT 1) END,
        CASE WHEN t.profile_id = s.profile_id THEN t.mailing_id ELSE 0 END,
        CASE WHEN s.paused_until > :now THEN -1 ELSE 0 END
    FROM subscribers s {slots} LEFT JOIN digest_standings t ON t.subscriber_id = s.id
    WHERE s.status = 'active' AND s.cadence = :cadence AND s.joined_at <= :now
    ORDER BY s.id
"""
_STANDING_NOW = "SELECT DISTINCT standing FROM digest_people WHERE standing <> 0"
# What was to come and didn't is new to them again.
_RECONSIDERED = """
    UPDATE digest_people SET standing = 0 WHERE standing <> 0 AND id IN (
        SELECT d.subscriber_id FROM deliveries d
        WHERE d.state IN ('refused', 'expired', 'cancelled', 'skipped') AND d.edition_id IS NOT NULL
            AND d.edition_id >= (
                SELECT coalesce(min(a.edition_id), 0) FROM digest_told t JOIN edition_appeals a ON a.appeal_id = t.id
            )
            AND EXISTS (
                SELECT 1 FROM edition_appeals a JOIN digest_told t ON t.id = a.appeal_id
                WHERE a.edition_id = d.edition_id
            )
    )
"""
_LATE_EDITIONS = """
    INSERT INTO digest_editions (id, mailing_id, is_late)
    SELECT e.id, e.mailing_id, 1 FROM editions e WHERE e.id IN (
        SELECT a.edition_id FROM digest_told t JOIN edition_appeals a ON a.appeal_id = t.id WHERE t.is_late = 1
    )
"""
_OTHER_EDITIONS = """
    INSERT INTO digest_editions (id, mailing_id, is_late)
    SELECT e.id, e.mailing_id, 0 FROM editions e WHERE e.id IN (
        SELECT a.edition_id FROM digest_told t JOIN edition_appeals a ON a.appeal_id = t.id
    ) AND e.id NOT IN (SELECT id FROM digest_editions)
"""
# Those for whom everything was looked at: what came since.
_HAD = """
    INSERT INTO digest_had (id, had, editions)
    SELECT d.subscriber_id, min(d.edition_id), count(*)
    FROM deliveries d JOIN digest_editions e ON e.id = d.edition_id JOIN digest_people p ON p.id = d.subscriber_id
    WHERE d.mailing_id IN (SELECT mailing_id FROM digest_editions)
        AND p.standing <> 0 AND p.had = 0 AND d.state IN ({states})
    GROUP BY d.subscriber_id
"""
# The others: whatever they had, over all the time.
_HAD_IN_FULL = """
    INSERT INTO digest_had (id, had, editions)
    SELECT d.subscriber_id, min(d.edition_id), count(*)
    FROM digest_people p CROSS JOIN deliveries d CROSS JOIN digest_editions e
    WHERE p.standing = 0 AND p.had = 0 AND d.subscriber_id = p.id AND e.id = d.edition_id AND d.state IN ({states})
    GROUP BY d.subscriber_id
"""
_SEVERAL = """
    SELECT d.subscriber_id, d.edition_id
    FROM digest_had h CROSS JOIN deliveries d CROSS JOIN digest_editions e
    WHERE h.editions > 1 AND d.subscriber_id = h.id AND e.id = d.edition_id AND d.state IN ({states})
    ORDER BY d.subscriber_id
"""
_HOLDING = """
    SELECT a.edition_id, a.appeal_id FROM edition_appeals a JOIN digest_told t ON t.id = a.appeal_id
    WHERE a.edition_id IN (
        SELECT had FROM digest_had WHERE editions = 1
        UNION
        SELECT d.edition_id
        FROM digest_had h CROSS JOIN deliveries d CROSS JOIN digest_editions e
        WHERE h.editions > 1 AND d.subscriber_id = h.id AND e.id = d.edition_id AND d.state IN ({states})
    )
"""
_TAKE_HAD = """
    UPDATE digest_people SET had = (SELECT h.had FROM {table} h WHERE h.id = digest_people.id)
    WHERE id IN (SELECT id FROM {table})
"""
_GROUPS = """
    SELECT profile_id, rank, standing, had, count(*) FROM digest_people
    GROUP BY profile_id, rank, standing, had ORDER BY count(*) DESC, profile_id, rank, standing, had
"""
_WITH_FATES = """
    digest_people p CROSS JOIN digest_fates f
    WHERE f.profile_id = p.profile_id AND f.rank = p.rank AND f.standing = p.standing AND f.had = p.had
"""
_DELIVERIES = f"""
    INSERT INTO deliveries (mailing_id, subscriber_id, edition_id, state, skip, attempts, due_at, fence, settled_at)
    SELECT :mailing, p.id, f.edition_id, f.state, CASE WHEN f.state = 'skipped' THEN f.skip END, 0, f.due_at, 0,
        f.settled_at
    FROM {_WITH_FATES} AND f.state IS NOT NULL ORDER BY p.id
"""  # noqa: S608 - ours
_STANDINGS = f"""
    INSERT INTO digest_standings (subscriber_id, profile_id, mailing_id, skip)
    SELECT p.id, p.profile_id, :mailing, f.skip FROM {_WITH_FATES} AND f.settles = 1 ORDER BY p.id
    ON CONFLICT (subscriber_id)
    DO UPDATE SET profile_id = excluded.profile_id, mailing_id = excluded.mailing_id, skip = excluded.skip
"""  # noqa: S608 - ours
# The same on PostgreSQL, where it takes half as long: nearly everybody has one, and those are overwritten at once.
_OLD_STANDINGS = f"""
    UPDATE digest_standings SET profile_id = new.profile_id, mailing_id = :mailing, skip = new.skip
    FROM (SELECT p.id, p.profile_id, f.skip FROM {_WITH_FATES} AND f.settles = 1) AS new
    WHERE digest_standings.subscriber_id = new.id
"""  # noqa: S608 - ours
_NEW_STANDINGS = f"""
    INSERT INTO digest_standings (subscriber_id, profile_id, mailing_id, skip)
    SELECT p.id, p.profile_id, :mailing, f.skip FROM {_WITH_FATES} AND f.settles = 1
        AND NOT EXISTS (SELECT 1 FROM digest_standings t WHERE t.subscriber_id = p.id)
    ORDER BY p.id
"""  # noqa: S608 - ours
