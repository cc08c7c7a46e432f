"""What public appeals can be found by: their countries, topics and languages, as rows that an index answers."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ForeignKey, Index, String, and_, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from newsletter.appeals.document import AppealDocument
from subscribers.database import Base, word

_LONGEST = 120


class LabelKind(StrEnum):
    """What a label says."""

    ALL = "all"  # on each, with an empty value
    COUNTRY = "country"
    TOPIC = "topic"
    LANGUAGE = "language"
    PICTURE = "picture"  # what pictures may be shown: those of public appeals


class Label(NamedTuple):
    """One thing by which appeals can be found: `Label(LabelKind.COUNTRY, "TR")`."""

    kind: LabelKind
    value: str = ""


EVERY = Label(LabelKind.ALL)


class AppealLabel(Base):
    """A label on a public appeal.

    Attributes:
        published_on, released_at: the appeal's, so that the newest with a label are the first in an index.
    """

    __tablename__ = "appeal_labels"
    __table_args__ = (
        Index("ix_appeal_labels_published", "kind", "value", "published_on", "appeal_id"),
        Index("ix_appeal_labels_released", "kind", "value", "released_at", "appeal_id"),
        Index("ix_appeal_labels_appeal_id", "appeal_id"),
    )

    kind: Mapped[LabelKind] = mapped_column(word(LabelKind), primary_key=True)
    value: Mapped[str] = mapped_column(String(_LONGEST), primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True)
    published_on: Mapped[date]
    released_at: Mapped[datetime]


def labels_of(document: AppealDocument) -> set[Label]:
    """List what an appeal is found by."""
    return {
        EVERY,
        *(Label(LabelKind.COUNTRY, code) for code in document.countries),
        *(Label(LabelKind.TOPIC, topic[:_LONGEST]) for topic in document.topics),
        *(Label(LabelKind.LANGUAGE, text.language) for text in document.texts),
        *([Label(LabelKind.PICTURE, document.picture)] if document.picture else []),
    }


def newest(
    session: Session, labels: Sequence[Label], *, limit: int, offset: int = 0, by_release: bool = False
) -> list[int]:
    """Give the numbers of public appeals that have all of these labels, the newest first.

    Args:
        session: an open transaction.
        labels: at least one; `EVERY` for every appeal.
        limit: how many at the most.
        offset: how many come before them.
        by_release: by the moment of release instead of their own date.
    """
    first, *further = labels
    one = aliased(AppealLabel)
    query = select(one.appeal_id).where(one.kind == first.kind, one.value == first.value)
    for label in further:
        other = aliased(AppealLabel)
        same = and_(other.appeal_id == one.appeal_id, other.kind == label.kind, other.value == label.value)
        query = query.join(other, same)
    when = one.released_at if by_release else one.published_on
    return list(session.scalars(query.order_by(when.desc(), one.appeal_id.desc()).limit(limit).offset(offset)))


def counts(session: Session, kind: LabelKind) -> dict[str, int]:
    """Count public appeals by what the labels of a kind say, in alphabetical order."""
    rows = session.execute(
        select(AppealLabel.value, func.count()).where(AppealLabel.kind == kind).group_by(AppealLabel.value)
    )
    return dict(sorted((value, number) for value, number in rows))
