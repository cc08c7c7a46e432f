"""Pictures of appeals, each called after what it holds."""

from fastapi import APIRouter, Response

from newsletter.appeals.archive import NotPublic
from newsletter.appeals.labels import Label, LabelKind, newest
from newsletter.appeals.pictures import Picture
from newsletter.web.security import PUBLIC
from newsletter.wiring import Parts

KEPT_S = 3_600  # by whoever asked for it; an appeal may be withdrawn
HASH_LENGTH = 64


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

    return routes
