"""Calls topics otherwise in everything that people have chosen."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from subscribers.choices import Change
from subscribers.model import Subscriber
from subscribers.preferences import Profile
from subscribers.requests import SignUp


def rename_topics(session: Session, rename: Callable[[str], str]) -> None:
    """Rename topics in wishes, in the record of their changes, and in sign-ups.

    Args:
        session: a writing transaction.
        rename: gives the new name of each, which may be the old one.
    """
    for profile in session.scalars(select(Profile)).all():
        topics = frozenset(rename(topic) for topic in profile.topics)
        if topics == frozenset(profile.topics):
            continue
        other = Profile.of(session, replace(profile.reading, topics=topics))
        session.execute(update(Subscriber).where(Subscriber.profile_id == profile.id).values(profile_id=other.id))
        session.delete(profile)

    def renamed(facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"topics": [rename(topic) for topic in facts["topics"]]} if "topics" in facts else facts

    for change in session.scalars(select(Change)):
        change.before, change.after = renamed(change.before), renamed(change.after)
    for sign_up in session.scalars(select(SignUp)):
        sign_up.choices = renamed(sign_up.choices)
    session.flush()
