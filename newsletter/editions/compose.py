"""The press: reserves a mailing's editions, renders each part once, stores it by what it holds, puts mails together."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from newsletter.appeals.document import AppealDocument, TextDocument
from newsletter.appeals.history import AppealVersion
from newsletter.appeals.model import Appeal, FollowUp
from newsletter.appeals.names import Register
from newsletter.appeals.protected import NameSeal
from newsletter.appeals.urgency import Urgency
from newsletter.editions.acting import Acting
from newsletter.editions.digest import Chosen, Digest, read_in
from newsletter.editions.message import LONGEST
from newsletter.editions.model import Edition, EditionAppeal, Part
from newsletter.editions.render import Renderer
from newsletter.editions.stored import Cards, Draft, neutral_name
from newsletter.editions.view import AppealView, Continued, appeal_path
from subscribers.database import insert_rows, table
from subscribers.preferences import Format

OTHER = 2_000  # of that for greeting, links, preheader and intro


class EditionPress:
    """Turns digests into editions: reserves them at planning, renders and stores them afterwards, part by part.

    Work grows with appeals and languages, and a little with editions; never with subscribers. What it has rendered it
    keeps.
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
        self._views: dict[_Said, AppealView] = {}
        self._texts: dict[_Form, str] = {}
        self._htmls: dict[_Form, str] = {}
        self._shells: dict[tuple[str, str], Cards] = {}
        self._part_ids: dict[str, int] = {}

    def draft(self, session: Session, digest: Digest, *, mail: str = "digest") -> Draft:
        """Render what a group gets, without storing anything: as its appeals were released last.

        Args:
            session: any transaction.
            digest: what they get.
            mail: whose templates it is written by.
        """
        versions = {each: session.get_one(Appeal, each).public_id or 0 for each in _appeals_of(digest)}
        said = [_Said(versions[each.appeal_id], each.language) for each in digest.appeals]
        return self._draft(session, digest, said, mail)

    def view_of(self, session: Session, version_id: int, language: str) -> AppealView:
        """Give what templates get to see of an appeal in one language, as a version of it says."""
        return self._view(session, _Said(version_id, language))

    def reserve(
        self, session: Session, mailing_id: int, digests: Sequence[Digest], versions: Mapping[int, int], *, mail: str
    ) -> list[int]:
        """Store which appeals a mailing's editions hold, as they were released; `of_stored` and `store` do the rest.

        Args:
            session: a writing transaction that holds the mailing.
            mailing_id: what they are part of.
            digests: what each group gets.
            versions: what each appeal said, by its number; see `AppealVersion`.
            mail: whose templates they are written by.

        Returns:
            The editions' numbers, in the same order.

        Raises:
            TemplateBroken, TemplateLacks: the first of them can't be composed; nothing may be launched then.
        """
        first = digests[0]
        self._draft(session, first, [_Said(versions[each.appeal_id], each.language) for each in first.appeals], mail)
        nothing = Part.of(session, "").id
        numbers = Edition.reserve_numbers(session, len(digests))
        editions = (
            (number, mailing_id, mail, each.language, each.format.value, each.discreet, "", "", "", nothing, each.more)
            for number, each in zip(numbers, digests, strict=True)
        )
        insert_rows(session, Edition.__tablename__, _RESERVED, editions)
        appeals = (
            (number, position, appeal_id, language, versions[appeal_id], nothing)
            for number, digest in zip(numbers, digests, strict=True)
            for position, (appeal_id, language) in enumerate(digest.appeals)
        )
        names = ("edition_id", "position", "appeal_id", "language", "version_id", "card_text_id")
        insert_rows(session, EditionAppeal.__tablename__, names, appeals)
        return numbers

    def says_what_may_be_said(self, session: Session) -> bool:
        """Say whether names stand as when parts were rendered; if not, forget those: one may say what it must not."""
        now = Register.for_saying(session, self._seal)
        if self._register is None or self._register.state == now.state:
            return True
        self._register = now
        for kept in (self._views, self._texts, self._htmls):
            kept.clear()
        return False

    def of_stored(self, session: Session, edition: Edition) -> Draft:
        """Render a reserved edition.

        Raises:
            TemplateBroken, TemplateLacks: it can't be.
        """
        said = [_Said(each.version_id or 0, each.language) for each in edition.appeals]
        digest = Digest(
            language=edition.language,
            format=edition.format,
            discreet=edition.discreet,
            appeals=tuple(Chosen(each.appeal_id, each.language) for each in edition.appeals),
            more=edition.more,
        )
        return self._draft(session, digest, said, edition.mail)

    def _draft(self, session: Session, digest: Digest, said: Sequence["_Said"], mail: str) -> Draft:
        views = [self._view(session, each) for each in said]
        shell = self._shell(mail, digest.language)
        render = self._renderer
        return Draft(
            language=digest.language,
            format=digest.format,
            discreet=digest.discreet,
            subject=neutral_name(digest.language)
            if digest.discreet
            else render.subject(views, digest.language, mail=mail),
            preheader="" if digest.discreet else render.preheader(views, digest.language),
            intro=render.intro(views, digest.language, mail=mail),
            shell_text=shell.text,
            shell_html=shell.html,
            cards=tuple(self._cards(said, mail, shell, in_html=digest.format is Format.HTML)),
            more=digest.more,
        )

    def _cards(self, said: Sequence["_Said"], mail: str, shell: Cards, *, in_html: bool) -> Iterator[Cards]:
        """Give the cards: whole ones as far as there is room, the first first, and short ones that lead to the page."""

        def size(form: _Form) -> int:
            return len((self._html(form) if in_html else self._text(form)).encode())

        forms = [_Form(*each, mail) for each in said]
        room = LONGEST - len((shell.html if in_html else shell.text).encode()) - OTHER
        if sum(map(size, forms)) > room:
            short = [form._replace(whole=False) for form in forms]
            room -= sum(map(size, short))
            for place, (whole, brief) in enumerate(zip(forms, short, strict=True)):
                if (more := size(whole) - size(brief)) <= room:
                    room -= more
                else:
                    forms[place] = brief
        for form in forms:
            yield Cards(text=self._text(form), html=self._html(form) if in_html else "")

    def store(self, session: Session, drafts: Sequence[tuple[Edition, Draft]], now: datetime) -> None:
        """Store what was rendered: from now on mails of these editions can go out.

        Args:
            session: a writing transaction, in which names stand as when it was rendered.
            drafts: reserved editions, each with what it says.
            now: the moment.
        """
        if not drafts:
            return
        editions, cards = [], []
        for edition, draft in drafts:
            in_html = draft.format is Format.HTML
            editions.append(
                {
                    "number": edition.id,
                    "new_subject": draft.subject,
                    "new_preheader": draft.preheader,
                    "new_intro": draft.intro,
                    "new_shell_text": self._stored(session, draft.shell_text),
                    "new_shell_html": self._stored(session, draft.shell_html) if in_html else None,
                    "now": now,
                }
            )
            cards += [
                {
                    "number": edition.id,
                    "place": place.position,
                    "new_text": self._stored(session, card.text),
                    "new_html": self._stored(session, card.html) if in_html else None,
                }
                for place, card in zip(edition.appeals, draft.cards, strict=True)
            ]
        session.connection().execute(_COMPOSED, editions)
        session.connection().execute(_CARDS, cards)

    def _view(self, session: Session, said: "_Said") -> AppealView:
        if said not in self._views:
            self._register = self._register or Register.for_saying(session, self._seal)
            # What was approved, not what stands there at this moment: somebody may be editing it.
            version = session.get_one(AppealVersion, said.version_id)
            appeal = session.get_one(Appeal, version.appeal_id)
            document = AppealDocument.from_json(version.content)
            text = next(each for each in document.texts if each.language == said.language)
            self._views[said] = view(
                document,
                text,
                self._register,
                self._base_url,
                follow_up=appeal.follow_up,
                original=appeal.original.public_document() if appeal.original else None,
            )
        return self._views[said]

    def _text(self, form: "_Form") -> str:
        if form not in self._texts:
            shown = self._views[_Said(form.version_id, form.language)]
            self._texts[form] = self._renderer.card_text(shown, mail=form.mail, whole=form.whole)
        return self._texts[form]

    def _html(self, form: "_Form") -> str:
        if form not in self._htmls:
            shown = self._views[_Said(form.version_id, form.language)]
            self._htmls[form] = self._renderer.card_html(shown, mail=form.mail, whole=form.whole)
        return self._htmls[form]

    def _shell(self, mail: str, language: str) -> Cards:
        if (mail, language) not in self._shells:
            self._shells[mail, language] = Cards(
                text=self._renderer.shell_text(language, mail=mail), html=self._renderer.shell_html(language, mail=mail)
            )
        return self._shells[mail, language]

    def _stored(self, session: Session, content: str) -> int:
        if content not in self._part_ids:
            self._part_ids[content] = Part.of(session, content).id
        return self._part_ids[content]


_RESERVED = (
    "id",
    "mailing_id",
    "mail",
    "language",
    "format",
    "discreet",
    "subject",
    "preheader",
    "intro",
    "shell_text_id",
    "more",
)
_EDITIONS, _PLACES = table(Edition), table(EditionAppeal)
_COMPOSED = (
    update(_EDITIONS)
    .where(_EDITIONS.c.id == bindparam("number"), _EDITIONS.c.composed_at.is_(None))
    .values(
        subject=bindparam("new_subject"),
        preheader=bindparam("new_preheader"),
        intro=bindparam("new_intro"),
        shell_text_id=bindparam("new_shell_text"),
        shell_html_id=bindparam("new_shell_html"),
        composed_at=bindparam("now"),
    )
)
_CARDS = (
    update(_PLACES)
    .where(_PLACES.c.edition_id == bindparam("number"), _PLACES.c.position == bindparam("place"))
    .values(card_text_id=bindparam("new_text"), card_html_id=bindparam("new_html"))
)


class _Said(NamedTuple):
    """What an appeal said in one language."""

    version_id: int
    language: str


class _Form(NamedTuple):
    """One card: of what an appeal said in one language, in one kind of mail, whole or short."""

    version_id: int
    language: str
    mail: str
    whole: bool = True


def _appeals_of(digest: Digest) -> list[int]:
    return [each.appeal_id for each in digest.appeals]


def view(
    appeal: AppealDocument,
    text: TextDocument,
    register: Register,
    base_url: str,
    *,
    follow_up: FollowUp | None = None,
    original: AppealDocument | None = None,
) -> AppealView:
    """Freeze an appeal in one language into what templates get to see: names are said here as far as they may be.

    Args:
        appeal: the appeal.
        text: one of its texts.
        register: knows the names.
        base_url: where its page is.
        follow_up: how it continues another.
        original: what that is, if it is public.
    """
    page = base_url + appeal_path(appeal.reference)

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
        life_at_risk=appeal.urgency is Urgency.LIFE_AT_RISK,
        continues=_continued(original, text.language, register, base_url) if original else None,
        background=said(text.background),
        demands=tuple(said(demand) for demand in text.demands),
        actions=tuple(
            Acting(register=register, page=page, language=text.language).action(action) for action in appeal.actions
        ),
    )


def _continued(original: AppealDocument, language: str, register: Register, base_url: str) -> Continued:
    texts = {text.language: text for text in original.texts}
    text = texts.get(read_in((language,), tuple(texts)) or "", original.texts[0])
    return Continued(
        title=register.said(text.title, text.language), url=base_url + appeal_path(original.reference, text.language)
    )
