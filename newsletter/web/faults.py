"""What people are told when something is wrong: a page, with what to do, and the right status."""

import logging

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from newsletter.appeals.archive import NotPublic, Withdrawn
from newsletter.languages import spoken
from newsletter.web.forms import FormExpired, FormTooLarge, FormWrong
from newsletter.web.pages import Pages, accepted_language, page_language
from subscribers.errors import Fault
from subscribers.joining import SignUpExpired
from subscribers.moving import AddressTaken, MoveExpired
from subscribers.standing import HasLeft
from subscribers.tokens import InvalidToken

log = logging.getLogger(__name__)


def _answer_about_appeals(app: FastAPI, pages: Pages) -> None:
    @app.exception_handler(NotPublic)
    def missing(request: Request, _fault: NotPublic) -> Response:
        return pages.page("missing.html", accepted_language(request), status=404)

    @app.exception_handler(Withdrawn)
    def withdrawn(request: Request, _fault: Withdrawn) -> Response:
        return pages.page("withdrawn.html", page_language(request), status=410)


def answer_faults(app: FastAPI, pages: Pages) -> None:
    """Give an application an answer to every fault."""
    _answer_about_appeals(app, pages)

    @app.exception_handler(InvalidToken)
    def invalid(request: Request, _fault: InvalidToken) -> Response:
        return pages.page("invalid.html", accepted_language(request), status=404)

    @app.exception_handler(HasLeft)
    def gone(request: Request, fault: HasLeft) -> Response:
        language = spoken(str(fault.facts["language"]))
        return pages.page("gone.html", language, status=409, token=request.path_params["token"])

    @app.exception_handler(SignUpExpired)
    @app.exception_handler(MoveExpired)
    def too_late(request: Request, _fault: SignUpExpired | MoveExpired) -> Response:
        return pages.page("too_late.html", accepted_language(request), status=410)

    @app.exception_handler(AddressTaken)
    def taken(request: Request, _fault: AddressTaken) -> Response:
        return pages.page("taken.html", accepted_language(request), status=409)

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
