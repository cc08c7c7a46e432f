"""Somebody says that they did what an appeal asks for: counted, and tied to nobody who doesn't want it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from newsletter.appeals.archive import NotPublic
from newsletter.appeals.deeds import did
from newsletter.appeals.names import Register
from newsletter.editions.view import appeal_path
from newsletter.web.forms import Posted, check_mark, posted
from newsletter.web.limits import Ceiling, Once, network_prefix
from newsletter.web.pages import accepted_languages
from newsletter.web.public.appeal import find_appeal, showing_now
from newsletter.wiring import Parts

ONCE = "once"  # the field that tells one page that was opened from another


@dataclass(frozen=True, kw_only=True)
class DeedCeilings:
    """How many deeds an hour are counted, of one network and in all."""

    of_network: Ceiling = field(default_factory=lambda: Ceiling(60))
    in_all: Ceiling = field(default_factory=lambda: Ceiling(20_000))

    def take(self, host: str, now: float) -> bool:
        """Say whether one more is counted, and count it."""
        return self.of_network.take(network_prefix(host), now) and self.in_all.take("", now)


def router(
    parts: Parts,
    *,
    ceilings: DeedCeilings | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> APIRouter:
    """Make the route.

    Args:
        parts: the newsletter's.
        ceilings: how many are counted; None means the usual ones.
        monotonic: seconds of a clock that nobody sets.
    """
    routes = APIRouter()
    counted = ceilings or DeedCeilings()
    once = Once()

    @routes.post("/appeals/{year}/{number}/did")
    def do(request: Request, year: str, number: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        with parts.database.read() as session:
            appeal = find_appeal(session, year, number)
            shown_language = showing_now(parts, session).text_for(appeal, accepted_languages(request)).language
        path = appeal_path(appeal.document.reference)
        check_mark(parts.tokens, f"{path}/did", form, now=parts.clock())
        key = form.one("action")
        if key not in {action.key for action in appeal.document.actions}:
            raise NotPublic
        host = request.client.host if request.client else ""
        # Whoever presses twice did it once. Above the ceiling it isn't counted, and not said either: who inflates a
        # number learns nothing.
        if once.first(f"{form.one(ONCE)[:40]} {key}") and counted.take(host, monotonic()):
            with parts.database.write() as session:
                parts.database.share(session, "names")
                register = Register.writing(session, parts.name_seal)
                did(session, appeal.id, key, name=form.one("name"), register=register, now=parts.clock())
        return RedirectResponse(f"{path}?in={shown_language}&did={key}", status_code=303)

    return routes
