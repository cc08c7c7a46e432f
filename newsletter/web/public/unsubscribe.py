"""The way out: a page with one button, and the one-click address of RFC 8058. Both are the same address.

GET shows and changes nothing, since scanners open every link; the database itself refuses a change in it. POST takes
the person off: it needs no cookie, no redirect and no mark of a form, for the sealed token in the address is the
authority. The body is not even read.

Beside it, for those who want less and not nothing, and for those who like to say why they left: forms like all others.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from newsletter.delivery.deciding import decide
from newsletter.languages import date_text, spoken
from newsletter.web.forms import FormWrong, Posted, check_mark, posted
from newsletter.web.pages import Pages
from newsletter.wiring import Parts
from subscribers.choices import Choices
from subscribers.leaving import find_leaver, leave, tell_why
from subscribers.model import Status, WhyLeft
from subscribers.preferences import Cadence
from subscribers.tokens import Purpose

PAUSE = timedelta(days=91)
SOURCE = "less instead of leaving"


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    def mark(place: str) -> str:
        return parts.tokens.issue_form(place, at=parts.clock())

    def left(language: str, token: str, *, was_on: bool, thanks: bool = False) -> Response:
        place = f"/unsubscribe/{token}/why"
        return pages.page("left.html", spoken(language), place=place, mark=mark(place), was_on=was_on, thanks=thanks)

    @routes.get("/unsubscribe/{token}")
    def show(token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        with parts.database.read() as session:
            person = find_leaver(session, claim)
            language = person.profile.languages[0]
            has_left = person.status is Status.LEFT
        if has_left:
            return left(language, token, was_on=False)
        place = f"/unsubscribe/{token}/less"
        return pages.page("unsubscribe.html", spoken(language), place=place, mark=mark(place), token=token)

    @routes.post("/unsubscribe/{token}")
    def act(request: Request, token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        with parts.database.write() as session:
            person = find_leaver(session, claim)
            language = person.profile.languages[0]
            source = "page" if request.headers.get("sec-fetch-mode") == "navigate" else "one-click"
            was_on = leave(session, person, source=f"unsubscribe {source}", now=parts.clock())
        return left(language, token, was_on=was_on)

    @routes.post("/unsubscribe/{token}/less")
    def less(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim, now = parts.tokens.read(Purpose.UNSUBSCRIBE, token), parts.clock()
        check_mark(parts.tokens, f"/unsubscribe/{token}/less", form, now=now)
        pauses = _wants_pause(form)
        with parts.database.write() as session:
            person = find_leaver(session, claim)
            before = Choices.of(person)
            zone = ZoneInfo(before.time_zone or parts.settings.time_zone)
            language = person.profile.languages[0]
            until = max(now + PAUSE, before.paused_until or now) if pauses else None
            has_left = person.status is Status.LEFT
            if not has_left:
                decide(session, person, _less(before, until), source=SOURCE, now=now)
        if has_left:
            return left(language, token, was_on=False)
        day = date_text(until.astimezone(zone).date(), spoken(language)) if until else None
        return pages.page("less.html", spoken(language), until=day, token=token)

    @routes.post("/unsubscribe/{token}/why")
    def why(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        check_mark(parts.tokens, f"/unsubscribe/{token}/why", form, now=parts.clock())
        answer = _answer(form)
        with parts.database.write() as session:
            person = find_leaver(session, claim)
            language = person.profile.languages[0]
            tell_why(person, answer)
        return left(language, token, was_on=True, thanks=True)

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
