"""The way out: a page with one button, and the one-click address of RFC 8058. Both are the same address.

GET shows and changes nothing, since scanners open every link; the database itself refuses a change in it. POST takes
the person off: it needs no cookie, no redirect and no CSRF token, for the sealed token in the address is the
authority. The body is not even read.
"""

from fastapi import APIRouter, Request, Response

from newsletter.web.pages import Pages, spoken
from newsletter.wiring import Parts
from subscribers.leaving import find_claimed, leave
from subscribers.model import Status
from subscribers.tokens import Purpose


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.get("/unsubscribe/{token}")
    def show(token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        with parts.database.read() as session:
            person = find_claimed(session, claim)
            language = person.profile.languages[0]
            has_left = person.status is Status.LEFT
        if has_left:
            return pages.page("left.html", spoken(language), was_on=False)
        return pages.page("unsubscribe.html", spoken(language), token=token)

    @routes.post("/unsubscribe/{token}")
    def act(request: Request, token: str) -> Response:
        claim = parts.tokens.read(Purpose.UNSUBSCRIBE, token)
        with parts.database.write() as session:
            person = find_claimed(session, claim)
            language = person.profile.languages[0]
            source = "page" if request.headers.get("sec-fetch-mode") == "navigate" else "one-click"
            was_on = leave(session, person, source=f"unsubscribe {source}", now=parts.clock())
        return pages.page("left.html", spoken(language), was_on=was_on)

    return routes
