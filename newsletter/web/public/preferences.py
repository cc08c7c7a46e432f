"""What a subscriber chose, shown to them. Changing it here joins with its own issue."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from newsletter.web.pages import Pages, spoken
from newsletter.wiring import Parts
from subscribers.leaving import find_claimed
from subscribers.model import Subscriber
from subscribers.preferences import Cadence, Format
from subscribers.tokens import Purpose


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the page shows."""

    cadence: Cadence
    languages: tuple[str, ...]
    topics: tuple[str, ...]
    countries: tuple[str, ...]
    text_only: bool


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.get("/preferences/{token}")
    def show(token: str) -> Response:
        claim = parts.tokens.read(Purpose.PREFERENCES, token)
        with parts.database.read() as session:
            person = find_claimed(session, claim)
            choices = _choices(person)
            unsubscribe = parts.links.token(Purpose.UNSUBSCRIBE, subscriber_id=person.id, epoch=person.token_epoch)
        return pages.page(
            "preferences.html", spoken(choices.languages[0]), choices=choices, unsubscribe=f"/unsubscribe/{unsubscribe}"
        )

    return routes


def _choices(person: Subscriber) -> Choices:
    profile = person.profile
    return Choices(
        cadence=person.cadence,
        languages=tuple(profile.languages),
        topics=tuple(profile.topics),
        countries=tuple(profile.countries),
        text_only=profile.format is Format.TEXT,
    )
