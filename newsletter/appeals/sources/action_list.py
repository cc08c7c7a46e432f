"""Reads what a supporter can do, as a Markdown file's front matter lists it.

actions:
  - say: Ask the prosecutor to release the eleven
    subject: Release the eleven
    letter: |
      Dear Sir or Madam, …
    letters:
      tr: {subject: Serbest bırakın, letter: Sayın yetkili …}
    targets:
      - {name: Chief Prosecutor, office: Gaziantep, emails: [prosecutor@example.org], languages: [tr, en]}
  - {kind: sign, say: Sign the petition, url: "https://example.org/petition"}
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from newsletter.appeals.action import Action, ActionKind, ActionWords, Target
from newsletter.appeals.item import MAX_TAG
from newsletter.appeals.sources.blog import absolute
from newsletter.appeals.sources.faults import FrontMatterWrongValue
from newsletter.appeals.sources.prose import lines, one_line, shown
from subscribers.addresses import parse_address
from subscribers.errors import Fault

_MOST_ACTIONS: Final = 20
_MOST_TARGETS: Final = 50
_MOST_WORDS: Final = 20
LETTER_LONGEST: Final = 20_000
_ACTION_KEYS: Final = frozenset({"key", "kind", "say", "subject", "letter", "letters", "targets", "url", "place"})
_WORDS_KEYS: Final = frozenset({"say", "subject", "letter"})
_TARGET_KEYS: Final = frozenset({"name", "office", "address", "emails", "email", "phone", "languages"})
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{2,39}")
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def read_actions(value: object, *, place: str, language: str) -> tuple[Action, ...]:
    """Read the list.

    Args:
        value: what YAML made of it.
        place: how to name the file to a person.
        language: BCP 47 tag of what stands there without one.

    Raises:
        FrontMatterWrongValue: something in it isn't understood; nothing is guessed, since somebody acts by it.
    """
    reader = _Reader(place)
    found = []
    for number, entry in enumerate(reader.listed(value, "actions", _MOST_ACTIONS), start=1):
        found.append(reader.action(reader.keyed(entry, f"actions, number {number}", _ACTION_KEYS), number, language))
    keys = [action.key for action in found]
    if doubled := next((key for key in keys if keys.count(key) > 1), None):
        raise reader.wrong("actions", "a key of its own for each action", doubled)
    return tuple(found)


class _Reader:
    def __init__(self, place: str) -> None:
        self._place = place

    def action(self, facts: Mapping[str, Any], number: int, language: str) -> Action:
        where = f"actions, number {number}"
        targets = tuple(
            self._target(self.keyed(each, f"{where}, targets", _TARGET_KEYS), f"{where}, targets")
            for each in self.listed(facts.get("targets"), f"{where}, targets", _MOST_TARGETS)
        )
        said = str(facts.get("kind") or ("write" if targets else "")).strip().lower()
        if said not in list(ActionKind):
            raise self.wrong(f"{where}, kind", f"one of {', '.join(ActionKind)}", said)
        kind = ActionKind(said)
        if kind is ActionKind.WRITE and not targets:
            raise self.wrong(f"{where}, targets", "somebody who is written to", "nobody")
        url = str(facts.get("url") or "").strip()
        if (url or kind in {ActionKind.SIGN, ActionKind.DONATE}) and not absolute("", url):
            raise self.wrong(f"{where}, url", "a whole address that begins with https://", url)
        key = str(facts.get("key") or number).strip().lower()
        if not _KEY.fullmatch(key):
            raise self.wrong(f"{where}, key", "a short word such as prosecutor", key)
        words = {language: self._words(facts)} | dict(self._other_words(facts.get("letters"), f"{where}, letters"))
        return Action(
            key=key,
            kind=kind,
            targets=targets,
            url=absolute("", url),
            place=one_line(str(facts.get("place") or "")),
            words={tag: each for tag, each in words.items() if each != ActionWords()},
        )

    def _words(self, facts: Mapping[str, Any]) -> ActionWords:
        return ActionWords(
            say=one_line(str(facts.get("say") or "")),
            subject=one_line(str(facts.get("subject") or ""), 200),
            letter=lines(str(facts.get("letter") or ""), LETTER_LONGEST),
        )

    def _other_words(self, value: object, where: str) -> Iterator[tuple[str, ActionWords]]:
        if value is None:
            return
        if not isinstance(value, dict) or len(value) > _MOST_WORDS:
            raise self.wrong(where, "languages with a letter each", value)
        for tag, each in value.items():
            yield self._tag("no" if tag is False else tag, where), self._words(self.keyed(each, where, _WORDS_KEYS))

    def _target(self, facts: Mapping[str, Any], where: str) -> Target:
        name = one_line(str(facts.get("name") or ""))
        if not name:
            raise self.wrong(where, "a name for each", "one without")
        phone = one_line(str(facts.get("phone") or ""), 40)
        if phone and not _PHONE.fullmatch(phone):
            raise self.wrong(f"{where}, phone", "a number such as +90 342 555 0100", phone)
        emails = [*self.listed(facts.get("emails"), where, _MOST_TARGETS), *filter(None, [facts.get("email")])]
        languages = self.listed(facts.get("languages"), where, _MOST_WORDS)
        return Target(
            name=name,
            office=one_line(str(facts.get("office") or "")),
            postal_address=lines(str(facts.get("address") or ""), 1_000).strip(),
            emails=tuple(dict.fromkeys(self._email(each, where) for each in emails)),
            phone=phone,
            languages=tuple(dict.fromkeys(self._tag(each, where) for each in languages)),
        )

    def _email(self, value: object, where: str) -> str:
        try:
            return parse_address(str(value)).wire
        except Fault:
            raise self.wrong(f"{where}, emails", "addresses such as office@example.org", value) from None

    def _tag(self, value: object, where: str) -> str:
        value = "no" if value is False else value
        if not isinstance(value, str) or not _TAG.fullmatch(value) or len(value) > MAX_TAG:
            raise self.wrong(where, "language tags such as en or tr", value)
        return value

    def listed(self, value: object, where: str, most: int) -> list[Any]:
        """Take a list, or one word for a list of it."""
        if value is None or value == "":
            return []
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(where, f"a list of at most {most}", value)
        return value

    def keyed(self, value: object, where: str, known: frozenset[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(where, "lines such as `say: …`", value)
        facts = {str(key).strip().lower(): each for key, each in value.items()}
        for key, each in facts.items():
            if key not in known:
                raise self.wrong(where, f"only {', '.join(sorted(known))}", key)
            if key not in {"letters", "targets", "emails", "languages"} and isinstance(each, dict | list):
                raise self.wrong(f"{where}, {key}", "a text", each)
        return facts

    def wrong(self, key: str, wanted: str, value: object) -> FrontMatterWrongValue:
        plain = isinstance(value, str | int | float | bool)
        found = f"“{shown(value, 60)}”" if plain else "something else"
        return FrontMatterWrongValue(place=self._place, key=key, wanted=wanted, found=found)
