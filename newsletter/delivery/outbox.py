"""The queue: who has taken which deliveries, and what became of them; `claiming` says which are taken."""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.appeals.history import AppealVersion
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.claimed import Claimed, Ended, Hold, Launched, Turn
from newsletter.delivery.claiming import Claiming
from newsletter.delivery.control import sweep_cancelled
from newsletter.delivery.model import (
    IS_SENDING,
    IS_WAITING,
    Delivery,
    DeliveryState,
    Lane,
    Mailing,
    MailingState,
    WorkerRow,
)
from newsletter.delivery.outcome import Accepted, Deferred, Outcome, Refused, Why
from newsletter.delivery.settle import REPLY_LENGTH, settlement
from newsletter.delivery.statements import SettledRow, Statements
from newsletter.delivery.workers import Process, Watch
from subscribers.database import Bare, Database
from subscribers.errors import DatabaseLocked, DatabaseUnreachable
from subscribers.model import LeftReason, Subscriber
from subscribers.suppression import SuppressionList

PATIENCE = 20  # times that a database which does not answer is asked again before outcomes are given up
PAUSE_S = 1.0  # before that, where it said so at once


class Outbox:
    """Claims and settles deliveries, in transactions that are over before a byte is sent."""

    def __init__(self, database: Database, suppression: SuppressionList, *, time_zone: str) -> None:
        """Take the database, whom nobody may write to, and the organisation's time zone."""
        self._database = database
        self._time_zone = time_zone
        self._suppression = suppression
        self._statements = Statements(is_sqlite=database.is_sqlite)
        self._watch = Watch(same_machine_only=database.is_sqlite)
        self._process = Process.this()
        self._launched: dict[int, Launched] = {}
        self._worker_id = 0

    # ── a worker's life ──────────────────────────────────────────────────────────────────────────────────────────

    def enrol(self, *, now: datetime) -> Counter[DeliveryState]:
        """Enter this process among the workers, and settle what others that are gone have left."""
        with self._database.write() as session:
            decided = self._watch.recover(session, now=now)
            self._worker_id = self._watch.enrol(session, self._process, now=now)
        return decided

    def beat(self, *, now: datetime) -> bool:
        """Show that this worker is alive, and look after the others.

        Returns:
            False if it was taken for gone: then it has a new number, and what it had claimed is no longer its own.
        """
        with self._database.write() as session:
            alive = self._watch.beat(session, self._worker_id, now=now)
            if not alive:
                self._worker_id = self._watch.enrol(session, self._process, now=now)
            self._watch.recover(session, now=now)
        return alive

    def workers(self) -> int:
        """Count the workers, this one among them: they share what the mail server bears."""
        with self._database.read() as session:
            return session.scalar(select(func.count()).select_from(WorkerRow)) or 1

    def retire(self) -> None:
        """Take this worker off."""
        with self._database.write() as session:
            self._watch.retire(session, self._worker_id)

    # ── the hot path ─────────────────────────────────────────────────────────────────────────────────────────────

    def turn(
        self,
        ended: Sequence[Ended],
        *,
        want: int,
        want_urgent: int = 0,
        allowance: int | None = None,
        known: Collection[Hold] | None = None,
        held: Collection[int] = (),
        meanwhile: Callable[[Sequence[Claimed]], None] = lambda _claims: None,
        now: datetime,
    ) -> Turn:
        """Record what has ended and claim what comes next, in one transaction.

        What comes back to the queue now is claimed in the next one at the earliest.
        Everything that may have changed since launch is looked at again at the claim: who left, is suppressed or
        paused, or whose edition holds an appeal closed since, is skipped and gets nothing. Editions are looked at again
        for as long as mails of them are held.

        Args:
            ended: what became of earlier claims.
            want: how many to claim at the most.
            want_urgent: how many service mails and alerts to claim at the most, if that is more than `want`.
            allowance: how many mails may go out today (UTC) in all; None means any number.
            known: all that this worker holds, given after a turn that failed: a commit of which no answer came may
                have been done nevertheless, and then has claimed what nobody sends.
            held: the editions of earlier claims.
            meanwhile: called with the claims while PostgreSQL writes them and what has ended; it must not fail.
            now: the moment.

        Raises:
            DatabaseLocked: another program holds the database; nothing was changed, `ended` must be brought again.
        """
        paused = self._act(ended, now)
        wants = {lane: want if lane is Lane.REST else max(want, want_urgent) for lane in Lane}
        with self._database.write_bare() as connection:
            if known is not None:
                self._hand_back_unknown(connection, known)
            running = self._running(self._statements.running(connection))
            rest = math.inf if allowance is None else allowance - self._statements.sent_today(connection, now)
            spent = self._statements.spent(connection, held, now) if held else {}
            claiming = Claiming(
                self._statements, self._suppression, self._time_zone, connection, worker_id=self._worker_id, now=now
            )
            claims, dry, held_by_limit = claiming.claim(running, wants, rest)
            # Last, for PostgreSQL's answer to it is not waited for: it works while letters are written.
            self._record(connection, ended, now)
            meanwhile(claims)
        return Turn(
            claims=claims, running=running, paused=paused, dry=dry, held_by_limit=held_by_limit, spent=spent.keys()
        )

    def record(
        self, ended: Sequence[Ended], *, known: Collection[Hold] | None = None, now: datetime
    ) -> Mapping[int, str]:
        """Write down what became of claims, even if the database does not answer for long.

        What the server has said must be written down: a forgotten 'accepted' would become uncertain.

        Args:
            ended: what became of them.
            known: as for `turn`.
            now: the moment.

        Returns:
            The mailings that were paused for it, with the reply.
        """
        for attempt in range(PATIENCE):
            try:
                paused = self._act(ended, now)
                with self._database.write_bare() as connection:
                    self._record(connection, ended, now)
                    if known is not None:
                        self._hand_back_unknown(connection, known)
            except DatabaseLocked:  # half a minute has passed already
                if attempt == PATIENCE - 1:
                    raise
            except DatabaseUnreachable:
                if attempt == PATIENCE - 1:
                    raise
                time.sleep(PAUSE_S)
            else:
                return paused
        return {}

    def look(self, *, now: datetime) -> tuple[Mapping[int, Launched], bool]:
        """Say which mailings may be sent from at this moment, and whether anything of them is due or has expired.

        It only reads: a worker that has nothing to do keeps no other program from writing.
        """
        with self._database.read() as session:
            ids = session.scalars(
                select(Mailing.id).where(Mailing.state == MailingState.RUNNING).order_by(Mailing.lane, Mailing.id)
            )
            running = self._running(ids.all())
            service = [one.id for one in running.values() if one.lane is Lane.SERVICE and now < one.expires_at]
            if service:
                waits = select(Delivery.id).where(Delivery.mailing_id.in_(service), IS_WAITING, Delivery.due_at <= now)
                if session.scalar(waits.limit(1)) is not None:
                    return running, True
            for launched in running.values():
                if launched.id in service:
                    continue
                due = select(Delivery.id).where(Delivery.mailing_id == launched.id, IS_WAITING)
                if now < launched.expires_at:
                    due = due.where(Delivery.due_at <= now)
                if session.scalar(due.limit(1)) is not None:
                    return running, True
            return running, False

    # ── in the order in which a turn goes ────────────────────────────────────────────────────────────────────────

    def _act(self, ended: Sequence[Ended], now: datetime) -> dict[int, str]:
        """Do what replies ask for beyond their own row; gives the mailings that were paused, with the reply.

        It happens before those rows are written, in a transaction of its own: done twice, it is as if done once.
        """
        verdicts = [
            (claimed, _verdict(claimed, outcome))
            for claimed, outcome, _until in ended
            if outcome is not None and type(outcome) is not Accepted
        ]
        dead = [
            claimed
            for claimed, verdict in verdicts
            # A service mail's address may be a stranger's, and says nothing about where that person's mail goes.
            if isinstance(verdict, Refused) and verdict.dead and claimed.mailing.lane is not Lane.SERVICE
        ]
        paused = {
            claimed.mailing.id: verdict.reply
            for claimed, verdict in verdicts
            # A service mailing has other people's mails in it, which nobody would miss: they go on, each as it can.
            if isinstance(verdict, Deferred) and verdict.why.pauses_mailing and claimed.mailing.lane is not Lane.SERVICE
        }
        if dead or paused:
            with self._database.write() as session:
                for claimed in dead:
                    self._bury(session, claimed, now)
                for mailing_id, reply in paused.items():
                    pause = update(Mailing).where(Mailing.id == mailing_id, Mailing.state == MailingState.RUNNING)
                    session.execute(pause.values(state=MailingState.PAUSED, note=reply[:REPLY_LENGTH]))
        return paused

    def _bury(self, session: Session, claimed: Claimed, now: datetime) -> None:
        """Suppress an address that the server says does not exist: asking on would spoil our name with it."""
        person = session.get(Subscriber, claimed.subscriber_id)
        if person is not None:
            self._suppression.add(session, person.address_key, reason=LeftReason.BOUNCED, now=now)
            person.leave(LeftReason.BOUNCED, now)
            session.flush()

    def _record(self, connection: Bare, ended: Sequence[Ended], now: datetime) -> None:
        accepted = [(one.id, one.fence, said.reply[:REPLY_LENGTH]) for one, said, _ in ended if type(said) is Accepted]
        if accepted:
            self._statements.accept(connection, accepted, now)
            # Told again after a turn of which no answer came, they count twice: then the day holds rather too few.
            self._statements.count(connection, self._worker_id, len(accepted), now)
        if len(accepted) < len(ended):
            others = [_settled_row(one, now) for one in ended if type(one.outcome) is not Accepted]
            self._statements.settle(connection, others)

    def _hand_back_unknown(self, connection: Bare, known: Collection[Hold]) -> None:
        mine = self._statements.own(connection, self._worker_id)
        if lost := [hold[0] for hold in mine if hold not in known]:
            self._statements.hand_back(connection, lost)

    def _running(self, ids: Sequence[int]) -> dict[int, Launched]:
        if unknown := [mailing_id for mailing_id in ids if mailing_id not in self._launched]:
            with self._database.read() as session:
                for mailing in session.scalars(select(Mailing).where(Mailing.id.in_(unknown))):
                    said = mailing.selection and session.get(AppealVersion, mailing.selection["version_id"])
                    self._launched[mailing.id] = _launched(mailing, said or None)
        return {mailing_id: self._launched[mailing_id] for mailing_id in ids}

    # ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────

    def finish_mailings(self, *, now: datetime) -> None:
        """Mark mailings of which nothing can go out any more, and end what came back to cancelled ones."""
        with self._database.write() as session:
            sweep_cancelled(session, now=now)
            open_rows = select(Delivery.id).where(Delivery.mailing_id == Mailing.id)
            running = select(Mailing).where(
                Mailing.state == MailingState.RUNNING,
                Mailing.frozen_to.is_(None),
                ~exists(open_rows.where(IS_WAITING)),
                ~exists(open_rows.where(IS_SENDING)),
            )
            # Locked, so that nobody resumes one or decides about a delivery of it meanwhile.
            for mailing in session.scalars(running.with_for_update(key_share=True)):
                rows = select(Delivery.id).where(Delivery.mailing_id == mailing.id)
                # Each has an index of its own; both are asked at one moment, or a row could go from one to the other
                # between the questions.
                waiting, sending = exists(rows.where(IS_WAITING)), exists(rows.where(IS_SENDING))
                if not session.scalar(select(or_(waiting, sending))):
                    mailing.state = MailingState.FINISHED
                    mailing.finished_at = now


def _verdict(claimed: Claimed, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Deferred) and outcome.why is Why.POLICY and claimed.blamed:
        # The mailing was paused for this recipient before, and an organiser said: go on. So it is theirs alone.
        return Refused(outcome.reply)
    return outcome


def _settled_row(ended: Ended, now: datetime) -> SettledRow:
    claimed, outcome, until = ended
    if outcome is None:
        state = DeliveryState.DEFERRED if claimed.attempts else DeliveryState.QUEUED
        return SettledRow(claimed.id, claimed.fence, state, claimed.attempts, until, None, None)
    settled = settlement(
        _verdict(claimed, outcome),
        attempts=claimed.attempts,
        on_uncertain=claimed.mailing.on_uncertain,
        expires_at=claimed.mailing.expires_at,
        now=now,
        chance=random.random(),  # noqa: S311 - jitter, no secret
    )
    return SettledRow(
        claimed.id,
        claimed.fence,
        settled.state,
        settled.attempts,
        settled.due_at,
        settled.reply,
        settled.settled_at,
        settled.perhaps_sent,
    )


def _launched(mailing: Mailing, said: AppealVersion | None) -> Launched:
    return Launched(
        id=mailing.id,
        kind=mailing.kind,
        lane=mailing.lane,
        nonce=mailing.nonce,
        message_domain=mailing.message_domain,
        launched_at=mailing.launched_at,
        expires_at=mailing.expires_at,
        on_uncertain=mailing.on_uncertain,
        cadence=mailing.cadence,
        # A correction reaches also those who want no alerts: they have what was wrong.
        declinable=mailing.lane is Lane.ALERT and (mailing.selection or {}).get("corrects") is None,
        by_day=said is not None and said.content["urgency"] != Urgency.LIFE_AT_RISK,
    )
