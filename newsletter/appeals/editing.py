"""What an organiser changes on an appeal, how it differs from its source, and how follow-ups begin."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.action import Action, merged
from newsletter.appeals.appeal_text import AppealText, TextStatus
from newsletter.appeals.document import ACTIONS
from newsletter.appeals.history import Move
from newsletter.appeals.intake import CONTENT, tidy_topics
from newsletter.appeals.model import Act, Appeal, AppealStatus, Audience, FollowUp
from newsletter.appeals.names import Register
from newsletter.appeals.sources.prose import plain
from newsletter.appeals.urgency import Urgency
from newsletter.errors import NewsletterError

_ONE_LINE = frozenset({"title", "byline", "picture_alt", "url"})
_WORDS = (*CONTENT, "background", "picture_alt", "url")


class NoSuchText(NewsletterError):
    """Appeal {reference} has no text in {language!r}; it has {languages}. `newsletter appeal translate` adds one."""


class TextThere(NewsletterError):
    """Appeal {reference} has a text in {language!r} already. `newsletter appeal edit` changes it."""


class OnlyText(NewsletterError):
    """Appeal {reference} came in {language!r}: that text stays. `newsletter appeal close` ends an appeal."""


class TitleMissing(NewsletterError):
    """An appeal needs a title of one line."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is to be changed; None leaves a thing as it is.

    Attributes:
        language: which text the words belong to; None means the first.
        title, byline, teaser, body, background, demands, picture_alt, url: words.
        published_on, countries, topics, urgency, deadline, actions, picture_credit: facts of the appeal as a whole.
        no_deadline: whether a deadline is taken away.
    """

    language: str | None = None
    title: str | None = None
    byline: str | None = None
    teaser: str | None = None
    body: str | None = None
    background: str | None = None
    demands: Sequence[str] | None = None
    picture_alt: str | None = None
    url: str | None = None
    published_on: date | None = None
    countries: Sequence[str] | None = None
    topics: Sequence[str] | None = None
    urgency: Urgency | None = None
    deadline: date | None = None
    no_deadline: bool = False
    actions: Sequence[Action] | None = None
    picture_credit: str | None = None


def edit(appeal: Appeal, changes: Changes, act: Act, register: Register, *, revision: int | None = None) -> bool:
    """Change an appeal; afterwards it needs approval, and its source writes over nothing any more.

    Args:
        appeal: locked, in a writing transaction.
        changes: what is to be changed.
        act: who does it.
        register: the names that must not be said.
        revision: what they read before; None asks nothing.

    Returns:
        Whether anything is another than before.

    Raises:
        ChangedMeanwhile: somebody else changed it since that revision.
        NoSuchText: it has no text in that language.
        TitleMissing: the title would be empty.
        AppealClosed: it is closed.
    """
    appeal.require_open()
    appeal.expect(revision)
    text = _text(appeal, changes.language)
    before, words_before = appeal.document(), text.document
    _apply(appeal, text, changes, register)
    if appeal.document() == before:
        return False
    appeal.reopen_for_edit([text] if text.document != words_before else [])
    text.edited = True
    appeal.written(Move.EDITED, act)
    return True


def translate(appeal: Appeal, language: str, changes: Changes, act: Act, register: Register) -> None:
    """Add a text in another language. What is released stays so; the new text waits for its own approval.

    Raises:
        TextThere: it has one.
        TitleMissing: there is no title.
        AppealClosed: the appeal is closed.
    """
    appeal.require_open()
    if any(text.language == language for text in appeal.texts):
        raise TextThere(reference=appeal.reference, language=language)
    text = AppealText(
        language=language, title="", byline="", teaser="", body="", background="", demands=[], url="", picture_alt="",
        status=TextStatus.DRAFT, edited=True,
    )  # fmt: skip
    appeal.texts.append(text)
    _apply(appeal, text, changes, register)
    if not text.title:
        raise TitleMissing
    appeal.written(Move.EDITED, act)


def remove_text(appeal: Appeal, language: str, act: Act) -> None:
    """Take a translation away, with its words for the actions; if it was released, its page goes with the next release.

    A letter stays for targets who read that language, whoever writes to them.

    Raises:
        NoSuchText: there is none.
        OnlyText: it is the one that the appeal came with.
        AppealClosed: the appeal is closed.
    """
    appeal.require_open()
    text = _text(appeal, language)
    if text is appeal.text:
        raise OnlyText(reference=appeal.reference, language=language)
    appeal.texts.remove(text)
    appeal.actions = ACTIONS.dump_python(tuple(each.without(language) for each in appeal.doable), mode="json")
    appeal.settle()
    appeal.written(Move.EDITED, act)


def follow_up(
    session: Session,
    appeal: Appeal,
    kind: FollowUp,
    audience: Audience,
    language: str,
    changes: Changes,
    act: Act,
    register: Register,
) -> Appeal:
    """Begin an appeal that continues another, as a draft; what continues a follow-up continues its original.

    Args:
        session: a writing transaction.
        appeal: what is continued, open or closed.
        kind: how.
        audience: who may get it.
        language: BCP 47 tag of its words.
        changes: its words, and facts that are other ones than the original's.
        act: who writes it.
        register: the names that must not be said.

    Raises:
        TitleMissing: there is no title.
    """
    original = appeal.original or appeal
    session.refresh(original, with_for_update=True)  # two who continue it at once get two numbers
    count = session.scalar(select(func.count()).select_from(Appeal).where(Appeal.original_id == original.id)) or 0
    made = Appeal(
        # The original is the first of them.
        reference=f"{original.reference}-{count + 2}",
        status=AppealStatus.DRAFT,
        published_on=act.at.date(),
        urgency=original.urgency if kind is FollowUp.CORRECTION else Urgency.NORMAL,
        countries=list(original.countries),
        topics=list(original.topics),
        actions=[],
        original=original,
        follow_up=kind,
        audience=audience,
        created_at=act.at,
    )
    session.add(made)
    translate(made, language, changes, act, register)
    return made


def _apply(appeal: Appeal, text: AppealText, changes: Changes, register: Register) -> None:
    for name in _WORDS:
        words = getattr(changes, name)
        if words is None:
            continue
        words = plain(words)
        register.require(words)
        words = " ".join(words.split()) if name in _ONE_LINE else words.strip()
        if name == "title" and not words:
            raise TitleMissing
        setattr(text, name, register.hide_address(words) if name == "url" else register.hide(words))
    if changes.demands is not None:
        said = (" ".join(plain(demand).split()) for demand in changes.demands)
        text.demands = [register.hide(demand) for demand in said if demand]
    _apply_facts(appeal, text, changes, register)


def _apply_facts(appeal: Appeal, text: AppealText, changes: Changes, register: Register) -> None:
    if changes.published_on is not None:
        appeal.published_on = changes.published_on
    if changes.countries is not None:
        appeal.countries = list(dict.fromkeys(changes.countries))
    if changes.topics is not None:
        appeal.topics = [register.hide_topic(topic) for topic in tidy_topics(changes.topics)]
    if changes.urgency is not None:
        appeal.urgency = changes.urgency
    if changes.deadline is not None or changes.no_deadline:
        appeal.deadline = changes.deadline
    if changes.actions is not None:
        first = text is appeal.text
        actions = changes.actions if first else merged(appeal.doable, changes.actions, text.language)
        appeal.actions = register.hide_all(ACTIONS.dump_python(tuple(actions), mode="json"))
    if changes.picture_credit is not None:
        appeal.picture_credit = register.hide(" ".join(plain(changes.picture_credit).split()))


def differences(text: AppealText) -> list[str]:
    """Show line by line how the source's words differ from ours (`-` ours, `+` theirs)."""
    if text.offered is None:
        return []
    appeal = text.appeal
    ours: dict[str, Any] = {
        "published_on": appeal.published_on.isoformat(),
        "url": text.url,
        "deadline": appeal.deadline.isoformat() if appeal.deadline else None,
        "countries": appeal.countries,
        "topics": appeal.topics,
        "urgent": appeal.urgent,
        "urgency": appeal.urgency.value,
        "background": text.background,
        "demands": text.demands,
        "actions": appeal.actions,
        "picture_alt": text.picture_alt,
        "picture_credit": appeal.picture_credit,
    }
    words = "\n".join(getattr(text, name) for name in CONTENT).splitlines()
    theirs = "\n".join(text.offered[name] for name in CONTENT).splitlines()
    return [line for line in difflib.ndiff(words, theirs) if line[:1] in "-+"] + _facts_apart(ours, text.offered)


def _facts_apart(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, fact in ours.items():
        if name in theirs and theirs[name] != fact:
            lines += [f"- {name}: {_shown(fact)}", f"+ {name}: {_shown(theirs[name])}"]
    return lines


def _shown(fact: object) -> str:
    return ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact)


def _text(appeal: Appeal, language: str | None) -> AppealText:
    if language is None:
        return appeal.text
    for text in appeal.texts:
        if text.language == language:
            return text
    languages = ", ".join(text.language for text in appeal.texts)
    raise NoSuchText(reference=appeal.reference, language=language, languages=languages)
