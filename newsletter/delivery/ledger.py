"""Who got which appeal: deliveries joined with their editions."""

from collections.abc import Collection, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.delivery.model import LEDGER_STATES, Delivery
from newsletter.editions.model import Edition, EditionAppeal

FETCH_ROWS = 10_000


def seen_by_subscriber(session: Session, appeal_ids: Collection[int]) -> Iterator[tuple[int, frozenset[int]]]:
    """Walk over everyone who got any of these appeals, or to whom one is on its way, or may have come.

    Args:
        session: an open transaction.
        appeal_ids: the appeals to look for.

    Returns:
        Subscriber id and the ids of the appeals among these that they got, in order of subscriber id; streamed, so
        that memory does not grow with the audience.
    """
    rows = session.execute(
        select(Delivery.subscriber_id, EditionAppeal.appeal_id)
        .join(Edition, Edition.id == Delivery.edition_id)
        .join(EditionAppeal, EditionAppeal.edition_id == Edition.id)
        .where(EditionAppeal.appeal_id.in_(appeal_ids), Delivery.state.in_(LEDGER_STATES))
        .order_by(Delivery.subscriber_id),
        execution_options={"yield_per": FETCH_ROWS},
    )
    current, seen = None, set[int]()
    for subscriber_id, appeal_id in rows:
        if subscriber_id != current:
            if current is not None:
                yield current, frozenset(seen)
            current, seen = subscriber_id, set()
        seen.add(appeal_id)
    if current is not None:
        yield current, frozenset(seen)
