"""`newsletter appeal`: bring appeals in, look at them, complete and approve them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

import click
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from newsletter.appeals.countries import country_code
from newsletter.appeals.editing import Changes, differences, edit
from newsletter.appeals.intake import Intake, Taken, find_appeal, take_offered
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.sources import read_source
from newsletter.cli.context import Context, language_tag, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn

_WORDS = {
    Taken.NEW: "new",
    Taken.TRANSLATION: "translation added",
    Taken.UPDATED: "changed at the source; the draft follows it",
    Taken.CHANGED: "changed at the source; kept as it is here",
}


@click.group()
def appeal() -> None:
    """Bring appeals in, look at them, and approve what goes out."""


@appeal.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--language", callback=language_tag, help="What all texts are written in; without it each source tells.")
@click.option("--max-pages", type=click.IntRange(1, 1000), default=50, show_default=True, help="Pages to follow.")
@click.option("--dry-run", is_flag=True, help="Show what would come in; change nothing.")
@pass_context
def import_(context: Context, sources: tuple[str, ...], language: str | None, max_pages: int, dry_run: bool) -> None:
    """Read appeals from files or web pages, and keep them as drafts.

    SOURCE is a plain-text listing, a Joomla blog page (a file or an http address, whose further pages are
    followed), or a Markdown file with front matter. Nothing is sent; importing again changes nothing.
    """
    parts = context.parts
    with progress("Reading") as bar:
        read = [
            (
                source,
                read_source(
                    source,
                    allowed=context.settings.fetch_networks,
                    max_pages=max_pages,
                    language=language,
                    otherwise=context.settings.language,
                    on_page=lambda number, place: bar.update(
                        bar.task_ids[0], completed=number, description=f"Reading {place}"
                    ),
                ),
            )
            for source in sources
        ]
    fates: list[Intake] = []
    with parts.database.write() as session:
        for source, items in read:
            fates += parts.desk.take_in(session, items, source=source, now=parts.clock())
        if dry_run:
            session.rollback()
    for fate in fates:
        if fate.taken is not Taken.UNCHANGED:
            say(printable(f"{fate.reference}  {_WORDS[fate.taken]}: {fate.title}"))
    say(_summary(fates, dry_run=dry_run))


@appeal.command("list")
@click.option("--status", type=click.Choice([status.value for status in AppealStatus]), help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def list_(context: Context, status: str | None, as_json: bool) -> None:
    """Show all appeals, the newest first."""
    with context.parts.database.read() as session:
        query = (
            select(Appeal).options(selectinload(Appeal.texts)).order_by(Appeal.published_on.desc(), Appeal.id.desc())
        )
        if status:
            query = query.where(Appeal.status == AppealStatus(status))
        documents = [_document(found) for found in session.scalars(query)]
    if as_json:
        show_json(documents)
    elif not documents:
        say("There are no appeals here yet. Bring some in with `newsletter appeal import SOURCE`.")
    else:
        columns = ("reference", "status", "date", "countries", "languages", "title")
        show_table(columns, [_row(document) for document in documents])


@appeal.command()
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def show(context: Context, reference: str, as_json: bool) -> None:
    """Show one appeal with its texts, and what its source says differently now."""
    with context.parts.database.read() as session:
        found = find_appeal(session, reference)
        document = _document(found) | {
            "topics": found.topics,
            "deadline": found.deadline.isoformat() if found.deadline else None,
            "url": found.text.url,
            "source": found.source,
            "released_at": found.released_at.isoformat() if found.released_at else None,
            "texts": [
                {
                    "language": text.language,
                    "title": text.title,
                    "byline": text.byline,
                    "teaser": text.teaser,
                    "body": text.body,
                    "url": text.url,
                    "released": text.released,
                    "edited": text.edited,
                    "changed_at_source": text.offered,
                }
                for text in found.texts
            ],
        }
        changed = [(text.language, differences(text)) for text in found.texts if text.offered]
    if as_json:
        show_json(document)
        return
    say(printable(_as_text(document)))
    for language, lines in changed:
        say(f"\nChanged at the source ({language}); `newsletter appeal update {reference}` takes it:")
        say(printable("\n".join(lines)))


@appeal.command("edit")
@click.argument("reference")
@click.option("--language", help="Which text, for title, byline, teaser and body; without it the first.")
@click.option("--title")
@click.option("--byline")
@click.option("--teaser", help="Plain text.")
@click.option(
    "--body", type=click.File(encoding="utf-8"), help="A file with the full text as Markdown; - for standard input."
)
@click.option("--country", "countries", multiple=True, help="Code or name; again for each. Replaces those there are.")
@click.option("--topic", "topics", multiple=True, help="Again for each. Replaces those there are.")
@click.option("--urgent/--not-urgent", default=None, help="Import only proposes; you decide.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which acting helps.")
@pass_context
def edit_(context: Context, /, reference: str, body: TextIO | None, countries: Sequence[str], **values: Any) -> None:
    """Complete or correct an appeal. One that was released becomes a draft and needs approval again."""
    codes = []
    for country in countries:
        code = country_code(country)
        if code is None:
            raise click.BadParameter(f"{country!r} is no country; give a code such as KZ", param_hint="--country")
        codes.append(code)
    deadline = values.pop("deadline")
    changes = Changes(
        body=_words(body) if body else None,
        countries=codes or None,
        deadline=deadline.date() if deadline else None,
        topics=list(values.pop("topics")) or None,
        **values,
    )
    if changes == Changes(language=changes.language):
        raise click.UsageError("Nothing to change. Name at least one of --title, --teaser, --country, --urgent …")
    with context.parts.database.write() as session:
        found = find_appeal(session, reference)
        was = found.status
        edit(found, changes)
        now_draft = was is not found.status
    say(
        f"{reference} is changed."
        + (" It is a draft again: approve it to release what stands there now." if now_draft else "")
    )


@appeal.command()
@click.argument("reference")
@pass_context
def update(context: Context, reference: str) -> None:
    """Take what the source says now in place of what stands here. The appeal then needs approval."""
    with context.parts.database.write() as session:
        found = find_appeal(session, reference)
        offered = [text for text in found.texts if text.offered] or [found.text]
        for text in offered:
            take_offered(found, text)
    say(f"{reference} says what its source says now. Approve it to release that.")


@appeal.command()
@click.argument("references", nargs=-1, metavar="REFERENCE...")
@click.option("--all", "everything", is_flag=True, help="Every draft.")
@pass_context
def approve(context: Context, references: tuple[str, ...], everything: bool) -> None:
    """Release drafts, so that the next digest carries them."""
    if bool(references) == everything:
        raise click.UsageError("Name the appeals, or give --all.")
    parts = context.parts
    with parts.database.write() as session:
        if everything:
            query = select(Appeal).options(selectinload(Appeal.texts)).order_by(Appeal.id)
            chosen = [found for found in session.scalars(query) if found.waits_for_approval]
        else:
            chosen = [find_appeal(session, reference) for reference in references]
        released = [found.reference for found in chosen if found.approve(parts.clock())]
        today = parts.clock().date()
        late = [found.reference for found in chosen if found.deadline and found.deadline < today]
    for reference in late:
        warn(f"{reference}: its deadline has passed; it goes into no mail.")
    for reference in references:
        if reference not in released:
            say(f"{reference} was released already.")
    say(f"Released {counted(len(released), 'appeal')}: {', '.join(released)}." if released else "Nothing to release.")


@appeal.command()
@click.argument("reference")
@pass_context
def close(context: Context, reference: str) -> None:
    """Close an appeal: it goes into no further mail."""
    with context.parts.database.write() as session:
        closed = find_appeal(session, reference).close(context.parts.clock())
    say(f"{reference} is closed." if closed else f"{reference} was closed already.")


def _words(file: TextIO) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} is not UTF-8 text; save it as UTF-8", param_hint="--body") from None


def _summary(fates: Sequence[Intake], *, dry_run: bool) -> str:
    counts = Counter(fate.taken for fate in fates)
    words = [f"{counts[Taken.NEW]:,} new"]
    for taken, said in (
        (Taken.TRANSLATION, "translated"),
        (Taken.UPDATED, "updated"),
        (Taken.CHANGED, "changed at the source and kept"),
        (Taken.UNCHANGED, "unchanged"),
    ):
        if counts[taken]:
            words.append(f"{counts[taken]:,} {said}")
    summary = f"{counted(len(fates), 'appeal')} read: {', '.join(words)}."
    if dry_run:
        return summary + " Nothing was kept (--dry-run)."
    if counts[Taken.CHANGED]:
        warn("Something changed at its source: `newsletter appeal show REFERENCE` shows the difference.")
    if counts[Taken.NEW]:
        summary += " New ones are drafts: see `newsletter appeal list`, then `newsletter appeal approve`."
    return summary


def _document(found: Appeal) -> dict[str, Any]:
    text = found.text
    return {
        "reference": found.reference,
        "status": found.status.value,
        "title": text.title,
        "byline": text.byline,
        "published_on": found.published_on.isoformat(),
        "countries": found.countries,
        "teaser": text.teaser,
        "urgent": found.urgent,
        "languages": [each.language for each in found.texts],
        "changed_at_source": any(each.offered for each in found.texts),
    }


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    marks = ("! " if document["urgent"] else "") + document["title"]
    return (
        document["reference"],
        document["status"] + (" (changed at source)" if document["changed_at_source"] else ""),
        document["published_on"],
        " ".join(document["countries"]),
        " ".join(document["languages"]),
        marks,
    )


def _as_text(document: dict[str, Any]) -> str:
    lines = [
        f"{document['reference']}  {document['status']}{'  urgent' if document['urgent'] else ''}",
        f"published {document['published_on']}  deadline {document['deadline'] or '-'}",
        f"countries {' '.join(document['countries']) or '-'}  topics {', '.join(document['topics']) or '-'}",
        *([document["url"]] if document["url"] else []),
    ]
    for text in document["texts"]:
        lines += ["", f"[{text['language']}] {text['title']}", text["byline"], "", text["teaser"]]
        if text["body"]:
            lines += ["", text["body"]]
    return "\n".join(lines)
