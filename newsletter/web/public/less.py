"""Beside leaving: less and not nothing, and why somebody left. Forms like all others, below the way out."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response
from sqlalchemy.orm import Session

from newsletter.delivery.deciding import decide
from newsletter.languages import date_text, spoken
from newsletter.web.forms import FormWrong, Posted, check_mark, posted
from newsletter.web.pages import Pages
from newsletter.web.public.unsubscribe import left_page
from newsletter.wiring import Parts
from subscribers.choices import Choices
from subscribers.leaving import tell_why
from subscribers.model import Status, WhyLeft
from subscribers.preferences import Cadence
from subscribers.standing import Standing, find_leaver
from subscribers.tokens import Purpose

PAUSE = timedelta(days=91)
SOURCE = "less instead of leaving"


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.post("/unsubscribe/{token}/less")
    async def less(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim, now = parts.tokens.read(Purpose.UNSUBSCRIBE, token), parts.clock()
        check_mark(parts.tokens, f"/unsubscribe/{token}/less", form, now=now)
        pauses = _wants_pause(form)

        def do(session: Session) -> tuple[Standing, datetime | None]:
            person = find_leaver(session, claim)
            before = person.choices
            until = max(now + PAUSE, before.paused_until or now) if pauses else None
            if person.status is not Status.LEFT:
                decide(session, person.id, before, _less(before, until), source=SOURCE, now=now)
            return person, until

        person, until = await parts.together.write(do)
        if person.status is Status.LEFT:
            return left_page(parts, pages, person.language, token, was_on=False)
        zone = ZoneInfo(person.choices.time_zone or parts.settings.time_zone)
        language = spoken(person.language)
        day = date_text(until.astimezone(zone).date(), language) if until else None
        return pages.page("less.html", language, until=day, token=token)

    @routes.post("/unsubscribe/{token}/why")
    async def why(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        check_mark(parts.tokens, f"/unsubscribe/{token}/why", form, now=parts.clock())
        answer = _answer(form)

        def do(session: Session) -> str:
            person = find_leaver(session, claim)
            tell_why(session, person.id, answer)
            return person.language

        language = await parts.together.write(do)
        return left_page(parts, pages, language, token, was_on=True, thanks=True)

    return routes


def _wants_pause(form: Posted) -> bool:
    wanted = form.one("less")
    if wanted not in {"monthly", "pause"}:
        raise FormWrong(reason="it does not say what shall be less")
    return wanted == "pause"


def _answer(form: Posted) -> WhyLeft:
    said = form.one("why")
    if said not in list(WhyLeft):
        raise FormWrong(reason="it has no answer")
    return WhyLeft(said)


def _less(choices: Choices, until: datetime | None) -> Choices:
    """Give choices with a pause, or else once a month; who gets alerts alone gets no more than before."""
    if until is not None:
        return replace(choices, paused_until=until)
    return choices if choices.cadence is Cadence.URGENT else replace(choices, cadence=Cadence.MONTHLY)
