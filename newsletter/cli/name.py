"""`newsletter name`: people who may be named only with their consent."""

import sys
from collections.abc import Sequence

import click
from sqlalchemy import select

from newsletter.appeals.names import Forms, ProtectedName, Register, find_name, protect
from newsletter.appeals.organisers import acting
from newsletter.appeals.sweeping import named_in
from newsletter.cli.context import Context, as_organiser, pass_context
from newsletter.cli.screen import counted, printable, say, show_json, show_table
from newsletter.delivery.withdrawing import Swept, sweep


@click.group()
def name() -> None:
    """Protect the names of people who have not agreed to be named: no mail, page, feed, log or export says them."""


@name.command()
@click.option("--alias", required=True, help="What they are called in public, such as “K., a nurse”.")
@click.option("--alias-in", multiple=True, metavar="LANGUAGE=ALIAS", help="The same in one language; again for each.")
@click.option("--keep", multiple=True, metavar="WORD", help="A part of the name that is too common to be hidden alone.")
@as_organiser
@pass_context
def hide(context: Context, alias: str, alias_in: tuple[str, ...], keep: tuple[str, ...], organiser: str | None) -> None:
    """Hide a name everywhere, in what is stored and in whatever comes in later.

    The name is asked for, or read from standard input, one spelling a line: so it stands in no list of commands.
    Parts of it are hidden too, and what endings make of them.
    """
    aliases = {"": alias}
    for each in alias_in:
        tag, equals, words = each.partition("=")
        if not equals:
            raise click.BadParameter(f"{each!r}: write it as fa=ک.", param_hint="--alias-in")
        aliases[tag.strip()] = words.strip()
    parts = context.parts
    forms = Forms(names=_asked(), keep=keep)
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        row = protect(session, parts.name_seal, forms, aliases, by=acting(session, organiser), now=now)
        number = row.id
        swept = sweep(session, Register.load(session, parts.name_seal), language=parts.settings.language, now=now)
        named = named_in(session, number)
    parts.database.forget()
    say(f"Name {number} is hidden; it is called “{alias}”. {_told(swept, named)}")
    say("What was sent before can't be taken back.")


def _asked() -> tuple[str, ...]:
    if not sys.stdin.isatty():
        return tuple(sys.stdin.read(10_000).splitlines())
    names: list[str] = []
    while line := click.prompt("Another spelling, or nothing" if names else "The name", default="", show_default=False):
        names.append(line)
    return tuple(names)


def _told(swept: Swept, named: Sequence[str]) -> str:
    if not named and not swept.editions:
        return "No appeal names them so far."
    words = (
        f"It stands in {counted(len(named), 'appeal')} ({', '.join(named)}), hidden there" if named else "It is hidden"
    )
    if swept.editions:
        waiting = counted(swept.waiting, "person was", "people were")
        words += f"; and in {counted(swept.editions, 'edition')} of mails: {waiting} to get one, and get none of it now"
    return words + "."


@name.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Show protected names by their aliases; the names themselves are never shown."""
    with context.parts.database.read() as session:
        documents = [
            {
                "number": row.id,
                "alias": row.aliases[""],
                "aliases": {tag: alias for tag, alias in row.aliases.items() if tag},
                "consent_at": row.consent_at.isoformat(timespec="seconds") if row.consent_at else None,
                "consent_note": row.consent_note,
                "added_by": row.added_by,
            }
            for row in session.scalars(select(ProtectedName).order_by(ProtectedName.id))
        ]
    if as_json:
        show_json(documents)
    elif not documents:
        say("No name is protected yet. `newsletter name hide --alias …` protects one.")
    else:
        columns = ("number", "alias", "consent_at", "added_by")
        show_table(columns, [tuple(printable(str(row[column] or "")) for column in columns) for row in documents])


@name.command()
@click.argument("number", type=int)
@click.option("--note", required=True, help="How it is known that they agree, such as “her letter of 3 May”.")
@pass_context
def consent(context: Context, number: int, note: str) -> None:
    """Record that somebody agreed to be named: from now on texts say their name."""
    parts = context.parts
    with parts.database.write() as session:
        row = find_name(session, number)
        row.consent_at, row.consent_note = parts.clock(), Register.load(session, parts.name_seal).hide(note)
    say(f"Name {number} is said from now on.")


@name.command()
@click.argument("number", type=int)
@pass_context
def withdraw(context: Context, number: int) -> None:
    """Record that somebody doesn't agree to be named any more: mails that wait and say it don't go out."""
    parts = context.parts
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        row = find_name(session, number)
        row.consent_at, row.consent_note = None, ""
        session.flush()
        swept = sweep(session, Register.load(session, parts.name_seal), language=parts.settings.language, now=now)
        named = named_in(session, number)
    parts.database.forget()
    say(f"Name {number} is hidden again. {_told(swept, named)}")
