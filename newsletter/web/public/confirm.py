"""Where links of a confirmation mail lead: do you want our mails, and: this was not me."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.orm import Session

from newsletter.delivery.forgetting import forget_service_mails
from newsletter.delivery.model import MailingKind
from newsletter.delivery.reception import forget_pending
from newsletter.languages import spoken
from newsletter.web.forms import Posted, posted
from newsletter.web.pages import Pages
from newsletter.web.public.questions import Questions
from newsletter.wiring import Parts
from subscribers.joining import Confirmed, confirm, decline, find_sign_up, standing
from subscribers.model import Subscriber
from subscribers.tokens import Purpose


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    questions = Questions(parts, pages)

    def came_of_it(language: str, came: Confirmed, preferences: str = "") -> Response:
        return pages.page("joined.html", spoken(language), came=came.value, preferences=preferences)

    @routes.get("/confirm/{token}")
    def ask_to_confirm(token: str) -> Response:
        errand = parts.tokens.read_errand(Purpose.CONFIRM, token)
        with parts.database.read() as session:
            sign_up = find_sign_up(session, errand, now=parts.clock())
            language, email, so_far = sign_up.language, sign_up.email, standing(session, sign_up)
            wording, declined = sign_up.wording, sign_up.declined_at is not None
        if declined:
            return pages.page("declined.html", spoken(language))
        return (
            came_of_it(language, so_far)
            if so_far
            else questions.ask(Purpose.CONFIRM, token, language, email=email, wording=wording)
        )

    @routes.post("/confirm/{token}")
    def do_confirm(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        errand, now = questions.answered(Purpose.CONFIRM, token, form), parts.clock()
        with parts.database.write() as session:
            sign_up = find_sign_up(session, errand, now=now)
            language, preferences = sign_up.language, ""
            came = confirm(session, sign_up, suppression=parts.suppression, now=now)
            if came is Confirmed.JOINED:
                person = session.get_one(Subscriber, sign_up.subscriber_id)
                preferences = parts.links.token(Purpose.PREFERENCES, subscriber_id=person.id, epoch=person.token_epoch)
                _welcome(parts, session, person, now)
        return came_of_it(language, came, preferences)

    @routes.get("/decline/{token}")
    def ask_to_decline(token: str) -> Response:
        errand = parts.tokens.read_errand(Purpose.DECLINE, token)
        with parts.database.read() as session:
            sign_up = find_sign_up(session, errand, now=parts.clock())
            language, declined = sign_up.language, sign_up.declined_at is not None
        if declined:
            return pages.page("declined.html", spoken(language))
        return questions.ask(Purpose.DECLINE, token, language)

    @routes.post("/decline/{token}")
    def do_decline(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        errand, now = questions.answered(Purpose.DECLINE, token, form), parts.clock()
        with parts.database.write() as session:
            parts.database.serialise(session, "subscribers")
            sign_up = find_sign_up(session, errand, now=now)
            language = sign_up.language
            number = sign_up.subscriber_id
            decline(session, sign_up, suppression=parts.suppression, now=now)
            session.flush()
            if number is not None:
                forget_service_mails(session, [number], now=now)
            forget_pending(session)
        return pages.page("declined.html", spoken(language))

    return routes


def _welcome(parts: Parts, session: Session, person: Subscriber, now: datetime) -> None:
    """Let them have the link to their page in a mail."""
    parts.service_desk.queue(
        session,
        MailingKind.WELCOME,
        person,
        email=person.email,
        address_key=person.address_key,
        language=person.profile.languages[0],
        now=now,
    )
