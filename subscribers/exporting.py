"""Subscribers as a CSV file that this program and others can read: a stream, with cells that calculate nothing."""

import csv
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from subscribers.consent import Consent, ConsentAct
from subscribers.model import Status, Subscriber
from subscribers.preferences import Profile

COLUMNS = (
    *("email", "name", "status", "language", "topics", "countries", "cadence", "format", "joined_at", "left_at"),
    *("left_reason", "confirmed_at", "consent_source"),
)
APART = "|"  # between several values in a cell, as imports read them
FETCH_ROWS = 5_000
# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection); control characters come before one unseen.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_subscribers(
    session: Session,
    file: TextIO,
    *,
    status: Status | None = Status.ACTIVE,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write subscribers, in the order in which they came.

    Args:
        session: an open transaction.
        file: open for text with `newline=""`; written as RFC 4180 says.
        status: only these; None means everybody who is not erased.
        on_progress: gets the number of rows so far, after every five thousand.

    Returns:
        How many rows were written, without the one that names the columns.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(session, status):
        writer.writerow([_neutral(cell) for cell in row])
        count += 1
        if on_progress and count % FETCH_ROWS == 0:
            on_progress(count)
    return count


def _rows(session: Session, status: Status | None) -> Iterator[tuple[str, ...]]:
    newest = (
        select(Consent.subscriber_id, func.max(Consent.id).label("id"))
        .where(Consent.act == ConsentAct.GIVEN)
        .group_by(Consent.subscriber_id)
        .subquery()
    )
    people = (
        select(
            *(Subscriber.email, Subscriber.name, Subscriber.status, Subscriber.cadence),
            *(Subscriber.joined_at, Subscriber.left_at, Subscriber.left_reason),
            *(Profile.languages, Profile.topics, Profile.countries, Profile.format, Consent.at, Consent.source),
        )
        .join(Profile, Profile.id == Subscriber.profile_id)
        .outerjoin(newest, newest.c.subscriber_id == Subscriber.id)
        .outerjoin(Consent, Consent.id == newest.c.id)
        .where(Subscriber.email != "")  # erased
        .order_by(Subscriber.id)
    )
    if status is not None:
        people = people.where(Subscriber.status == status)
    for one in session.execute(people, execution_options={"yield_per": FETCH_ROWS}):
        yield (
            one.email,
            one.name,
            one.status.value,
            APART.join(one.languages),
            APART.join(one.topics),
            APART.join(one.countries),
            one.cadence.value,
            one.format.value,
            _moment(one.joined_at),
            _moment(one.left_at),
            one.left_reason.value if one.left_reason else "",
            _moment(one.at),
            one.source or "",
        )


def _moment(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else ""


def _neutral(cell: str) -> str:
    """Put a quote before what a spreadsheet would calculate."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
