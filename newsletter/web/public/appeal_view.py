"""An appeal as its page shows it: everything decided, frozen, with names said as far as they may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from markupsafe import Markup

from newsletter.appeals.archive import PublicAppeal
from newsletter.appeals.document import TextDocument
from newsletter.appeals.names import Register
from newsletter.editions.acting import Acting, ShownAction
from newsletter.editions.body import body_html, web_address
from newsletter.editions.digest import read_in
from newsletter.editions.view import appeal_path
from newsletter.languages import country_names, date_text, direction


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
        acting = Acting(register=self.register, page=path, language=language)
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
            else tuple(acting.action(action, done=(deeds or {}).get(action.key, 0)) for action in document.actions),
        )
