"""Turns templates into pages, in the reader's language."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from babel import negotiate_locale
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from newsletter.editions.render import templates_folder
from newsletter.editions.view import Brand
from newsletter.languages import country_name, direction, language_name, languages, number_text, words
from newsletter.settings import is_language_tag

MAX_ACCEPTED = 20  # languages of an Accept-Language header that are looked at


class Pages:
    """Renders pages; knows the organisation's name and colour, and nothing about who asks."""

    def __init__(self, brand: Brand) -> None:
        """Take the organisation's face."""
        self.brand = brand
        self._environment: Callable[[str], Environment] = cache(self._make_environment)

    def page(
        self,
        template: str,
        language: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
        **facts: object,
    ) -> HTMLResponse:
        """Render one page.

        Args:
            template: its file in `templates/web`.
            language: BCP 47 tag.
            status: of HTTP.
            headers: beside those that every page has.
            facts: frozen values that the template names.
        """
        html = self._environment(language).get_template(f"web/{template}").render(facts)
        return HTMLResponse(html, status_code=status, headers={"Content-Language": language, **headers})

    def _make_environment(self, language: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(templates_folder()),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(words(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
        environment.globals.update(language=language, direction=direction(language), brand=self.brand)
        environment.globals["number"] = lambda number: number_text(number, language)
        environment.filters["country"] = lambda code: country_name(code, language)
        environment.filters["own_name"] = lambda tag: language_name(tag, tag)
        environment.filters["language"] = lambda tag: language_name(tag, language)
        return environment


def page_language(request: Request) -> str:
    """Choose the language that the address asks for (`?in=ar`), as other sites' forms do, or that the browser does."""
    wanted = request.query_params.get("in", "")
    return wanted if wanted in languages() else accepted_language(request)


def accepted_languages(request: Request) -> tuple[str, ...]:
    """List the languages that the address asks for, and those that the browser does, the best first (BCP 47 tags).

    Any language: what there is to read may be in one that we have no catalogue for.
    """
    asked = request.query_params.get("in", "")
    wanted = (asked, *(tag.replace("_", "-") for tag in _accepted(request)))
    return tuple(dict.fromkeys(tag for tag in wanted if is_language_tag(tag)))


def accepted_language(request: Request) -> str:
    """Choose a language by Accept-Language (RFC 9110 12.5.4)."""
    return negotiate_locale(_accepted(request), languages()) or "en"


def _accepted(request: Request) -> list[str]:
    """List the languages of Accept-Language, the best first, as Babel writes them."""
    ranked = []
    for place, part in enumerate(request.headers.get("accept-language", "").split(",")[:MAX_ACCEPTED]):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        ranked.append((-weight, place, tag.strip().replace("-", "_")))
    return [tag for _, _, tag in sorted(ranked) if tag]
