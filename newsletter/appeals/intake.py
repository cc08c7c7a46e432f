"""Takes a source's items in as drafts. It never sends, and never writes over what an organiser wrote."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.item import Item, same_thing
from newsletter.appeals.model import Appeal, AppealIdentity, AppealStatus, AppealText
from newsletter.errors import NewsletterError
from subscribers.database import Database

CONTENT = ("title", "byline", "teaser", "body")


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
        propose_countries: (title, teaser, language) -> ISO codes, for items that name none.
        propose_urgent: title -> whether it calls itself urgent.
    """

    database: Database
    propose_countries: Callable[[str, str, str], tuple[str, ...]]
    propose_urgent: Callable[[str], bool]

    def take_in(self, session: Session, items: Iterable[Item], *, source: str, now: datetime) -> list[Intake]:
        """Take items in, the oldest first, so that references follow the dates.

        Args:
            session: a writing transaction.
            items: what a reader read.
            source: the location that was read, kept with new appeals.
            now: the moment of import.

        Returns:
            What became of each.
        """
        self.database.serialise(session, "intake")
        return [self._take(session, item, source, now) for item in sorted(items, key=lambda item: item.published_on)]

    def _take(self, session: Session, item: Item, source: str, now: datetime) -> Intake:
        appeal = _known(session, item)
        if appeal is None:
            appeal = Appeal(
                reference=_next_reference(session, item.published_on.year),
                status=AppealStatus.DRAFT,
                published_on=item.published_on,
                deadline=item.deadline,
                urgent=self.propose_urgent(item.title) if item.urgent is None else item.urgent,
                countries=list(
                    self.propose_countries(item.title, item.teaser, item.language)
                    if item.countries is None
                    else item.countries
                ),
                topics=tidy_topics(item.topics),
                source=source,
                created_at=now,
                texts=[_text(item)],
            )
            session.add(appeal)
            appeal.identities = [
                AppealIdentity(name=name) for name in item.identities if session.get(AppealIdentity, name) is None
            ]
            session.flush()
            return _fate(Taken.NEW, appeal, item)
        # A name that another appeal has stays with that one.
        new_names = [name for name in item.identities if session.get(AppealIdentity, name) is None]
        appeal.identities += [AppealIdentity(name=name) for name in new_names]
        text = next((text for text in appeal.texts if text.language == item.language), None)
        if text is None:
            appeal.texts.append(_text(item))
            session.flush()
            return _fate(Taken.TRANSLATION, appeal, item)
        fate = _fate(_compare(appeal, text, item), appeal, item)
        session.flush()
        return fate


def _known(session: Session, item: Item) -> Appeal | None:
    for name in item.identities:
        if identity := session.get(AppealIdentity, name):
            appeal = session.get_one(Appeal, identity.appeal_id)
            if same_thing(item.identities, (known.name for known in appeal.identities)):
                return appeal
    return None


def _compare(appeal: Appeal, text: AppealText, item: Item) -> Taken:
    said = item.content_hash
    if said == text.source_hash:
        # The source came back to what was taken: there is nothing to offer any more.
        text.offered, text.offered_hash = None, ""
        return Taken.UNCHANGED
    if said == text.offered_hash:
        return Taken.UNCHANGED
    text.offered = item.said
    text.offered_hash = said
    if appeal.status is AppealStatus.DRAFT and not text.edited and appeal.released_at is None:
        take_offered(appeal, text)
        return Taken.UPDATED
    return Taken.CHANGED


def take_offered(appeal: Appeal, text: AppealText) -> None:
    """Replace a text by what its source says now; a released appeal needs approval again.

    Raises:
        NothingOffered: there is no difference to take.
    """
    if text.offered is None:
        raise NothingOffered(reference=appeal.reference)
    appeal.reopen_for_edit()
    said = text.offered
    for name in CONTENT:
        setattr(text, name, said[name])
    # Facts that the source doesn't give stay as they are here.
    appeal.published_on = date.fromisoformat(said["published_on"])
    text.url = said.get("url", text.url)
    appeal.countries = said.get("countries", appeal.countries)
    appeal.topics = tidy_topics(said.get("topics", appeal.topics))
    appeal.urgent = said.get("urgent", appeal.urgent)
    if "deadline" in said:
        appeal.deadline = date.fromisoformat(said["deadline"])
    text.source_hash, text.offered, text.offered_hash, text.edited = text.offered_hash, None, "", False


def tidy_topics(topics: Iterable[str]) -> list[str]:
    """Write topics as subscribers' are written: in lower case, single spaces, each once."""
    return list(dict.fromkeys(" ".join(topic.casefold().split()) for topic in topics))


def find_appeal(session: Session, reference: str) -> Appeal:
    """Find an appeal by its reference.

    Raises:
        NoSuchAppeal: there is none.
    """
    appeal = session.scalar(select(Appeal).where(Appeal.reference == reference.strip()))
    if appeal is None:
        raise NoSuchAppeal(reference=reference)
    return appeal


def _text(item: Item) -> AppealText:
    content = {name: getattr(item, name) for name in CONTENT}
    content["url"] = item.url
    return AppealText(language=item.language, source_hash=item.content_hash, released=False, edited=False, **content)


def _next_reference(session: Session, year: int) -> str:
    # Numbers are compared as numbers: 2026/1000 comes after 2026/999.
    prefix = f"{year:04d}/"
    references = session.scalars(select(Appeal.reference).where(func.substr(Appeal.reference, 1, 5) == prefix))
    numbers = (int(reference[5:].partition("-")[0]) for reference in references)
    return f"{prefix}{max(numbers, default=0) + 1:03d}"


def _fate(taken: Taken, appeal: Appeal, item: Item) -> Intake:
    return Intake(taken=taken, reference=appeal.reference, language=item.language, title=item.title)
