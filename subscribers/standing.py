"""Where somebody stands: what the page behind a link needs to know of them, read in one go."""

from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from subscribers.choices import Choices, known_zone
from subscribers.database import table
from subscribers.errors import SubscribersError
from subscribers.model import LeftReason, Status, Subscriber
from subscribers.preferences import Profile, Reading
from subscribers.tokens import Claim, InvalidToken


class HasLeft(SubscribersError):
    """Subscriber {subscriber} has left: there is nothing to choose until they sign up again."""


class Standing(NamedTuple):
    """Where somebody stands.

    Attributes:
        id: their number.
        status, left_reason, token_epoch: as in `Subscriber`.
        choices: what they have decided so far.
    """

    id: int
    status: Status
    left_reason: LeftReason | None
    token_epoch: int
    choices: Choices

    @property
    def language(self) -> str:
        """The language that they read first."""
        return self.choices.reading.languages[0]


_FORGOTTEN = (LeftReason.ERASED, LeftReason.UNDONE)
_PEOPLE, _PROFILES = table(Subscriber).c, table(Profile).c
_STANDING = (
    select(
        *(_PEOPLE.id, _PEOPLE.status, _PEOPLE.left_reason, _PEOPLE.token_epoch, _PEOPLE.cadence, _PEOPLE.alerts),
        *(_PEOPLE.digest_hour, _PEOPLE.digest_weekday, _PEOPLE.time_zone, _PEOPLE.paused_until),
        *(_PEOPLE.alerts_while_paused, _PROFILES.languages, _PROFILES.topics, _PROFILES.countries),
        *(_PROFILES.format, _PROFILES.discreet),
    )
    .join_from(table(Subscriber), table(Profile), _PROFILES.id == _PEOPLE.profile_id)
    .where(_PEOPLE.id == bindparam("number"))
)


def standing_of(session: Session, number: int) -> Standing | None:
    """Look up one subscriber; None if there is none of this number."""
    session.flush()
    found = session.connection().execute(_STANDING, {"number": number}).one_or_none()
    if found is None:
        return None
    choices = Choices(
        cadence=found.cadence,
        alerts=found.alerts,
        hour=found.digest_hour,
        weekday=found.digest_weekday,
        time_zone=known_zone(found.time_zone),
        paused_until=found.paused_until,
        alerts_while_paused=found.alerts_while_paused,
        reading=Reading(
            languages=tuple(found.languages),
            topics=frozenset(found.topics),
            countries=frozenset(found.countries),
            format=found.format,
            discreet=found.discreet,
        ),
    )
    return Standing(found.id, found.status, found.left_reason, found.token_epoch, choices)


def find_claimed(session: Session, claim: Claim) -> Standing:
    """Find whom a token speaks for.

    Raises:
        InvalidToken: they are gone, or the token was revoked.
    """
    found = standing_of(session, claim.subscriber_id)
    if found is None or claim.epoch != found.token_epoch:
        raise InvalidToken
    return found


def find_active(session: Session, claim: Claim) -> Standing:
    """Find whom a token speaks for, if they are still on.

    Raises:
        InvalidToken: as `find_claimed`.
        HasLeft: they have left.
    """
    found = find_claimed(session, claim)
    if found.status is not Status.ACTIVE:
        raise HasLeft(subscriber=found.id, language=found.language)
    return found


def find_leaver(session: Session, claim: Claim) -> Standing:
    """Find whom a way out speaks for: as `find_claimed`; who was erased or undone has left, whatever their link says.

    Raises:
        InvalidToken: they were never here, or the token was revoked.
    """
    found = standing_of(session, claim.subscriber_id)
    if found is None or (claim.epoch != found.token_epoch and found.left_reason not in _FORGOTTEN):
        raise InvalidToken
    return found
