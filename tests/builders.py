"""Makes people and appeals, so that a test says only what matters to it."""

import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from PIL import Image
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.appeals.action import Action
from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.document import ACTIONS
from newsletter.appeals.editing import Changes, translate
from newsletter.appeals.editing import follow_up as begin_follow_up
from newsletter.appeals.history import Move
from newsletter.appeals.model import Act, Appeal, AppealStatus, Audience, FollowUp
from newsletter.appeals.names import Register
from newsletter.appeals.organisers import SOURCE
from newsletter.appeals.pictures import Picture, keep_picture
from newsletter.appeals.urgency import Urgency
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
    urgency: Urgency = Urgency.NORMAL,
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
        urgency=urgency,
        countries=list(countries),
        topics=list(topics),
        actions=[],
        picture="",
        picture_credit="",
        created_at=released or NOW,
        texts=[
            AppealText(
                language=language,
                title=title if place == 0 else f"{title} [{language}]",
                byline="Strike committee",
                teaser=teaser,
                body=body,
                url=url,
                background="",
                demands=[],
                picture_alt="",
                status=TextStatus.DRAFT,
            )
            for place, language in enumerate(languages)
        ],
    )
    session.add(made)
    session.flush()
    made.written(Move.IMPORTED, Act(by=SOURCE, at=made.created_at))
    if released is not None:
        approve_and_release(made, released)
    return made


def plain(action: Action) -> dict[str, object]:
    """An action as an appeal keeps it."""
    (kept,) = ACTIONS.dump_python((action,), mode="json")
    return kept


def picture(session: Session, colour: str = "teal") -> Picture:
    """A picture that is kept."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(file, "JPEG")
    return keep_picture(session, file.getvalue(), place="a.jpg")


def translation(appeal: Appeal, language: str, *, title: str = "", at: datetime = NOW) -> None:
    """A text in another language, as a draft."""
    changes = Changes(title=title or f"{appeal.text.title} [{language}]", teaser=appeal.text.teaser)
    translate(appeal, language, changes, Act(by="Tarek", at=at), Register())


def follow_up(
    session: Session,
    original: Appeal,
    kind: FollowUp,
    audience: Audience,
    *,
    released: datetime | None = NOW,
    **changes: object,
) -> Appeal:
    """An appeal that continues another, released unless said otherwise."""
    words = {"title": f"{kind.value.title()}: {original.text.title}", "teaser": "There is news."} | changes
    act = Act(by="Tarek", at=released or NOW)
    made = begin_follow_up(session, original, kind, audience, original.text.language, Changes(**words), act, Register())
    if released is not None:
        approve_and_release(made, released)
    return made


def approve_and_release(made: Appeal, at: datetime = NOW) -> None:
    """What an organiser who didn't write it does."""
    made.approve(Act(by="Hanna", at=at), second_look=True)
    made.release(Act(by="Hanna", at=at))


def parts(database: Database, keys: Keys, *, smtp_port: int = 1, now: datetime = NOW, **settings: object) -> Parts:
    """A newsletter on an open database, at a moment that stands still."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": smtp_port, "sender_address": "news@hands.example"}
    made = Parts(Settings(base_url="https://news.hands.example", **(values | settings)), clock=lambda: now)
    # What a file would hold; everything else is joined as in earnest.
    made.__dict__.update(database=database, keys=keys)
    return made
