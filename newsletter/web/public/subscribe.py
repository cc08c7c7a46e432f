"""The form to join, which takes the same way and the same time whether an address is known, suppressed or new.

It only notes what was asked for; what follows from it is the reception's, later. Against those who would sign others up
by the thousand: a mark that says when the page was written, a field that only machines fill in, a little work for the
browser, and ceilings. All of it is noticed by nobody who just fills in the form, with or without JavaScript.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from newsletter.languages import words
from newsletter.web.forms import MARK, Posted, check_mark, posted
from newsletter.web.limits import Ceiling, network_prefix
from newsletter.web.pages import Pages, page_language
from newsletter.web.proof import ProofOfWork
from newsletter.web.public.choosing import Offered, Option, word_in
from newsletter.web.security import SCRIPTED
from newsletter.wiring import Parts
from subscribers.addresses import MAX_TYPED, Address, NotAnAddress, parse_address
from subscribers.choices import Choices
from subscribers.joining import ask
from subscribers.preferences import Cadence, Reading

PLACE = "/subscribe"
HONEYPOT = "website"  # nobody sees it; machines fill it in
LEAST = timedelta(seconds=3)  # that a person takes for the form, where the browser did no work
MAX_NAME = 100
MAX_SOURCE = 80


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """How many sign-ups an hour are taken.

    Attributes:
        of_network: from one network, of those whose browser did its work.
        in_all: from everywhere, likewise.
        of_network_unproven, in_all_unproven: of those whose browser runs no script.
    """

    of_network: Ceiling = field(default_factory=lambda: Ceiling(40))
    in_all: Ceiling = field(default_factory=lambda: Ceiling(4_000))
    of_network_unproven: Ceiling = field(default_factory=lambda: Ceiling(8))
    in_all_unproven: Ceiling = field(default_factory=lambda: Ceiling(120))

    def take(self, host: str, *, proven: bool, now: float) -> bool:
        """Say whether one more sign-up may come from an address of the network, and count it."""
        network = network_prefix(host)
        of_network, in_all = (
            (self.of_network, self.in_all) if proven else (self.of_network_unproven, self.in_all_unproven)
        )
        return of_network.take(network, now) and in_all.take("", now)


@dataclass(frozen=True, kw_only=True)
class JoinForm:
    """What the page shows.

    Attributes:
        mark: that the form is ours, and when it was written.
        task: for the browser; see `ProofOfWork`.
        email, name: as typed so far.
        source: which form it came from.
        cadence, alerts: as in `Choices`.
        languages: one list for each place in the order.
        topics, countries: to choose from.
        narrowed: whether some of those are chosen.
        wording: what is agreed to.
    """

    mark: str
    task: str
    email: str
    name: str
    source: str
    cadence: Cadence
    alerts: bool
    languages: tuple[tuple[Option, ...], ...]
    topics: tuple[Option, ...]
    countries: tuple[Option, ...]
    narrowed: bool
    wording: str


def router(
    parts: Parts,
    pages: Pages,
    *,
    on_request: Callable[[], None],
    ceilings: Ceilings,
    monotonic: Callable[[], float] = time.monotonic,
) -> APIRouter:
    """Make the routes.

    Args:
        parts: the newsletter's.
        pages: renders.
        on_request: called when something was noted that is to be sorted.
        ceilings: how many are taken.
        monotonic: seconds of a clock that nobody sets.
    """
    routes = APIRouter()
    proof = ProofOfWork(parts.keys.derived(b"proof of work"))

    def page(request: Request, form: Posted, *, status: int = 200, fault: str = "", mark: str = "") -> Response:
        language = page_language(request)
        own = Reading(languages=(language,))
        with parts.database.read() as session:
            offered = Offered.to(session, own)
        choices = _choices(form, offered, own)
        mark = mark or parts.tokens.issue_form(PLACE, at=parts.clock())
        return pages.page(
            "subscribe.html",
            language,
            status=status,
            headers=SCRIPTED,
            form=JoinForm(
                mark=mark,
                task=proof.task(mark),
                email=form.one("email")[:MAX_TYPED],
                name=form.one("name")[:MAX_NAME],
                source=_source(form),
                cadence=choices.cadence,
                alerts=choices.alerts,
                languages=offered.language_rows(choices.reading),
                topics=offered.topic_options(choices.reading),
                countries=offered.country_options(choices.reading, language),
                narrowed=bool(choices.reading.topics or choices.reading.countries),
                wording=wording(parts, language),
            ),
            fault=fault,
        )

    @routes.get(PLACE)
    def show(request: Request) -> Response:
        return page(request, Posted({}))

    @routes.get(f"{PLACE}/sent")
    def sent(request: Request) -> Response:
        return pages.page("subscribe_sent.html", page_language(request))

    @routes.post(PLACE)
    async def join(request: Request, form: Annotated[Posted, Depends(posted)]) -> Response:
        if not form.has(MARK):  # from another site's form: it is continued on ours
            return await run_in_threadpool(page, request, form, fault="continue" if form.one("email") else "")
        now, mark = parts.clock(), form.one(MARK)
        written = check_mark(parts.tokens, PLACE, form, now=now)
        address = _address(form)
        if address is None:
            return await run_in_threadpool(page, request, form, status=422, fault="email", mark=mark)
        proven = await run_in_threadpool(proof.solved, form.one("proof"), mark)
        if not proven and now - written < LEAST:
            return await run_in_threadpool(page, request, form, status=422, fault="again", mark=mark)
        host = request.client.host if request.client else ""
        if not ceilings.take(host, proven=proven, now=monotonic()):
            return await run_in_threadpool(page, request, form, status=429, fault="many")
        language = page_language(request)
        if not form.one(HONEYPOT):
            await parts.together.write(_noting(parts, address, form, language, now))
            on_request()
        wanted = request.query_params.get("in")
        return RedirectResponse(f"{PLACE}/sent" + (f"?in={language}" if wanted else ""), status_code=303)

    return routes


def _noting(parts: Parts, address: Address, form: Posted, language: str, now: datetime) -> Callable[[Session], None]:
    """Give what notes a sign-up: the same steps for every address."""

    def note(session: Session) -> None:
        own = Reading(languages=(language,))
        ask(
            session,
            address,
            name=form.one("name").strip()[:MAX_NAME],
            choices=_choices(form, Offered.answered(session, own, form), own),
            wording=wording(parts, language),
            source=_source(form),
            now=now,
        )

    return note


def wording(parts: Parts, language: str) -> str:
    """Give what somebody agrees to who signs up, in the language that they read it in."""
    return words(language).gettext(
        "I want appeals for solidarity from %(organisation)s by email. My address and my choices, which can show"
        " political opinions, are stored for that alone. I can change or withdraw this at any time, with one click in"
        " every mail."
    ) % {"organisation": parts.brand.name}


def _address(form: Posted) -> Address | None:
    try:
        return parse_address(form.one("email"))
    except NotAnAddress:
        return None


def _source(form: Posted) -> str:
    """Name the form that somebody filled in: our page, or the one on another site that says which it is."""
    return " ".join(form.one("source").split())[:MAX_SOURCE] or "sign-up page"


def _choices(form: Posted, offered: Offered, own: Reading) -> Choices:
    """Read what somebody wants; what no form of ours offers is as if it was not said."""
    touched = form.has("cadence")
    return Choices(
        cadence=word_in(Cadence, form.one("cadence"), Cadence.WEEKLY),
        alerts=form.has("alerts") or not touched,
        reading=Reading(
            languages=offered.languages_in(form) or own.languages,
            topics=offered.topics_in(form),
            countries=offered.countries_in(form),
        ),
    )
