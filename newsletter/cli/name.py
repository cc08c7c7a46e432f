"""`newsletter name`: people who may be named only with their consent."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.appeals.model import Act
from newsletter.appeals.names import Register, Rewriting, open_name, protect
from newsletter.appeals.organisers import acting
from newsletter.appeals.protected import Forms, ProtectedName, find_name
from newsletter.appeals.sweeping import record_naming, rewrite_appeals
from newsletter.cli.context import Context, as_organiser, pass_context
from newsletter.cli.screen import counted, printable, say, show_json, show_table
from newsletter.delivery.withdrawing import Swept, sweep
from newsletter.errors import NewsletterError
from newsletter.wiring import Parts

_WORDS_SHOWN = 12
_SHOWN = 10  # appeals

_yes = click.option("--yes", is_flag=True, help="Don't ask.")


class WouldBeSaid(NewsletterError):
    """Name {number} would be said in public again. If that is meant, give --yes."""


@click.group()
def name() -> None:
    """Protect the names of people who have not agreed to be named: no mail, page, feed, log or export says them."""


@name.command()
@click.option("--alias", required=True, help="What they are called in public, such as “K., a nurse”.")
@click.option("--alias-in", multiple=True, metavar="LANGUAGE=ALIAS", help="The same in one language; again for each.")
@click.option("--keep", multiple=True, metavar="WORD", help="A part of the name that is too common to be hidden alone.")
@click.option("--dry-run", is_flag=True, help="Say where it stands, and hide nothing.")
@_yes
@as_organiser
@pass_context
def hide(
    context: Context,
    alias: str,
    alias_in: tuple[str, ...],
    keep: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    organiser: str | None,
) -> None:
    """Hide a name everywhere, in what is stored and in whatever comes in later.

    The name is asked for, or read from standard input, one spelling a line: so it stands in no list of commands.
    Parts of it are hidden too, and what endings make of them.
    """
    asked = sys.stdin.isatty()
    hiding = _Hiding(
        forms=Forms(names=_asked_names(), keep=keep),
        aliases={"": alias} | dict(_alias_in(each) for each in alias_in),
        organiser=organiser,
    )
    parts = context.parts
    if dry_run or (asked and not yes):
        tried = _hide(parts, hiding, dry_run=True)
        if asked:
            _show_words(tried.words)
        if dry_run:
            say(f"{_told(tried.swept, tried.named, 'it would be hidden there')} Nothing was changed.")
            return
        if (tried.named or tried.swept.editions) and not click.confirm(
            f"{_told(tried.swept, tried.named, 'it would be hidden there')} Hide it?", err=True
        ):
            say("Nothing was changed.")
            return
    done = _hide(parts, hiding, dry_run=False)
    parts.database.forget()
    say(f"Name {done.number} is hidden; it is called “{alias}”. {_told(done.swept, done.named, 'hidden there')}")
    say("Web addresses and topics that held it are gone. What was sent before can't be taken back.")
    say(f"If it was a mistake: `newsletter name remove {done.number}`.")


@dataclass(frozen=True, kw_only=True)
class _Hiding:
    forms: Forms
    aliases: dict[str, str]
    organiser: str | None


@dataclass(frozen=True, kw_only=True)
class _Hidden:
    """What hiding a name came to, or would.

    Attributes:
        words: what was hidden, the most frequent first.
        named: the references of the appeals where it stands.
    """

    number: int
    swept: Swept
    named: Sequence[str]
    words: Sequence[str]


def _hide(parts: Parts, hiding: _Hiding, *, dry_run: bool) -> _Hidden:
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        by = acting(session, hiding.organiser)
        row = protect(session, parts.name_seal, hiding.forms, hiding.aliases, by=by, now=now)
        number = row.id
        register = Register.writing(session, parts.name_seal)
        swept = sweep(session, register, language=parts.settings.language, now=now)
        act = Act(by=by, at=now, note=f"name {number} is hidden")
        named = record_naming(session, number, act, rewritten=swept.appeals)
        if dry_run:
            session.rollback()
    words = [word for word, _count in register.hidden.most_common(_WORDS_SHOWN + 1)]
    return _Hidden(number=number, swept=swept, named=named, words=words)


def _show_words(words: Sequence[str]) -> None:
    """Show on the terminal what would be hidden: an ordinary word among them is seen in time."""
    if words:
        shown = ", ".join(f"“{printable(word)}”" for word in words[:_WORDS_SHOWN])
        more = ", …" if len(words) > _WORDS_SHOWN else ""
        click.echo(f"It is written as {shown}{more}. A word too common to be hidden alone: --keep WORD.", err=True)


def _asked_names() -> tuple[str, ...]:
    if not sys.stdin.isatty():
        return tuple(sys.stdin.read(10_000).splitlines())
    names: list[str] = []
    while line := click.prompt("Another spelling, or nothing" if names else "The name", default="", show_default=False):
        names.append(line)
    return tuple(names)


def _alias_in(written: str) -> tuple[str, str]:
    tag, equals, words = written.partition("=")
    if not equals:
        raise click.BadParameter(f"{written!r}: write it as fa=ک.", param_hint="--alias-in")
    return tag.strip(), words.strip()


def _told(swept: Swept, named: Sequence[str], then: str) -> str:
    if not named and not swept.editions:
        return "No appeal names them so far."
    places = [f"in {_appeals(named)}"] if named else []
    places += [f"in {counted(swept.editions, 'edition')} of mails"] if swept.editions else []
    words = f"It stands {' and '.join(places)}; {then}."
    if swept.waiting:
        words += f" {counted(swept.waiting, 'person waits', 'people wait')} for such a mail, and would get none of it."
    return words


def _appeals(references: Sequence[str]) -> str:
    more = f" and {len(references) - _SHOWN} more" if len(references) > _SHOWN else ""
    return f"{counted(len(references), 'appeal')} ({', '.join(references[:_SHOWN])}{more})"


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
@as_organiser
@pass_context
def consent(context: Context, number: int, note: str, organiser: str | None) -> None:
    """Record that somebody agreed to be named: from now on texts say their name, as each of them wrote it."""
    parts = context.parts
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        row = find_name(session, number)
        register = Register.writing(session, parts.name_seal)
        row.consent_at, row.consent_note = parts.clock(), register.hide(note)
        named = _record(session, number, organiser, parts.clock(), "may be said")
    say(f"Name {number} is said from now on{f', in {_appeals(named)}' if named else ''}.")


@name.command()
@click.argument("number", type=int)
@as_organiser
@pass_context
def withdraw(context: Context, number: int, organiser: str | None) -> None:
    """Record that somebody doesn't agree to be named any more: mails that wait and say it don't go out."""
    parts = context.parts
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        row = find_name(session, number)
        row.consent_at, row.consent_note = None, ""
        session.flush()
        swept = sweep(session, Register.writing(session, parts.name_seal), language=parts.settings.language, now=now)
        named = _record(session, number, organiser, now, "is hidden again", swept.appeals)
    parts.database.forget()
    say(f"Name {number} is hidden again. {_told(swept, named, 'hidden there')}")


@name.command()
@click.argument("number", type=int)
@_yes
@as_organiser
@pass_context
def remove(context: Context, number: int, yes: bool, organiser: str | None) -> None:
    """Protect a name no more, because it was hidden by mistake: texts say again what they said.

    Web addresses and topics that held it stay away. When somebody agreed to be named, `name consent` is what is meant:
    it can be withdrawn.
    """
    parts = context.parts
    with parts.database.read() as session:
        find_name(session, number)
    if not yes:
        if not sys.stdin.isatty():
            raise WouldBeSaid(number=number)
        if not click.confirm(f"Name {number} would be said in public again. Is that meant?", err=True):
            say("Nothing was changed.")
            return
    with parts.database.write() as session:
        parts.database.serialise(session, "names")
        row = find_name(session, number)
        named = _record(session, number, organiser, parts.clock(), "is not protected any more")
        bearer = open_name(session, parts.name_seal, number)
        others = Register.writing(session, parts.name_seal, without=number)
        rewrite_appeals(session, Rewriting.restoring(bearer, others))
        session.delete(row)
    say(f"Name {number} is not protected any more{f'; {_appeals(named)} say it again' if named else ''}.")


def _record(
    session: Session, number: int, organiser: str | None, now: datetime, what: str, rewritten: Sequence[str] = ()
) -> list[str]:
    act = Act(by=acting(session, organiser), at=now, note=f"name {number} {what}")
    return record_naming(session, number, act, rewritten=rewritten)
