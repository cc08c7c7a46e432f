"""Who an alert goes to: everybody whom it may concern, why some get none, and a delivery for each of the others.

As in `audience`, people never leave the database: what they want is decided once for each different wish.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from newsletter.delivery.model import LEDGER_STATES, DeliveryState
from newsletter.delivery.scratch import Scratch
from newsletter.delivery.selection import Out, Part, Selection
from subscribers.database import insert_rows
from subscribers.preferences import Cadence, Reading, readings_in

LAST = 2**62  # no subscriber has a number above


class Span(NamedTuple):
    """Subscribers whose numbers follow one another.

    Attributes:
        after: the number before the first of them.
        to: the last one's; None means all that come.
    """

    after: int = 0
    to: int | None = None


EVERYBODY = Span()


def span_after(session: Session, after: int, people: int) -> Span:
    """Give so many people who come next on the list, or what is left of it."""
    found, last = session.execute(_SPAN, {"after": after, "people": people}).one()
    return Span(after, last if found == people else None)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many people there are.

    Attributes:
        editions: who gets each, by its place.
        cadences: who gets one, by cadence.
        zones: the same by time zone; the empty one is the organisation's.
        out: who gets none, by reason.
    """

    editions: Mapping[int, int]
    cadences: Mapping[Cadence, int]
    zones: Mapping[str, int]
    out: Mapping[Out, int]

    @property
    def people(self) -> int:
        """How many get one."""
        return sum(self.editions.values())


class Recipients:
    """The people of one alert, in temporary tables of one transaction."""

    def __init__(self, session: Session, selection: Selection, *, now: datetime) -> None:
        """Take whom it is for.

        Args:
            session: a transaction that may write.
            selection: whom.
            now: the moment.
        """
        self._session = session
        self._selection = selection
        self._now = now
        self._scratch = Scratch(session, _TABLES)

    def find(self, span: Span, *, continues: int | None, family: Collection[int]) -> None:
        """Find everybody who may get it.

        Args:
            span: those who are looked at.
            continues: the appeal that it continues.
            family: the numbers of all that it may correct.
        """
        scratch, selection = self._scratch, self._selection
        scratch.make()
        insert_rows(self._session, "alert_cadences", ("cadence",), [(each.value,) for each in selection.cadences])
        in_cadences = "AND s.cadence IN (SELECT cadence FROM alert_cadences)" if selection.cadences else ""
        now = scratch.moment(self._now)
        after, to = span.after, LAST if span.to is None else span.to
        if selection.corrects is None:
            scratch.run(_EVERYBODY.format(cadences=in_cadences), now=now, after=after, to=to)
        else:
            insert_rows(self._session, "alert_family", ("id",), [(each,) for each in sorted(family)])
            of_mailing = _OF_MAILING.format(cadences=in_cadences)
            scratch.run(of_mailing, now=now, mailing=selection.corrects, after=after, to=to)
        scratch.analyse("alert_people")
        scratch.run(_HOLDING, appeal=selection.appeal_id, is_original=0)
        scratch.run(_HAD, after=after, to=to)
        if selection.only_recipients:
            scratch.run(_HOLDING, appeal=continues, is_original=1)
            scratch.run(_NOT_RECIPIENT, after=after, to=to)
        for mailing in selection.without:
            scratch.run(_WITHOUT, mailing=mailing, after=after, to=to)

    def know(self, fates: Mapping[int, int | Out]) -> None:
        """Say what becomes of those who want the same.

        Args:
            fates: the place of an edition, or why there is none, by the number of the profile.
        """
        rows = (
            (profile, *((None, fate.value) if isinstance(fate, Out) else (fate, None)))
            for profile, fate in fates.items()
        )
        insert_rows(self._session, "alert_fates", ("profile_id", "edition", "why"), rows)
        self._scratch.analyse("alert_fates")

    def readings(self) -> dict[int, Reading]:
        """Give what those want of whom nobody said what becomes of them, by the number of the profile."""
        return readings_in(self._session, _UNKNOWN)

    def decide(self) -> None:
        """Let become of everybody what was said."""
        # Whom it isn't about was never to get it, whatever else there is about them.
        self._scratch.run(_NOT_ABOUT)
        self._scratch.run(_NO_TEXT)

    def draw(self, part: Part) -> None:
        """Leave a random part of those who would get it, and nobody else."""
        people = self._scratch.run("SELECT count(*) FROM alert_people WHERE out IS NULL").scalar()
        self._scratch.run(_DRAW, some=part.of(people) if people else 0)

    def count(self) -> Counted:
        """Count them."""
        run = self._scratch.run
        return Counted(
            editions=dict(run(_BY_EDITION).all()),
            cadences={Cadence(word): count for word, count in run(_BY_CADENCE)},
            zones=dict(run(_BY_ZONE).all()),
            out={Out(why): count for why, count in run(_BY_REASON)},
        )

    def settle(self, mailing_id: int, editions: Mapping[int, int], hours: Iterable[tuple[str, int, datetime]]) -> None:
        """Write a delivery for everybody who gets one, and for those who would but for a pause or a language.

        Args:
            mailing_id: what they are part of.
            editions: their numbers, by place.
            hours: when they are due: time zone, place of the edition, moment.
        """
        moments = ((zone, place, self._scratch.moment(at)) for zone, place, at in hours)
        insert_rows(self._session, "alert_hours", ("zone", "edition", "due_at"), moments)
        insert_rows(self._session, "alert_numbers", ("edition", "number"), editions.items())
        for name in ("alert_hours", "alert_numbers"):
            self._scratch.analyse(name)
        self._scratch.run(_DELIVERIES, mailing=mailing_id, now=self._scratch.moment(self._now))

    def close(self) -> None:
        """Drop the tables."""
        self._scratch.drop()


_SPAN = text(
    "SELECT count(*), max(id) FROM (SELECT id FROM subscribers WHERE id > :after ORDER BY id LIMIT :people) AS span"
)
_UNKNOWN = (
    "(SELECT profile_id FROM alert_people WHERE profile_id NOT IN (SELECT profile_id FROM alert_fates)) AS unknown"
)
_LEDGER = ", ".join(f"'{state}'" for state in LEDGER_STATES)
# Who has something, or perhaps: what continues it must not come before it, nor a correction to those who never got it.
_GOT = ", ".join(f"'{state}'" for state in (DeliveryState.ACCEPTED, DeliveryState.UNCERTAIN, DeliveryState.SENDING))
_TABLES = {
    "alert_family": "id INTEGER PRIMARY KEY",
    "alert_cadences": "cadence TEXT NOT NULL",
    "alert_people": (
        "id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, cadence TEXT NOT NULL, zone TEXT NOT NULL, out TEXT"
    ),
    "alert_editions": "id INTEGER NOT NULL, mailing_id INTEGER NOT NULL, is_original INTEGER NOT NULL",
    "alert_fates": "profile_id INTEGER PRIMARY KEY, edition INTEGER, why TEXT",
    "alert_hours": "zone TEXT, edition INTEGER, due_at {moment}, PRIMARY KEY (zone, edition)",
    "alert_numbers": "edition INTEGER PRIMARY KEY, number INTEGER NOT NULL",
}
_PAUSED = "s.paused_until > :now AND NOT s.alerts_while_paused"
_EVERYBODY = f"""
    INSERT INTO alert_people (id, profile_id, cadence, zone, out)
    SELECT s.id, s.profile_id, s.cadence, s.time_zone,
        CASE WHEN NOT s.alerts THEN '{Out.DECLINED}' WHEN {_PAUSED} THEN '{Out.PAUSED}' END
    FROM subscribers s WHERE s.id > :after AND s.id <= :to AND s.status = 'active' AND s.joined_at <= :now {{cadences}}
    ORDER BY s.id
"""  # noqa: S608 - ours
# A correction reaches whoever has what was wrong, alerts or no alerts.
_OF_MAILING = f"""
    INSERT INTO alert_people (id, profile_id, cadence, zone, out)
    SELECT s.id, s.profile_id, s.cadence, s.time_zone,
        CASE WHEN s.status <> 'active' THEN '{Out.LEFT}' WHEN {_PAUSED} THEN '{Out.PAUSED}' END
    FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
    WHERE d.mailing_id = :mailing AND d.subscriber_id > :after AND d.subscriber_id <= :to
        AND d.state IN ({_GOT}) {{cadences}} AND EXISTS (
        SELECT 1 FROM edition_appeals a JOIN alert_family f ON f.id = a.appeal_id WHERE a.edition_id = d.edition_id
    ) ORDER BY s.id
"""  # noqa: S608
_HOLDING = """
    INSERT INTO alert_editions (id, mailing_id, is_original)
    SELECT e.id, e.mailing_id, :is_original
    FROM edition_appeals a JOIN editions e ON e.id = a.edition_id WHERE a.appeal_id = :appeal
"""
_OF_EDITIONS = """
    SELECT d.subscriber_id FROM deliveries d JOIN alert_editions e ON e.id = d.edition_id
    WHERE d.mailing_id IN (SELECT mailing_id FROM alert_editions WHERE is_original = {original})
        AND d.subscriber_id > :after AND d.subscriber_id <= :to
        AND e.is_original = {original} AND d.state IN ({states})
"""
_HAD = f"""
    UPDATE alert_people SET out = '{Out.HAD}'
    WHERE out IS NULL AND id IN ({_OF_EDITIONS.format(original=0, states=_LEDGER)})
"""  # noqa: S608
_NOT_RECIPIENT = f"""
    UPDATE alert_people SET out = '{Out.NOT_RECIPIENT}'
    WHERE (out IS NULL OR out <> '{Out.HAD}') AND id NOT IN ({_OF_EDITIONS.format(original=1, states=_GOT)})
"""  # noqa: S608
_WITHOUT = f"""
    UPDATE alert_people SET out = '{Out.WITHOUT}' WHERE out IS NULL
        AND id IN (
            SELECT subscriber_id FROM deliveries WHERE mailing_id = :mailing
                AND subscriber_id > :after AND subscriber_id <= :to AND state IN ({_LEDGER})
        )
"""  # noqa: S608
_WHY = "(SELECT f.why FROM alert_fates f WHERE f.profile_id = alert_people.profile_id)"
_NOT_ABOUT = f"""
    UPDATE alert_people SET out = {_WHY}
    WHERE profile_id IN (SELECT profile_id FROM alert_fates WHERE why <> '{Out.NO_TEXT}')
"""  # noqa: S608
_NO_TEXT = f"""
    UPDATE alert_people SET out = '{Out.NO_TEXT}'
    WHERE out IS NULL AND profile_id IN (SELECT profile_id FROM alert_fates WHERE why = '{Out.NO_TEXT}')
"""  # noqa: S608
_DRAW = f"""
    UPDATE alert_people SET out = '{Out.NOT_IN_PART}' WHERE out IS NULL
        AND id NOT IN (SELECT id FROM alert_people WHERE out IS NULL ORDER BY random() LIMIT :some)
"""  # noqa: S608
_BY_EDITION = """
    SELECT f.edition, count(*) FROM alert_people p JOIN alert_fates f ON f.profile_id = p.profile_id
    WHERE p.out IS NULL GROUP BY f.edition ORDER BY f.edition
"""
_BY_CADENCE = "SELECT cadence, count(*) FROM alert_people WHERE out IS NULL GROUP BY cadence ORDER BY cadence"
_BY_ZONE = "SELECT zone, count(*) FROM alert_people WHERE out IS NULL GROUP BY zone ORDER BY zone"
_BY_REASON = "SELECT out, count(*) FROM alert_people WHERE out IS NOT NULL GROUP BY out ORDER BY out"
_DELIVERIES = f"""
    INSERT INTO deliveries (mailing_id, subscriber_id, edition_id, state, skip, attempts, due_at, fence, settled_at)
    SELECT :mailing, p.id, CASE WHEN p.out IS NULL THEN n.number END,
        CASE WHEN p.out IS NULL THEN 'queued' ELSE 'skipped' END, p.out, 0, coalesce(h.due_at, :now), 0,
        CASE WHEN p.out IS NOT NULL THEN :now END
    FROM alert_people p JOIN alert_fates f ON f.profile_id = p.profile_id
        LEFT JOIN alert_numbers n ON n.edition = f.edition
        LEFT JOIN alert_hours h ON h.zone = p.zone AND h.edition = f.edition
    WHERE p.out IS NULL OR p.out IN ('{Out.PAUSED}', '{Out.NO_TEXT}') ORDER BY p.id
"""  # noqa: S608
