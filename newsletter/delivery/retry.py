"""When a deferred mail is tried again. A pure decision."""

from datetime import datetime, timedelta

# Minutes after the first, second, … verdict: quick enough for greylisting, then ever more patient (RFC 5321 4.5.4.1).
WAITS = tuple(timedelta(minutes=m) for m in (5, 15, 30, 60, 120, 240))


def next_attempt(*, attempts: int, now: datetime, expires_at: datetime) -> datetime | None:
    """Say when to try again.

    Args:
        attempts: how many verdicts there were so far, the last one included; 1 or more.
        now: the moment of the last one.
        expires_at: the mailing's limit.

    Returns:
        The moment, or None if it would come too late.
    """
    again = now + WAITS[min(attempts, len(WAITS)) - 1]
    return again if again < expires_at else None
