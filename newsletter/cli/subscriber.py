"""`newsletter subscriber`: bring people in with proof of their consent, and see who is there."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter.cli.context import Context, language_tag, pass_context
from newsletter.cli.importing import import_, imports, undo
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn
from newsletter.delivery.forgetting import forget_person
from newsletter.delivery.model import MailingKind
from newsletter.delivery.story import Person, Story, story_of
from newsletter.errors import NewsletterError
from newsletter.languages import spoken, weekday_names
from newsletter.web.snippet import sign_up_form
from subscribers.addresses import parse_address
from subscribers.erasing import NoSuchSubscriber
from subscribers.exporting import export_subscribers
from subscribers.leaving import leave
from subscribers.model import Status, Subscriber
from subscribers.moving import revoke_links

SHOWN = 20


class CanNotWrite(NewsletterError):
    """Can't write {path}: {reason}. Give the name of a file that is not there yet."""


@click.group()
def subscriber() -> None:
    """Bring people in, and see who is there."""


for command in (import_, imports, undo):
    subscriber.add_command(command)


@subscriber.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at the most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with all of them, for programs.")
@pass_context
def list_(context: Context, status: str | None, limit: int, as_json: bool) -> None:
    """Show subscribers, the newest first."""
    query = select(Subscriber).options(joinedload(Subscriber.profile)).order_by(Subscriber.id.desc())
    everyone = select(func.count()).select_from(Subscriber)
    if status:
        query = query.where(Subscriber.status == Status(status))
        everyone = everyone.where(Subscriber.status == Status(status))
    with context.parts.database.read() as session:
        total = session.scalar(everyone) or 0
        people = [_document(person) for person in session.scalars(query if as_json else query.limit(limit))]
    if as_json:
        show_json(people)
        return
    if not people:
        say("There is nobody yet. Bring people in with `newsletter subscriber import FILE.csv`.")
        return
    columns = ("email", "name", "status", "cadence", "languages", "topics", "countries")
    show_table(
        columns,
        [
            tuple(" ".join(p[c]) if isinstance(p[c], list) else str(p[c] or "") for c in columns)
            for p in ({**one, "email": one["email"] or "(erased)"} for one in people)
        ],
    )
    if total > len(people):
        say(f"… and {total - len(people):,} more; --limit shows more of them.")


@subscriber.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--status", type=click.Choice([status.value for status in Status]), default=Status.ACTIVE.value)
@click.option("--everybody", is_flag=True, help="Whatever their status; nobody who was erased.")
@pass_context
def export(context: Context, file: Path, status: str, everybody: bool) -> None:
    """Write subscribers to a new CSV FILE that only you can read. `subscriber import` reads it, and others do.

    Cells that a spreadsheet would take for a formula begin with a quote.
    """
    parts = context.parts
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CanNotWrite(path=file, reason=(error.strerror or str(error)).lower()) from None
    try:
        with (
            os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out,
            progress("Writing", total=None) as bar,
            parts.database.read() as session,
        ):
            count = export_subscribers(
                session,
                out,
                status=None if everybody else Status(status),
                on_progress=lambda done: bar.update(bar.task_ids[0], completed=done),
            )
    except BaseException:
        file.unlink()  # half a list would be taken for the whole
        raise
    say(f"{counted(count, 'subscriber')} written to {file}. It names people: keep it as safe as the database.")


@subscriber.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with all of it, for programs.")
@pass_context
def show(context: Context, email: str, as_json: bool) -> None:
    """Tell the whole story of an address: how it joined, what it chose, what it was sent, why it gets mail or none."""
    parts = context.parts
    with parts.database.read() as session:
        told = story_of(session, parse_address(email), parts.suppression)
    if as_json:
        show_json(told.document())
        return
    now = parts.clock()
    say(printable(f"{told.address} {told.verdict(now)}."))
    if told.person is None:
        return
    _tell_person(told.person)
    _tell_past(told)
    _tell_mails(told, now)


@subscriber.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Don't ask.")
@pass_context
def erase_(context: Context, email: str, yes: bool) -> None:
    """Remove a person for good, as the law gives them the right to (GDPR Art. 17).

    What stays is a keyed hash of the address, so that no import brings it back, and how many mails went out.
    """
    parts = context.parts
    address = parse_address(email)
    if not yes:
        click.confirm(printable(f"Remove {address.email} for good? This can't be undone."), abort=True)
    with parts.database.write() as session:
        found = session.scalar(select(Subscriber).where(Subscriber.address_key == address.key))
        if found is None:
            raise NoSuchSubscriber
        forget_person(session, found, suppression=parts.suppression, now=parts.clock())
    say("Erased. No mail goes to this address, and no import brings it back; a fresh sign-up by that person does.")


@subscriber.command()
@click.argument("email")
@click.option("--quiet", is_flag=True, help="Don't tell them by a mail.")
@pass_context
def unsubscribe(context: Context, email: str, quiet: bool) -> None:
    """Take a person off who has asked for it in another way: by a mail, by telephone. One last mail says so."""
    parts = context.parts
    address = parse_address(email)
    with parts.database.write() as session:
        parts.database.serialise(session, "subscribers")
        found = session.scalar(select(Subscriber).where(Subscriber.address_key == address.key))
        if found is None:
            raise NoSuchSubscriber
        now = parts.clock()
        was_on = leave(session, found.id, source="an organiser", now=now)
        if was_on and not quiet:
            parts.service_desk.queue(
                session,
                MailingKind.GOODBYE,
                found,
                email=found.email,
                address_key=found.address_key,
                language=found.profile.languages[0],
                now=now,
            )
    say(
        "This person is off. Only a fresh sign-up by themselves brings them back."
        if was_on
        else "They had left already."
    )


@subscriber.command()
@click.argument("email")
@pass_context
def revoke(context: Context, email: str) -> None:
    """Make every link that this person was sent so far open nothing: for when somebody else got hold of one.

    The links in the next mail to them work again.
    """
    address = parse_address(email)
    with context.parts.database.write() as session:
        found = session.scalar(select(Subscriber).where(Subscriber.address_key == address.key))
        if found is None:
            raise NoSuchSubscriber
        revoke_links(session, found)
    say("Every link in mails to this address so far is dead. The next mail has new ones.")


@subscriber.command()
@click.option("--language", callback=language_tag, help="Of the form; without it the organisation's.")
@click.option("--source", default="", help="What the record of consent calls this form: union.example")
@pass_context
def form(context: Context, language: str | None, source: str) -> None:
    """Print a sign-up form as plain HTML, to be put into any site. It leads to the page where people choose."""
    settings = context.settings
    if "base_url" in settings.unset:
        warn(f"base_url is not set yet: the form leads to {settings.base_url}, which nobody else can reach.")
    tag = spoken(language or settings.language)
    say(sign_up_form(settings.base_url, tag, source=source))


def _tell_person(person: Person) -> None:
    name = f", {person.name}" if person.name else ""
    say(printable(f"  {_day(person.created_at)}  on record as number {person.id}{name}"))
    if person.joined_at:
        say(f"  {_day(person.joined_at)}  joined")
    if person.left_at:
        why = f"; said: {person.left_why}" if person.left_why else ""
        say(f"  {_day(person.left_at)}  left: {person.left_reason}{why}")
    say("Chose:")
    for name, value in person.choices.facts().items():
        say(printable(f"  {name.replace('_', ' '):<20} {_in_words(name, value)}"))


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "weekday":
        return weekday_names("en")[value]
    if isinstance(value, list):
        return ", ".join(value) or "all"
    if value in ("", None):
        return "the organisation's" if name == "time_zone" else "–"
    return str(value)


def _tell_past(told: Story) -> None:
    if told.requests:
        say("Asked for lately:")
    for asked in told.requests:
        came = f"confirmed {_day(asked.confirmed_at)}" if asked.confirmed_at else "not confirmed"
        what = "to join" if asked.kind == "join" else f"mail to {asked.email}"
        say(printable(f"  {_day(asked.at)}  {what}{f', {asked.source}' if asked.source else ''}: {came}"))
    if told.consents:
        say("Consent:")
    for one in told.consents:
        wording = f' "{one.wording}"' if one.wording else ""
        say(printable(f"  {_day(one.at)}  {one.act}: {one.source}{wording}"))
    if told.changes:
        say("Changes:")
    for change in told.changes:
        what = "; ".join(f"{name}: {change.before[name]} → {change.after[name]}" for name in change.after)
        say(printable(f"  {_day(change.at)}  {change.source}: {what}"))


def _tell_mails(told: Story, now: datetime) -> None:
    if told.looked_at is not None and told.looked_at.skip is not None:
        say(f"Last looked at for a digest: {_day(told.looked_at.at)}, {told.looked_at.skip.words}")
    if told.mails:
        say("Mails:")
    for mail in told.mails[:SHOWN]:
        became = f"{mail.state.value}: {mail.skip.words}" if mail.skip else mail.state.value
        if mail.due_at is not None and mail.due_at > now:
            became += f" until {_day(mail.due_at)}"
        reply = f" ({mail.reply})" if mail.reply and mail.state.value != "accepted" else ""
        about = f"  {mail.subject} [{', '.join(mail.appeals)}]" if mail.subject else ""
        say(printable(f"  {_day(mail.at)}  mailing {mail.mailing}, {became}{reply}{about}"))
    if len(told.mails) > SHOWN:
        say(f"  … and {len(told.mails) - SHOWN:,} older ones; --json has them all.")
    if told.missed:
        say("Alerts without a mail to them:")
    for one in told.missed or ():
        say(printable(f"  {_day(one.at)}  mailing {one.mailing} [{one.appeal}], {one.words}"))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _document(person: Subscriber) -> dict[str, Any]:
    profile = person.profile
    return {
        "email": person.email,
        "name": person.name,
        "status": person.status.value,
        "left_reason": person.left_reason.value if person.left_reason else None,
        "cadence": person.cadence.value,
        "languages": profile.languages,
        "topics": profile.topics,
        "countries": profile.countries,
        "format": profile.format.value,
        "joined_at": person.joined_at.isoformat() if person.joined_at else None,
        "left_at": person.left_at.isoformat() if person.left_at else None,
    }
