"""Where the link leads that a new address gets: is it yours? Then mail goes there, and the old one is told."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from newsletter.delivery.forgetting import forget_service_mails
from newsletter.delivery.model import MailingKind
from newsletter.languages import spoken
from newsletter.web.forms import Posted, posted
from newsletter.web.pages import Pages
from newsletter.web.public.questions import Questions
from newsletter.wiring import Parts
from subscribers.moving import find_move, move
from subscribers.tokens import Purpose


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    questions = Questions(parts, pages)

    @routes.get("/move/{token}")
    def ask(token: str) -> Response:
        errand = parts.tokens.read_errand(Purpose.MOVE, token)
        with parts.database.read() as session:
            asked, person = find_move(session, errand, now=parts.clock())
            language, email, done = person.profile.languages[0], asked.email, asked.confirmed_at is not None
        if done:
            return pages.page("moved.html", spoken(language))
        return questions.ask(Purpose.MOVE, token, language, email=email)

    @routes.post("/move/{token}")
    def act(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        errand, now = questions.answered(Purpose.MOVE, token, form), parts.clock()
        with parts.database.write() as session:
            parts.database.serialise(session, "subscribers")
            asked, person = find_move(session, errand, now=now)
            language = person.profile.languages[0]
            former = move(session, asked, person, suppression=parts.suppression, now=now)
            if former is not None:
                if former.gave_way is not None:
                    forget_service_mails(session, [former.gave_way], now=now)
                parts.service_desk.queue(
                    session,
                    MailingKind.MOVED,
                    person,
                    email=former.email,
                    address_key=former.address_key,
                    language=language,
                    now=now,
                )
        return pages.page("moved.html", spoken(language))

    return routes
