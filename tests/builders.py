"""Makes people and appeals, so that a test says only what matters to it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Appeal, AppealStatus, AppealText
from newsletter.settings import Settings
from newsletter.wiring import Parts
from subscribers.addresses import parse_address
from subscribers.consent import Consent, ConsentAct
from subscribers.database import Database
from subscribers.keys import Keys
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Profile, Reading
from tests.conftest import NOW


def person(
    session: Session,
    email: str = "rosa@example.org",
    *,
    name: str = "",
    cadence: Cadence = Cadence.WEEKLY,
    joined: datetime = NOW - timedelta(days=365),
    **reading: object,
) -> Subscriber:
    """A subscriber who confirmed; keyword arguments go into their reading."""
    made = Subscriber.new(
        parse_address(email), name=name, cadence=cadence, profile=Profile.of(session, Reading(**reading)), now=joined
    )
    made.confirm(joined)
    session.add(made)
    session.flush()
    session.add(
        Consent(
            subscriber_id=made.id, act=ConsentAct.GIVEN, at=joined, source="a stall", wording="", recorded_at=joined
        )
    )
    return made


def consents_of(email: str) -> Select[tuple[Consent]]:
    """A question for what somebody agreed to."""
    return select(Consent).join(Subscriber, Subscriber.id == Consent.subscriber_id).where(Subscriber.email == email)


def appeal(
    session: Session,
    title: str = "Free the eleven",
    *,
    reference: str | None = None,
    released: datetime | None = NOW - timedelta(days=1),
    languages: Sequence[str] = ("en",),
    countries: Sequence[str] = (),
    topics: Sequence[str] = (),
    urgent: bool = False,
    deadline: date | None = None,
    teaser: str = "Eleven people are held.",
    body: str = "",
    url: str = "",
) -> Appeal:
    """An appeal, released a day ago unless said otherwise; its title carries its language in all but the first."""
    made = Appeal(
        reference=reference or f"2026/{session.query(Appeal).count() + 1:03d}",
        status=AppealStatus.DRAFT,
        published_on=(released or NOW).date(),
        deadline=deadline,
        urgent=urgent,
        countries=list(countries),
        topics=list(topics),
        created_at=released or NOW,
        texts=[
            AppealText(
                language=language,
                title=title if place == 0 else f"{title} [{language}]",
                byline="Strike committee",
                teaser=teaser,
                body=body,
                url=url,
            )
            for place, language in enumerate(languages)
        ],
    )
    session.add(made)
    session.flush()
    if released is not None:
        made.approve(released)
    return made


def parts(database: Database, keys: Keys, *, smtp_port: int = 1, now: datetime = NOW, **settings: object) -> Parts:
    """A newsletter on an open database, at a moment that stands still."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": smtp_port, "sender_address": "news@hands.example"}
    made = Parts(Settings(base_url="https://news.hands.example", **(values | settings)), clock=lambda: now)
    # What a file would hold; everything else is joined as in earnest.
    made.__dict__.update(database=database, keys=keys)
    return made
