"""Erasure (GDPR Art. 17): the person goes; what stays names nobody and keeps mail from them."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from subscribers.choices import Change
from subscribers.consent import Consent
from subscribers.errors import SubscribersError
from subscribers.model import LeftReason, Subscriber
from subscribers.preferences import Profile, Reading
from subscribers.requests import Move, SignUp
from subscribers.suppression import SuppressionList


class NoSuchSubscriber(SubscribersError):
    """No subscriber has this address. `newsletter subscriber show` says whether it is suppressed."""


def erase(session: Session, subscriber: Subscriber, *, suppression: SuppressionList, now: datetime) -> None:
    """Remove somebody for good.

    What stays: the keyed hash of the address, so that no import brings it back (Art. 17(3)(b), 21(3)); and the row's
    number with what became of each mail, so that counts stay true. Nothing of it says who it was. Every link that they
    were sent opens nothing any more.

    Args:
        session: a writing transaction.
        subscriber: who is erased; erasing twice is fine.
        suppression: keeps the hash.
        now: the moment.
    """
    if subscriber.left_reason is LeftReason.ERASED:
        return
    suppression.add(session, subscriber.address_key, reason=LeftReason.ERASED, now=now)
    session.execute(delete(SignUp).where(SignUp.address_key == subscriber.address_key))
    for kind in (Consent, Change, SignUp, Move):
        session.execute(delete(kind).where(kind.subscriber_id == subscriber.id))
    subscriber.profile = Profile.of(session, Reading())
    subscriber.erase(now)
