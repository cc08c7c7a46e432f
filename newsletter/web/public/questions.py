"""A question that a link in a mail leads to: GET shows it, POST answers it, with the mark that its own page carries."""

from fastapi import Response

from newsletter.languages import spoken
from newsletter.web.forms import Posted, check_mark
from newsletter.web.pages import Pages
from newsletter.wiring import Parts
from subscribers.tokens import Purpose


class Questions:
    """Asks, and takes answers."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        """Take what seals marks, and what renders."""
        self._parts = parts
        self._pages = pages

    def ask(self, purpose: Purpose, token: str, language: str, *, email: str = "", wording: str = "") -> Response:
        """Show a question; its template is named after the purpose.

        Args:
            purpose: of the link.
            token: that it carries.
            language: the reader's.
            email: the address that it is about, where the question names it.
            wording: what is agreed to by saying yes, where anything is.
        """
        place = f"/{purpose}/{token}"
        mark = self._parts.tokens.issue_form(place, at=self._parts.clock())
        return self._pages.page(
            f"{purpose}.html", spoken(language), place=place, mark=mark, email=email, wording=wording
        )

    def answered(self, purpose: Purpose, token: str, form: Posted) -> int:
        """Give the number of the errand that a form says yes to.

        Raises:
            InvalidToken: the link is none of ours, or for something else.
            FormExpired: the form is none of ours, or too old.
        """
        errand = self._parts.tokens.read_errand(purpose, token)
        check_mark(self._parts.tokens, f"/{purpose}/{token}", form, now=self._parts.clock())
        return errand
