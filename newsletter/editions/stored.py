"""An edition put together from its parts. Nothing is rendered here: senders do without what renders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from sqlalchemy.orm import Session

from newsletter.editions.message import Composed
from newsletter.editions.model import Edition
from newsletter.editions.slots import Insert, clean, insert
from newsletter.languages import number_text, words
from subscribers.preferences import Format

TEXT_RULE = "-" * 48


@dataclass(frozen=True, kw_only=True)
class Cards:
    """One appeal's part of a mail, in both forms."""

    text: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An edition before it is stored: its own lines, and the parts that it shares with others."""

    language: str
    format: Format
    discreet: bool = False
    subject: str
    preheader: str
    intro: str
    shell_text: str
    shell_html: str
    cards: tuple[Cards, ...]
    more: int = 0

    def discreetly(self) -> "Draft":
        """Give the same as text alone, and nothing that says before it is opened whose mail it is."""
        return replace(self, discreet=True, format=Format.TEXT, subject=neutral_name(self.language), preheader="")

    def composed(self) -> Composed:
        """Put the parts together."""
        more = more_words(self.more, self.language)
        html = compose_html(
            self.shell_html, cards=[c.html for c in self.cards], preheader=self.preheader, intro=self.intro, more=more
        )
        return Composed(
            language=self.language,
            subject=self.subject,
            text=compose_text(
                self.shell_text,
                cards=[c.text for c in self.cards],
                preheader=self.preheader,
                intro=self.intro,
                more=more,
            ),
            html=html if self.format is Format.HTML else None,
            sender_name=neutral_name(self.language) if self.discreet else "",
        )


def more_words(more: int, language: str) -> str:
    """Give what leads to all appeals: how many are for these readers beside those in the mail, if there are any."""
    if not more:
        return words(language).gettext("All appeals")
    say = words(language).ngettext("%(count)s more appeal on the web", "%(count)s more appeals on the web", more)
    return say % {"count": number_text(more, language)}


def neutral_name(language: str) -> str:
    """Give what a discreet mail says of itself before it is opened: nothing that anybody could read something into."""
    return words(language).gettext("Newsletter")


def stored_edition(session: Session, edition_id: int, *, service: bool = False) -> Composed:
    """Put an edition together again from its stored parts, exactly as it was frozen.

    Args:
        session: an open transaction.
        edition_id: which.
        service: whether its mailing is a service mailing.
    """
    edition = session.get_one(Edition, edition_id)
    draft = Draft(
        language=edition.language,
        format=edition.format,
        discreet=edition.discreet,
        subject=edition.subject,
        preheader=edition.preheader,
        intro=edition.intro,
        shell_text=edition.shell_text.content,
        shell_html=edition.shell_html.content if edition.shell_html else "",
        cards=tuple(
            Cards(text=part.card_text.content, html=part.card_html.content if part.card_html else "")
            for part in edition.appeals
        ),
        more=edition.more,
    )
    return replace(draft.composed(), campaign=f"m{edition.mailing_id}", service=service)


def compose_html(shell: str, *, cards: Sequence[str], preheader: str, intro: str, more: str = "") -> str:
    """An edition's page, its slots still open.

    Args:
        shell: from `Renderer.shell_html`.
        cards: from `Renderer.card_html`, in order.
        preheader: plain text, what inboxes show after the subject.
        intro: plain text above the first card; may be empty.
        more: plain text, what leads to all appeals.
    """
    return insert(
        shell,
        {
            Insert.CARDS: "\n".join(cards),
            Insert.PREHEADER: escape(clean(preheader)),
            Insert.INTRO: escape(clean(intro)).replace("\n", "<br>"),
            Insert.MORE: escape(clean(more)),
        },
    )


def compose_text(shell: str, *, cards: Sequence[str], preheader: str, intro: str, more: str = "") -> str:
    """An edition's text part, its slots still open; arguments as for `compose_html`, from the text methods."""
    return insert(
        shell,
        {
            Insert.CARDS: f"\n\n{TEXT_RULE}\n\n".join(cards),
            Insert.PREHEADER: clean(preheader),
            Insert.INTRO: clean(intro),
            Insert.MORE: clean(more),
        },
    )
