"""What a subscriber chose, and their page to choose otherwise. It needs no script, no cookie and no password.

The sealed token in the address is the authority. GET shows; only POST changes, with the mark that its own page carries.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from newsletter.delivery.deciding import decide
from newsletter.languages import hour_text, spoken, weekday_names, zone_names
from newsletter.web.forms import Posted, check_mark, posted
from newsletter.web.pages import Pages
from newsletter.web.public.choosing import Offered, Option, number_in, options, word_in
from newsletter.wiring import Parts
from subscribers.choices import HOURS, WEEKDAYS, Choices, time_zones
from subscribers.preferences import Cadence, Format, Reading
from subscribers.standing import Standing, find_active
from subscribers.tokens import Purpose

LONGEST_PAUSE = timedelta(days=366)
SOURCE = "preferences page"


@dataclass(frozen=True, kw_only=True)
class PreferencesForm:
    """What the page shows.

    Attributes:
        mark: that the form is ours.
        cadence, alerts, discreet, alerts_while_paused, text_only: as in `Choices`.
        weekdays, hours, zones, topics, countries: to choose from.
        languages: one list for each place in the order.
        pause: the day until which nothing comes, as 2026-12-03; empty means no pause.
        first_day, last_day: that a pause can have.
    """

    mark: str
    cadence: Cadence
    alerts: bool
    weekdays: tuple[Option, ...]
    hours: tuple[Option, ...]
    zones: tuple[Option, ...]
    languages: tuple[tuple[Option, ...], ...]
    topics: tuple[Option, ...]
    countries: tuple[Option, ...]
    text_only: bool
    discreet: bool
    pause: str
    first_day: str
    last_day: str
    alerts_while_paused: bool


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    def page(person: Standing, token: str, shown: Choices, offered: Offered, *, saved: bool, fault: str) -> Response:
        language = spoken(person.language)
        return pages.page(
            "preferences.html",
            language,
            status=422 if fault else 200,
            form=_form(parts, token, shown, offered, language),
            unsubscribe=_way_out(parts, person),
            place=_place(token),
            saved=saved,
            fault=fault,
        )

    @routes.get("/preferences/{token}")
    def show(token: str, saved: str | None = None) -> Response:
        claim = parts.tokens.read(Purpose.PREFERENCES, token)
        with parts.database.read() as session:
            person = find_active(session, claim)
            offered = Offered.to(session, person.choices.reading)
        return page(person, token, person.choices, offered, saved=saved is not None, fault="")

    @routes.post("/preferences/{token}")
    async def save(request: Request, token: str) -> Response:
        form = await posted(request)
        claim, now = parts.tokens.read(Purpose.PREFERENCES, token), parts.clock()
        check_mark(parts.tokens, _place(token), form, now=now)

        def do(session: Session) -> tuple[Standing, Choices | _Fault, Offered]:
            person = find_active(session, claim)
            offered = Offered.answered(session, person.choices.reading, form)
            wanted = _read(form, person.choices, offered, own_zone=parts.settings.time_zone, now=now)
            if isinstance(wanted, _Fault):
                return person, wanted, Offered.to(session, person.choices.reading)
            decide(session, person.id, person.choices, wanted, source=SOURCE, now=now)
            return person, wanted, offered

        person, wanted, offered = await parts.together.write(do)
        if not isinstance(wanted, _Fault):
            return RedirectResponse(f"{_place(token)}?saved", status_code=303)
        return page(person, token, wanted.choices, offered, saved=False, fault=wanted.field)

    return routes


@dataclass(frozen=True)
class _Fault:
    """What can't be done as it was asked for.

    Attributes:
        field: where the fault is.
        choices: the rest of what was asked for.
    """

    field: str
    choices: Choices


def _place(token: str) -> str:
    return f"/preferences/{token}"


def _way_out(parts: Parts, person: Standing) -> str:
    token = parts.links.token(Purpose.UNSUBSCRIBE, subscriber_id=person.id, epoch=person.token_epoch)
    return f"/unsubscribe/{token}"


# ── from the form ────────────────────────────────────────────────────────────────────────────────────────────────


def _read(form: Posted, before: Choices, offered: Offered, *, own_zone: str, now: datetime) -> Choices | _Fault:
    """Read what somebody wants; what no page of ours offers leaves things as they are."""
    zone = form.one("time_zone")
    tags = offered.languages_in(form)
    wanted = Choices(
        cadence=word_in(Cadence, form.one("cadence"), before.cadence),
        alerts=form.has("alerts"),
        hour=number_in(form.one("hour"), HOURS, before.hour),
        weekday=number_in(form.one("weekday"), WEEKDAYS, before.weekday),
        time_zone=zone if zone == "" or zone in time_zones() else before.time_zone,
        paused_until=before.paused_until,
        alerts_while_paused=form.has("alerts_while_paused"),
        reading=Reading(
            languages=tags or before.reading.languages,
            topics=offered.topics_in(form),
            countries=offered.countries_in(form),
            format=word_in(Format, form.one("format"), before.reading.format),
            discreet=form.has("discreet"),
        ),
    )
    if not tags:
        return _Fault("languages", wanted)
    try:
        paused_until = _pause(form.one("pause"), ZoneInfo(wanted.time_zone or own_zone), now)
    except ValueError:
        return _Fault("pause", wanted)
    return replace(wanted, paused_until=paused_until)


def _pause(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Read the day until which nothing shall come: mails come again when it begins.

    Raises:
        ValueError: it is no day, is over, or is too far away.
    """
    if not text:
        return None
    until = datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    if not now < until <= now + LONGEST_PAUSE:
        raise ValueError(text)
    return until


# ── for the page ─────────────────────────────────────────────────────────────────────────────────────────────────


def _form(parts: Parts, token: str, choices: Choices, offered: Offered, language: str) -> PreferencesForm:
    reading, now = choices.reading, parts.clock()
    zone = ZoneInfo(choices.time_zone or parts.settings.time_zone)
    today = now.astimezone(zone).date()
    pause = choices.paused_until
    return PreferencesForm(
        mark=parts.tokens.issue_form(_place(token), at=now),
        cadence=choices.cadence,
        alerts=choices.alerts,
        weekdays=options(weekday_names(language).items(), {choices.weekday}),
        hours=options(((hour, hour_text(hour, language)) for hour in HOURS), {choices.hour}),
        zones=_zones(choices.time_zone, language),
        languages=offered.language_rows(reading),
        topics=offered.topic_options(reading),
        countries=offered.country_options(reading, language),
        text_only=reading.format is Format.TEXT,
        discreet=reading.discreet,
        pause=pause.astimezone(zone).date().isoformat() if pause is not None and pause > now else "",
        first_day=(today + timedelta(days=1)).isoformat(),
        last_day=(today + LONGEST_PAUSE - timedelta(days=1)).isoformat(),
        alerts_while_paused=choices.alerts_while_paused,
    )


def _zones(chosen: str, language: str) -> tuple[Option, ...]:
    """Give the zones to choose from, by country; an unusual one that somebody has comes first."""
    usual = zone_names(language)
    unusual = [(chosen, chosen)] if chosen and chosen not in dict(usual) else []
    return options([*unusual, *usual], {chosen})
