"""Pictures of appeals, and the organisation's own, each called after what it holds."""

import re

from fastapi import APIRouter, Response

from newsletter.appeals.archive import NotPublic
from newsletter.appeals.labels import Label, LabelKind, newest
from newsletter.appeals.pictures import Picture
from newsletter.web.security import PUBLIC
from newsletter.wiring import Parts

KEPT_S = 3_600  # by whoever asked for it; an appeal may be withdrawn
HASH_LENGTH = 64
LOGO_KEPT_S = 86_400
_LOGO = re.compile(r"[0-9a-f]{64}\.(?:png|jpg)")


def router(parts: Parts) -> APIRouter:
    """Make the route."""
    routes = APIRouter()

    @routes.get("/pictures/{name}")
    def picture(name: str) -> Response:
        digest, _, ending = name.partition(".")
        with parts.database.read() as session:
            public = len(digest) == HASH_LENGTH and newest(session, [Label(LabelKind.PICTURE, digest)], limit=1)
            found = session.get(Picture, digest) if public and ending else None
            if found is None or found.file_name != name:
                raise NotPublic
            return Response(
                found.content,
                media_type=found.media_type,
                headers={**PUBLIC, "Cache-Control": f"public, max-age={KEPT_S}"},
            )

    @routes.get("/logo/{name}")
    def logo(name: str) -> Response:
        # Mails that are out name the one of their day; they get the one of today.
        if parts.logo is None or not _LOGO.fullmatch(name):
            raise NotPublic
        headers = {**PUBLIC, "Cache-Control": f"public, max-age={LOGO_KEPT_S}"}
        return Response(parts.logo.content, media_type=parts.logo.media_type, headers=headers)

    return routes
