"""An appeal, its texts, and the states that it goes through."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from newsletter.appeals.action import Action
from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.document import ACTIONS, AppealDocument
from newsletter.appeals.ending import Ending
from newsletter.appeals.history import WRITING, AppealMove, AppealVersion, Move
from newsletter.appeals.labels import AppealLabel, Label, labels_of
from newsletter.appeals.organisers import SOURCE
from newsletter.appeals.urgency import Urgency
from newsletter.errors import NewsletterError
from subscribers.database import Base, word


class AppealStatus(StrEnum):
    """Where an appeal stands: `draft → approved → released → closed`.

    An edit leads back to `draft`; what was closed can be opened again.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    RELEASED = "released"
    CLOSED = "closed"


class FollowUp(StrEnum):
    """How an appeal continues another."""

    UPDATE = "update"
    CORRECTION = "correction"
    VICTORY = "victory"


class Audience(StrEnum):
    """Who may get a follow-up."""

    EVERYONE = "everyone"  # whom it concerns, as with any appeal
    RECIPIENTS = "recipients"  # those who got the original, and nobody else


class AppealClosed(NewsletterError):
    """Appeal {reference} is closed; it goes into no further mail. `newsletter appeal reopen` opens it again."""


class AppealNotClosed(NewsletterError):
    """Appeal {reference} is not closed: it is {status}."""


class AppealIncomplete(NewsletterError):
    """Appeal {reference} can't be approved: it has no {missing}. Add it with `newsletter appeal edit {reference}`."""


class NotApproved(NewsletterError):
    """Appeal {reference} has nothing approved to release. `newsletter appeal approve {reference}` comes first."""


class ApprovalNeeded(NewsletterError):
    """Appeal {reference} needs a second look: {by} wrote what stands there, so another organiser approves it (--as)."""


class ChangedMeanwhile(NewsletterError):
    """Appeal {reference} was changed by {by} since you read it (it is at revision {now}, you had {had}). Look again."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """Who does something, and when.

    Attributes:
        by: an organiser's name, `operator` or `source`.
        at: the moment.
        note: in their words; may be empty.
    """

    by: str
    at: datetime
    note: str = ""


class Appeal(Base):
    """One call for solidarity. Its status moves only through the methods below.

    Attributes:
        reference: `2026/014`, the year that it is dated and a number; never given twice. A follow-up has its
            original's with a number of its own: `2026/014-2`.
        countries: ISO 3166 alpha-2, in order of weight.
        urgency: what organisers decided; import only proposes it.
        actions: `Action`s as plain JSON; see `doable`.
        picture: the hash of its content, or empty; see `pictures`.
        original_id, follow_up, audience: what it continues, how, and who may get it; for follow-ups alone.
        released_at: when it was first released; later releases of an edited text don't move it.
        ending: how it ended, once it is closed.
        revision: raised by every change, so that two who edit at once notice.
        approved_id: the version that was approved last.
        public_id: the version that pages show: what was released last. An edit takes it from no page.
    """

    __tablename__ = "appeals"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    status: Mapped[AppealStatus] = mapped_column(word(AppealStatus), default=AppealStatus.DRAFT)
    published_on: Mapped[date]
    deadline: Mapped[date | None]
    urgency: Mapped[Urgency] = mapped_column(word(Urgency), default=Urgency.NORMAL, server_default=Urgency.NORMAL)
    countries: Mapped[list[str]]
    topics: Mapped[list[str]]
    actions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    picture: Mapped[str] = mapped_column(String(64), default="", server_default="")
    picture_credit: Mapped[str] = mapped_column(Text, default="", server_default="")
    original_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"), index=True)
    follow_up: Mapped[FollowUp | None] = mapped_column(word(FollowUp))
    audience: Mapped[Audience] = mapped_column(word(Audience), default=Audience.EVERYONE, server_default="everyone")
    source: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    released_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    ending: Mapped[Ending | None] = mapped_column(word(Ending))
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    # No foreign keys: versions point here.
    approved_id: Mapped[int | None] = mapped_column(Integer)
    public_id: Mapped[int | None] = mapped_column(Integer)

    texts: Mapped[list[AppealText]] = relationship(
        back_populates="appeal", order_by="AppealText.id", cascade="all, delete-orphan"
    )
    identities: Mapped[list["AppealIdentity"]] = relationship(cascade="all, delete-orphan")
    original: Mapped["Appeal | None"] = relationship(remote_side="Appeal.id", back_populates="follow_ups")
    follow_ups: Mapped[list["Appeal"]] = relationship(back_populates="original", order_by="Appeal.id")
    moves: Mapped[list[AppealMove]] = relationship(order_by=AppealMove.id, cascade="all, delete-orphan")
    versions: Mapped[list[AppealVersion]] = relationship(order_by=AppealVersion.id, cascade="all, delete-orphan")
    labels: Mapped[list[AppealLabel]] = relationship(cascade="all, delete-orphan")

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def text(self) -> AppealText:
        """The text that it came with; translations follow it."""
        return self.texts[0]

    @property
    def doable(self) -> tuple[Action, ...]:
        """What a supporter can do."""
        return ACTIONS.validate_python(self.actions)

    @property
    def urgent(self) -> bool:
        """Whether it is more urgent than others."""
        return self.urgency is not Urgency.NORMAL

    def document(self, statuses: Collection[TextStatus] = tuple(TextStatus)) -> AppealDocument:
        """Give what stands here as one value.

        Args:
            statuses: only texts that stand at one of these.
        """
        return AppealDocument(
            reference=self.reference,
            published_on=self.published_on,
            deadline=self.deadline,
            urgency=self.urgency,
            countries=tuple(self.countries),
            topics=tuple(self.topics),
            texts=tuple(text.document for text in self.texts if text.status in statuses),
            actions=self.doable,
            picture=self.picture,
            picture_credit=self.picture_credit,
        )

    # ── how it lives ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def waits_for_approval(self) -> bool:
        """Whether an approval would change anything."""
        return self.status is AppealStatus.DRAFT or (
            self.status is not AppealStatus.CLOSED and any(text.status is TextStatus.DRAFT for text in self.texts)
        )

    @property
    def waits_for_release(self) -> bool:
        """Whether something is approved and not released yet."""
        return self.status is AppealStatus.APPROVED or (
            self.status is AppealStatus.RELEASED and any(text.status is TextStatus.APPROVED for text in self.texts)
        )

    @property
    def writers(self) -> tuple[str, ...]:
        """Who wrote what stands here, as far as nobody has approved it yet."""
        writers: list[str] = []
        for made in self.moves:
            if made.move is Move.APPROVED:
                writers.clear()
            elif made.move in WRITING and made.by != SOURCE:
                writers.append(made.by)
        return tuple(dict.fromkeys(writers))

    def expect(self, revision: int | None) -> None:
        """Refuse to go on if somebody has changed it meanwhile.

        Args:
            revision: the one that was read; None asks nothing.

        Raises:
            ChangedMeanwhile: it is at another one.
        """
        if revision is not None and revision != self.revision:
            last = self.moves[-1].by if self.moves else SOURCE
            raise ChangedMeanwhile(reference=self.reference, by=last, now=self.revision, had=revision)

    def written(self, move: Move, act: Act) -> None:
        """Record that somebody wrote; called once their words stand here."""
        self._moved(move, act, self.document())

    def approve(self, act: Act, *, second_look: bool) -> bool:
        """Freeze the appeal with all its texts, as they stand here.

        Args:
            act: who approves.
            second_look: whether it must be somebody who didn't write what stands here.

        Returns:
            Whether this changed anything: approving what is approved is fine.

        Raises:
            AppealClosed: it is closed.
            AppealIncomplete: a text has nothing to read.
            ApprovalNeeded: they wrote it themselves.
        """
        self.require_open()
        if not self.waits_for_approval:
            return False
        if not self.texts or not all(text.title and (text.teaser or text.body) for text in self.texts):
            raise AppealIncomplete(reference=self.reference, missing="teaser")
        if second_look and act.by in self.writers:
            raise ApprovalNeeded(reference=self.reference, by=act.by)
        if self.status is AppealStatus.DRAFT:
            self.status = AppealStatus.APPROVED
        for text in self.texts:
            if text.status is TextStatus.DRAFT:
                text.status = TextStatus.APPROVED
        self.approved_id = self._moved(Move.APPROVED, act, self.document()).id
        return True

    def release(self, act: Act) -> bool:
        """Let mails and pages have what was approved.

        Returns:
            Whether this changed anything.

        Raises:
            AppealClosed: it is closed.
            NotApproved: what stands here was not approved.
        """
        self.require_open()
        if self.status is AppealStatus.DRAFT:
            raise NotApproved(reference=self.reference)
        if not self.waits_for_release:
            return False
        document = self.document((TextStatus.APPROVED, TextStatus.RELEASED))
        approved = self._version(self.approved_id)
        if approved is None or approved.content_hash != document.content_hash:
            raise NotApproved(reference=self.reference)
        self.status = AppealStatus.RELEASED
        self.released_at = self.released_at or act.at
        for text in self.texts:
            if text.status is TextStatus.APPROVED:
                text.status = TextStatus.RELEASED
                text.released_at = text.released_at or act.at
        self.public_id = approved.id
        self.label()
        self._moved(Move.RELEASED, act, document)
        return True

    def reopen_for_edit(self, texts: Iterable[AppealText] = ()) -> None:
        """Lead an approved appeal back to `draft`: what was approved is no longer what stands here.

        Args:
            texts: those whose words change.

        Raises:
            AppealClosed: it is closed.
        """
        self.require_open()
        self.status = AppealStatus.DRAFT
        for text in texts:
            text.status = TextStatus.DRAFT

    def settle(self) -> None:
        """Say where it stands after something was taken away: what is left may be what was approved or released."""
        public, approved = self._version(self.public_id), self._version(self.approved_id)
        for text in self.texts:
            if self.status is AppealStatus.RELEASED and text.status is TextStatus.APPROVED:
                text.status = TextStatus.DRAFT  # it was approved together with what is gone
        now = self.document((TextStatus.APPROVED, TextStatus.RELEASED)).content_hash
        if self.status is AppealStatus.RELEASED and public is not None and public.content_hash == now:
            return
        if self.status is AppealStatus.APPROVED and approved is not None and approved.content_hash == now:
            return
        self.status = AppealStatus.DRAFT

    def close(self, act: Act, ending: Ending = Ending.OVER) -> bool:
        """Move to `closed`: it goes into no further mail, and its page says how it ended.

        Returns:
            Whether this changed anything.
        """
        if self.status is AppealStatus.CLOSED and self.ending is ending:
            return False
        self.status = AppealStatus.CLOSED
        self.closed_at = act.at
        self.ending = ending
        self.label()
        self._moved(Move.CLOSED, act, self.document(), ending)
        return True

    def reopen(self, act: Act) -> None:
        """Open a closed appeal again: released if what stands here was, else a draft.

        Raises:
            AppealNotClosed: it is not closed.
        """
        if self.status is not AppealStatus.CLOSED:
            raise AppealNotClosed(reference=self.reference, status=self.status)
        public = self._version(self.public_id)
        same = public is not None and public.content_hash == self.document((TextStatus.RELEASED,)).content_hash
        self.status = AppealStatus.RELEASED if same else AppealStatus.DRAFT
        self.closed_at = self.ending = None
        self.label()
        self._moved(Move.REOPENED, act, self.document())

    def released_document(self) -> AppealDocument:
        """Give what was released last, withdrawn or not.

        Raises:
            NotApproved: nothing was.
        """
        version = self._version(self.public_id)
        if version is None:
            raise NotApproved(reference=self.reference)
        return AppealDocument.from_json(version.content)

    def public_document(self) -> AppealDocument | None:
        """Give what was released last; None where nothing was, or where it was withdrawn."""
        version = None if self.ending is Ending.WITHDRAWN else self._version(self.public_id)
        return None if version is None else AppealDocument.from_json(version.content)

    def label(self) -> None:
        """Let the archive find what is public now."""
        document = self.public_document()
        wanted = set() if document is None else labels_of(document)
        day, released = (document.published_on, self.released_at) if document else (None, None)
        kept = [each for each in self.labels if (each.kind, each.value) in wanted and each.published_on == day]
        new = wanted - {Label(each.kind, each.value) for each in kept}
        self.labels = kept + [
            AppealLabel(kind=label.kind, value=label.value, published_on=day, released_at=released)
            for label in sorted(new)
        ]

    def require_open(self) -> None:
        """Refuse to go on with a closed appeal.

        Raises:
            AppealClosed: it is.
        """
        if self.status is AppealStatus.CLOSED:
            raise AppealClosed(reference=self.reference)

    def _version(self, number: int | None) -> AppealVersion | None:
        session = object_session(self)
        return None if number is None or session is None else session.get(AppealVersion, number)

    def _moved(self, move: Move, act: Act, document: AppealDocument, ending: Ending | None = None) -> AppealVersion:
        """Record a move, with what the appeal says."""
        version = next((each for each in self.versions if each.content_hash == document.content_hash), None)
        if version is None:
            version = AppealVersion(content_hash=document.content_hash, content=document.as_json)
            self.versions.append(version)
        note = ": ".join(filter(None, (ending, act.note)))
        self.moves.append(AppealMove(move=move, by=act.by, at=act.at, version=version, note=note))
        self.revision = (self.revision or 0) + 1
        if (session := object_session(self)) is not None:
            session.flush()  # numbers are needed at once
        return version


class AppealIdentity(Base):
    """A name under which a source's item is known again, hashed: see `identity.kept`."""

    __tablename__ = "appeal_identities"

    name: Mapped[str] = mapped_column(String(600), primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), index=True)
