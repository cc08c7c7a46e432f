"""Takes a name out of everything about appeals that is stored already."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.appeal_text import AppealText
from newsletter.appeals.deeds import NAME_LONGEST, DeedName
from newsletter.appeals.document import hash_of
from newsletter.appeals.history import AppealMove, AppealVersion
from newsletter.appeals.intake import BESIDE, CONTENT
from newsletter.appeals.labels import AppealLabel, LabelKind
from newsletter.appeals.model import Appeal
from newsletter.appeals.names import Register
from newsletter.appeals.source import Source, SourceEntry

_WORDS = (*CONTENT, *(name for name in BESIDE if name != "demands"))


def sweep_appeals(session: Session, register: Register) -> set[int]:
    """Hide names in appeals, their texts, what their sources offer, and all that was recorded of them.

    What was approved stays approved: its words are the same, but for the name.

    Args:
        session: a writing transaction.
        register: with the name that has to go.

    Returns:
        The numbers of the appeals that said it.
    """
    found: set[int] = set()
    for text in session.scalars(select(AppealText)):
        if _sweep_text(text, register):
            found.add(text.appeal_id)
    for appeal in session.scalars(select(Appeal)):
        swept = {
            "actions": register.hide_all(appeal.actions),
            "topics": _topics(appeal.topics, register),
            "picture_credit": register.hide(appeal.picture_credit),
            "source": register.hide(appeal.source),
        }
        if _set(appeal, swept):
            found.add(appeal.id)
    for version in session.scalars(select(AppealVersion)):
        topics = _topics(version.content["topics"], register)
        content = register.hide_all(version.content | {"topics": topics})
        if content != version.content:
            version.content = content
            version.content_hash = _free_hash(session, version, hash_of(content))
            found.add(version.appeal_id)
    for move in session.scalars(select(AppealMove).where(AppealMove.note != "")):
        if _set(move, {"note": register.hide(move.note)}):
            found.add(move.appeal_id)
    _sweep_around(session, register)
    session.flush()
    return found


def named_in(session: Session, number: int) -> list[str]:
    """Give the references of the appeals in which the mark of a name stands."""
    mark = f"{{name-{number}}}"
    appeals = session.scalars(select(Appeal).order_by(Appeal.id))
    return [appeal.reference for appeal in appeals if mark in repr(appeal.document())]


def _sweep_around(session: Session, register: Register) -> None:
    """Hide names in what sources announced, and in what appeals are found by."""
    for entry in session.scalars(select(SourceEntry)):
        _set(entry, {"title": register.hide(entry.title), "url": register.hide_address(entry.url)})
    for source in session.scalars(select(Source)):
        swept = {"title": register.hide(source.title), "fault": register.hide(source.fault)}
        _set(source, swept | {"topics": _topics(source.topics, register)})
    for deed in session.scalars(select(DeedName)):
        _set(deed, {"name": register.hide(deed.name)[:NAME_LONGEST]})
    session.flush()
    topics = select(AppealLabel).where(AppealLabel.kind == LabelKind.TOPIC)
    for number in {each.appeal_id for each in session.scalars(topics) if register.holds(each.value)}:
        session.get_one(Appeal, number).label()


def _sweep_text(text: AppealText, register: Register) -> bool:
    swept: dict[str, object] = {name: register.hide(getattr(text, name)) for name in _WORDS}
    swept["demands"] = [register.hide(demand) for demand in text.demands]
    swept["url"] = register.hide_address(text.url)
    swept["pictures"] = register.hide_all(text.pictures)
    if text.offered is not None:
        topics = {"topics": _topics(text.offered.get("topics", ()), register)}
        swept["offered"] = register.hide_all(text.offered | (topics if "topics" in text.offered else {}))
    return _set(text, swept)


def _topics(topics: Iterable[str], register: Register) -> list[str]:
    return list(dict.fromkeys(register.hide_topic(topic) for topic in topics))


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
