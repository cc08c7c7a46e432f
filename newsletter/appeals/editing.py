"""What an organiser changes on an appeal, and how it differs from its source."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.appeals.intake import CONTENT, tidy_topics
from newsletter.appeals.model import Appeal, AppealText
from newsletter.appeals.sources.prose import plain
from newsletter.errors import NewsletterError


class NoSuchText(NewsletterError):
    """Appeal {reference} has no text in {language!r}; it has {languages}."""


class TitleMissing(NewsletterError):
    """An appeal needs a title of one line."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is to be changed; None leaves a thing as it is.

    Attributes:
        language: which text the words belong to; None means the first.
        title, byline, teaser, body: words.
        countries, topics, urgent, deadline: facts of the appeal as a whole.
    """

    language: str | None = None
    title: str | None = None
    byline: str | None = None
    teaser: str | None = None
    body: str | None = None
    countries: Sequence[str] | None = None
    topics: Sequence[str] | None = None
    urgent: bool | None = None
    deadline: date | None = None


def edit(appeal: Appeal, changes: Changes) -> None:
    """Change an appeal; afterwards it needs approval, and its source writes over nothing any more.

    Raises:
        NoSuchText: it has no text in that language.
        TitleMissing: the title would be empty.
        AppealClosed: it is closed.
    """
    text = _text(appeal, changes.language)
    appeal.reopen_for_edit()
    for name in CONTENT:
        words = getattr(changes, name)
        if words is None:
            continue
        words = plain(words)
        one_line = name in {"title", "byline"}
        words = " ".join(words.split()) if one_line else words.strip()
        if name == "title" and not words:
            raise TitleMissing
        setattr(text, name, words)
    text.edited = True
    if changes.countries is not None:
        appeal.countries = list(dict.fromkeys(changes.countries))
    if changes.topics is not None:
        appeal.topics = tidy_topics(changes.topics)
    if changes.urgent is not None:
        appeal.urgent = changes.urgent
    if changes.deadline is not None:
        appeal.deadline = changes.deadline


def differences(text: AppealText) -> list[str]:
    """Show line by line how the source's words differ from ours (`-` ours, `+` theirs)."""
    if text.offered is None:
        return []
    appeal = text.appeal
    facts = {
        "published_on": appeal.published_on.isoformat(),
        "url": text.url,
        "deadline": appeal.deadline.isoformat() if appeal.deadline else None,
        "countries": appeal.countries,
        "topics": appeal.topics,
        "urgent": appeal.urgent,
    }
    ours = "\n".join(getattr(text, name) for name in CONTENT).splitlines()
    theirs = "\n".join(text.offered[name] for name in CONTENT).splitlines()
    lines = [line for line in difflib.ndiff(ours, theirs) if line[:1] in "-+"]
    for name, fact in facts.items():
        if name in text.offered and text.offered[name] != fact:
            lines += [f"- {name}: {_shown(fact)}", f"+ {name}: {_shown(text.offered[name])}"]
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
