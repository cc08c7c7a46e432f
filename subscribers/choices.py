"""What a subscriber decides about their mail, as one value, and the record of every change to it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any, Self
from zoneinfo import available_timezones

from sqlalchemy import JSON, ForeignKey, String, Update, bindparam, insert, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from subscribers.database import Base, table
from subscribers.errors import SubscribersError
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format, Profile, Reading

HOURS = range(24)
WEEKDAYS = range(1, 8)  # ISO 8601: 1 is Monday


class ChoiceImpossible(SubscribersError):
    """{choice} can't be {value!r}."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """All that a subscriber decides.

    Attributes:
        cadence: how often.
        alerts: whether urgent alerts come at once, beside a digest.
        hour: when a digest comes, 0 to 23 by their own clock.
        weekday: when a weekly one does, 1 (Monday) to 7.
        time_zone: theirs (IANA, `Europe/Berlin`); empty means the organisation's.
        paused_until: no mail before; None means no pause.
        alerts_while_paused: whether urgent alerts come through a pause.
        reading: what they read, and in which form.
    """

    cadence: Cadence
    alerts: bool = True
    hour: int = 7
    weekday: int = 1
    time_zone: str = ""
    paused_until: datetime | None = None
    alerts_while_paused: bool = False
    reading: Reading

    def __post_init__(self) -> None:
        """Refuse what can't be.

        Raises:
            ChoiceImpossible: an hour, day or zone that does not exist.
        """
        for choice, value, possible in (
            ("hour", self.hour, self.hour in HOURS),
            ("weekday", self.weekday, self.weekday in WEEKDAYS),
            ("time_zone", self.time_zone, self.time_zone == "" or self.time_zone in time_zones()),
            ("languages", self.reading.languages, bool(self.reading.languages)),
        ):
            if not possible:
                raise ChoiceImpossible(choice=choice, value=value)

    @classmethod
    def of(cls, subscriber: Subscriber) -> Self:
        """Give what somebody has decided so far."""
        return cls(
            cadence=subscriber.cadence,
            alerts=subscriber.alerts,
            hour=subscriber.digest_hour,
            weekday=subscriber.digest_weekday,
            time_zone=known_zone(subscriber.time_zone),
            paused_until=subscriber.paused_until,
            alerts_while_paused=subscriber.alerts_while_paused,
            reading=subscriber.profile.reading,
        )

    def facts(self) -> dict[str, Any]:
        """Give each choice by name, those of the reading among them, in values that JSON knows."""
        facts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "reading"}
        facts["paused_until"] = self.paused_until and self.paused_until.isoformat()
        reading = self.reading
        return facts | {
            "languages": list(reading.languages),
            "topics": sorted(reading.topics),
            "countries": sorted(reading.countries),
            "format": reading.format,
            "discreet": reading.discreet,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Make them again of what `facts` gave."""
        paused_until = facts["paused_until"]
        return cls(
            cadence=Cadence(facts["cadence"]),
            alerts=facts["alerts"],
            hour=facts["hour"],
            weekday=facts["weekday"],
            time_zone=facts["time_zone"],
            paused_until=datetime.fromisoformat(paused_until) if paused_until else None,
            alerts_while_paused=facts["alerts_while_paused"],
            reading=Reading(
                languages=tuple(facts["languages"]),
                topics=frozenset(facts["topics"]),
                countries=frozenset(facts["countries"]),
                format=Format(facts["format"]),
                discreet=facts["discreet"],
            ),
        )

    def settle(self, subscriber: Subscriber, profile: Profile) -> None:
        """Make them a subscriber's; the profile is the reading's."""
        subscriber.cadence = self.cadence
        subscriber.alerts = self.alerts
        subscriber.digest_hour = self.hour
        subscriber.digest_weekday = self.weekday
        subscriber.time_zone = self.time_zone
        subscriber.paused_until = self.paused_until
        subscriber.alerts_while_paused = self.alerts_while_paused
        subscriber.profile = profile


class Change(Base):
    """One change to what somebody had decided; rows are added, never changed.

    Attributes:
        source: where it came from: the preferences page, an organiser.
        before, after: the choices that changed, by name; see `Choices.facts`.
    """

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(100))
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


_SETTLED = ("cadence", "alerts", "digest_hour", "digest_weekday", "time_zone", "paused_until", "alerts_while_paused")


def _settling(*names: str) -> Update:
    columns = table(Subscriber).c
    values = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    return update(table(Subscriber)).where(columns.id == bindparam("number")).values(**values)


_SETTLE, _SETTLE_READING = _settling(*_SETTLED), _settling(*_SETTLED, "profile_id")
_RECORD = insert(table(Change))


def choose(
    session: Session, number: int, before: Choices, choices: Choices, *, source: str, now: datetime
) -> frozenset[str]:
    """Do as somebody decided, and keep what changed.

    Written without loading the whole row: hundreds save in a second when an appeal has gone out.

    Args:
        session: a writing transaction.
        number: whose choices they are.
        before: all that they had decided so far; see `standing`.
        choices: all of them now; a pause that is over already is none.
        source: where they come from.
        now: the moment.

    Returns:
        The names of those that changed; nothing is written if none did.
    """
    if choices.paused_until is not None and choices.paused_until <= now:
        choices = replace(choices, paused_until=None)
    old, new = before.facts(), choices.facts()
    changed = frozenset(name for name in new if new[name] != old[name])
    if not changed:
        return changed
    session.flush()
    connection = session.connection()
    settled = {
        "number": number,
        "new_cadence": choices.cadence,
        "new_alerts": choices.alerts,
        "new_digest_hour": choices.hour,
        "new_digest_weekday": choices.weekday,
        "new_time_zone": choices.time_zone,
        "new_paused_until": choices.paused_until,
        "new_alerts_while_paused": choices.alerts_while_paused,
    }
    if choices.reading == before.reading:
        connection.execute(_SETTLE, settled)
    else:
        profile = Profile.number_of(session, choices.reading)
        connection.execute(_SETTLE_READING, {**settled, "new_profile_id": profile})
    connection.execute(
        _RECORD,
        {
            "subscriber_id": number,
            "at": now,
            "source": source,
            "before": {name: old[name] for name in sorted(changed)},
            "after": {name: new[name] for name in sorted(changed)},
        },
    )
    forget_held(session, number)
    return changed


def forget_held(session: Session, number: int) -> None:
    """Let a session read a subscriber afresh, if it holds one whose row was written past it."""
    held = session.identity_map.get(session.identity_key(Subscriber, number))
    if held is not None:
        session.expire(held)


def known_zone(name: str) -> str:
    """Give a stored time zone, or the organisation's where this machine does not know it: nothing hangs on it."""
    return name if name in time_zones() else ""


@cache
def time_zones() -> frozenset[str]:
    """Give the zones that this machine knows, by their IANA names."""
    return frozenset(available_timezones())
