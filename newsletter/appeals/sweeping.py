"""Takes a name out of everything about appeals that is stored already."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.document import hash_of
from newsletter.appeals.history import AppealMove, AppealVersion
from newsletter.appeals.intake import BESIDE, CONTENT
from newsletter.appeals.labels import AppealLabel, LabelKind
from newsletter.appeals.model import Appeal, AppealText
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
            "topics": [register.hide_topic(topic) for topic in appeal.topics],
            "picture_credit": register.hide(appeal.picture_credit),
            "source": register.hide(appeal.source),
        }
        if _set(appeal, swept):
            found.add(appeal.id)
    for version in session.scalars(select(AppealVersion)):
        topics = [register.hide_topic(topic) for topic in version.content["topics"]]
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


def _sweep_around(session: Session, register: Register) -> None:
    """Hide names in what sources announced, and in what appeals are found by."""
    for entry in session.scalars(select(SourceEntry)):
        swept = {"title": register.hide(entry.title), "url": register.hide_address(entry.url)}
        if entry.content is not None:
            swept["content"] = register.hide_all(entry.content)
        _set(entry, swept)
    for source in session.scalars(select(Source)):
        _set(source, {"title": register.hide(source.title), "fault": register.hide(source.fault)})
    for label in session.scalars(select(AppealLabel).where(AppealLabel.kind == LabelKind.TOPIC)):
        _set(label, {"value": register.hide_topic(label.value)})


def _sweep_text(text: AppealText, register: Register) -> bool:
    swept: dict[str, object] = {name: register.hide(getattr(text, name)) for name in _WORDS}
    swept["demands"] = [register.hide(demand) for demand in text.demands]
    swept["url"] = register.hide_address(text.url)
    swept["pictures"] = register.hide_all(text.pictures)
    if text.offered is not None:
        topics = {"topics": [register.hide_topic(topic) for topic in text.offered.get("topics", ())]}
        swept["offered"] = register.hide_all(text.offered | (topics if "topics" in text.offered else {}))
    return _set(text, swept)


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
