"""`newsletter source`: places that appeals come in from, looked at again and again."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.appeals.intake import Intake, Taken, tidy_topics
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.names import MARK, Register
from newsletter.appeals.organisers import acting
from newsletter.appeals.polling import Polled, held_of
from newsletter.appeals.polling import dismiss as dismiss_held
from newsletter.appeals.reading import Discovered, Found, Place, complete, discover
from newsletter.appeals.source import (
    HOLD_ABOVE,
    INTERVAL_MINUTES,
    LEAST_INTERVAL_MINUTES,
    EntryState,
    Source,
    SourceEntry,
    SourceKind,
    SourceThere,
    due_sources,
    find_source,
)
from newsletter.appeals.sources.fetching import WebFetch, is_address
from newsletter.appeals.sources.selecting import Selectors
from newsletter.cli.context import Context, as_organiser, language_tag, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn

SHOWN = 5
_KINDS = {
    SourceKind.FEED: "a feed",
    SourceKind.LISTING: "a web page that lists articles",
    SourceKind.FOLDER: "a folder of Markdown files",
    SourceKind.TEXT: "a text",
}
_FATES = {
    Taken.NEW: "new",
    Taken.TRANSLATION: "translation added",
    Taken.UPDATED: "changed at the source; the draft follows it",
    Taken.CHANGED: "changed at the source; kept as it is here",
}


@click.group()
def source() -> None:
    """Watch places that appeals come in from: feeds, web pages, folders of Markdown.

    What is new there becomes a draft. Nothing is sent.
    """


@source.command()
@click.argument("location", metavar="URL|FOLDER")
@click.option("--as-listing", is_flag=True, help="Read the page itself, also where it names a feed.")
@click.option(
    "--select", "selectors", multiple=True, metavar="NAME=CSS", help="Where things stand on it: item=, title=, link=, …"
)
@click.option("--language", callback=language_tag, help="What its texts are written in; without it each tells.")
@click.option("--topic", "topics", multiple=True, help="For all its appeals; again for each.")
@click.option("--take", type=click.IntRange(0), default=0, help="So many of the newest come in at once, as drafts.")
@click.option("--every", "minutes", type=click.IntRange(LEAST_INTERVAL_MINUTES), default=INTERVAL_MINUTES,
              show_default=True, help="Minutes between two looks.")  # fmt: skip
@click.option("--hold-above", type=click.IntRange(0), default=HOLD_ABOVE, show_default=True,
              help="More new ones than this at once wait for your decision.")  # fmt: skip
@click.option("--no-articles", is_flag=True, help="Never read articles' own pages.")
@click.option("--yes", is_flag=True, help="Add it without asking.")
@as_organiser
@pass_context
def add(
    context: Context,
    /,
    location: str,
    as_listing: bool,
    selectors: Sequence[str],
    language: str | None,
    topics: Sequence[str],
    take: int,
    minutes: int,
    hold_above: int,
    no_articles: bool,
    yes: bool,
    organiser: str | None,
) -> None:
    """Find out what is at a place, show what would be read, and watch it from then on.

    What is there already counts as known: only what comes later becomes a draft, unless --take says otherwise.
    """
    parts = context.parts
    place = Place(
        location=location if is_address(location) else str(Path(location).absolute()),
        kind=SourceKind.FEED,
        scope="",
        language=language or "",
        topics=tuple(tidy_topics(topics)),
        selectors=Selectors.named(_named(selectors)),
        reads_articles=not no_articles,
    )
    only = SourceKind.LISTING if as_listing or selectors else None
    today = today_somewhere(parts.clock())
    with parts.web_fetch() as web, progress(f"Looking at {location}"):
        found = discover(place, web, today=today, only=only)
        sample = _sample(found, web, today)
    with parts.database.read() as session:
        register = Register.load(session, parts.name_seal)
    _show_discovered(found, sample, register)
    if not yes and not click.confirm("Watch it?", default=True):
        say("Nothing was kept.")
        return
    now = parts.clock()
    with parts.database.write() as session:
        parts.database.share(session, "names")
        register = Register.writing(session, parts.name_seal)
        same = select(Source.id).where(Source.location == found.place.location, Source.removed_at.is_(None))
        if (known := session.scalar(same)) is not None:
            raise SourceThere(number=known, location=found.place.location)
        made = Source(
            location=found.place.location,
            kind=found.place.kind,
            title=register.hide(MARK.sub("…", found.reading.title)),
            language=found.place.language,
            topics=[register.hide_topic(topic) for topic in found.place.topics],
            selectors=found.place.selectors.given(),
            reads_articles=found.place.reads_articles,
            hold_above=hold_above,
            interval_minutes=minutes,
            added_by=acting(session, organiser),
            added_at=now,
            next_poll_at=now,
        )
        session.add(made)
        session.flush()
        number = made.id
    say(f"Source {number} is watched.")
    with progress("Reading"):
        [polled] = parts.poller().poll([number], take=take or None)
    _tell(polled, register)


def _named(selectors: Sequence[str]) -> dict[str, str]:
    given = {}
    for each in selectors:
        name, equals, css = each.partition("=")
        if not equals:
            raise click.BadParameter(f"{each!r}: write it as item=article.post", param_hint="--select")
        given[name.strip()] = css
    return given


def _sample(found: Discovered, web: WebFetch, today: Any) -> tuple[str, ...]:
    """Read the newest one whole, so that byline and text can be judged before anything is kept."""
    if not found.reading.found:
        return ()
    item, fault = complete(_newest(found.reading.found)[0], found.place, web, today=today)
    text = f"{item.teaser}\n\n{item.body}".strip()
    signed = item.byline or "(nobody named)"
    pictures = counted(len(item.pictures), "picture")
    lines = [
        f"{item.published_on}  {item.title}",
        f"by {signed}; in {item.language}; {len(text):,} characters; {pictures}",
        item.url,
        "",
        text[:600] + ("…" if len(text) > 600 else ""),
    ]
    whole = "\n".join((*lines, *([str(fault)] if fault else [])))
    return tuple(re.sub(r"\n{3,}", "\n\n", whole).splitlines())


def _newest(found: Sequence[Found]) -> list[Found]:
    return sorted(found, key=lambda one: one.published_on.toordinal() if one.published_on else 0, reverse=True)


def _show_discovered(found: Discovered, sample: Sequence[str], register: Register) -> None:
    def said(text: str) -> str:
        return printable(register.said(register.hide(text), ""))

    reading = found.reading
    title = f", “{reading.title}”" if reading.title else ""
    say(said(f"{found.place.location} is {_KINDS[found.place.kind]}{title}: {counted(len(reading.found), 'article')}."))
    for link in found.feeds:
        if link.url != found.place.location:
            say(said(f"The page names another feed: {link.url} ({link.title or link.type})"))
    if reading.fault:
        warn(said(reading.fault))
    for one in _newest(reading.found)[:SHOWN]:
        say(said(f"  {one.published_on or '(no date)'}  {one.title or one.url}"))
    if len(reading.found) > SHOWN:
        say(f"  … and {len(reading.found) - SHOWN:,} more")
    if sample:
        say("\nThe newest, as it would come in:\n")
        say(said("\n".join(f"  {line}" for line in "\n".join(sample).splitlines())))
        say("")


@source.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """Show all sources, and which can't be read."""
    with context.parts.database.read() as session:
        register = Register.load(session, context.parts.name_seal)
        rows = session.scalars(select(Source).where(Source.removed_at.is_(None)).order_by(Source.id))
        documents = [_document(session, row, register) for row in rows]
    if as_json:
        show_json(documents)
    elif not documents:
        say("No source is watched yet. Add one with `newsletter source add URL`.")
    else:
        columns = ("number", "kind", "location", "last read", "held")
        show_table(columns, [_row(document) for document in documents])
        for document in documents:
            if document["fault"]:
                since = f" (since {document['failing_since'][:16]})" if document["failing_since"] else ""
                say(printable(f"Source {document['number']}{since}: {document['fault']}"))


@source.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def show(context: Context, number: int, as_json: bool) -> None:
    """Show one source, and what of it waits for your decision."""
    with context.parts.database.read() as session:
        register = Register.load(session, context.parts.name_seal)
        document = _document(session, find_source(session, number), register)
        held = [
            {
                "number": row.id,
                "title": register.said(row.title, ""),
                "url": row.url,
                "published_on": row.published_on.isoformat() if row.published_on else None,
            }
            for row in held_of(session, number)
        ]
    if as_json:
        show_json(document | {"held_entries": held})
        return
    for name, value in document.items():
        say(printable(f"{name.replace('_', ' ')}: {value if value not in ('', None, [], {}) else '-'}"))
    if held:
        say("\nThese wait for your decision: `newsletter source take` or `dismiss`.")
        columns = ("number", "published_on", "title")
        show_table(columns, [tuple(str(row[column] or "") for column in columns) for row in held])


@source.command()
@click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER...]")
@click.option("--due", is_flag=True, help="Only those whose time has come.")
@click.option("--take", type=click.IntRange(0), help="So many of the newest new ones come in, however many there are.")
@pass_context
def poll(context: Context, numbers: Sequence[int], due: bool, take: int | None) -> None:
    """Look at sources now: at those you name, or at all."""
    parts = context.parts
    with parts.database.read() as session:
        register = Register.load(session, parts.name_seal)
        chosen = list(numbers)
        if not chosen:
            every = select(Source.id).where(Source.removed_at.is_(None)).order_by(Source.id)
            chosen = due_sources(session, parts.clock()) if due else list(session.scalars(every))
    with progress("Reading", total=len(chosen)) as bar:

        def on_source(location: str) -> None:
            bar.update(bar.task_ids[0], description=printable(f"Reading {location}"), advance=1)

        polled = parts.poller().poll(chosen, take=take, due_only=due, on_source=on_source)
    for one in polled:
        _tell(one, register)
    if not polled:
        say("No source is due." if due else "No source is watched yet. Add one with `newsletter source add URL`.")
    if any(one.failed or one.faults for one in polled):
        raise SystemExit(1)


@source.command()
@click.argument("number", type=int)
@click.argument("entries", nargs=-1, type=int, metavar="[ENTRY...]")
@click.option("--all", "everything", is_flag=True, help="All that is held.")
@as_organiser
@pass_context
def take(context: Context, number: int, entries: Sequence[int], everything: bool, organiser: str | None) -> None:
    """Take in what is held of a source, as drafts; `source show` lists it."""
    if bool(entries) == everything:
        raise click.UsageError("Name the entries, or give --all.")
    parts = context.parts
    with parts.database.read() as session:
        by = acting(session, organiser)
        register = Register.load(session, parts.name_seal)
    with progress("Reading"):
        taken = parts.poller().take(number, entries, by=by)
    _tell(taken, register)


@source.command()
@click.argument("number", type=int)
@click.argument("entries", nargs=-1, type=int, metavar="[ENTRY...]")
@click.option("--all", "everything", is_flag=True, help="All that is held.")
@pass_context
def dismiss(context: Context, number: int, entries: Sequence[int], everything: bool) -> None:
    """Leave out what is held of a source; it doesn't come again."""
    if bool(entries) == everything:
        raise click.UsageError("Name the entries, or give --all.")
    with context.parts.database.write() as session:
        count = dismiss_held(session, number, entries)
    say(f"Left out {counted(count, 'article')}.")


@source.command()
@click.argument("number", type=int)
@click.argument("listing", metavar="URL")
@click.option("--max-pages", type=click.IntRange(1, 1000), default=50, show_default=True, help="Pages to follow.")
@pass_context
def backfill(context: Context, number: int, listing: str, max_pages: int) -> None:
    """Read the pages of a listing for older articles that a feed doesn't have; you decide which are taken."""
    parts = context.parts
    with progress(f"Reading {listing}"):
        found = parts.poller().backfill(number, listing, max_pages=max_pages)
    say(f"{counted(found.held, 'article')} held. `newsletter source show {number}` lists them.")


@source.command()
@click.argument("number", type=int)
@pass_context
def remove(context: Context, number: int) -> None:
    """Watch a source no more. Its appeals stay."""
    with context.parts.database.write() as session:
        find_source(session, number).removed_at = context.parts.clock()
    say(f"Source {number} is not watched any more.")


def _document(session: Session, row: Source, register: Register) -> dict[str, Any]:
    states = select(SourceEntry.state, func.count()).where(SourceEntry.source_id == row.id).group_by(SourceEntry.state)
    counts = {state.value: number for state, number in session.execute(states)}
    return {
        "number": row.id,
        "kind": row.kind.value,
        "location": register.said(register.hide(row.location), ""),
        "title": register.said(row.title, ""),
        "language": row.language,
        "topics": row.topics,
        "selectors": row.selectors,
        "every_minutes": row.interval_minutes,
        "hold_above": row.hold_above,
        "polled_at": row.polled_at.isoformat(timespec="seconds") if row.polled_at else None,
        "next_poll_at": row.next_poll_at.isoformat(timespec="seconds"),
        "known": sum(counts.values()),
        "taken": counts.get(EntryState.TAKEN, 0),
        "held": counts.get(EntryState.HELD, 0),
        "failing_since": row.failing_since.isoformat(timespec="seconds") if row.failing_since else None,
        "fault": register.said(row.fault, ""),
    }


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(document["number"]),
        document["kind"],
        document["location"],
        document["polled_at"] or "not yet",
        str(document["held"] or ""),
    )


def _tell(polled: Polled, register: Register) -> None:
    """Say what a look came to, one line for each article and one for the source."""
    for fate in polled.taken:
        if fate.taken is not Taken.UNCHANGED:
            say(printable(f"{fate.reference}  {_FATES[fate.taken]}: {register.said(fate.title, fate.language)}"))
    for fault in polled.faults:
        warn(printable(register.said(register.hide(fault), "")))
    if polled.failed:
        return
    words = [f"{_new(polled.taken):,} new"]
    words += [f"{polled.known:,} known from now on"] if polled.known else []
    words += [f"{polled.held:,} held: see `newsletter source show {polled.number}`"] if polled.held else []
    summary = "nothing has changed" if polled.unchanged else ", ".join(words)
    say(printable(f"Source {polled.number}: {summary}."))


def _new(taken: Sequence[Intake]) -> int:
    return sum(fate.taken is Taken.NEW for fate in taken)
