"""The web application, put together."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from newsletter.editions.render import templates_folder
from newsletter.web.forms import FormExpired, FormTooLarge, FormWrong
from newsletter.web.pages import Pages, accepted_language
from newsletter.web.public import data, preferences, unsubscribe
from newsletter.web.security import SecurityHeaders
from newsletter.wiring import Parts
from subscribers.errors import Fault
from subscribers.tokens import InvalidToken

log = logging.getLogger(__name__)


def create_app(parts: Parts) -> FastAPI:
    """Put the pages together.

    Args:
        parts: the newsletter's; its database is opened here, so that a wrong one is told at start.
    """
    parts.database  # noqa: B018 - a database that isn't ours must stop the start, not the first visitor
    parts.tokens  # noqa: B018 - so must a missing key
    pages = Pages(parts.brand)
    # No interactive documentation: it would load scripts from elsewhere.
    app = FastAPI(title="Solidarity Newsletter", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)
    app.include_router(unsubscribe.router(parts, pages))
    app.include_router(preferences.router(parts, pages))
    app.include_router(data.router(parts, pages))
    app.mount("/static", StaticFiles(directory=templates_folder() / "web" / "static"), name="static")

    @app.get("/")
    def home(request: Request) -> Response:
        return pages.page("home.html", accepted_language(request))

    @app.exception_handler(InvalidToken)
    def invalid(request: Request, _fault: InvalidToken) -> Response:
        return pages.page("invalid.html", accepted_language(request), status=404)

    @app.exception_handler(FormExpired)
    @app.exception_handler(FormWrong)
    def form_refused(request: Request, _fault: FormExpired | FormWrong) -> Response:
        return pages.page("form.html", accepted_language(request), status=400)

    @app.exception_handler(FormTooLarge)
    def form_too_large(request: Request, _fault: FormTooLarge) -> Response:
        return pages.page("form.html", accepted_language(request), status=413)

    @app.exception_handler(HTTPException)
    def http_fault(request: Request, fault: HTTPException) -> Response:
        answer = pages.page("missing.html", accepted_language(request), status=fault.status_code)
        answer.headers.update(fault.headers or {})
        return answer

    @app.exception_handler(Fault)
    def refused(request: Request, fault: Fault) -> Response:
        log.error("%s", fault)  # a sentence about the machine; tokens and addresses are in none of them
        return pages.page("failed.html", accepted_language(request), status=503)

    return app
