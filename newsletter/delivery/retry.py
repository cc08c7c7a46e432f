"""When a deferred mail is tried again. A pure decision."""

from datetime import datetime, timedelta

from newsletter.delivery.outcome import Why

# Minutes after the first, second, … verdict, then ever the last one (RFC 5321 4.5.4.1).
_PATIENT = (5, 15, 30, 60, 120, 240)
WAITS: dict[Why, tuple[int, ...]] = {
    Why.SOFT: _PATIENT,
    Why.POLICY: _PATIENT,
    Why.GREYLISTED: (6, 10, 20, 40, 90, 240),  # most want five minutes (RFC 6647 4.3); a little more is surely enough
    Why.FULL: (60, 240, 720, 1440),
    Why.BUSY: (1, 2, 5, 10),
    Why.SLOW_DOWN: (1, 2, 5, 10),
    Why.LOST: (1, 2, 5, 10),
    Why.SENDER: (1,),
    Why.BARRED: (1,),
}
JITTER = 0.2  # of the wait, to both sides: what was deferred together must not come back together
LAST_TRY = timedelta(minutes=1)  # before the limit


def next_attempt(
    *, why: Why, attempts: int, now: datetime, expires_at: datetime, chance: float = 0.5
) -> datetime | None:
    """Say when to try again.

    Where the next wait would end after the mailing's limit, there is one last try shortly before it, unless that would
    come much sooner than the server should be asked again.

    Args:
        why: what the deferral is about.
        attempts: how many verdicts there were so far; 0 or more.
        now: the moment of the last one.
        expires_at: the mailing's limit.
        chance: from 0 to 1; 0.5 gives the wait as it stands in the table.

    Returns:
        The moment, or None if it would come too late.
    """
    waits = WAITS[why]
    wait = timedelta(minutes=waits[min(max(attempts, 1), len(waits)) - 1])
    again = now + wait * (1 + JITTER * (2 * chance - 1))
    if again < expires_at:
        return again
    last = expires_at - LAST_TRY
    return last if last - now >= wait / 2 else None
