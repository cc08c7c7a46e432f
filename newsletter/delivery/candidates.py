"""The appeals that may go into a digest at a moment, whoever it is for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from newsletter.appeals.appeal_text import TextStatus
from newsletter.appeals.history import AppealMove, Move
from newsletter.appeals.model import Appeal, AppealStatus, Audience
from newsletter.appeals.moments import today_somewhere
from newsletter.editions.digest import Candidate

_LETTING = (Move.RELEASED, Move.REOPENED)  # what lets mails have an appeal


def candidates_at(session: Session, now: datetime) -> list[Candidate]:
    """Give every released appeal that is neither closed nor past its deadline.

    A deadline's day counts as long as it lasts anywhere on earth.
    """
    rows = session.scalars(
        select(Appeal)
        .where(
            Appeal.status == AppealStatus.RELEASED,
            Appeal.released_at <= now,
            or_(Appeal.deadline.is_(None), Appeal.deadline >= today_somewhere(now)),
        )
        # In one statement: a text and the version that holds it come from one moment.
        .options(joinedload(Appeal.texts))
        .order_by(Appeal.id)
    )
    appeals = rows.unique().all()
    moved = _last_moves(session)
    found = (candidate_of(appeal, now, *moved.get(appeal.id, (0, None))) for appeal in appeals)
    return [candidate for candidate in found if candidate.released]


def told_of(candidates: Sequence[Candidate]) -> set[int]:
    """List the appeals of which it matters who got them: these, and those that they continue."""
    return {c.id for c in candidates} | {c.only_after for c in candidates if c.only_after is not None}


def last_move(session: Session) -> int:
    """Give the number of the last move of any appeal."""
    return session.scalar(select(func.max(AppealMove.id))) or 0


def releases(session: Session, now: datetime) -> int:
    """Count how often appeals were released or opened again up to a moment."""
    return session.scalar(select(func.count()).where(AppealMove.move.in_(_LETTING), AppealMove.at <= now)) or 0


def _last_moves(session: Session) -> dict[int, tuple[int, datetime | None]]:
    """Give for each open appeal the last move that let mails have it: what was released, or opened again."""
    rows = (
        select(AppealMove.appeal_id, func.max(AppealMove.id), func.max(AppealMove.at))
        .join(Appeal, Appeal.id == AppealMove.appeal_id)
        .where(Appeal.status == AppealStatus.RELEASED, AppealMove.move.in_(_LETTING))
        .group_by(AppealMove.appeal_id)
    )
    return {appeal_id: (number, at) for appeal_id, number, at in session.execute(rows)}


def candidate_of(appeal: Appeal, now: datetime, move: int = 0, moved_at: datetime | None = None) -> Candidate:
    """Give a released appeal as far as choosing needs it; the last move of it is for digests alone."""
    released = {
        text.language: text.released_at
        for text in appeal.texts
        if text.status is TextStatus.RELEASED and text.released_at is not None and text.released_at <= now
    }
    return Candidate(
        id=appeal.id,
        released=released,
        only_after=appeal.original_id if appeal.audience is Audience.RECIPIENTS else None,
        countries=frozenset(appeal.countries),
        topics=frozenset(appeal.topics),
        urgency=appeal.urgency.rank,
        deadline=appeal.deadline,
        published_on=appeal.published_on,
        version_id=appeal.public_id or 0,
        last_move=move,
        moved_at=moved_at,
    )
