"""Prints editions: renders each part once, stores it by what it holds, and puts mails together from parts."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from newsletter.appeals.model import Appeal, AppealText
from newsletter.editions.digest import Chosen, Digest
from newsletter.editions.model import Edition, EditionAppeal, Part
from newsletter.editions.render import Renderer
from newsletter.editions.stored import Cards, Draft, neutral_name
from newsletter.editions.view import AppealView
from subscribers.preferences import Format


class EditionPress:
    """Turns digests into editions.

    Work grows with appeals and languages, and a little with editions; never with subscribers. One press serves one
    planning: what it has rendered it keeps, and an appeal edited meanwhile keeps the words it had.
    """

    def __init__(self, renderer: Renderer) -> None:
        """Take the renderer; nothing is rendered yet."""
        self._renderer = renderer
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
            text = session.scalars(
                select(AppealText)
                .where(AppealText.appeal_id == chosen.appeal_id, AppealText.language == chosen.language)
                .options(joinedload(AppealText.appeal))
            ).one()
            self._views[chosen] = view(text.appeal, text)
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


def view(appeal: Appeal, text: AppealText) -> AppealView:
    """Freeze an appeal in one language into what templates get to see."""
    return AppealView(
        reference=appeal.reference,
        language=text.language,
        title=text.title,
        byline=text.byline,
        published_on=appeal.published_on,
        countries=tuple(appeal.countries),
        topics=tuple(appeal.topics),
        urgent=appeal.urgent,
        deadline=appeal.deadline,
        teaser=text.teaser,
        body=text.body,
        url=text.url,
    )
