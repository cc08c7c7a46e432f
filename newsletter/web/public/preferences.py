"""What a subscriber chose, and their page to choose otherwise. It needs no script, no cookie and no password.

The sealed token in the address is the authority. GET shows; only POST changes, with the mark that its own page carries.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from newsletter.appeals.model import countries_in_use, topics_in_use
from newsletter.delivery.deciding import decide
from newsletter.languages import country_name, hour_text, language_name, languages, weekday_names
from newsletter.settings import is_language_tag
from newsletter.web.forms import Posted, check_mark, posted
from newsletter.web.pages import Pages, spoken
from newsletter.wiring import Parts
from subscribers.choices import HOURS, WEEKDAYS, Choices, time_zones
from subscribers.leaving import find_claimed
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format, Reading
from subscribers.tokens import Purpose

LANGUAGES = 4  # that somebody can put in order; one more than they have, at the least
MOST_LANGUAGES = 20
LONGEST_PAUSE = timedelta(days=366)
REGIONS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")  # of IANA's zones
SOURCE = "preferences page"

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One thing to choose.

    Attributes:
        value: what the form sends.
        label: what the reader reads.
        chosen: whether it is chosen now.
    """

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class PreferencesForm:
    """What the page shows.

    Attributes:
        mark: that the form is ours.
        cadence, alerts, discreet, alerts_while_paused, text_only: as in `Choices`.
        weekdays, hours, topics, countries: to choose from.
        zones: to choose from, by part of the world.
        languages: one list for each place in the order.
        pause: the day until which nothing comes, as 2026-12-03; empty means no pause.
        first_day, last_day: that a pause can have.
    """

    mark: str
    cadence: Cadence
    alerts: bool
    weekdays: tuple[Option, ...]
    hours: tuple[Option, ...]
    zones: tuple[tuple[str, tuple[Option, ...]], ...]
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

    @routes.get("/preferences/{token}")
    def show(token: str, saved: str | None = None) -> Response:
        claim = parts.tokens.read(Purpose.PREFERENCES, token)
        with parts.database.read() as session:
            person = find_claimed(session, claim)
            choices = Choices.of(person)
            offered = _Offered.to(choices, topics_in_use(session), countries_in_use(session))
            unsubscribe = _way_out(parts, person)
        language = spoken(choices.reading.languages[0])
        return pages.page(
            "preferences.html",
            language,
            form=_form(parts, token, choices, offered, language),
            unsubscribe=unsubscribe,
            place=_place(token),
            saved=saved is not None,
            fault="",
        )

    @routes.post("/preferences/{token}")
    def save(token: str, form: Annotated[Posted, Depends(posted)]) -> Response:
        claim = parts.tokens.read(Purpose.PREFERENCES, token)
        now = parts.clock()
        check_mark(parts.tokens, _place(token), form, now=now)
        with parts.database.write() as session:
            person = find_claimed(session, claim)
            before = Choices.of(person)
            offered = _Offered.to(before, topics_in_use(session), countries_in_use(session))
            wanted = _read(form, before, offered, own_zone=parts.settings.time_zone, now=now)
            if not isinstance(wanted, _Fault):
                decide(session, person, wanted, source=SOURCE, now=now)
            unsubscribe = _way_out(parts, person)
        if not isinstance(wanted, _Fault):
            return RedirectResponse(f"{_place(token)}?saved", status_code=303)
        language = spoken(before.reading.languages[0])
        return pages.page(
            "preferences.html",
            language,
            status=422,
            form=_form(parts, token, wanted.choices, offered, language),
            unsubscribe=unsubscribe,
            place=_place(token),
            saved=False,
            fault=wanted.field,
        )

    return routes


@dataclass(frozen=True, kw_only=True)
class _Offered:
    languages: tuple[str, ...]
    topics: tuple[str, ...]
    countries: tuple[str, ...]

    @classmethod
    def to(cls, choices: Choices, topics: list[str], countries: list[str]) -> "_Offered":
        """Offer what there is, and whatever was chosen before."""
        reading = choices.reading
        return cls(
            languages=tuple(dict.fromkeys([*reading.languages, *languages()])),
            topics=tuple(sorted({*topics, *reading.topics})),
            countries=tuple(sorted({*countries, *reading.countries})),
        )


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


def _way_out(parts: Parts, person: Subscriber) -> str:
    token = parts.links.token(Purpose.UNSUBSCRIBE, subscriber_id=person.id, epoch=person.token_epoch)
    return f"/unsubscribe/{token}"


# ── from the form ────────────────────────────────────────────────────────────────────────────────────────────────


def _read(form: Posted, before: Choices, offered: _Offered, *, own_zone: str, now: datetime) -> Choices | _Fault:
    """Read what somebody wants; what no page of ours offers leaves things as they are."""
    zone = form.one("time_zone")
    chosen = [form.one(f"language{place}") for place in range(1, MOST_LANGUAGES + 1)]
    tags = tuple(dict.fromkeys(tag for tag in chosen if tag in offered.languages and is_language_tag(tag)))
    wanted = Choices(
        cadence=_word(Cadence, form.one("cadence"), before.cadence),
        alerts=form.has("alerts"),
        hour=_number(form.one("hour"), HOURS, before.hour),
        weekday=_number(form.one("weekday"), WEEKDAYS, before.weekday),
        time_zone=zone if zone == "" or zone in time_zones() else before.time_zone,
        paused_until=before.paused_until,
        alerts_while_paused=form.has("alerts_while_paused"),
        reading=Reading(
            languages=tags or before.reading.languages,
            topics=frozenset(form.many("topic")) & frozenset(offered.topics),
            countries=frozenset(form.many("country")) & frozenset(offered.countries),
            format=_word(Format, form.one("format"), before.reading.format),
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


def _word(kind: type[Word], word: str, otherwise: Word) -> Word:
    return kind(word) if word in list(kind) else otherwise


def _number(text: str, possible: range, otherwise: int) -> int:
    return int(text) if text in map(str, possible) else otherwise


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


def _form(parts: Parts, token: str, choices: Choices, offered: _Offered, language: str) -> PreferencesForm:
    reading, now = choices.reading, parts.clock()
    zone = ZoneInfo(choices.time_zone or parts.settings.time_zone)
    today = now.astimezone(zone).date()
    pause = choices.paused_until
    return PreferencesForm(
        mark=parts.tokens.issue_form(_place(token), at=now),
        cadence=choices.cadence,
        alerts=choices.alerts,
        weekdays=_options(weekday_names(language).items(), {choices.weekday}),
        hours=_options(((hour, hour_text(hour, language)) for hour in HOURS), {choices.hour}),
        zones=tuple(
            (region, _options(((name, _city(name)) for name in names), {choices.time_zone}))
            for region, names in _zones(choices.time_zone)
        ),
        languages=tuple(
            _options(
                ((tag, language_name(tag, tag)) for tag in offered.languages),
                set(reading.languages[place : place + 1]),
            )
            for place in range(max(LANGUAGES, len(reading.languages) + 1))
        ),
        topics=_options(((topic, topic) for topic in offered.topics), reading.topics),
        countries=_options(_named(offered.countries, language), reading.countries),
        text_only=reading.format is Format.TEXT,
        discreet=reading.discreet,
        pause=pause.astimezone(zone).date().isoformat() if pause is not None and pause > now else "",
        first_day=(today + timedelta(days=1)).isoformat(),
        last_day=(today + LONGEST_PAUSE - timedelta(days=1)).isoformat(),
        alerts_while_paused=choices.alerts_while_paused,
    )


def _options(named: Iterable[tuple[object, str]], chosen: Collection[object]) -> tuple[Option, ...]:
    return tuple(Option(value=str(value), label=label, chosen=value in chosen) for value, label in named)


def _named(codes: Iterable[str], language: str) -> list[tuple[str, str]]:
    """Name countries, in the order of their names."""
    return sorted(((code, country_name(code, language)) for code in codes), key=lambda named: named[1])


def _zones(chosen: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give the zones to choose from, by part of the world; an unusual one that somebody has comes first."""
    usual = _zones_by_region()
    if not chosen or any(chosen in names for _region, names in usual):
        return usual
    return (chosen, (chosen,)), *usual


@cache
def _zones_by_region() -> tuple[tuple[str, tuple[str, ...]], ...]:
    regions: dict[str, list[str]] = {region: [] for region in REGIONS}
    for name in sorted(time_zones()):
        region, _, place = name.partition("/")
        if place and region in regions:
            regions[region].append(name)
    return tuple((region, tuple(names)) for region, names in regions.items())


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ").replace("/", ", ") or zone
