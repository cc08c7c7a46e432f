"""What a supporter can do, as mails and pages show it: everything decided, names said as far as they may be."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from newsletter.appeals.action import Action, ActionKind, Target
from newsletter.appeals.names import Register
from newsletter.editions.body import web_address
from newsletter.languages import direction

LONGEST_LINK = 1_900  # characters: Windows hands no longer address to a mail program
_IN_ADDRESS = "@+!$'*-._~"


@dataclass(frozen=True, kw_only=True)
class ShownLetter:
    """A model letter, in one language."""

    language: str
    direction: Literal["rtl", "ltr"]
    subject: str
    letter: str


@dataclass(frozen=True, kw_only=True)
class ShownTarget:
    """Somebody who is written to.

    Attributes:
        number: its place in the action, from 1.
        address: lines.
        phone: as written; `dial` is what a telephone takes.
        mail: a mailto link with subject and letter in it (RFC 6068), or empty.
        whole: whether the letter fits into the link; else it is to be copied.
        letter: in a language that the target reads; None where there is none.
        meaning: the same in the reader's language, where that is another.
        print_url: the letter alone, to be printed; empty where there is nothing to print.
    """

    number: int
    name: str
    office: str
    address: tuple[str, ...]
    emails: tuple[str, ...]
    phone: str
    dial: str
    mail: str
    whole: bool
    letter: ShownLetter | None
    meaning: ShownLetter | None
    print_url: str

    @property
    def links(self) -> tuple[str, ...]:
        """To each of the addresses, with nothing in it."""
        return tuple(mailto((email,), None) for email in self.emails)


@dataclass(frozen=True, kw_only=True)
class ShownAction:
    """One thing to do.

    Attributes:
        done: how often people said that they did it.
    """

    key: str
    kind: str
    say: str
    url: str
    place: str
    targets: tuple[ShownTarget, ...]
    done: int = 0


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Shows what there is to do.

    Attributes:
        register: the names that may be said only with consent.
        page: of the appeal, without a language: a path for pages, a whole address for mails.
        language: the reader's.
    """

    register: Register
    page: str
    language: str

    def action(self, action: Action, *, done: int = 0) -> ShownAction:
        """Show one thing to do, and how often it was done."""
        return ShownAction(
            key=action.key,
            kind=action.kind.value,
            say=self.register.said(action.in_language(self.language).say, self.language),
            url=web_address(action.url),
            place=self.register.said(action.place, self.language),
            targets=tuple(self.target(action, target, number) for number, target in enumerate(action.targets, start=1)),
            done=done,
        )

    def target(self, action: Action, target: Target, number: int) -> ShownTarget:
        """Show one target of an action, which has this place among them, from 1."""
        language = self.language
        letter = self._letter(action, target)
        own = action.in_language(language)
        meaning = None
        if letter is not None and letter.language != language and own.letter:
            meaning = self._shown_letter(language, own.subject, own.letter)
        mail = mailto(target.emails, letter)
        whole = len(mail) <= LONGEST_LINK
        printable = action.kind is ActionKind.WRITE and letter is not None
        return ShownTarget(
            number=number,
            name=self.register.said(target.name, language),
            office=self.register.said(target.office, language),
            address=tuple(self.register.said(target.postal_address, language).splitlines()),
            emails=target.emails,
            phone=target.phone,
            # The 0 in +49 (0)30 is for those who call from within the country.
            dial="".join(each for each in target.phone.replace("(0)", "") if each.isdigit() or each == "+"),
            mail=mail if whole else mailto(target.emails, letter, whole=False),
            whole=whole,
            letter=letter,
            meaning=meaning,
            print_url=f"{self.page}/letter/{action.key}/{number}?in={language}" if printable else "",
        )

    def _letter(self, action: Action, target: Target) -> ShownLetter | None:
        chosen = action.letter_for(target, self.language)
        return None if chosen is None else self._shown_letter(chosen[0], chosen[1].subject, chosen[1].letter)

    def _shown_letter(self, language: str, subject: str, letter: str) -> ShownLetter:
        return ShownLetter(
            language=language,
            direction=direction(language),
            subject=self.register.said(subject, language),
            letter=self.register.said(letter, language),
        )


def mailto(emails: tuple[str, ...], letter: ShownLetter | None, *, whole: bool = True) -> str:
    """Write a mailto link (RFC 6068): lines end with CRLF, everything but an address is percent-encoded.

    Args:
        emails: to whom; none gives no link.
        letter: what stands in it.
        whole: whether the letter's text does, too, beside its subject.
    """
    if not emails:
        return ""
    link = "mailto:" + ",".join(quote(email, safe=_IN_ADDRESS) for email in emails)
    if letter is None:
        return link
    fields = {"subject": letter.subject, "body": letter.letter.replace("\n", "\r\n") if whole else ""}
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
    return f"{link}?{asked}" if asked else link
