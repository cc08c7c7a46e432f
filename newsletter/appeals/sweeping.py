"""Rewrites everything about appeals that is stored already, when a name is protected or is no longer."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from newsletter.appeals.appeal_text import AppealText
from newsletter.appeals.deeds import NAME_LONGEST, DeedName
from newsletter.appeals.document import hash_of
from newsletter.appeals.history import AppealMove, AppealVersion, Move
from newsletter.appeals.intake import BESIDE, CONTENT
from newsletter.appeals.labels import AppealLabel, LabelKind
from newsletter.appeals.model import Act, Appeal
from newsletter.appeals.names import MARK, Rewriting, cut
from newsletter.appeals.source import Source, SourceEntry

_WORDS = (*CONTENT, *(name for name in BESIDE if name != "demands"))


def rewrite_appeals(session: Session, rewriting: Rewriting) -> set[int]:
    """Rewrite appeals, their texts, what their sources offer, and all that was recorded of them.

    What was approved stays approved: its words are the same, but for the name.

    Args:
        session: a writing transaction.
        rewriting: what becomes of each text.

    Returns:
        The numbers of the appeals that are another now.
    """
    found: set[int] = set()
    for text in session.scalars(select(AppealText)):
        if _sweep_text(text, rewriting):
            found.add(text.appeal_id)
    for appeal in session.scalars(select(Appeal)):
        swept = {
            "actions": rewriting.everything(appeal.actions),
            "topics": _topics(appeal.topics, rewriting),
            "picture_credit": rewriting.text(appeal.picture_credit),
            "source": rewriting.text(appeal.source),
        }
        if _set(appeal, swept):
            found.add(appeal.id)
    for version in session.scalars(select(AppealVersion)):
        topics = _topics(version.content["topics"], rewriting)
        content = rewriting.everything(version.content | {"topics": topics})
        if content != version.content:
            version.content = content
            version.content_hash = _free_hash(session, version, hash_of(content))
            found.add(version.appeal_id)
    for move in session.scalars(select(AppealMove).where(AppealMove.note != "")):
        if _set(move, {"note": rewriting.text(move.note)}):
            found.add(move.appeal_id)
    _sweep_around(session, rewriting)
    session.flush()
    return found


def record_naming(session: Session, number: int, act: Act, *, rewritten: Collection[str] = ()) -> list[str]:
    """Record with every appeal in which a name stands what was done about that name.

    Args:
        session: a writing transaction.
        number: the name's.
        act: by whom, and what.
        rewritten: references of appeals that were changed for it, though the name stands in none of their words:
            it stood in an address.

    Returns:
        The references of all these.
    """
    appeals = session.scalars(select(Appeal).options(selectinload(Appeal.texts)).order_by(Appeal.id)).all()
    named = [each for each in appeals if each.reference in rewritten or _marked(repr(each.document()), number)]
    for appeal in named:
        appeal.written(Move.NAMED, act)
    return [appeal.reference for appeal in named]


def _marked(text: str, number: int) -> bool:
    return any(int(mark[1]) == number for mark in MARK.finditer(text))


def _sweep_around(session: Session, rewriting: Rewriting) -> None:
    """Rewrite what sources announced, and in what appeals are found by."""
    for entry in session.scalars(select(SourceEntry)):
        _set(entry, {"title": rewriting.text(entry.title), "url": rewriting.address(entry.url)})
    for source in session.scalars(select(Source)):
        swept = {"title": rewriting.text(source.title), "fault": rewriting.text(source.fault)}
        _set(source, swept | {"topics": _topics(source.topics, rewriting)})
    for deed in session.scalars(select(DeedName)):
        _set(deed, {"name": cut(rewriting.text(deed.name), NAME_LONGEST)})
    session.flush()
    topics = select(AppealLabel).where(AppealLabel.kind == LabelKind.TOPIC)
    for number in {each.appeal_id for each in session.scalars(topics) if rewriting.topic(each.value) != each.value}:
        session.get_one(Appeal, number).label()


def _sweep_text(text: AppealText, rewriting: Rewriting) -> bool:
    swept: dict[str, object] = {name: rewriting.text(getattr(text, name)) for name in _WORDS}
    swept["demands"] = [rewriting.text(demand) for demand in text.demands]
    swept["url"] = rewriting.address(text.url)
    swept["pictures"] = rewriting.everything(text.pictures)
    if text.offered is not None:
        topics = {"topics": _topics(text.offered.get("topics", ()), rewriting)}
        swept["offered"] = rewriting.everything(text.offered | (topics if "topics" in text.offered else {}))
    return _set(text, swept)


def _topics(topics: Iterable[str], rewriting: Rewriting) -> list[str]:
    return list(dict.fromkeys(rewriting.topic(topic) for topic in topics))


def _set(row: object, values: Mapping[str, object]) -> bool:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _free_hash(session: Session, version: AppealVersion, wanted: str) -> str:
    """Keep the hash unique within the appeal, where two versions differed in the name alone."""
    taken = select(AppealVersion.id).where(
        AppealVersion.appeal_id == version.appeal_id,
        AppealVersion.content_hash == wanted,
        AppealVersion.id != version.id,
    )
    return wanted if session.scalar(taken) is None else version.content_hash
