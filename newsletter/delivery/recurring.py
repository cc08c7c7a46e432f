"""Digests that come by themselves: to each at their hour, once, also where the machine was off at that hour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.candidates import releases
from newsletter.delivery.composing import ComposedNow, compose_waiting, waits_for_composing
from newsletter.delivery.freezing import unfinished
from newsletter.delivery.model import DigestRun
from newsletter.delivery.planning import Plan, Planner
from newsletter.editions.preflight import Finding
from subscribers.database import Database
from subscribers.hours import PERIODS, Slot, quarter
from subscribers.model import Status, Subscriber
from subscribers.preferences import Cadence

AT_IT = timedelta(minutes=1)  # for so long whoever launches an alert is left to it
RECURRING = (Cadence.EACH, *PERIODS)
# For how long after its hour a digest still comes that nobody planned then, unless somebody says otherwise.
MISSED = {Cadence.DAILY: timedelta(days=1), Cadence.WEEKLY: timedelta(days=3), Cadence.MONTHLY: timedelta(days=10)}
# Who wants each appeal is looked at so often at the least: for what was held back, or came to nothing.
EACH_AGAIN = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one look came to.

    Attributes:
        plans: what was planned; whoever got nothing new is in none.
        broken: mailings of which an edition can't be composed, with what is wrong.
        findings: what somebody should look at in what was planned, though it stopped nothing.
    """

    plans: Sequence[Plan]
    broken: Mapping[int, str]
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Plans what is due.

    Attributes:
        database: where everything is.
        planner: makes a planner, for one digest.
        time_zone: the organisation's.
        late: for how long after its hour a digest still comes that nobody planned then; None means as long as `MISSED`.
    """

    database: Database
    planner: Callable[[], Planner]
    time_zone: str
    late: timedelta | None = None

    def is_due(self, now: datetime) -> bool:
        """Say whether anybody's hour may have come, or what was launched isn't finished; it only reads."""
        with self.database.read() as session:
            if waits_for_composing(session) or unfinished(session, since=now - AT_IT):
                return True
            runs = {run.cadence: run for run in session.scalars(select(DigestRun))}
            return any(self._may_be_due(session, cadence, runs.get(cadence), now) for cadence in RECURRING)

    def run(self, now: datetime, *, on_progress: Callable[[int], None] | None = None) -> Run:
        """Plan what is due, each cadence in a transaction of its own, and compose what waits for it.

        Alerts come first whose launch ended before all their people were frozen.

        Args:
            now: the moment.
            on_progress: told how many more editions are composed.

        Raises:
            NotFit: what would be sent isn't; nothing was planned, and what was before is composed.
        """
        planner = self.planner()
        planner.freezing.go_on_with_all(now=now)
        composed = compose_waiting(self.database, planner.press, now=now, on_progress=on_progress)
        due = [cadence for cadence in RECURRING if self._is_one_due(cadence, now)]
        anybody = any(self._anybody_is_due(cadence, now) for cadence in due)
        findings = planner.look_over(now).findings if anybody else ()
        made = [plan for cadence in due if (plan := self._run_one(planner, cadence, now)) is not None]
        if made:
            more = compose_waiting(self.database, planner.press, now=now, on_progress=on_progress)
            composed = ComposedNow(
                editions=composed.editions + more.editions, broken={**composed.broken, **more.broken}
            )
        return Run(plans=made, broken=composed.broken, findings=findings if made else ())

    def _is_one_due(self, cadence: Cadence, now: datetime) -> bool:
        with self.database.read() as session:
            return self._may_be_due(session, cadence, session.get(DigestRun, cadence), now)

    def _anybody_is_due(self, cadence: Cadence, now: datetime) -> bool:
        with self.database.read() as session:
            run = session.get(DigestRun, cadence)
            return run is not None and self._due_slots(session, run, now) != []

    def _due_slots(self, session: Session, run: DigestRun, now: datetime) -> list[Slot] | None:
        """Give the hours that have come since the last look; None means everybody's."""
        if run.cadence is Cadence.EACH:
            return None
        every = _slots_of(session, run.cadence)
        late = MISSED[run.cadence] if self.late is None else self.late
        after = max(min(run.until, now), now - late)
        due = [slot for slot in every if after < slot.last_due(now, self.time_zone) <= now]
        return None if every and due == every else due

    def _run_one(self, planner: Planner, cadence: Cadence, now: datetime) -> Plan | None:
        with self.database.write(of_rows_just_read=True) as session:
            self.database.serialise(session, "plan")
            run = session.get(DigestRun, cadence, with_for_update=True)
            if run is None:
                # Nothing was promised before: who is there at the first look gets what falls due from now on.
                session.add(DigestRun(cadence=cadence, until=now, releases=0))
                return None
            if not self._may_be_due(session, cadence, run, now):
                return None
            slots = self._due_slots(session, run, now)
            run.until, run.releases = now, releases(session, now)
            if slots == []:
                return None
            made = planner.plan_digest(session, cadence, now=now, slots=slots)
        return made if made.mailing_id is not None else None

    def _may_be_due(self, session: Session, cadence: Cadence, run: DigestRun | None, now: datetime) -> bool:
        if run is None:
            return True
        until = min(run.until, now)  # a clock that was ahead once keeps nobody waiting
        if cadence is Cadence.EACH:
            return releases(session, now) != run.releases or now - until >= EACH_AGAIN
        return quarter(now) > until or run.until > now


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
