"""An appeal as its page shows it: everything decided, frozen, with names said as far as they may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import quote

from markupsafe import Markup

from newsletter.appeals.action import Action, ActionKind, Target
from newsletter.appeals.archive import PublicAppeal
from newsletter.appeals.document import TextDocument
from newsletter.appeals.names import Register
from newsletter.editions.body import body_html, web_address
from newsletter.editions.digest import read_in
from newsletter.editions.view import appeal_path
from newsletter.languages import country_names, date_text, direction

LONGEST_LINK = 1_900  # characters: Windows hands no longer address to a mail program
_IN_ADDRESS = "@+!$'*-._~"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link to a page of ours, in its own language."""

    title: str
    url: str
    language: str
    direction: Literal["rtl", "ltr"]
    kind: str = ""
    day: str = ""
    current: bool = False


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
    done: int


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """A picture, its words in the reader's language."""

    url: str
    width: int
    height: int
    alt: str
    credit: str


@dataclass(frozen=True, kw_only=True)
class ShownAppeal:
    """An appeal in one language.

    Attributes:
        path: of its page, without a language.
        texts: the other languages, this one among them.
        urgency: `normal`, `urgent` or `life_at_risk`.
        late: whether its deadline has passed.
        ending: how it ended; empty while it is open.
        follow_up: how it continues another; empty where it does not.
    """

    reference: str
    path: str
    url: str
    language: str
    direction: Literal["rtl", "ltr"]
    texts: tuple[Link, ...]
    title: str
    byline: str
    published_on: date
    day: str
    countries: str
    topics: tuple[str, ...]
    urgency: str
    deadline: str
    late: bool
    ending: str
    follow_up: str
    teaser: tuple[str, ...]
    body: Markup
    background: Markup
    demands: tuple[str, ...]
    source_url: str
    picture: ShownPicture | None
    actions: tuple[ShownAction, ...]

    @property
    def summary(self) -> str:
        """The teaser in one line."""
        return " ".join(self.teaser)


@dataclass(frozen=True, kw_only=True)
class Showing:
    """What is needed to show appeals.

    Attributes:
        register: the names that may be said only with consent.
        base_url: where the pages are.
        today: the day that it still is somewhere.
    """

    register: Register
    base_url: str
    today: date

    def text_for(self, appeal: PublicAppeal, languages: Iterable[str]) -> TextDocument:
        """Choose the text that a reader wants most; the first where they read none of them."""
        texts = {text.language: text for text in appeal.document.texts}
        chosen = read_in(tuple(languages), tuple(texts))
        return texts[chosen] if chosen else appeal.document.texts[0]

    def link(self, appeal: PublicAppeal, languages: Iterable[str]) -> Link:
        """Make a link to an appeal's page."""
        text = self.text_for(appeal, languages)
        return Link(
            title=self.register.said(text.title, text.language),
            url=appeal_path(appeal.document.reference, text.language),
            language=text.language,
            direction=direction(text.language),
            kind=appeal.follow_up.value if appeal.follow_up else "",
            day=date_text(appeal.document.published_on, text.language),
        )

    def shown(
        self,
        appeal: PublicAppeal,
        text: TextDocument,
        *,
        deeds: Mapping[str, int] | None = None,
        picture: ShownPicture | None = None,
        brief: bool = False,
    ) -> ShownAppeal:
        """Show an appeal.

        Args:
            appeal: the appeal.
            text: one of its texts.
            deeds: how often each action was done.
            picture: where it has one.
            brief: whether it is one of a list, without its long texts.
        """
        document, language = appeal.document, text.language

        def said(words: str) -> str:
            return self.register.said(words, language)

        path = appeal_path(document.reference)
        over = appeal.ending is not None or appeal.is_late(self.today)
        return ShownAppeal(
            reference=document.reference,
            path=path,
            url=self.base_url + appeal_path(document.reference, language),
            language=language,
            direction=direction(language),
            texts=tuple(
                Link(
                    title="",
                    url=appeal_path(document.reference, each.language),
                    language=each.language,
                    direction=direction(each.language),
                    current=each.language == language,
                )
                for each in document.texts
            ),
            title=said(text.title),
            byline=said(text.byline),
            published_on=document.published_on,
            day=date_text(document.published_on, language),
            countries=country_names(document.countries, language),
            topics=document.topics,
            urgency=document.urgency.value,
            deadline=date_text(document.deadline, language) if document.deadline else "",
            late=appeal.is_late(self.today),
            ending=appeal.ending.value if appeal.ending else "",
            follow_up=appeal.follow_up.value if appeal.follow_up else "",
            teaser=tuple(filter(None, said(text.teaser).split("\n\n"))),
            body=Markup("" if brief else body_html(said(text.body), top=2)),  # noqa: S704 - nh3 made it safe
            background=Markup("" if brief else body_html(said(text.background), top=3)),  # noqa: S704 - so it did here
            demands=tuple(said(demand) for demand in text.demands),
            source_url=web_address(text.url),
            picture=picture,
            # What is over asks nobody for anything.
            actions=()
            if over
            else tuple(self._action(action, path, language, deeds or {}) for action in document.actions),
        )

    def _action(self, action: Action, path: str, language: str, deeds: Mapping[str, int]) -> ShownAction:
        return ShownAction(
            key=action.key,
            kind=action.kind.value,
            say=self.register.said(action.in_language(language).say, language),
            url=web_address(action.url),
            place=self.register.said(action.place, language),
            targets=tuple(
                self.target(action, target, number, path, language)
                for number, target in enumerate(action.targets, start=1)
            ),
            done=deeds.get(action.key, 0),
        )

    def target(self, action: Action, target: Target, number: int, path: str, language: str) -> ShownTarget:
        """Show one target of an action.

        Args:
            action: what there is to be done.
            target: one of its targets.
            number: its place among them, from 1.
            path: of the appeal's page.
            language: the reader's.
        """
        letter = self._letter(action, target, language)
        own = action.in_language(language)
        meaning = None
        if letter is not None and letter.language != language and own.letter:
            meaning = self._shown_letter(language, own.subject, own.letter)
        mail = _mailto(target.emails, letter)
        whole = len(mail) <= LONGEST_LINK
        printable = action.kind is ActionKind.WRITE and letter is not None
        return ShownTarget(
            number=number,
            name=self.register.said(target.name, language),
            office=self.register.said(target.office, language),
            address=tuple(self.register.said(target.postal_address, language).splitlines()),
            emails=target.emails,
            phone=target.phone,
            dial="".join(each for each in target.phone if each.isdigit() or each == "+"),
            mail=mail if whole else _mailto(target.emails, letter, whole=False),
            whole=whole,
            letter=letter,
            meaning=meaning,
            print_url=f"{path}/letter/{action.key}/{number}?in={language}" if printable else "",
        )

    def _letter(self, action: Action, target: Target, language: str) -> ShownLetter | None:
        chosen = action.letter_for(target, language)
        return None if chosen is None else self._shown_letter(chosen[0], chosen[1].subject, chosen[1].letter)

    def _shown_letter(self, language: str, subject: str, letter: str) -> ShownLetter:
        return ShownLetter(
            language=language,
            direction=direction(language),
            subject=self.register.said(subject, language),
            letter=self.register.said(letter, language),
        )


def _mailto(emails: tuple[str, ...], letter: ShownLetter | None, *, whole: bool = True) -> str:
    """Write a mailto link (RFC 6068): lines end with CRLF, everything but an address is percent-encoded."""
    if not emails:
        return ""
    link = "mailto:" + ",".join(quote(email, safe=_IN_ADDRESS) for email in emails)
    if letter is None:
        return link
    fields = {"subject": letter.subject, "body": letter.letter.replace("\n", "\r\n") if whole else ""}
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items() if value)
    return f"{link}?{asked}" if asked else link
