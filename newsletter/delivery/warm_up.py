"""How many mails may go out in a day: a limit, and slowly growing numbers for a sender that nobody knows yet.

Mailbox providers judge a new address or server by its first weeks; one that begins with thousands is taken for a
spammer's. Pure decisions.
"""

from datetime import date

FIRST_DAY = 200  # mails
GROWTH = 1.5  # a day: from 200 to a hundred thousand within 16 days
DAYS = 30  # afterwards a sender is known


def allowance(*, day: date, daily_limit: int | None, warm_up_from: date | None) -> int | None:
    """Say how many mails may go out on a day.

    Args:
        day: which, in UTC.
        daily_limit: what the mail server grants; None means any number.
        warm_up_from: the first day of sending with a new address or server; None means that it is known already.

    Returns:
        The number, or None for any.
    """
    if warm_up_from is None or (age := (day - warm_up_from).days) >= DAYS:
        return daily_limit
    planned = int(FIRST_DAY * GROWTH ** max(0, age))
    return planned if daily_limit is None else min(planned, daily_limit)
