"""`newsletter alert`, `mailing approve` and `mailing correct`: one appeal to all whom it concerns, at once."""

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter.appeals.countries import country_code
from newsletter.appeals.intake import find_appeal
from newsletter.appeals.organisers import acting
from newsletter.cli.context import Context, Span, as_organiser, language_tags, pass_context
from newsletter.cli.launching import Launching
from newsletter.delivery.alertable import select_all, select_recipients
from newsletter.delivery.alerting import LIVES, UNDO
from newsletter.delivery.selection import Part
from subscribers.preferences import Cadence, chosen_topics


class PartType(click.ParamType[Part]):
    """How many people: 500, or 10%."""

    name = "part"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Part:
        """Read it, or say how it is written."""
        if isinstance(value, Part):
            return value
        found = re.fullmatch(r"(\d{1,7})|(\d{1,3}(?:\.\d{1,3})?)\s*%", str(value).strip())
        part = found and Part(float(found[1] or found[2]), is_percent=found[1] is None)
        if not part or part.number <= 0 or (part.is_percent and part.number > 100):
            self.fail(f"{value!r} is no part; write it as 500 or 10%", param, ctx)
        return part


def _countries(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> frozenset[str]:
    codes = {name: country_code(name) for name in names}
    wrong = next((name for name, code in codes.items() if code is None), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} is no country; give a code such as KZ")
    return frozenset(filter(None, codes.values()))


def _topics(session: Session, words: tuple[str, ...], about: Collection[str]) -> frozenset[str]:
    """Read topics that somebody chose, or that the appeal is about: others are taken for slips of the pen."""
    topics = frozenset(" ".join(topic.casefold().split()) for topic in words)
    chosen = {*about, *chosen_topics(session)} if topics else set[str]()
    for topic in sorted(topics - chosen):
        near = difflib.get_close_matches(topic, sorted(chosen), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`newsletter subscriber list` shows what people chose"
        raise click.BadParameter(f"nobody chose {topic!r}; {hint}", param_hint="--topic")
    return topics


_EXPIRES = click.option(
    "--expires", type=Span(), default=LIVES, help="What can't be sent by then is not sent: 6h, 2d; else a day."
)
_LAUNCH = (
    click.option("--undo", type=Span(), default=UNDO, help="For so long it can be stopped, else 60s; 0 sends at once."),
    click.option(
        "--preview",
        type=click.Path(path_type=Path, file_okay=False),
        help="A folder for the mails, as HTML and text in each language, to be looked at.",
    ),
    click.option("--yes", is_flag=True, help="Don't ask."),
    click.option("--dry-run", is_flag=True, help="Only show whom it would go to; change nothing."),
    as_organiser,
    click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs."),
    pass_context,
)


def _launches(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all launches have."""
    for option in reversed(_LAUNCH):
        command = option(command)
    return command


@click.command()
@click.argument("reference", metavar="APPEAL")
@click.option("--topic", "topics", multiple=True, help="Only those who read about this topic. Again for each.")
@click.option(
    "--country",
    "countries",
    multiple=True,
    callback=_countries,
    help="Only those who read about this country. Again for each.",
)
@click.option(
    "--language", "languages", multiple=True, callback=language_tags, help="Only those who get it in this language."
)
@click.option(
    "--cadence",
    "cadences",
    multiple=True,
    type=click.Choice([each.value for each in Cadence]),
    help="Only those who have this one. Again for each.",
)
@click.option("--got-original", is_flag=True, help="Only those who got what this appeal continues.")
@click.option(
    "--without", type=click.IntRange(1, 2**31 - 1), multiple=True, metavar="MAILING", help="Not those who got that."
)
@click.option("--part", type=PartType(), help="A random part first: 500, or 10%. Without it, later, the rest gets it.")
@_EXPIRES
@_launches
def alert(
    context: Context,
    /,
    reference: str,
    topics: tuple[str, ...],
    countries: frozenset[str],
    languages: tuple[str, ...],
    cadences: tuple[str, ...],
    got_original: bool,
    without: tuple[int, ...],
    part: Part | None,
    organiser: str | None,
    **how: Any,
) -> int:
    """Send one released appeal at once to everybody whom it concerns and who wants alerts.

    Shown first: how many that are, and who gets none and why. Nobody gets an appeal twice. The options choose among
    those people; nobody is reached who chose otherwise. Unless a life is at risk, whoever has night gets it at 08:00.

    With `second_look` (the default) it waits for another organiser: `newsletter mailing approve`.
    """
    parts = context.parts
    now = parts.clock()
    with parts.database.read() as session:
        by = acting(session, organiser)
        appeal = find_appeal(session, reference)
        selection = select_all(appeal, now)
        asked_topics = _topics(session, topics, appeal.topics)
        if got_original:
            selection = replace(selection, only_recipients=True)
    chosen = replace(
        selection,
        topics=asked_topics,
        countries=countries,
        languages=frozenset(languages),
        cadences=frozenset(Cadence(each) for each in cadences),
        without=tuple(sorted(set(without))),
        part=part,
    )
    return Launching(parts, by=by, now=now, **how).run(chosen)


@click.command()
@click.argument("number", type=click.IntRange(1, 2**31 - 1), metavar="MAILING")
@click.argument("reference", metavar="CORRECTION")
@_EXPIRES
@_launches
def correct(context: Context, /, number: int, reference: str, organiser: str | None, **how: Any) -> int:
    """Send a correction to exactly those who got a mailing with what it corrects.

    CORRECTION is an appeal: `newsletter appeal follow-up REFERENCE --kind correction` begins it; it is approved and
    released as any other. It reaches also those who want no alerts, for they have what was wrong. A mailing that is
    still going out is cancelled first.
    """
    parts = context.parts
    now = parts.clock()
    with parts.database.read() as session:
        by = acting(session, organiser)
        selection = select_recipients(session, find_appeal(session, reference), number, now)
    return Launching(parts, by=by, now=now, **how).run(selection)


@click.command()
@click.argument("number", type=click.IntRange(1, 2**31 - 1), metavar="MAILING")
@_launches
def approve(context: Context, /, number: int, organiser: str | None, **how: Any) -> int:
    """Launch an alert that another organiser proposed."""
    parts = context.parts
    with parts.database.read() as session:
        by = acting(session, organiser)
    return Launching(parts, by=by, now=parts.clock(), expires=LIVES, **how).approve(number)
