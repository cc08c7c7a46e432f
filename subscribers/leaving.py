"""Leaving: by one's own link, at once, for good until that person comes back by themselves."""

from datetime import datetime

from sqlalchemy.orm import Session

from subscribers.consent import Consent, ConsentAct
from subscribers.errors import SubscribersError
from subscribers.model import LeftReason, Status, Subscriber, WhyLeft
from subscribers.tokens import Claim, InvalidToken


class HasLeft(SubscribersError):
    """Subscriber {subscriber} has left: there is nothing to choose until they sign up again."""


def find_claimed(session: Session, claim: Claim) -> Subscriber:
    """Find whom a token speaks for.

    Raises:
        InvalidToken: they are gone, or the token was revoked.
    """
    subscriber = session.get(Subscriber, claim.subscriber_id)
    if subscriber is None or claim.epoch != subscriber.token_epoch:
        raise InvalidToken
    return subscriber


def find_active(session: Session, claim: Claim) -> Subscriber:
    """Find whom a token speaks for, if they are still on.

    Raises:
        InvalidToken: as `find_claimed`.
        HasLeft: they have left.
    """
    subscriber = find_claimed(session, claim)
    if subscriber.status is not Status.ACTIVE:
        raise HasLeft(subscriber=subscriber.id, language=subscriber.profile.languages[0])
    return subscriber


def find_leaver(session: Session, claim: Claim) -> Subscriber:
    """Find whom a way out speaks for: as `find_claimed`, and who was erased has left, whatever their link says.

    Raises:
        InvalidToken: they were never here, or the token was revoked.
    """
    subscriber = session.get(Subscriber, claim.subscriber_id)
    if subscriber is not None and subscriber.left_reason is LeftReason.ERASED:
        return subscriber
    return find_claimed(session, claim)


def leave(session: Session, subscriber: Subscriber, *, source: str, now: datetime) -> bool:
    """Take somebody off and record that they withdrew their consent (GDPR Art. 7(3)).

    Args:
        session: a writing transaction.
        subscriber: who leaves.
        source: how: the page or the one-click address.
        now: the moment.

    Returns:
        Whether they were still on.
    """
    if not subscriber.leave(LeftReason.UNSUBSCRIBED, now):
        return False
    session.add(
        Consent(
            subscriber_id=subscriber.id, act=ConsentAct.WITHDRAWN, at=now, source=source, recorded_at=now, wording=""
        )
    )
    return True


def tell_why(subscriber: Subscriber, why: WhyLeft) -> None:
    """Keep why somebody left, if they have; what they said last counts."""
    if subscriber.status is Status.LEFT:
        subscriber.left_why = why
