"""An appeal as one value: what is approved, frozen, shown in public and compared."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from newsletter.appeals.action import Action
from newsletter.appeals.urgency import Urgency


@dataclass(frozen=True, kw_only=True)
class TextDocument:
    """An appeal's words in one language; see `AppealText`."""

    language: str
    title: str
    byline: str = ""
    teaser: str = ""
    body: str = ""
    background: str = ""
    demands: tuple[str, ...] = ()
    url: str = ""
    picture_alt: str = ""


@dataclass(frozen=True, kw_only=True)
class AppealDocument:
    """All that an appeal says; see `Appeal`.

    Attributes:
        picture: the hash of its content, or empty.
        texts: the first is the one that it came with.
    """

    reference: str
    published_on: date
    deadline: date | None
    urgency: Urgency
    countries: tuple[str, ...]
    topics: tuple[str, ...]
    texts: tuple[TextDocument, ...]
    actions: tuple[Action, ...] = ()
    picture: str = ""
    picture_credit: str = ""

    def missing_in(self, language: str) -> tuple[str, ...]:
        """Name what its first text has and one in another language has not: words that a translator left for later."""
        first = self.texts[0]
        text = next(
            (text for text in self.texts if text.language == language), TextDocument(language=language, title="")
        )
        missing = [name.replace("_", " ") for name in _TRANSLATED if getattr(first, name) and not getattr(text, name)]
        for action in self.actions:
            own, theirs = action.words.get(language), action.words.get(first.language)
            if theirs is not None and theirs.say and not (own and own.say):
                missing.append(f"what to do in action {action.key}")
            if theirs is not None and theirs.letter and not (own and own.letter):
                missing.append(f"the letter of action {action.key}")
        return tuple(missing)

    def as_if_in(self, language: str) -> "AppealDocument":
        """Give the first text and its words for the actions as if they were in another language: to write over them."""
        first = self.texts[0]
        actions = (
            replace(action, words={**action.words, language: action.words[first.language]})
            if first.language in action.words and language not in action.words
            else action
            for action in self.actions
        )
        return replace(self, texts=(replace(first, language=language),), actions=tuple(actions))

    @property
    def as_json(self) -> dict[str, Any]:
        """Plain JSON with stable keys."""
        return dict(_ADAPTER.dump_python(self, mode="json"))

    @property
    def content_hash(self) -> str:
        """SHA-256 in hex over all of it."""
        return hash_of(self.as_json)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "AppealDocument":
        """Read what `as_json` gave."""
        return _ADAPTER.validate_python(content)


_ADAPTER = TypeAdapter(AppealDocument)
_TRANSLATED = ("title", "teaser", "body", "background", "demands", "picture_alt")
ACTIONS: TypeAdapter[tuple[Action, ...]] = TypeAdapter(tuple[Action, ...])


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 in hex over plain JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
