"""Freezes whom an alert goes to into deliveries: a few thousand people first, so that its first mail goes at once.

Each span of people is a transaction of its own, and short: senders and pages go on meanwhile. The mailing says how far
its people are frozen, so that whoever finds it unfinished goes on where it is.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal
from newsletter.appeals.urgency import Urgency
from newsletter.delivery.alert_faults import ExpiryPast, NobodyToAlert
from newsletter.delivery.alertable import alertable, family_of
from newsletter.delivery.candidates import candidate_of
from newsletter.delivery.composing import NOTE_LENGTH
from newsletter.delivery.model import Mailing, MailingState
from newsletter.delivery.recipients import EVERYBODY, Counted, Recipients, Span, span_after
from newsletter.delivery.selection import Out, Selection
from newsletter.editions.compose import EditionPress
from newsletter.editions.digest import Candidate, Chosen, Digest, Why, compose_alert, read_in
from newsletter.editions.model import Edition
from newsletter.errors import NewsletterError
from subscribers.choices import known_zone
from subscribers.database import Database
from subscribers.hours import awake_at
from subscribers.preferences import Cadence, Reading

log = logging.getLogger(__name__)

FIRST = 5_000  # people of the list who are looked at before the first mail goes
MORE = 100_000  # at once afterwards; what a sender can't claim for so long lasts some tenths of a second


class Hours(NamedTuple):
    """When an alert may go.

    Attributes:
        starts_at: with its first mail.
        expires_at: its limit.
    """

    starts_at: datetime
    expires_at: datetime


class Share(NamedTuple):
    """Those of an alert's people who get the same."""

    digest: Digest
    people: int


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Whom an alert would go to, or goes to.

    Attributes:
        shares: the editions, the largest first.
        cadences: those who get it, by cadence.
        out: how many get none, by reason.
        by_night: how many of those who get it have night now and get it in their morning.
    """

    shares: Sequence[Share] = ()
    cadences: Mapping[Cadence, int] = field(default_factory=dict)
    out: Mapping[Out, int] = field(default_factory=dict)
    by_night: int = 0

    @property
    def people(self) -> int:
        """How many get it."""
        return sum(share.people for share in self.shares)

    def __add__(self, more: "Outlook") -> "Outlook":
        """Count other people to these."""
        shares = Counter[Digest]()
        for share in (*self.shares, *more.shares):
            shares[share.digest] += share.people
        return Outlook(
            shares=[Share(*each) for each in shares.most_common()],
            cadences=Counter(self.cadences) + Counter(more.cadences),
            out=Counter(self.out) + Counter(more.out),
            by_night=self.by_night + more.by_night,
        )


@dataclass(frozen=True, kw_only=True)
class Freezing:
    """Freezes people of alerts.

    Attributes:
        database: where they are.
        press: reserves editions.
        time_zone: the organisation's.
    """

    database: Database
    press: EditionPress
    time_zone: str
    _wanted: dict[Selection, "_Wanted"] = field(default_factory=dict, init=False)

    def look(self, session: Session, selection: Selection, *, hours: Hours, now: datetime) -> Outlook:
        """Count whom an alert would go to at this moment.

        Args:
            session: a transaction that may write to temporary tables.
            selection: what it is about, and whom it is for.
            hours: when it would go.
            now: the moment.

        Raises:
            NobodyToAlert; as `alertable`.
        """
        found = self._find(session, selection, EVERYBODY, now=now, lock=False)
        outlook = found.outlook(self._due(found, hours), hours)
        found.people.close()
        if not outlook.people:
            raise NobodyToAlert(reasons=_reasons(outlook.out))
        return outlook

    def begin(self, session: Session, mailing: Mailing) -> Outlook:
        """Freeze the first of an alert's people; with them it runs.

        Args:
            session: a writing transaction.
            mailing: the alert, with its selection, the moments of its launch and its start, and its limit.

        Returns:
            Whom it goes to, of those who were looked at.

        Raises:
            ExpiryPast, NobodyToAlert; as `alertable`.
        """
        if mailing.starts_at is None or mailing.starts_at >= mailing.expires_at:
            raise ExpiryPast
        self._wanted.clear()  # since somebody was asked, a profile may have gone, and its number come again
        mailing.state = MailingState.RUNNING
        mailing.left_out = {}
        mailing.frozen_to = 0
        session.add(mailing)
        session.flush()
        outlook = Outlook()
        while not outlook.people:
            if mailing.frozen_to is None:
                raise NobodyToAlert(reasons=_reasons(outlook.out))
            outlook += self._freeze(session, mailing, FIRST, mailing.starts_at)
        return outlook

    def go_on(self, number: int, *, now: datetime) -> Outlook | None:
        """Freeze the next of an alert's people.

        What it is about may have been closed or changed since: then they get nothing, and it is paused with a note.

        Args:
            number: the mailing's.
            now: the moment.

        Returns:
            Whom it goes to, of those who were looked at; None once all are frozen.
        """
        with self.database.write(of_rows_just_read=True) as session:
            self.reserve(session)
            mailing = session.get_one(Mailing, number, with_for_update=True)
            return self._next(session, mailing, now)

    def go_on_with_all(self, *, now: datetime) -> None:
        """Freeze all people of every alert, span by span; does nothing mostly."""
        with self.database.read() as session:
            numbers = unfinished(session)
        for number in numbers:
            while self.go_on(number, now=now) is not None:
                pass

    def finish(self, session: Session, *, now: datetime) -> None:
        """Freeze what people are left of every alert, so that whoever plans in this transaction knows who gets what.

        `go_on_with_all` goes before it, so that this is little.

        Args:
            session: a writing transaction.
            now: the moment.
        """
        for mailing in session.scalars(_UNFINISHED.with_for_update()):
            while self._next(session, mailing, now) is not None:
                pass

    def reserve(self, session: Session) -> None:
        """Let nobody else plan until a transaction ends, and no name be taken back meanwhile."""
        self.database.serialise(session, "plan")
        self.database.share(session, "names")

    # ── how ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self, session: Session, mailing: Mailing, now: datetime) -> Outlook | None:
        if mailing.frozen_to is None or mailing.state not in _GOING:
            mailing.frozen_to = None
            return None
        if now >= mailing.expires_at:
            mailing.frozen_to = None
            mailing.note = "Its limit had passed before all its people were looked at."
            return None
        try:
            with session.begin_nested():
                # Where others go on later, it may have become night.
                return self._freeze(session, mailing, MORE, max(mailing.starts_at or now, now))
        except NewsletterError as fault:
            reason = str(fault)
        except Exception as bug:  # one alert must not keep back every planning
            log.exception("the people of mailing %s can't be frozen", mailing.id)
            reason = f"They can't be frozen ({type(bug).__name__})."
        session.refresh(mailing)
        mailing.frozen_to = None
        mailing.state = MailingState.PAUSED
        mailing.note = f"Some of its people get nothing; a new alert reaches them. {reason}"[:NOTE_LENGTH]
        return None

    def _freeze(self, session: Session, mailing: Mailing, people: int, starts_at: datetime) -> Outlook:
        """Freeze those who come next on the list, and say how far that went."""
        selection = Selection.from_json(mailing.selection or {})
        # Who is in a random part is drawn from all of them.
        span = EVERYBODY if selection.part else span_after(session, mailing.frozen_to or 0, people)
        found = self._find(session, selection, span, now=mailing.launched_at)
        hours = Hours(starts_at, mailing.expires_at)
        due = self._due(found, hours)
        outlook = found.outlook(due, hours)
        editions = self._editions(session, mailing, found, outlook)
        # Mails are claimed in the order in which they are due: edition after edition, as they are composed.
        order = {digest: place for place, digest in enumerate(sorted(editions, key=lambda each: editions[each]))}
        places = {found.wanted.digests.index(digest): digest for digest in editions if digest in found.wanted.digests}
        found.people.settle(
            mailing.id,
            {place: editions[digest] for place, digest in places.items()},
            (
                (zone, place, at + timedelta(microseconds=order[digest]))
                for zone, at in due.items()
                for place, digest in places.items()
            ),
        )
        found.people.close()
        mailing.left_out = {why.value: n for why, n in (Counter(_left_out(mailing)) + Counter(outlook.out)).items()}
        mailing.frozen_to = span.to
        session.flush()
        return outlook

    def _find(
        self, session: Session, selection: Selection, span: Span, *, now: datetime, lock: bool = True
    ) -> "_Found":
        """Find the people of a span, and decide what becomes of each of them."""
        appeal = alertable(session, selection, now, lock=lock)
        candidate = candidate_of(appeal, now)
        wanted = self._wanted.setdefault(selection, _Wanted())
        people = Recipients(session, selection, now=now)
        people.find(span, continues=appeal.original_id, family=family_of(session, appeal))
        people.know(wanted.fates)
        people.know(wanted.decide(candidate, people.readings(), selection))
        people.decide()
        if selection.part is not None:
            people.draw(selection.part)
        return _Found(appeal=appeal, candidate=candidate, wanted=wanted, people=people, counted=people.count())

    def _editions(self, session: Session, mailing: Mailing, found: "_Found", outlook: Outlook) -> dict[Digest, int]:
        """Give the numbers of an alert's editions; those that nobody got before are reserved, the most common first."""
        stored = session.scalars(select(Edition).where(Edition.mailing_id == mailing.id).order_by(Edition.id))
        editions = {_digest_of(edition): edition.id for edition in stored}
        new = [share.digest for share in outlook.shares if share.digest not in editions]
        if new:
            versions = {found.candidate.id: found.candidate.version_id}
            reserved = self.press.reserve(session, mailing.id, new, versions, mail=mailing.kind)
            editions |= dict(zip(new, reserved, strict=True))
        return editions

    def _due(self, found: "_Found", hours: Hours) -> dict[str, datetime]:
        """Say when people get it, by time zone: nobody is woken, unless a life is at risk or it would be too late."""
        due = {}
        for zone in found.counted.zones:
            clock = known_zone(zone) or self.time_zone
            wakes = found.appeal.urgency is Urgency.LIFE_AT_RISK
            due[zone] = hours.starts_at if wakes else awake_at(hours.starts_at, hours.expires_at, clock)
        return due


@dataclass(kw_only=True)
class _Wanted:
    """In which form people get an alert, or why they don't: decided once for each different wish.

    Attributes:
        digests: the forms; one's place is what a fate refers to.
        fates: the place of a form, or why there is none, by the number of the profile.
    """

    digests: list[Digest] = field(default_factory=list)
    fates: dict[int, int | Out] = field(default_factory=dict)

    def decide(
        self, candidate: Candidate, readings: Mapping[int, Reading], selection: Selection
    ) -> Mapping[int, int | Out]:
        """Decide about more wishes; gives what was decided about those."""
        places = {digest: place for place, digest in enumerate(self.digests)}
        decided: dict[int, int | Out] = {}
        for profile, reading in readings.items():
            form = alert_form(candidate, reading, selection)
            decided[profile] = form if isinstance(form, Out) else places.setdefault(form, len(places))
        self.digests[:] = places
        self.fates |= decided
        return decided


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The people of one span, in temporary tables, and what becomes of them."""

    appeal: Appeal
    candidate: Candidate
    wanted: _Wanted
    people: Recipients
    counted: Counted

    def outlook(self, due: Mapping[str, datetime], hours: Hours) -> Outlook:
        shares = [Share(self.wanted.digests[place], people) for place, people in self.counted.editions.items()]
        return Outlook(
            shares=sorted(shares, key=lambda share: -share.people),
            cadences=self.counted.cadences,
            out=self.counted.out,
            by_night=sum(people for zone, people in self.counted.zones.items() if due[zone] > hours.starts_at),
        )


_GOING = (MailingState.RUNNING, MailingState.PAUSED)
_UNFINISHED = select(Mailing).where(Mailing.frozen_to.is_not(None), Mailing.state.in_(_GOING)).order_by(Mailing.id)


def unfinished(session: Session, *, since: datetime | None = None) -> Sequence[int]:
    """Give the numbers of alerts of which some people aren't frozen yet.

    Args:
        session: any transaction.
        since: only those that were launched before: whoever launches another is still at it.
    """
    earlier = true() if since is None else Mailing.launched_at < since
    return [mailing.id for mailing in session.scalars(_UNFINISHED.where(earlier))]


def alert_form(candidate: Candidate, reading: Reading, selection: Selection) -> Digest | Out:
    """Say in which form people who want the same get an alert, or why they get none."""
    form = compose_alert(candidate, reading, anyway=selection.anyway)
    if isinstance(form, Why):
        return Out(form.value)
    (chosen,) = form.appeals
    for asked, theirs in ((selection.topics, reading.topics), (selection.countries, reading.countries)):
        if asked and theirs and asked.isdisjoint(theirs):
            return Out.NOT_SELECTED
    if selection.languages and read_in((chosen.language,), tuple(selection.languages)) is None:
        return Out.NOT_SELECTED
    return form


def _digest_of(edition: Edition) -> Digest:
    return Digest(
        language=edition.language,
        format=edition.format,
        discreet=edition.discreet,
        appeals=tuple(Chosen(each.appeal_id, each.language) for each in edition.appeals),
    )


def _left_out(mailing: Mailing) -> dict[Out, int]:
    return {Out(why): count for why, count in mailing.left_out.items()}


def _reasons(out: Mapping[Out, int]) -> str:
    return "; ".join(f"{count:,} {why.words}" for why, count in out.items()) or "there is nobody"
