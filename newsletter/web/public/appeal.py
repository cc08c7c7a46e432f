"""An appeal's page: what happened, what to do, what became of it. The same for everybody who opens it."""

import json
import re
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from newsletter.appeals.archive import NotPublic, PublicAppeal, Withdrawn, continued_by, find_public
from newsletter.appeals.deeds import NAME_LONGEST, deeds_of
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.names import Register
from newsletter.appeals.pictures import Picture
from newsletter.languages import spoken
from newsletter.web.pages import Pages, accepted_languages
from newsletter.web.public.appeal_view import Showing, ShownAppeal, ShownPicture
from newsletter.web.security import SCRIPTED_PUBLIC
from newsletter.wiring import Parts

_YEAR = re.compile(r"[0-9]{4}")
_NUMBER = re.compile(r"[0-9]{3,9}(?:-[0-9]{1,9})?")


def router(parts: Parts, pages: Pages) -> APIRouter:
    """Make the routes."""
    routes = APIRouter()

    @routes.get("/appeals/{year}/{number}")
    def show(request: Request, year: str, number: str, did: str = "") -> Response:
        with parts.database.read() as session:
            appeal = find_appeal(session, year, number)
            showing = showing_now(parts, session)
            shown = showing.shown(
                appeal,
                showing.text_for(appeal, accepted_languages(request)),
                deeds=deeds_of(session, appeal.id),
                picture=_picture(session, showing, appeal, request),
            )
            languages = (shown.language, *accepted_languages(request))
            story = continued_by(session, appeal)
            original = _original(session, appeal)
            links = [showing.link(each, languages) for each in story if each.id != appeal.id]
        place = f"{shown.path}/did"
        return pages.page(
            "appeal.html",
            spoken(shown.language),
            headers=SCRIPTED_PUBLIC,
            appeal=shown,
            story=tuple(links),
            original=showing.link(original, languages) if original else None,
            data=_structured(shown, pages.brand.name, parts.settings.base_url),
            base_url=parts.settings.base_url,
            mark=parts.tokens.issue_form(place, at=parts.clock()) if shown.actions else "",
            thanked=next((action for action in shown.actions if action.key == did), None),
            name_longest=NAME_LONGEST,
            once=secrets.token_urlsafe(12),
        )

    @routes.get("/appeals/{year}/{number}/letter/{action}/{target}")
    def letter(request: Request, year: str, number: str, action: str, target: str) -> Response:
        with parts.database.read() as session:
            appeal = find_appeal(session, year, number)
            showing = showing_now(parts, session)
            shown = showing.shown(appeal, showing.text_for(appeal, accepted_languages(request)))
        found = next(
            (
                to
                for each in shown.actions
                if each.key == action
                for to in each.targets
                if str(to.number) == target and to.letter
            ),
            None,
        )
        if found is None:
            raise NotPublic
        return pages.page("letter.html", spoken(shown.language), headers=SCRIPTED_PUBLIC, appeal=shown, target=found)

    return routes


def find_appeal(session: Session, year: str, number: str) -> PublicAppeal:
    """Find the appeal whose page an address names.

    Raises:
        NotPublic, Withdrawn: see `find_public`.
    """
    if not _YEAR.fullmatch(year) or not _NUMBER.fullmatch(number):
        raise NotPublic
    return find_public(session, f"{year}/{number}")


def _original(session: Session, appeal: PublicAppeal) -> PublicAppeal | None:
    """Find what an appeal continues. A correction is to be read also where what it corrects is not, any more."""
    try:
        return find_public(session, appeal.original) if appeal.original else None
    except (NotPublic, Withdrawn):
        return None


def showing_now(parts: Parts, session: Session) -> Showing:
    """Get ready to show appeals at this moment."""
    return Showing(
        register=Register.for_saying(session, parts.name_seal),
        base_url=parts.settings.base_url,
        today=today_somewhere(parts.clock()),
    )


def _picture(session: Session, showing: Showing, appeal: PublicAppeal, request: Request) -> ShownPicture | None:
    found = session.get(Picture, appeal.document.picture) if appeal.document.picture else None
    if found is None:
        return None
    text = showing.text_for(appeal, accepted_languages(request))
    alt = text.picture_alt or next((each.picture_alt for each in appeal.document.texts if each.picture_alt), "")
    return ShownPicture(
        url=f"/pictures/{found.file_name}",
        width=found.width,
        height=found.height,
        alt=showing.register.said(alt, text.language),
        credit=showing.register.said(appeal.document.picture_credit, text.language),
    )


def _structured(appeal: ShownAppeal, organisation: str, base_url: str) -> Markup:
    """Tell search engines what stands here (schema.org), as JSON that can't end the script that holds it."""
    about: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": appeal.title,
        "description": appeal.summary[:300],
        "inLanguage": appeal.language,
        "datePublished": appeal.published_on.isoformat(),
        "mainEntityOfPage": appeal.url,
        "publisher": {"@type": "Organization", "name": organisation},
        "isAccessibleForFree": True,
    }
    if appeal.byline:
        about["creditText"] = appeal.byline
    if appeal.picture:
        about["image"] = base_url + appeal.picture.url
    if appeal.topics:
        about["keywords"] = list(appeal.topics)
    written = json.dumps(about, ensure_ascii=False)
    for unsafe in "<>&\u2028\u2029":
        written = written.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return Markup(written)  # noqa: S704 - nothing in it can end the element
