"""Why an alert is not proposed, approved or launched, each in one sentence with what to do."""

from newsletter.errors import NewsletterError


class NotReleased(NewsletterError):
    """Appeal {reference} is approved and not released: `newsletter appeal release {reference}` comes first."""


class ChangedSinceApproval(NewsletterError):
    """Appeal {reference} was changed since it was approved: have it approved and released again, then alert."""


class ChangedSinceLook(NewsletterError):
    """Appeal {reference} was changed and released again since this began: look at it again, then repeat it."""


class DeadlineOver(NewsletterError):
    """Appeal {reference} had its deadline on {deadline}: nobody is asked to act after it."""


class NoOriginal(NewsletterError):
    """Appeal {reference} continues no other: nobody 'got the original'."""


class NobodyToAlert(NewsletterError):
    """Nobody would get it, so nothing was planned: {reasons}."""


class AlreadyProposed(NewsletterError):
    """Mailing {mailing} is this alert to these people, and waits for approval. `newsletter mailing cancel` ends it."""


class ExpiryPast(NewsletterError):
    """The alert would expire before its first mail. Give it longer: --expires 6h."""


class NotACorrection(NewsletterError):
    """Appeal {reference} is no correction. Begin one: `newsletter appeal follow-up ORIGINAL --kind correction`."""


class NotOfMailing(NewsletterError):
    """Nobody got what {reference} corrects with mailing {mailing}. See `newsletter mailing show {mailing}`."""


class StillGoing(NewsletterError):
    """Mailing {mailing} is {state}. Stop it first: `newsletter mailing cancel {mailing}`. Then correct it."""


class SecondLookNeeded(NewsletterError):
    """An alert needs a second organiser: one proposes it, another approves it. `second_look = false` ends that."""


class NotProposed(NewsletterError):
    """Mailing {mailing} waits for nobody's approval: it is {state}."""


class ApprovalByAnother(NewsletterError):
    """{by} proposed mailing {mailing}, so another organiser approves it (--as)."""


class ProposalStale(NewsletterError):
    """Appeal {reference} was changed since {by} proposed mailing {mailing}. Cancel that, and propose it anew."""


class ProposalExpired(NewsletterError):
    """Mailing {mailing} had its limit at {expires_at}. Cancel it, and propose it anew."""
