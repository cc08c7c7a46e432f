"""`newsletter appeal`: bring appeals in, and look at them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from newsletter.appeals.deeds import DeedName, deeds_of
from newsletter.appeals.document import AppealDocument
from newsletter.appeals.editing import differences
from newsletter.appeals.ending import Ending
from newsletter.appeals.intake import Intake, Taken, find_appeal
from newsletter.appeals.model import Appeal, AppealStatus
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.names import Register, said_all
from newsletter.appeals.organisers import acting
from newsletter.appeals.sources import read_source
from newsletter.cli.appeal_editing import edit_, follow_up, sheet, translate, update
from newsletter.cli.appeal_moves import approve, close, history, release, reopen
from newsletter.cli.appeal_picture import picture
from newsletter.cli.context import Context, as_organiser, language_tag, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn

_WORDS = {
    Taken.NEW: "new",
    Taken.TRANSLATION: "translation added",
    Taken.UPDATED: "changed at the source; the draft follows it",
    Taken.CHANGED: "changed at the source; kept as it is here",
}


@click.group()
def appeal() -> None:
    """Bring appeals in, look at them, complete them, and decide what goes out."""


for command in (sheet, edit_, translate, follow_up, picture, update, approve, release, close, reopen, history):
    appeal.add_command(command)


@appeal.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--language", callback=language_tag, help="What all texts are written in; without it each source tells.")
@click.option("--max-pages", type=click.IntRange(1, 1000), default=50, show_default=True, help="Pages to follow.")
@click.option("--article", is_flag=True, help="Each SOURCE is one article's own page.")
@click.option("--dry-run", is_flag=True, help="Show what would come in; change nothing.")
@as_organiser
@pass_context
def import_(
    context: Context,
    sources: tuple[str, ...],
    language: str | None,
    max_pages: int,
    organiser: str | None,
    article: bool,
    dry_run: bool,
) -> None:
    """Read appeals from files or web pages, and keep them as drafts.

    SOURCE is a plain-text listing, a Joomla blog page (a file or an http address, whose further pages are
    followed), a feed, a Markdown file with front matter or, with --article, one article. Nothing is sent; importing
    again changes nothing. `newsletter source add` watches a place instead.
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
                    article=article,
                    today=today_somewhere(parts.clock()),
                    on_page=lambda number, place: bar.update(
                        bar.task_ids[0], completed=number, description=f"Reading {place}"
                    ),
                ),
            )
            for source in sources
        ]
    fates: list[Intake] = []
    with parts.database.write() as session:
        by = acting(session, organiser)
        register = Register.load(session, parts.name_seal)
        for source, items in read:
            fates += parts.desk.take_in(session, items, source=source, now=parts.clock(), by=by)
        if dry_run:
            session.rollback()
    for fate in fates:
        if fate.taken is not Taken.UNCHANGED:
            title = register.said(fate.title, fate.language)
            say(printable(f"{fate.reference}  {_WORDS[fate.taken]}: {title}"))
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
        register = Register.load(session, context.parts.name_seal)
        documents = [_document(found, register) for found in session.scalars(query)]
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
        register = Register.load(session, context.parts.name_seal)
        found = find_appeal(session, reference)
        document = _document(found, register) | _details(session, found, register)
        changed = [
            (text.language, register.said("\n".join(differences(text)), text.language))
            for text in found.texts
            if text.offered
        ]
    if as_json:
        show_json(document)
        return
    say(printable(_as_text(document)))
    for language, lines in changed:
        say(f"\nChanged at the source ({language}); `newsletter appeal update {reference}` takes it:")
        say(printable(lines))


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


def _document(found: Appeal, register: Register) -> dict[str, Any]:
    text = found.text

    def said(words: str) -> str:
        return register.said(words, text.language)

    return {
        "reference": found.reference,
        "status": found.status.value,
        "title": said(text.title),
        "byline": said(text.byline),
        "published_on": found.published_on.isoformat(),
        "countries": found.countries,
        "teaser": said(text.teaser),
        "urgent": found.urgent,
        "urgency": found.urgency.value,
        "languages": [each.language for each in found.texts],
        "follow_up": found.follow_up.value if found.follow_up else None,
        "ending": found.ending.value if found.ending else None,
        "changed_at_source": any(each.offered for each in found.texts),
    }


def _details(session: Session, found: Appeal, register: Register) -> dict[str, Any]:
    """Give what `show` tells beside `list`; every text says names as far as they may be said."""
    first = found.text.language
    names = session.scalars(select(DeedName).where(DeedName.appeal_id == found.id).order_by(DeedName.id))
    document = found.document()
    return {
        "revision": found.revision,
        "public": _public(found, document),
        "next": "approve" if found.waits_for_approval else "release" if found.waits_for_release else None,
        "topics": found.topics,
        "deadline": found.deadline.isoformat() if found.deadline else None,
        "url": found.text.url,
        "source": register.said(found.source, first),
        "released_at": found.released_at.isoformat() if found.released_at else None,
        "original": found.original.reference if found.original else None,
        "audience": found.audience.value,
        "follow_ups": [each.reference for each in found.follow_ups],
        "picture": found.picture or None,
        "picture_credit": register.said(found.picture_credit, first),
        "actions": said_all(found.actions, register, first),
        "texts": [
            {name: said_all(value, register, text.language) for name, value in asdict(text.document).items()}
            | {
                "pictures": said_all(text.pictures, register, text.language),
                "status": text.status.value,
                "missing": list(document.missing_in(text.language)),
                "edited": text.edited,
                "changed_at_source": said_all(text.offered, register, text.language),
            }
            for text in found.texts
        ],
        "deeds": deeds_of(session, found.id),
        "deed_names": [{"action": row.action, "name": row.name, "at": row.at.isoformat()} for row in names],
    }


def _public(found: Appeal, document: AppealDocument) -> str:
    """Say what its page shows."""
    public = found.public_document()
    if public is None:
        return "withdrawn" if found.ending is Ending.WITHDRAWN and found.public_id is not None else "nothing"
    return "this" if public == document else "earlier"


_PUBLIC = {
    "withdrawn": "its page says that it was withdrawn",
    "nothing": "it has no page yet",
    "this": "its page shows what stands here",
    "earlier": "its page shows what was released before",
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
    urgency = "" if document["urgency"] == "normal" else f"  {document['urgency'].replace('_', ' ')}"
    ending = f" ({document['ending'].replace('_', ' ')})" if document["ending"] else ""
    lines = [
        f"{document['reference']}  {document['status']}{ending}{urgency}  revision {document['revision']}",
        _PUBLIC[document["public"]]
        + (f"; next: newsletter appeal {document['next']} {document['reference']}" if document["next"] else ""),
        f"published {document['published_on']}  deadline {document['deadline'] or '-'}",
        f"countries {' '.join(document['countries']) or '-'}  topics {', '.join(document['topics']) or '-'}",
        *(
            [f"{document['follow_up']} of {document['original']}, for {document['audience']}"]
            * bool(document["follow_up"])
        ),
        *([f"continued by {', '.join(document['follow_ups'])}"] * bool(document["follow_ups"])),
        *([document["url"]] if document["url"] else []),
    ]
    for text in document["texts"]:
        lines += ["", f"[{text['language']}] {text['title']}  ({text['status']})", text["byline"], "", text["teaser"]]
        lines += ["", *(f"· {demand}" for demand in text["demands"])] if text["demands"] else []
        lines += ["", f"Not translated: {', '.join(text['missing'])}"] if text["missing"] else []
        lines += ["", text["body"]] if text["body"] else []
        lines += ["", f"Background: {text['background']}"] if text["background"] else []
        lines += ["", "Pictures at the source:"] if text["pictures"] else []
        lines += [f"{n}. {each['url']}  {each['alt']}" for n, each in enumerate(text["pictures"], start=1)]
    if document["picture"]:
        lines += ["", f"Picture by {document['picture_credit'] or '-'}"]
        lines += [f"   [{text['language']}] {text['picture_alt']}" for text in document["texts"] if text["picture_alt"]]
    for action in document["actions"]:
        lines += _action_lines(action, document["deeds"].get(action["key"], 0))
    for row in document["deed_names"]:
        lines.append(f"   {row['name']} did {row['action']} on {row['at'][:10]}")
    return "\n".join(lines)


def _action_lines(action: dict[str, Any], done: int) -> list[str]:
    """Show an action whole: whoever approves it has to read every word that goes out."""
    lines = ["", f"{action['key']}. {action['kind']}  (done {done:,} times)"]
    lines += [f"   {action[name]}" for name in ("url", "place") if action[name]]
    for target in action["targets"]:
        about = [target["office"], *target["postal_address"].splitlines(), *target["emails"], target["phone"]]
        reads = f"reads {', '.join(target['languages'])}" if target["languages"] else ""
        lines.append("   to " + ", ".join(filter(None, [target["name"], *about, reads])))
    for language, words in action["words"].items():
        lines.append(f"   [{language}] {words['say']}")
        lines += [f"      Subject: {words['subject']}"] if words["subject"] else []
        lines += [f"      {line}".rstrip() for line in words["letter"].splitlines()]
    return lines
