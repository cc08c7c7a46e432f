"""The web application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from newsletter.editions.render import templates_folder
from newsletter.web.faults import answer_faults
from newsletter.web.pages import Pages, accepted_language
from newsletter.web.public import (
    address,
    appeal,
    archive,
    confirm,
    data,
    deed,
    less,
    move,
    picture,
    preferences,
    subscribe,
    unsubscribe,
)
from newsletter.web.public.subscribe import Ceilings
from newsletter.web.security import SecurityHeaders
from newsletter.web.sorting import Sorting
from newsletter.wiring import Parts


def create_app(parts: Parts, *, ceilings: Ceilings | None = None) -> FastAPI:
    """Put the pages together.

    Args:
        parts: the newsletter's; its database is opened here, so that a wrong one is told at start.
        ceilings: how many sign-ups are taken; None means the usual ones.
    """
    parts.database  # noqa: B018 - a database that isn't ours must stop the start, not the first visitor
    parts.tokens  # noqa: B018 - so must a missing key
    pages = Pages(parts.brand)
    sorting = Sorting(
        sort=lambda: parts.reception.work(now=parts.clock()), tidy=lambda: parts.reception.forget(now=parts.clock())
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with sorting.running():
            yield

    # No interactive documentation: it would load scripts from elsewhere.
    app = FastAPI(title="Solidarity Newsletter", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(SecurityHeaders)
    app.include_router(archive.router(parts, pages))
    app.include_router(appeal.router(parts, pages))
    app.include_router(deed.router(parts))
    app.include_router(picture.router(parts))
    app.include_router(unsubscribe.router(parts, pages))
    app.include_router(less.router(parts, pages))
    app.include_router(preferences.router(parts, pages))
    app.include_router(data.router(parts, pages))
    app.include_router(address.router(parts, pages, on_request=sorting.soon))
    app.include_router(move.router(parts, pages))
    app.include_router(confirm.router(parts, pages))
    app.include_router(subscribe.router(parts, pages, on_request=sorting.soon, ceilings=ceilings or Ceilings()))
    app.mount("/static", StaticFiles(directory=templates_folder() / "web" / "static"), name="static")

    @app.get("/")
    def home(request: Request) -> Response:
        return pages.page("home.html", accepted_language(request))

    answer_faults(app, pages)
    return app
