"""Takes a source's items in as drafts. It never sends, and never writes over what an organiser wrote."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.action import merged, renewed
from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.document import ACTIONS
from newsletter.appeals.history import Move
from newsletter.appeals.item import Item, kept, same_thing
from newsletter.appeals.model import Act, Appeal, AppealIdentity, AppealStatus
from newsletter.appeals.names import MARK, Register, unmarked
from newsletter.appeals.organisers import SOURCE
from newsletter.appeals.protected import NameSeal
from newsletter.appeals.urgency import Urgency
from newsletter.errors import NewsletterError
from subscribers.database import Database

CONTENT = ("title", "byline", "teaser", "body")
# What a text may have beside those; a source that says nothing of it leaves it as it is.
BESIDE = ("background", "demands", "picture_alt")


class NoSuchAppeal(NewsletterError):
    """There is no appeal {reference}. `newsletter appeal list` shows them all."""


class NothingOffered(NewsletterError):
    """The source of appeal {reference} says nothing else than what stands here."""


class Taken(StrEnum):
    """What became of one item."""

    NEW = "new"
    TRANSLATION = "translation"
    UNCHANGED = "unchanged"
    UPDATED = "updated"  # changed at the source; the draft was untouched and follows it
    CHANGED = "changed"  # changed at the source; what stands here was kept


@dataclass(frozen=True, kw_only=True)
class Intake:
    """One item's fate.

    Attributes:
        taken: what became of it.
        reference: the appeal's.
        language, title: of the text in question.
    """

    taken: Taken
    reference: str
    language: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where items are taken in.

    Attributes:
        database: for making one import wait for another.
        seal: opens the names that must not be said.
        propose_countries: (title, teaser, language) -> ISO codes, for items that name none.
        propose_urgent: title -> whether it calls itself urgent.
    """

    database: Database
    seal: NameSeal
    propose_countries: Callable[[str, str, str], tuple[str, ...]]
    propose_urgent: Callable[[str], bool]

    def take_in(
        self,
        session: Session,
        items: Iterable[Item],
        *,
        source: str,
        now: datetime,
        by: str = SOURCE,
        known_as: int | None = None,
    ) -> list[Intake]:
        """Take items in, the oldest first, so that references follow the dates.

        Args:
            session: a writing transaction.
            items: what a reader read.
            source: the location that was read, kept with new appeals.
            now: the moment of import.
            by: who brings them in.
            known_as: the number of the appeal that all of them are, where that is known by something else.

        Returns:
            What became of each.
        """
        self.database.serialise(session, "intake")
        self.database.share(session, "names")
        register = Register.writing(session, self.seal)
        source = register.hide(source)
        act = Act(by=by, at=now)
        return [
            self._take(session, _Arrived.of(item, register), source, act, known_as)
            for item in sorted(items, key=lambda item: item.published_on)
        ]

    def _take(self, session: Session, arrived: "_Arrived", source: str, act: Act, known_as: int | None) -> Intake:
        item = arrived.item
        known = _known(session, arrived.names) if known_as is None else known_as
        appeal = None if known is None else _locked(session, known)
        # A name that another appeal has stays with that one.
        new_names = [AppealIdentity(name=name) for name in arrived.names if session.get(AppealIdentity, name) is None]
        if appeal is None:
            appeal = self._new(session, item, source, act.at)
            appeal.texts.append(_text(arrived))
            session.add(appeal)
            appeal.identities = new_names
            appeal.written(Move.IMPORTED, act)
            session.flush()
            return _fate(Taken.NEW, appeal, item)
        appeal.identities += new_names
        text = next((text for text in appeal.texts if text.language == item.language), None)
        if text is None:
            appeal.texts.append(_text(arrived))
            if item.actions:
                appeal.actions = ACTIONS.dump_python(merged(appeal.doable, item.actions, item.language), mode="json")
            appeal.written(Move.IMPORTED, act)
            session.flush()
            return _fate(Taken.TRANSLATION, appeal, item)
        fate = _fate(_compare(appeal, text, arrived, act), appeal, item)
        session.flush()
        return fate

    def _new(self, session: Session, item: Item, source: str, now: datetime) -> Appeal:
        urgency = item.urgency
        if urgency is None:
            urgency = Urgency.URGENT if self.propose_urgent(item.title) else Urgency.NORMAL
        countries = item.countries
        if countries is None:
            countries = self.propose_countries(item.title, item.teaser, item.language)
        return Appeal(
            reference=_next_reference(session, item.published_on.year),
            status=AppealStatus.DRAFT,
            published_on=item.published_on,
            deadline=item.deadline,
            urgency=urgency,
            countries=list(countries),
            topics=tidy_topics(item.topics),
            actions=ACTIONS.dump_python(item.actions or (), mode="json"),
            picture_credit=item.picture_credit,
            source=source,
            created_at=now,
        )


@dataclass(frozen=True, kw_only=True)
class _Arrived:
    """An item without the names that must not be said.

    Attributes:
        item: as it is kept.
        names: its identities, as they are kept.
        content_hash: of what the source said; it stays the same whatever is hidden later.
    """

    item: Item
    names: tuple[str, ...]
    content_hash: str

    @classmethod
    def of(cls, item: Item, register: Register) -> "_Arrived":
        return cls(
            item=hidden(item, register),
            names=tuple(kept(name) for name in item.identities),
            content_hash=item.content_hash,
        )


def hidden(item: Item, register: Register) -> Item:
    """Give an item without the names that must not be said, and without marks: those are ours to set."""

    def hide(text: str) -> str:
        return register.hide(MARK.sub("…", text))

    actions = None
    if item.actions is not None:
        actions = ACTIONS.validate_python(register.hide_all(unmarked(ACTIONS.dump_python(item.actions, mode="json"))))
    return replace(
        item,
        title=hide(item.title),
        byline=hide(item.byline),
        teaser=hide(item.teaser),
        body=hide(item.body),
        background=hide(item.background),
        picture_alt=hide(item.picture_alt),
        picture_credit=hide(item.picture_credit),
        demands=tuple(hide(demand) for demand in item.demands),
        topics=tuple(register.hide_topic(MARK.sub("…", topic)) for topic in item.topics),
        url=register.hide_address(item.url),
        pictures=tuple((register.hide_address(url), hide(alt)) for url, alt in item.pictures),
        actions=actions,
    )


def _known(session: Session, names: tuple[str, ...]) -> int | None:
    for name in names:
        if identity := session.get(AppealIdentity, name):
            known_as = select(AppealIdentity.name).where(AppealIdentity.appeal_id == identity.appeal_id)
            if same_thing(names, session.scalars(known_as)):
                return identity.appeal_id
    return None


def _locked(session: Session, number: int) -> Appeal:
    """Load an appeal as it stands now, and keep it so: somebody may be approving or editing it at this moment."""
    appeal = session.get_one(Appeal, number, with_for_update=True, populate_existing=True)
    session.expire(appeal, ["texts", "identities", "moves", "versions", "labels"])
    return appeal


def _compare(appeal: Appeal, text: AppealText, arrived: _Arrived, act: Act) -> Taken:
    said = arrived.content_hash
    if said == text.source_hash:
        # The source came back to what was taken: there is nothing to offer any more.
        text.offered, text.offered_hash = None, ""
        return Taken.UNCHANGED
    if said == text.offered_hash:
        return Taken.UNCHANGED
    text.offered = arrived.item.said
    text.offered_hash = said
    if appeal.status is AppealStatus.DRAFT and not text.edited and appeal.released_at is None:
        take_offered(appeal, text, act)
        return Taken.UPDATED
    return Taken.CHANGED


def take_offered(appeal: Appeal, text: AppealText, act: Act) -> None:
    """Replace a text by what its source says now; a released appeal needs approval again.

    Raises:
        NothingOffered: there is no difference to take.
        AppealClosed: it is closed.
    """
    if text.offered is None:
        raise NothingOffered(reference=appeal.reference)
    appeal.reopen_for_edit([text])
    said = text.offered
    # Facts that the source doesn't give stay as they are here.
    for name in (*CONTENT, *BESIDE, "url"):
        setattr(text, name, said.get(name, getattr(text, name)))
    _take_facts(appeal, text.language, said)
    text.source_hash, text.offered, text.offered_hash, text.edited = text.offered_hash, None, "", False
    appeal.written(Move.UPDATED, act)


def _take_facts(appeal: Appeal, language: str, said: dict[str, Any]) -> None:
    appeal.published_on = date.fromisoformat(said["published_on"])
    appeal.countries = said.get("countries", appeal.countries)
    appeal.topics = tidy_topics(said.get("topics", appeal.topics))
    if "urgent" in said:
        appeal.urgency = Urgency(said.get("urgency", Urgency.URGENT if said["urgent"] else Urgency.NORMAL))
    if "deadline" in said:
        appeal.deadline = date.fromisoformat(said["deadline"])
    if "actions" in said:
        theirs = ACTIONS.validate_python(said["actions"])
        first = appeal.text.language == language
        taken = renewed(appeal.doable, theirs) if first else merged(appeal.doable, theirs, language)
        appeal.actions = ACTIONS.dump_python(taken, mode="json")
    appeal.picture_credit = said.get("picture_credit", appeal.picture_credit)


def tidy_topics(topics: Iterable[str]) -> list[str]:
    """Write topics as subscribers' are written: in lower case, single spaces, each once."""
    return list(dict.fromkeys(" ".join(topic.casefold().split()) for topic in topics))


def find_appeal(session: Session, reference: str, *, lock: bool = False) -> Appeal:
    """Find an appeal by its reference.

    Args:
        session: an open transaction.
        reference: `2026/014`.
        lock: whether nobody else may change it until the transaction ends.

    Raises:
        NoSuchAppeal: there is none.
    """
    query = select(Appeal).where(Appeal.reference == reference.strip())
    appeal = session.scalar(query.with_for_update() if lock else query)
    if appeal is None:
        raise NoSuchAppeal(reference=reference)
    return appeal


def _text(arrived: _Arrived) -> AppealText:
    item = arrived.item
    content = {name: getattr(item, name) for name in (*CONTENT, "url", "background", "picture_alt")}
    return AppealText(
        language=item.language,
        demands=list(item.demands),
        pictures=[{"url": url, "alt": alt} for url, alt in item.pictures],
        source_hash=arrived.content_hash,
        edited=False,
        status=TextStatus.DRAFT,
        **content,
    )


def _next_reference(session: Session, year: int) -> str:
    # Numbers are compared as numbers: 2026/1000 comes after 2026/999.
    prefix = f"{year:04d}/"
    references = session.scalars(select(Appeal.reference).where(func.substr(Appeal.reference, 1, 5) == prefix))
    numbers = (int(reference[5:].partition("-")[0]) for reference in references)
    return f"{prefix}{max(numbers, default=0) + 1:03d}"


def _fate(taken: Taken, appeal: Appeal, item: Item) -> Intake:
    return Intake(taken=taken, reference=appeal.reference, language=item.language, title=item.title)
