"""What is public: released appeals as they were approved, found by reference or by what they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from newsletter.appeals.document import AppealDocument
from newsletter.appeals.ending import Ending
from newsletter.appeals.history import AppealMove, AppealVersion, Move
from newsletter.appeals.labels import EVERY, AppealLabel, Label, newest
from newsletter.appeals.model import Appeal, FollowUp
from newsletter.errors import NewsletterError


class NotPublic(NewsletterError):
    """There is no such appeal."""


class Withdrawn(NewsletterError):
    """This appeal was withdrawn."""


@dataclass(frozen=True, kw_only=True)
class PublicAppeal:
    """A released appeal.

    Attributes:
        id: its number here.
        document: what was approved and released last; names are marks still.
        ending: how it ended; None while it is open.
        released_at: when it was first released.
        changed_at: when it was last released, closed or opened again.
        follow_up: how it continues another.
        original: the reference of that one.
    """

    id: int
    document: AppealDocument
    ending: Ending | None
    released_at: datetime
    changed_at: datetime
    follow_up: FollowUp | None
    original: str | None

    def is_late(self, today: date) -> bool:
        """Say whether its deadline has passed."""
        return self.document.deadline is not None and self.document.deadline < today


def find_public(session: Session, reference: str) -> PublicAppeal:
    """Find a public appeal.

    Raises:
        NotPublic: there is none of this reference, or it was never released.
        Withdrawn: it is not to be read any more.
    """
    number = session.execute(select(Appeal.id, Appeal.ending).where(Appeal.reference == reference)).one_or_none()
    if number is None:
        raise NotPublic
    found = load_public(session, [number.id])
    if not found:
        raise NotPublic
    if number.ending is Ending.WITHDRAWN:
        raise Withdrawn
    return found[0]


def find_newest(
    session: Session, labels: Sequence[Label], *, limit: int, offset: int = 0, by_release: bool = False
) -> list[PublicAppeal]:
    """Give public appeals that have all of these labels, the newest first; see `labels.newest`."""
    return load_public(session, newest(session, labels, limit=limit, offset=offset, by_release=by_release))


def continued_by(session: Session, appeal: PublicAppeal) -> list[PublicAppeal]:
    """Give the public follow-ups of an appeal, or of the one that it continues, the oldest first."""
    root = appeal.document.reference if appeal.original is None else appeal.original
    original = aliased(Appeal)
    numbers = session.scalars(
        select(Appeal.id)
        .join(original, original.id == Appeal.original_id)
        .where(original.reference == root, Appeal.ending.is_distinct_from(Ending.WITHDRAWN))
        .order_by(Appeal.id)
    )
    return load_public(session, list(numbers))


def load_public(session: Session, numbers: Sequence[int]) -> list[PublicAppeal]:
    """Load public appeals by their numbers, in this order; those that were never released are left out."""
    original = aliased(Appeal)
    changed = (
        select(AppealMove.appeal_id, func.max(AppealMove.at).label("at"))
        .where(AppealMove.appeal_id.in_(numbers), AppealMove.move.in_([Move.RELEASED, Move.CLOSED, Move.REOPENED]))
        .group_by(AppealMove.appeal_id)
        .subquery()
    )
    rows = session.execute(
        select(Appeal, AppealVersion.content, original.reference, changed.c.at)
        .join(AppealVersion, AppealVersion.id == Appeal.public_id)
        .outerjoin(original, original.id == Appeal.original_id)
        .outerjoin(changed, changed.c.appeal_id == Appeal.id)
        .where(Appeal.id.in_(numbers))
    )
    found = {}
    for appeal, content, reference, changed_at in rows:
        released_at = appeal.released_at or appeal.created_at
        found[appeal.id] = PublicAppeal(
            id=appeal.id,
            document=AppealDocument.from_json(content),
            ending=appeal.ending,
            released_at=released_at,
            changed_at=changed_at or released_at,
            follow_up=appeal.follow_up,
            original=reference,
        )
    return [found[number] for number in numbers if number in found]


def every_reference(session: Session, *, limit: int) -> Iterable[tuple[str, date]]:
    """Give reference and day of release of every public appeal, the newest first."""
    rows = session.execute(
        select(Appeal.reference, AppealLabel.released_at)
        .join(AppealLabel, AppealLabel.appeal_id == Appeal.id)
        .where(AppealLabel.kind == EVERY.kind, AppealLabel.value == EVERY.value)
        .order_by(AppealLabel.released_at.desc(), AppealLabel.appeal_id.desc())
        .limit(limit)
    )
    return ((reference, released_at.date()) for reference, released_at in rows)
