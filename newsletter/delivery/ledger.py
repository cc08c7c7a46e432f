"""Who got which appeal: deliveries joined with their editions."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.model import LEDGER_STATES, Delivery
from newsletter.editions.model import EditionAppeal


def seen_by(session: Session, subscriber_id: int, appeal_ids: Collection[int]) -> frozenset[int]:
    """Give those of these appeals that somebody got, that are on their way to them, or may have come."""
    rows = (
        select(EditionAppeal.appeal_id)
        .join(Delivery, Delivery.edition_id == EditionAppeal.edition_id)
        .where(
            Delivery.subscriber_id == subscriber_id,
            Delivery.state.in_(LEDGER_STATES),
            EditionAppeal.appeal_id.in_(appeal_ids),
        )
    )
    return frozenset(session.scalars(rows))
