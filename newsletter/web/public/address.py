"""A change of address: asked for on one's own page, confirmed from the new address; see `move`."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from newsletter.languages import spoken
from newsletter.web.forms import Posted, check_mark, posted
from newsletter.web.pages import Pages
from newsletter.wiring import Parts
from subscribers.addresses import MAX_TYPED, NotAnAddress, parse_address
from subscribers.moving import ask_to_move
from subscribers.standing import find_active
from subscribers.tokens import Purpose


def router(parts: Parts, pages: Pages, *, on_request: Callable[[], None]) -> APIRouter:
    """Make the routes.

    Args:
        parts: the newsletter's.
        pages: renders.
        on_request: called when something was noted that is to be sorted.
    """
    routes = APIRouter()

    def page(token: str, language: str, *, typed: str = "", said: str = "", status: int = 200) -> Response:
        place = f"/preferences/{token}/address"
        mark = parts.tokens.issue_form(place, at=parts.clock())
        return pages.page(
            "address.html", spoken(language), status=status, place=place, mark=mark, typed=typed, said=said, token=token
        )

    @routes.get("/preferences/{token}/address")
    def show(token: str) -> Response:
        claim = parts.tokens.read(Purpose.PREFERENCES, token)
        with parts.database.read() as session:
            language = find_active(session, claim).language
        return page(token, language)

    @routes.post("/preferences/{token}/address")
    def act(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim, now = parts.tokens.read(Purpose.PREFERENCES, token), parts.clock()
        check_mark(parts.tokens, f"/preferences/{token}/address", form, now=now)
        typed = form.one("email")
        try:
            address = parse_address(typed)
        except NotAnAddress:
            address = None
        with parts.database.write() as session:
            person = find_active(session, claim)
            noted = address is not None and ask_to_move(session, person.id, address, now=now)
        if address is None:
            return page(token, person.language, typed=typed[:MAX_TYPED], said="email", status=422)
        if not noted:
            return page(token, person.language, said="many", status=429)
        on_request()
        return page(token, person.language, said="asked")

    return routes
