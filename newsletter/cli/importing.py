"""`newsletter subscriber import`, `imports` and `undo`: people are taken over from elsewhere, and given back."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from newsletter.appeals.countries import country_code
from newsletter.cli.context import Context, pass_context
from newsletter.cli.screen import counted, printable, progress, say, show_json, show_table, warn
from newsletter.delivery.undoing import undo_import
from subscribers.csv_file import CsvFile, open_csv
from subscribers.formats import speaks_of_leaving
from subscribers.import_row import Reason, Row, RowProblem
from subscribers.importing import ImportReport, import_subscribers
from subscribers.imports import UNDO_WITHIN, Import

SHOWN = 20
KNOWN = "email, name, language, topics, countries, cadence, confirmed_at, consent_source, status"


def _mapping(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> Mapping[str, str]:
    """Take which column holds which field, or say how that is written."""
    fields = (*Row._fields[1:], "first", "last")
    found = {}
    for one in given:
        field, equals, column = one.partition("=")
        if not equals or not column or field not in fields:
            raise click.BadParameter(f"{one!r} is not FIELD=COLUMN with one of these fields: {', '.join(fields)}")
        found[field] = column
    return found


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--consent", help='How everybody in the file agreed: "signed the list at the May Day stall, 2026".')
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write every row not taken to this new file."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_mapping,
    metavar="FIELD=COLUMN",
    help="Which column holds a field, where that is not found out: --column email='E-Mail privat'.",
)
@click.option(
    "--undo-within",
    "undo_days",
    type=click.IntRange(0, 3_650),
    default=UNDO_WITHIN.days,
    show_default=True,
    help="For how many days `subscriber undo` can take it back.",
)
@click.option(
    "--only-subscribed",
    is_flag=True,
    help="Nobody is in the file who has left: for systems whose export does not say who has (listmonk).",
)
@click.option("--dry-run", is_flag=True, help="Check everything and report; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def import_(
    context: Context,
    file: Path,
    consent: str | None,
    report: Path | None,
    columns: Mapping[str, str],
    undo_days: int,
    only_subscribed: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take people over from a CSV file. Nobody who left comes back by it, nobody's own choices change.

    Columns: email, name, language, topics, countries, cadence, confirmed_at, consent_source, status; several values
    in a cell apart by |. Each row needs to say when and how that person agreed, or --consent says it for all.

    What listmonk, Mailchimp, phpList, Mailman 3 and Action Network export is recognised. Whoever had left there is not
    taken, and suppressed.
    """
    parts = context.parts
    with ExitStack() as stack:
        csv = stack.enter_context(open_csv(file, mapping=columns, only_subscribed=only_subscribed))
        sink = stack.enter_context(report.open("x", encoding="utf-8")) if report else None

        def note(problem: RowProblem) -> None:
            if sink:
                sink.write(printable(f"line {problem.line}: {problem.sentence}") + "\n")

        bar = stack.enter_context(progress("Reading", total=None))
        session = stack.enter_context(parts.database.write())
        parts.database.serialise(session, "subscribers")
        found = import_subscribers(
            session,
            csv,
            suppression=parts.suppression,
            consent=consent,
            default_language=parts.settings.language,
            country_code=country_code,
            now=parts.clock(),
            file=file.name,
            undo_within=timedelta(days=undo_days),
            dry_run=dry_run,
            on_problem=note,
            on_progress=lambda count: bar.update(bar.task_ids[0], completed=count),
        )
    if as_json:
        show_json(_report_document(found, csv, dry_run=dry_run))
    else:
        _tell(found, csv, report, dry_run=dry_run)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def imports(context: Context, as_json: bool) -> None:
    """List imports, the newest first, and until when each can be undone."""
    with context.parts.database.read() as session:
        every = [_import_document(one) for one in session.scalars(select(Import).order_by(Import.id.desc()))]
    if as_json:
        show_json(every)
    elif not every:
        say("Nothing was imported yet: newsletter subscriber import FILE.csv")
    else:
        show_table(
            ("number", "file", "at", "taken", "can be undone until"),
            [
                (
                    str(one["number"]),
                    one["file"],
                    one["at"][:16],
                    f"{one['taken']:,}",
                    f"undone {one['undone_at'][:16]}" if one["undone_at"] else one["undo_until"][:16],
                )
                for one in every
            ],
        )


@click.command()
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
@pass_context
def undo(context: Context, number: int, as_json: bool) -> None:
    """Take back the import with this NUMBER: whoever came by it goes, unless they have acted by themselves since.

    Nobody is suppressed by it, so that the right file can be imported afterwards. An address that another file, too,
    says has left stays suppressed; so does one whose owner has left here since.
    """
    parts = context.parts
    with progress("Undoing", total=None) as bar, parts.database.write() as session:
        done = undo_import(
            session,
            number,
            database=parts.database,
            suppression=parts.suppression,
            now=parts.clock(),
            on_progress=lambda count: bar.update(bar.task_ids[0], completed=count),
        )
    if as_json:
        show_json(asdict(done))
        return
    say(
        f"Import {number} is undone: {counted(done.removed + done.emptied, 'subscriber')} removed, "
        f"{done.kept:,} kept since they have left or chosen otherwise by themselves."
        + (f" {counted(done.lifted, 'address', 'addresses')} suppressed no longer." if done.lifted else "")
    )


def _report_document(found: ImportReport, csv: CsvFile, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "number": found.number,
        "format": csv.format,
        "read": found.read,
        "taken": found.taken,
        "already_there": found.already_there,
        "barred": found.barred,
        "not_taken": {reason.value: count for reason, count in found.not_taken.items()},
        "problems": [
            {"line": problem.line, "reason": problem.reason.value, "sentence": problem.sentence}
            for problem in found.problems
        ],
        "encoding": csv.encoding,
        "ignored_columns": list(csv.ignored),
    }


def _tell(found: ImportReport, csv: CsvFile, report: Path | None, *, dry_run: bool) -> None:
    if not csv.encoding.startswith("utf"):
        warn(f"Read as {csv.encoding}: if names look wrong, save the file as UTF-8 and import that.")
    if csv.format:
        say(f"Recognised as {csv.format}'s.")
    passed_over = [name for name in csv.ignored if not csv.format or speaks_of_leaving(name)]
    if passed_over:
        warn(printable(f"Columns not used: {', '.join(passed_over)}. Known are {KNOWN}."))
    shown = found.problems[:SHOWN]
    for problem in shown:
        warn(printable(f"line {problem.line}: {problem.sentence}"))
    if found.not_taken.keys() & {Reason.NO_CONSENT_DATE, Reason.NO_CONSENT_SOURCE}:
        warn('If everybody in the file agreed in one way, say so: --consent "signed the list at the May Day stall".')
    rest = found.not_taken_in_all - len(shown)
    if rest:
        where = f"all of them are in {report}" if report else "--report FILE writes them all down"
        warn(f"… and {counted(rest, 'row')} more not taken; {where}.")
    say(
        f"{counted(found.read, 'row')} read: {found.taken:,} {'would be taken' if dry_run else 'taken'}, "
        f"{found.already_there:,} already there, {found.not_taken_in_all:,} not taken."
        + (" Nothing was changed (--dry-run)." if dry_run else "")
    )
    if found.barred:
        barred = counted(found.barred, "address", "addresses")
        say(f"{barred} suppressed{' (would be)' * dry_run}: their owners had left at the former place.")
    if found.number:
        say(f"To take it back: newsletter subscriber undo {found.number}")


def _import_document(found: Import) -> dict[str, Any]:
    return {
        "number": found.id,
        "file": printable(found.file),
        "at": found.at.isoformat(),
        "consent": found.consent,
        "taken": found.taken,
        "undo_until": found.undo_until.isoformat(),
        "undone_at": found.undone_at and found.undone_at.isoformat(),
    }
