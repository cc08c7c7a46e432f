"""Digests that come by themselves: to each at their hour, once, also where the machine was off at that hour."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from newsletter.delivery.candidates import releases
from newsletter.delivery.model import DigestRun
from newsletter.delivery.planning import Plan, Planner
from newsletter.editions.model import Edition
from subscribers.database import Database
from subscribers.hours import PERIODS, Slot, quarter
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence

RECURRING = (Cadence.EACH, *PERIODS)


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Plans what is due.

    Attributes:
        database: where everything is.
        planner: makes a planner, for one digest.
        time_zone: the organisation's.
        missed_for: how long after its hour a digest still comes that nobody planned then.
    """

    database: Database
    planner: Callable[[], Planner]
    time_zone: str
    missed_for: timedelta

    def is_due(self, now: datetime) -> bool:
        """Say whether anybody's hour may have come, or an edition waits to be composed; it only reads."""
        with self.database.read() as session:
            if session.scalar(select(exists().where(Edition.composed_at.is_(None)))):
                return True
            runs = {run.cadence: run for run in session.scalars(select(DigestRun))}
            return any(self._may_be_due(session, cadence, runs.get(cadence), now) for cadence in RECURRING)

    def run(self, now: datetime, *, on_progress: Callable[[int], None] | None = None) -> list[Plan]:
        """Plan what is due, each cadence in a transaction of its own, and compose what waits for it.

        Args:
            now: the moment.
            on_progress: told how many more editions are composed.

        Returns:
            What was planned; whoever got nothing new is in none.
        """
        planner = self.planner()
        made = [plan for cadence in RECURRING if (plan := self._run_one(planner, cadence, now)) is not None]
        planner.press.compose(self.database, now=now, on_progress=on_progress)
        return made

    def _run_one(self, planner: Planner, cadence: Cadence, now: datetime) -> Plan | None:
        with self.database.read() as session:
            if not self._may_be_due(session, cadence, session.get(DigestRun, cadence), now):
                return None
        with self.database.write(of_rows_just_read=True) as session:
            self.database.serialise(session, "plan")
            run = session.get(DigestRun, cadence, with_for_update=True)
            count = releases(session)
            if run is None:
                # Nothing was promised before: who is there at the first look gets what falls due from now on.
                session.add(DigestRun(cadence=cadence, until=now, releases=count))
                return None
            if not self._may_be_due(session, cadence, run, now):
                return None
            slots = None
            if cadence is not Cadence.EACH:
                every = _slots_of(session, cadence)
                after = max(run.until, now - self.missed_for)
                slots = [slot for slot in every if after < slot.last_due(now, self.time_zone) <= now]
                if every and slots == every:
                    slots = None  # everybody's
            run.until, run.releases = max(run.until, now), count
            if slots == []:
                return None
            made = planner.plan_digest(session, cadence, now=now, slots=slots)
        return made if made.mailing_id is not None else None

    def _may_be_due(self, session: Session, cadence: Cadence, run: DigestRun | None, now: datetime) -> bool:
        if run is None:
            return True
        if cadence is Cadence.EACH:
            return releases(session) != run.releases
        return quarter(now) > run.until


def _slots_of(session: Session, cadence: Cadence) -> list[Slot]:
    """List the hours at which anybody gets a digest of this cadence."""
    rows = session.execute(
        select(Subscriber.digest_hour, Subscriber.digest_weekday, Subscriber.time_zone)
        .where(Subscriber.status == Status.ACTIVE, Subscriber.cadence == cadence)
        .distinct()
    )
    found = {
        Slot(cadence=cadence, hour=hour, weekday=weekday if cadence is Cadence.WEEKLY else 1, time_zone=zone)
        for hour, weekday, zone in rows
    }
    return sorted(found, key=lambda slot: (slot.time_zone, slot.weekday, slot.hour))
