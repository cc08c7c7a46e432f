"""`newsletter appeal sheet`, `edit`, `translate`, `follow-up`, `update`: what an appeal says."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from newsletter.appeals.countries import country_code
from newsletter.appeals.editing import Changes, NoSuchText, TextThere, edit, remove_text
from newsletter.appeals.editing import follow_up as begin_follow_up
from newsletter.appeals.editing import translate as add_text
from newsletter.appeals.intake import find_appeal, take_offered
from newsletter.appeals.model import Act, Appeal, Audience, FollowUp
from newsletter.appeals.moments import today_somewhere
from newsletter.appeals.names import Register
from newsletter.appeals.organisers import acting
from newsletter.appeals.sheet import read_sheet, write_sheet
from newsletter.appeals.urgency import Urgency
from newsletter.cli.context import Context, as_organiser, language_tag, pass_context
from newsletter.cli.screen import say, warn
from newsletter.delivery.report import still_carrying

_from_sheet = click.option(
    "--from",
    "sheet_file",
    type=click.File(encoding="utf-8"),
    help="A Markdown file with all of it; - for standard input.",
)


at_revision = click.option("--revision", type=int, help="The one that you read; refused if it is another now.")


def _words_of(file: TextIO, option: str) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file.name} is not UTF-8 text; save it as UTF-8", param_hint=option) from None


@click.command("sheet")
@click.argument("reference")
@click.option("--language", callback=language_tag, help="Which text; without it the first.")
@pass_context
def sheet(context: Context, reference: str, language: str | None) -> None:
    """Print an appeal as a Markdown file: edit that, and hand it back with `appeal edit --from`.

    A protected name stands in it as a mark such as {name-3}.
    """
    with context.parts.database.read() as session:
        say(_sheet(find_appeal(session, reference), language).rstrip("\n"))


def _sheet(found: Appeal, language: str | None, translated_into: str | None = None) -> str:
    document = found.document()
    texts = {text.language: text for text in document.texts}
    chosen = texts.get(language or found.text.language)
    if chosen is None:
        raise NoSuchText(reference=found.reference, language=language, languages=", ".join(texts))
    if translated_into is not None:
        if translated_into in texts:
            raise TextThere(reference=found.reference, language=translated_into)
        document = document.as_if_in(translated_into)
        chosen = document.texts[0]
    return write_sheet(document, chosen, revision=found.revision)


@click.command("edit")
@click.argument("reference")
@click.option("--language", callback=language_tag, help="Which text the words belong to; without it the first.")
@_from_sheet
@click.option("--title")
@click.option("--byline")
@click.option("--teaser", help="Plain text.")
@click.option(
    "--body", type=click.File(encoding="utf-8"), help="A file with the full text as Markdown; - for standard input."
)
@click.option("--country", "countries", multiple=True, help="Code or name; again for each. Replaces those there are.")
@click.option("--topic", "topics", multiple=True, help="Again for each. Replaces those there are.")
@click.option("--urgency", type=click.Choice([urgency.value for urgency in Urgency]), help="Import only proposes it.")
@click.option("--urgent/--not-urgent", default=None, help="The same in short.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which acting helps.")
@click.option("--no-deadline", is_flag=True, help="Take the deadline away.")
@at_revision
@as_organiser
@pass_context
def edit_(
    context: Context,
    /,
    reference: str,
    sheet_file: TextIO | None,
    body: TextIO | None,
    countries: Sequence[str],
    organiser: str | None,
    revision: int | None,
    **values: Any,
) -> None:
    """Complete or correct an appeal; one that was approved needs approval again.

    Without any option your editor ($EDITOR) opens with the whole appeal, actions and model letters too.
    """
    language = values.pop("language")
    changes = _changes(language, body, countries, values)
    if sheet_file is not None:
        _refuse_both(changes)
        changes, _, revision_read = read_sheet(
            _words_of(sheet_file, "--from"), place=sheet_file.name, reference=reference
        )
        revision = revision_read if revision is None else revision
    elif changes == Changes(language=language):
        written = _in_editor(context, reference, language)
        try:
            changes, _, revision = read_sheet(written, place="what you wrote", reference=reference)
            _edit(context, reference, changes, organiser, revision)
        except Exception:
            kept = _keep(reference, written)
            warn(f"What you wrote is kept: mend {kept}, then `newsletter appeal edit {reference} --from {kept}`.")
            raise
        return
    _edit(context, reference, changes, organiser, revision)


def _edit(context: Context, reference: str, changes: Changes, organiser: str | None, revision: int | None) -> None:
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        found = find_appeal(session, reference, lock=True)
        was = found.status
        changed = edit(found, changes, act, Register.writing(session, parts.name_seal), revision=revision)
        now_draft = was is not found.status
        number = found.revision
        late = changes.deadline is not None and changes.deadline < today_somewhere(act.at)
        carrying = still_carrying(session, found.id) if changed else []
    for mailing in carrying:
        warn(
            f"Mailing {mailing} still sends it as it was approved: `newsletter mailing pause {mailing}` holds it back."
        )
    if late:
        warn(f"The deadline, {changes.deadline}, has passed: {reference} goes into no mail.")
    if not changed:
        say(f"{reference} says that already; nothing was changed.")
        return
    say(
        f"{reference} is changed (revision {number})."
        + (" It is a draft again: approve it to release what stands there now." if now_draft else "")
    )


def _in_editor(context: Context, reference: str, language: str | None, translated_into: str | None = None) -> str:
    with context.parts.database.read() as session:
        before = _sheet(find_appeal(session, reference), language, translated_into)
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal for an editor. Name what to change, or give --from: see --help.")
    written = click.edit(before, extension=".md")
    if written is None or written == before:
        raise click.UsageError("Nothing to change. Save something in the editor, or name what to change: see --help.")
    return written


def _keep(reference: str, written: str) -> Path:
    """Write down what an organiser wrote, under a name that is free."""
    number = 1
    while (path := Path(f"{reference.replace('/', '-')}.{number}.md")).exists():
        number += 1
    path.write_text(written, encoding="utf-8")
    return path


def _refuse_both(changes: Changes) -> None:
    if changes != Changes(language=changes.language):
        raise click.UsageError("Give either --from or single changes, not both.")


def _changes(language: str | None, body: TextIO | None, countries: Sequence[str], values: dict[str, Any]) -> Changes:
    codes = []
    for country in countries:
        code = country_code(country)
        if code is None:
            raise click.BadParameter(f"{country!r} is no country; give a code such as KZ", param_hint="--country")
        codes.append(code)
    deadline, urgent, urgency = values.pop("deadline"), values.pop("urgent"), values.pop("urgency")
    if urgent is not None and urgency is None:
        urgency = Urgency.URGENT if urgent else Urgency.NORMAL
    if deadline is not None and values["no_deadline"]:
        raise click.UsageError("Give either --deadline or --no-deadline.")
    return Changes(
        language=language,
        body=_words_of(body, "--body") if body else None,
        countries=codes or None,
        deadline=deadline.date() if deadline else None,
        topics=list(values.pop("topics")) or None,
        urgency=Urgency(urgency) if urgency else None,
        **values,
    )


@click.command("translate")
@click.argument("reference")
@click.argument("language", callback=language_tag)
@_from_sheet
@click.option("--title")
@click.option("--byline")
@click.option("--teaser", help="Plain text.")
@click.option("--body", type=click.File(encoding="utf-8"), help="A file with the full text as Markdown.")
@click.option("--remove", is_flag=True, help="Take the text in that language away.")
@as_organiser
@pass_context
def translate(
    context: Context,
    /,
    reference: str,
    language: str,
    sheet_file: TextIO | None,
    body: TextIO | None,
    remove: bool,
    organiser: str | None,
    **words: str | None,
) -> None:
    """Add an appeal's text in another language. It waits for its own approval; what is out stays out.

    Without any option your editor ($EDITOR) opens with the first text, model letters too: write over it.
    """
    changes = Changes(language=language, body=_words_of(body, "--body") if body else None, **words)  # type: ignore[arg-type]  # click gives texts
    if remove:
        if sheet_file is not None or changes != Changes(language=language):
            raise click.UsageError("Give either --remove or words, not both.")
        _remove_text(context, reference, language, organiser)
    elif sheet_file is not None:
        _refuse_both(changes)
        changes, _ = _translation(_words_of(sheet_file, "--from"), language, sheet_file.name)
        _translate(context, reference, changes, organiser, None)
    elif changes == Changes(language=language):
        written = _in_editor(context, reference, None, translated_into=language)
        try:
            changes, revision = _translation(written, language, "what you wrote")
            _translate(context, reference, changes, organiser, revision)
        except Exception:
            kept = _keep(reference, written)
            again = f"newsletter appeal translate {reference} {language} --from {kept}"
            warn(f"What you wrote is kept: mend {kept}, then `{again}`.")
            raise
    else:
        _translate(context, reference, changes, organiser, None)


def _translation(written: str, language: str, place: str) -> tuple[Changes, int | None]:
    """Take a text's own words of a sheet; the facts are the appeal's."""
    read, said, revision = read_sheet(written, place=place)
    if said != language:
        raise click.UsageError(f"{place[:1].upper() + place[1:]} is in {said!r}, not in {language!r}.")
    changes = Changes(
        language=language,
        **{name: getattr(read, name) for name in ("title", "byline", "teaser", "body", "background", "demands")},
        picture_alt=read.picture_alt,
        url=read.url,
        actions=read.actions,
    )
    return changes, revision


def _translate(context: Context, reference: str, changes: Changes, organiser: str | None, revision: int | None) -> None:
    parts = context.parts
    language = changes.language or ""
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        found = find_appeal(session, reference, lock=True)
        found.expect(revision)
        add_text(found, language, changes, act, Register.writing(session, parts.name_seal))
        missing = found.document().missing_in(language)
    say(f"{reference} has a text in {language} now. It waits for approval.")
    if missing:
        say(
            f"Not translated: {', '.join(missing)}. `newsletter appeal edit {reference} --language {language}` goes on."
        )


def _remove_text(context: Context, reference: str, language: str, organiser: str | None) -> None:
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock(), note=f"without {language}")
        found = find_appeal(session, reference, lock=True)
        remove_text(found, language, act)
        waits = found.waits_for_approval
    say(f"{reference} has no text in {language} any more." + (" It waits for approval." if waits else ""))


@click.command("follow-up")
@click.argument("reference")
@click.option("--kind", type=click.Choice([kind.value for kind in FollowUp]), required=True)
@click.option(
    "--to",
    "audience",
    type=click.Choice([audience.value for audience in Audience]),
    help="everyone whom it concerns, or the recipients of the original alone (the default of a correction).",
)
@_from_sheet
@click.option("--language", callback=language_tag, help="What it is written in; without it the original's first.")
@click.option("--title")
@click.option("--byline")
@click.option("--teaser", help="Plain text.")
@click.option("--body", type=click.File(encoding="utf-8"), help="A file with the full text as Markdown.")
@as_organiser
@pass_context
def follow_up(
    context: Context,
    /,
    reference: str,
    kind: str,
    audience: str | None,
    sheet_file: TextIO | None,
    language: str | None,
    body: TextIO | None,
    organiser: str | None,
    **words: str | None,
) -> None:
    """Continue an appeal, with an update, a correction or a victory. It begins as a draft."""
    changes = Changes(body=_words_of(body, "--body") if body else None, **words)  # type: ignore[arg-type]  # click gives texts
    if sheet_file is not None:
        _refuse_both(changes)
        changes, language, _ = read_sheet(_words_of(sheet_file, "--from"), place=sheet_file.name)
    default = Audience.RECIPIENTS if kind == FollowUp.CORRECTION else Audience.EVERYONE
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        original = find_appeal(session, reference, lock=True)
        made = begin_follow_up(
            session,
            original,
            FollowUp(kind),
            Audience(audience) if audience else default,
            language or original.text.language,
            changes,
            act,
            Register.writing(session, parts.name_seal),
        ).reference
    say(f"{made} continues {reference}. It is a draft: complete it, then approve and release it.")


@click.command("update")
@click.argument("reference")
@at_revision
@as_organiser
@pass_context
def update(context: Context, reference: str, revision: int | None, organiser: str | None) -> None:
    """Take what the source says now in place of what stands here. The appeal then needs approval."""
    parts = context.parts
    with parts.database.write() as session:
        parts.database.share(session, "names")
        act = Act(by=acting(session, organiser), at=parts.clock())
        found = find_appeal(session, reference, lock=True)
        found.expect(revision)
        offered = [text for text in found.texts if text.offered] or [found.text]
        for text in offered:
            take_offered(found, text, act)
    say(f"{reference} says what its source says now. Approve it to release that.")
