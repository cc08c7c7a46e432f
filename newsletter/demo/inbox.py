"""The demo's inbox in the browser. Mail is shown in a frame without rights, as a mail program would."""

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from newsletter.demo.postbox import Letter, Postbox
from newsletter.editions.render import templates_folder
from newsletter.languages import direction

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Mails carry their styles inline; links open outside of the frame; nothing runs and nothing is fetched.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def create_inbox(postbox: Postbox) -> FastAPI:
    """Make the inbox's application, to be mounted at /inbox."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    environment = Environment(
        loader=FileSystemLoader(templates_folder()), autoescape=select_autoescape(["html"]), undefined=StrictUndefined
    )

    def page(template: str, **facts: object) -> HTMLResponse:
        html = environment.get_template(f"web/demo/{template}").render(facts)
        return HTMLResponse(html, headers={"Content-Security-Policy": PAGE_POLICY})

    def found(number: int) -> Letter:
        letter = postbox.letter(number)
        if letter is None:
            raise HTTPException(404)
        return letter

    @app.get("/")
    def inbox() -> HTMLResponse:
        return page("inbox.html", letters=postbox.letters())

    @app.get("/{number}")
    def mail(number: int) -> HTMLResponse:
        letter = found(number)
        language = letter.header("Content-Language") or "en"
        return page("mail.html", letter=letter, language=language, direction=direction(language))

    @app.get("/{number}/html")
    def html(number: int) -> HTMLResponse:
        # As webmail does: links leave the frame.
        content = found(number).html.replace("<head>", '<head><base target="_blank">', 1)
        policy = MAIL_POLICY.replace("base-uri 'none'", "base-uri 'self'")
        return HTMLResponse(content, headers={"Content-Security-Policy": policy})

    @app.get("/{number}/source")
    def source(number: int) -> PlainTextResponse:
        return PlainTextResponse(found(number).source.decode("utf-8", "replace"))

    return app
