"""What is stored about a subscriber, shown to them: what they were sent and why, a copy to take away, and erasure."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response

from newsletter.delivery.forgetting import forget_person
from newsletter.delivery.model import OPEN_STATES, DeliveryState
from newsletter.delivery.story import MailFact, Story, story_of_person
from newsletter.languages import date_text, spoken
from newsletter.web.forms import Posted, check_mark, posted
from newsletter.web.pages import Pages
from newsletter.wiring import Parts
from subscribers.consent import ConsentAct
from subscribers.model import Subscriber
from subscribers.standing import find_claimed
from subscribers.tokens import Purpose

SHOWN = 100  # mails on the page; the copy has all
_BECAME = {
    **dict.fromkeys(OPEN_STATES, "on its way"),
    DeliveryState.ACCEPTED: "sent",
    DeliveryState.REFUSED: "refused",
    DeliveryState.UNCERTAIN: "uncertain",
}


@dataclass(frozen=True, kw_only=True)
class ShownMail:
    """One mail, as the page shows it.

    Attributes:
        day: when, in the reader's words.
        subject, language: of the mail.
        cadence: whose digest it was; None where it was none.
        became: `sent`, `on its way`, `refused`, `uncertain` or `not sent`.
    """

    day: str
    subject: str | None
    language: str | None
    cadence: str | None
    became: str


@dataclass(frozen=True, kw_only=True)
class ShownConsent:
    """One act of consent, as the page shows it."""

    day: str
    given: bool
    source: str


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.get("/preferences/{token}/data")
    def show(token: str) -> Response:
        told = _told(parts, token)
        language, day = _reader(parts, told)
        export = f"/preferences/{token}/export"
        return pages.page(
            "data.html",
            language,
            address=told.address,
            consents=tuple(
                ShownConsent(day=day(one.at), given=one.act == ConsentAct.GIVEN, source=one.source)
                for one in told.consents
            ),
            mails=tuple(_shown(mail, day(mail.at)) for mail in told.mails[:SHOWN]),
            older=max(0, len(told.mails) - SHOWN),
            export=export,
            mark=parts.tokens.issue_form(export, at=parts.clock()),
            token=token,
        )

    @routes.post("/preferences/{token}/export")
    def export(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        told = _told(parts, token)
        check_mark(parts.tokens, f"/preferences/{token}/export", form, now=parts.clock())
        return Response(
            json.dumps(told.document(), ensure_ascii=False, indent=2),
            media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="newsletter-data.json"'},
        )

    @routes.get("/preferences/{token}/erase")
    def ask(token: str) -> Response:
        told = _told(parts, token)
        place = f"/preferences/{token}/erase"
        mark = parts.tokens.issue_form(place, at=parts.clock())
        return pages.page("erase.html", _reader(parts, told)[0], place=place, mark=mark, token=token)

    @routes.post("/preferences/{token}/erase")
    def act(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim, now = parts.tokens.read(Purpose.PREFERENCES, token), parts.clock()
        check_mark(parts.tokens, f"/preferences/{token}/erase", form, now=now)
        with parts.database.write() as session:
            person = find_claimed(session, claim)
            forget_person(session, session.get_one(Subscriber, person.id), suppression=parts.suppression, now=now)
        return pages.page("erased.html", spoken(person.language))

    return routes


def _told(parts: Parts, token: str) -> Story:
    claim = parts.tokens.read(Purpose.PREFERENCES, token)
    with parts.database.read() as session:
        person = session.get_one(Subscriber, find_claimed(session, claim).id)
        return story_of_person(session, person, parts.suppression)


def _reader(parts: Parts, told: Story) -> tuple[str, Callable[[datetime], str]]:
    """Give the reader's language, and what writes a moment as their day."""
    if told.person is None:
        raise AssertionError("a story without its person")
    choices = told.person.choices
    language = spoken(choices.reading.languages[0])
    zone = ZoneInfo(choices.time_zone or parts.settings.time_zone)

    def day(moment: datetime) -> str:
        return date_text(moment.astimezone(zone).date(), language)

    return language, day


def _shown(mail: MailFact, day: str) -> ShownMail:
    return ShownMail(
        day=day,
        subject=mail.subject,
        language=mail.language,
        cadence=mail.cadence and mail.cadence.value,
        became=_BECAME.get(mail.state, "not sent"),
    )
