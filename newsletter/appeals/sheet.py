"""An appeal as a Markdown file that a person can edit: written here, read by the same reader as any other."""

import re
from typing import Any, Final

import yaml

from newsletter.appeals.action import Action
from newsletter.appeals.document import AppealDocument, TextDocument
from newsletter.appeals.editing import Changes
from newsletter.appeals.sources.markdown import read_markdown
from newsletter.appeals.urgency import Urgency
from newsletter.errors import NewsletterError

_REVISION: Final = re.compile(r"\A\s*---[ \t]*\n(?:(?!---).*\n)*?revision:[ \t]*(\d{1,9})[ \t]*\n")
_REFERENCE: Final = re.compile(r"\A\s*---[ \t]*\n(?:(?!---).*\n)*?reference:[ \t]*['\"]?([0-9/-]{1,32})['\"]?[ \t]*\n")
_URGENCY: Final = {Urgency.NORMAL: False, Urgency.URGENT: True, Urgency.LIFE_AT_RISK: "life at risk"}


class SheetOfAnother(NewsletterError):
    """{place} is the sheet of appeal {reference}, not of {wanted}."""


class _Plain(yaml.SafeDumper):
    """Writes what people write: several lines as a block, everything else as it stands."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        """Indent lists below their key."""
        super().increase_indent(flow=flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Plain.add_representer(str, _text)


def write_sheet(appeal: AppealDocument, text: TextDocument, *, revision: int) -> str:
    """Write one text of an appeal, and the facts that all its texts share.

    Args:
        appeal: as it stands now.
        text: the text to edit.
        revision: of the appeal; what comes back is refused if somebody else was quicker.
    """
    facts: dict[str, Any] = {
        "reference": appeal.reference,
        "revision": revision,
        "language": text.language,
        "title": text.title,
        "byline": text.byline,
        "date": appeal.published_on,
        "deadline": appeal.deadline,
        "urgent": _URGENCY[appeal.urgency],
        "countries": list(appeal.countries),
        "topics": list(appeal.topics),
        "url": text.url,
        "teaser": text.teaser,
        "demands": list(text.demands),
        "background": text.background,
        "picture_alt": text.picture_alt,
        "picture_credit": appeal.picture_credit,
        "actions": [_action(action, text.language) for action in appeal.actions],
    }
    front = yaml.dump(facts, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{front}---\n{text.body}\n"


def read_sheet(written: str, *, place: str, reference: str = "") -> tuple[Changes, str, int | None]:
    """Read what came back.

    Args:
        written: the whole file.
        place: how to name it to a person.
        reference: whose it has to be, if it says that; empty asks nothing.

    Returns:
        What it says, in which language, and the revision that it was written at; None if it doesn't say.

    Raises:
        SourceFault: it can't be read.
        SheetOfAnother: it is another appeal's.
    """
    item = read_markdown(written, place=place)
    head = written.replace("\r\n", "\n")
    revision = _REVISION.match(head)
    if reference and (of := _REFERENCE.match(head)) and of[1] != reference:
        raise SheetOfAnother(place=place, reference=of[1], wanted=reference)
    changes = Changes(
        language=item.language,
        title=item.title,
        byline=item.byline,
        teaser=item.teaser,
        body=item.body,
        background=item.background,
        demands=item.demands,
        picture_alt=item.picture_alt,
        url=item.url,
        published_on=item.published_on,
        countries=item.countries,
        topics=item.topics,
        urgency=item.urgency,
        deadline=item.deadline,
        no_deadline=item.deadline is None,
        actions=item.actions,
        picture_credit=item.picture_credit,
    )
    return changes, item.language, int(revision[1]) if revision else None


def _action(action: Action, language: str) -> dict[str, Any]:
    own = action.words.get(language)
    written: dict[str, Any] = {"key": action.key, "kind": action.kind.value}
    written |= {"say": own.say, "subject": own.subject, "letter": own.letter} if own else {}
    written["url"] = action.url
    written["place"] = action.place
    written["letters"] = {
        tag: {"say": words.say, "subject": words.subject, "letter": words.letter}
        for tag, words in action.words.items()
        if tag != language
    }
    written["targets"] = [
        {
            name: value
            for name, value in (
                ("name", target.name),
                ("office", target.office),
                ("address", target.postal_address),
                ("emails", list(target.emails)),
                ("phone", target.phone),
                ("languages", list(target.languages)),
            )
            if value
        }
        for target in action.targets
    ]
    return {name: value for name, value in written.items() if value}
