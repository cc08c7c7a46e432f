"""Prints editions: renders each part once, stores it by what it holds, and puts mails together from parts."""

from sqlalchemy.orm import Session

from newsletter.appeals.document import AppealDocument, TextDocument
from newsletter.appeals.model import Appeal, FollowUp
from newsletter.appeals.names import Register
from newsletter.appeals.protected import NameSeal
from newsletter.editions.digest import Chosen, Digest
from newsletter.editions.model import Edition, EditionAppeal, Part
from newsletter.editions.render import Renderer
from newsletter.editions.stored import Cards, Draft, neutral_name
from newsletter.editions.view import AppealView, appeal_path
from subscribers.preferences import Format


class EditionPress:
    """Turns digests into editions.

    Work grows with appeals and languages, and a little with editions; never with subscribers. One press serves one
    planning: what it has rendered it keeps, and an appeal edited meanwhile keeps the words it had.
    """

    def __init__(self, renderer: Renderer, seal: NameSeal, base_url: str) -> None:
        """Take what it works with; nothing is rendered yet.

        Args:
            renderer: renders parts.
            seal: opens the names that may be said only with consent.
            base_url: where the appeals' pages are.
        """
        self._renderer = renderer
        self._seal = seal
        self._base_url = base_url
        self._register: Register | None = None
        self._views: dict[Chosen, AppealView] = {}
        self._cards: dict[Chosen, Cards] = {}
        self._shells: dict[str, Cards] = {}
        self._part_ids: dict[str, int] = {}

    def draft(self, session: Session, digest: Digest) -> Draft:
        """Render what a group gets, without storing anything."""
        views = [self._view(session, chosen) for chosen in digest.appeals]
        shell = self._shell(digest.language)
        return Draft(
            language=digest.language,
            format=digest.format,
            discreet=digest.discreet,
            subject=neutral_name(digest.language)
            if digest.discreet
            else self._renderer.subject(views, digest.language),
            preheader="" if digest.discreet else self._renderer.preheader(views, digest.language),
            intro=self._renderer.intro(views, digest.language),
            shell_text=shell.text,
            shell_html=shell.html,
            cards=tuple(self._card(chosen) for chosen in digest.appeals),
        )

    def print(self, session: Session, mailing_id: int, digest: Digest) -> int:
        """Store the edition for one group of a mailing's readers.

        Args:
            session: a writing transaction that holds the mailing.
            mailing_id: what it is part of.
            digest: what the group gets.

        Returns:
            The edition's id.
        """
        draft = self.draft(session, digest)
        in_html = draft.format is Format.HTML
        edition = Edition(
            mailing_id=mailing_id,
            language=digest.language,
            format=digest.format,
            discreet=digest.discreet,
            subject=draft.subject,
            preheader=draft.preheader,
            intro=draft.intro,
            shell_text_id=self._stored(session, draft.shell_text),
            shell_html_id=self._stored(session, draft.shell_html) if in_html else None,
            appeals=[
                EditionAppeal(
                    position=position,
                    appeal_id=chosen.appeal_id,
                    language=chosen.language,
                    card_text_id=self._stored(session, cards.text),
                    card_html_id=self._stored(session, cards.html) if in_html else None,
                )
                for position, (chosen, cards) in enumerate(zip(digest.appeals, draft.cards, strict=True))
            ],
        )
        session.add(edition)
        session.flush()
        return edition.id

    def _view(self, session: Session, chosen: Chosen) -> AppealView:
        if chosen not in self._views:
            self._register = self._register or Register.for_saying(session, self._seal)
            appeal = session.get_one(Appeal, chosen.appeal_id, populate_existing=True)
            # What was approved, not what stands there at this moment: somebody may be editing it.
            document = appeal.released_document()
            text = next(each for each in document.texts if each.language == chosen.language)
            self._views[chosen] = view(document, text, self._register, self._base_url, follow_up=appeal.follow_up)
        return self._views[chosen]

    def _card(self, chosen: Chosen) -> Cards:
        if chosen not in self._cards:
            appeal = self._views[chosen]
            self._cards[chosen] = Cards(text=self._renderer.card_text(appeal), html=self._renderer.card_html(appeal))
        return self._cards[chosen]

    def _shell(self, language: str) -> Cards:
        if language not in self._shells:
            self._shells[language] = Cards(
                text=self._renderer.shell_text(language), html=self._renderer.shell_html(language)
            )
        return self._shells[language]

    def _stored(self, session: Session, content: str) -> int:
        if content not in self._part_ids:
            self._part_ids[content] = Part.of(session, content).id
        return self._part_ids[content]


def view(
    appeal: AppealDocument,
    text: TextDocument,
    register: Register,
    base_url: str,
    *,
    follow_up: FollowUp | None = None,
) -> AppealView:
    """Freeze an appeal in one language into what templates get to see: names are said here as far as they may be.

    Args:
        appeal: the appeal.
        text: one of its texts.
        register: knows the names.
        base_url: where its page is.
        follow_up: how it continues another.
    """

    def said(words: str) -> str:
        return register.said(words, text.language)

    return AppealView(
        reference=appeal.reference,
        language=text.language,
        title=said(text.title),
        byline=said(text.byline),
        published_on=appeal.published_on,
        countries=appeal.countries,
        topics=appeal.topics,
        urgent=appeal.urgency.rank > 0,
        deadline=appeal.deadline,
        teaser=said(text.teaser),
        body=said(text.body),
        url=base_url + appeal_path(appeal.reference, text.language),
        follow_up=follow_up.value if follow_up else "",
    )
