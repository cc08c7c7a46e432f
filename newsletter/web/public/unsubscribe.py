"""The way out: a page with one button, and the one-click address of RFC 8058. Both are the same address.

GET shows and changes nothing, since scanners open every link; the database itself refuses a change in it. POST takes
the person off: it needs no cookie, no redirect and no mark of a form, for the sealed token in the address is the
authority. The body is not even read.
"""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from newsletter.languages import spoken
from newsletter.web.pages import Pages
from newsletter.wiring import Parts
from subscribers.leaving import leave_by_link
from subscribers.model import LeftReason, Status
from subscribers.standing import find_leaver
from subscribers.tokens import Purpose


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.get("/unsubscribe/{token}")
    def show(token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        with parts.database.read() as session:
            person = find_leaver(session, claim)
        if person.status is Status.LEFT and person.left_reason is not LeftReason.UNDONE:
            return left_page(parts, pages, person.language, token, was_on=False)
        place = f"/unsubscribe/{token}/less"
        return pages.page(
            "unsubscribe.html",
            spoken(person.language),
            place=place,
            mark=parts.tokens.issue_form(place, at=parts.clock()),
            token=token,
        )

    @routes.post("/unsubscribe/{token}")
    async def act(request: Request, token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        source = "page" if request.headers.get("sec-fetch-mode") == "navigate" else "one-click"

        def do(session: Session) -> tuple[str, bool]:
            person = find_leaver(session, claim)
            how = f"unsubscribe {source}"
            was_on = leave_by_link(session, person, suppression=parts.suppression, source=how, now=parts.clock())
            return person.language, was_on

        language, was_on = await parts.together.write(do)
        return left_page(parts, pages, language, token, was_on=was_on)

    return routes


def left_page(parts: Parts, pages: Pages, language: str, token: str, *, was_on: bool, thanks: bool = False) -> Response:
    """Show that somebody has left, with a question that they need not answer.

    Args:
        parts: the newsletter's.
        pages: renders.
        language: theirs.
        token: of their way out.
        was_on: whether they were on until now.
        thanks: whether they have answered.
    """
    place = f"/unsubscribe/{token}/why"
    mark = parts.tokens.issue_form(place, at=parts.clock())
    return pages.page("left.html", spoken(language), place=place, mark=mark, was_on=was_on, thanks=thanks)
